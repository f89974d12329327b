"""Ask a published model as NVIDIA's scripts spell it.

    AF1    </s>the task is ... . <audio>question\\nanswer:<SEP>
    AF2    <audio>question<SEP>

`model.ask` comes here when the weights are published ones: `from_official` names their
config "official", and `save_pretrained` keeps the name. Every other model reads the
spelling of `prompts.py`, and weights that were trained on it must bear another name.
AF1's training text says `The task is` and `Answer:`; its inference script does not.

Taught in: notebooks/12_real_weights.ipynb
"""

from collections.abc import Sequence
from functools import partial

from .. import chat, generation
from ..disk.examples import check_examples
from ..model import AudioFlamingo
from ..prompts import SEP, clean, task_words
from .prompts import (
    af2_text,
    official_chat_text,
    official_eval_text,
    official_inference_text,
)

TASK = "audio question answering"  # of AF1, where none is given
NEW_TOKENS = {"af1": 128, "af2": 256}


def ask(
    model: AudioFlamingo,
    clip,
    question: str | Sequence[str],
    examples: Sequence | None = None,
    task: str | Sequence[str | None] | None = None,
    **kwargs,
) -> str | list[str]:
    """Answer questions about clips; arguments and answers as of `generation.ask`.

    What is said of AF1 and AF2 here is said of published weights; for all others this
    is `generation.ask`.

    Args:
        examples: demonstrations, for AF1 only; see `official_prompt`.
        task: None is "audio question answering". AF2's prompts name no task.
        kwargs: `seed`, and arguments of Hugging Face `generate`; 128 new tokens in AF1
            and 256 in AF2 unless they say otherwise.

    Raises:
        ValueError: as `generation.ask` does, for an empty question, and when AF2, or a
            model that hears as it does, is given examples.
        TypeError: for a question that is no text, and for examples that are no list.

    Official: inference/inference_examples.py, inference_HF_pretrained/inference.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    check_questions(question)
    if model.config.name != "official":
        if any(examples_of(clip, examples)) and not model.config.location_mask:
            raise ValueError(
                "examples came for a model that hears a row as one audio, as AF2 does: "
                "it cannot tell them from the clip. Leave them out, or ask 'mini'."
            )
        return generation.ask(model, clip, question, examples, task, **kwargs)
    kwargs.setdefault("max_new_tokens", NEW_TOKENS[model.config.family])
    spell = partial(official_prompt, model.config.family)
    return generation.ask(model, clip, question, examples, task, spell=spell, **kwargs)


def check_questions(question) -> None:
    """Refuse what asks nothing: a question, or a list of them, holds a text each.

    Raises TypeError for what is no text, as where clip and question changed places, and
    ValueError for an empty one, else as `clean`.
    """
    for text in question if generation.is_list(question) else [question]:
        if not isinstance(text, str):
            raise TypeError(
                f"a string is expected; {type(text).__name__} came. Call "
                "model.ask(clip, question): the question comes second."
            )
        if not clean(text):
            raise ValueError("an empty question came; ask something.")


def examples_of(clip, examples: Sequence | None) -> Sequence:
    """The examples given, or else those that the clips bring; perhaps empty lists.

    Raises TypeError for examples that are no list.
    """
    if examples is not None:
        if not generation.is_list(examples):
            check_examples(examples)  # a lone one, say
        return examples
    clips = clip if generation.is_list(clip) else [clip]
    return [getattr(one, "examples", ()) for one in clips]


def ask_official(
    model: AudioFlamingo,
    clip,
    prompt: str,
    prefix: str = f"The task is {TASK}.",
    **kwargs,
) -> str:
    """Answer one prompt about one clip, whatever the model's name is.

    Args:
        clip: a Clip or a path.
        prefix: AF1's sentence about the task; AF2 has none.
        kwargs: as of `ask`.

    Official: inference/inference_examples.py, inference_HF_pretrained/inference.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    generation.check_can_answer(model)
    af1 = model.config.family == "af1"
    text = official_inference_text(prefix, prompt) if af1 else af2_text(prompt)
    kwargs.setdefault("max_new_tokens", NEW_TOKENS[model.config.family])
    heard = generation.encode(model, [[clip]])  # (B, L, E) or (B, L, n, E), (B, L)
    return generation.complete(model, [text], *heard, **kwargs)[0]


def official_prompt(
    family: str,
    question: str,
    task: str | None = None,
    examples: Sequence[tuple[str, str]] = (),
    examples_are: str | None = None,
) -> str:
    """The text of one question as the official scripts spell it, up to its <SEP>.

    `examples` are (prompt, output) pairs of AF1's few-shot prompt, which is that of the
    validation set; `examples_are` is "similar" (None too) or "random". AF2 was trained
    on one sound with one question.

    Raises:
        ValueError: when a text contains a special token, or AF2 is given examples.

    Official: inference/data.py, foundation/data/data.py, audio_flamingo_2/data/data.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    for text in (question, *(text for pair in examples for text in pair)):
        clean(text)  # refuses special tokens; what it returns is our spelling
    if family == "af2" and examples:
        raise ValueError(
            f"{len(examples)} examples came with a question to AF2's published "
            "weights, which were trained without any. Leave examples out."
        )
    if family == "af2":
        return af2_text(question)
    task = task_words(task or TASK)
    if not examples:
        return official_inference_text(f"The task is {task}.", question)
    prompts, outputs = zip(*examples, (question, ""), strict=True)
    plain = {"do_nothing": 1.0}
    kind = examples_are or "similar"
    text = official_eval_text(task, prompts, outputs, plain, interleaved=kind)
    return text[: text.rindex(SEP) + len(SEP)]


class Chat(chat.Chat):
    """`chat.Chat`, and AF1's published weights are spoken to as NVIDIA's script does.

    Raises:
        ValueError: as `chat.Chat` does, and for AF2's published weights.
        TypeError: for what is no model, as where model and clip changed places.

    Official: inference/data.py
    Taught in: notebooks/12_real_weights.ipynb
    """

    def __init__(self, model: AudioFlamingo, clip, *args, **kwargs):
        if not isinstance(model, AudioFlamingo):
            raise TypeError(
                f"a model is expected; {type(model).__name__} came. Call "
                "Chat(model, clip), or model.chat(clip)."
            )
        if model.config.name == "official":
            if model.config.family == "af2":
                raise ValueError(
                    "AF2's published weights were trained on one question at a time, "
                    "not on conversations. Call model.ask(clip, question) for each."
                )
            self.spell = chat_text
        super().__init__(model, clip, *args, **kwargs)


def chat_text(rounds: Sequence[tuple[str, str]], message: str) -> str:
    """AF1's chat text up to the <SEP> where the answer to `message` is to begin.

    Raises:
        ValueError: when a text contains a special token.
    """
    for text in (message, *(text for pair in rounds for text in pair)):
        clean(text)  # refuses special tokens; capitals are kept
    said = [{"user": user, "assistant": answer} for user, answer in rounds]
    return official_chat_text([*said, {"user": message}], "The task is dialog.")

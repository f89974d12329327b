"""Prompt templates, and labels: which tokens of a text the model learns to say.

    </s>the task is audio captioning. <audio>describe the sound in a sentence.
    answer:<SEP>a dog barks.<|endofchunk|></s>
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ learnt; the rest is only read

One spelling serves training and inference. The official code spells the same prompt in
three ways; `official/prompts.py` has those, for the published weights.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

import re
import unicodedata
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BOS = EOS = "</s>"  # OPT begins and ends a text with the same token
PAD = "<pad>"
AUDIO = "<audio>"  # here the text hears an audio
SEP = "<SEP>"  # the prompt ends, the answer begins
EOC = "<|endofchunk|>"  # the answer ends
SPECIAL = (BOS, PAD, AUDIO, SEP, EOC)
# tokens of the tokenizers that no template writes, and no user may
FOREIGN = ("<s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")

IGNORE = -100  # the label that cross entropy skips

TASK_WORDS = {  # task names that splitting at capitals would spell badly
    "AQA": "audio question answering",
    "AVQA": "audio vision question answering",
    "InstrClassification": "instrument classification",
    "MIR": "music information retrieval",
}


def task_words(task: str) -> str:
    """Spell out a task or dataset name in lower-case words.

    "Clotho-v2-AudioCaptioning" is "audio captioning": the part after the last "-",
    split before its capitals. A name that is already in words comes back lower-cased.

    Official: data/data.py AudioTextData
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    if len(task.split()) > 1:
        return task.strip().lower()
    last = task.strip().split("-")[-1]
    words = TASK_WORDS.get(last) or TASK_WORDS.get(last.split("_")[0])
    words = words or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", last).lower()
    if words == "audio captioning" and "musiccaps" in task.lower():
        return "music captioning"
    return words


def training_text(
    task: str | None,
    prompt: str,
    output: str,
    prefix: bool = True,
    examples: Sequence[tuple[str, str]] = (),
    examples_are: str | None = None,
) -> str:
    """The text of one training example, lower-cased, special tokens included.

    `examples` are (prompt, output) pairs of other audios, which stand first, each with
    an <audio> of its own (interleaved few-shot); `examples_are` says how they were
    chosen, "similar" (None too) or "random". `prefix=False` or `task=None` leaves
    out "the task is ...". The text brings its own </s> at both ends: tokenise it with
    `add_special_tokens=False` if your tokenizer prepends one.

    Raises ValueError when a prompt or an output contains a special token.

    Official: data/data.py AudioTextData, whose spellings differ (official/prompts.py)
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    opening = f"here are {examples_are or 'similar'} examples. " if examples else ""
    if prefix and task is not None:
        opening += f"the task is {clean(task_words(task))}. "
    chunks = [_chunk(*pair) for pair in (*examples, (prompt, output))]
    return BOS + opening + "".join(chunks) + EOS


def inference_text(
    prompt: str,
    task: str | None = None,
    examples: Sequence[tuple[str, str]] = (),
    examples_are: str | None = None,
) -> str:
    """The training text, cut after its last <SEP>: the model says the rest.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    return _cut_after_sep(training_text(task, prompt, "", True, examples, examples_are))


def dialogue_text(rounds: Sequence[tuple[str, str]]) -> str:
    """The training text of a dialogue about one audio: rounds of (user, assistant).

    Raises ValueError for a dialogue without a round.

    Official: chat/data/data.py, which keeps capitals
    Taught in: notebooks/07_prompts_labels_blending.ipynb, notebooks/10_dialogue.ipynb
    """
    if not rounds:
        raise ValueError("A dialogue needs at least one (user, assistant) round.")
    turns = [
        f"user: {clean(user)}\nassistant:{SEP}{clean(assistant)}{EOC}{EOS}"
        for user, assistant in rounds
    ]
    return f"{BOS}the task is dialog. {AUDIO}" + "\n".join(turns)


def dialogue_inference_text(rounds: Sequence[tuple[str, str]], user: str) -> str:
    """Earlier rounds and a new question, cut where the assistant is to speak.

    Taught in: notebooks/07_prompts_labels_blending.ipynb, notebooks/10_dialogue.ipynb
    """
    return _cut_after_sep(dialogue_text([*rounds, (user, "")]))


def clean(text: str) -> str:
    """Strip and lower-case a text of the user, and refuse special tokens inside it.

    An accent that stands behind its letter, as in names of folders on a Mac, joins it
    (NFC): the model has read letters whole.

    Raises TypeError for what is no text, ValueError for one that holds a token, in
    capitals or not (lower-cased, <AUDIO> would be the token), or half a character.
    """
    if not isinstance(text, str):
        raise TypeError(f"a string is expected; {type(text).__name__} came.")
    text = unicodedata.normalize("NFC", text).strip().lower()
    text.encode()  # half of a cut emoji is no text: UnicodeEncodeError, a ValueError
    found = [token for token in SPECIAL + FOREIGN if token.lower() in text]
    if found:
        raise ValueError(
            f"The text {text[:60]!r} contains {', '.join(found)}. The template writes "
            "these tokens; leave them out of prompts and outputs."
        )
    return text


def without_tokens(text: str, instead: str = "") -> str:
    """A text without what spells a special token, which `clean` would refuse."""
    spelt = "|".join(map(re.escape, SPECIAL + FOREIGN))
    return re.sub(spelt, instead, text, flags=re.IGNORECASE)


def _chunk(prompt: str, output: str) -> str:
    return f"{AUDIO}{clean(prompt)}\nanswer:{SEP}{clean(output)}{EOC}"


def _cut_after_sep(text: str) -> str:
    return text[: text.rindex(SEP) + len(SEP)]


def build_labels(
    input_ids: Tensor,
    pad: int,
    audio: int,
    sep: int,
    eoc: int,
    eos: int,
    first: int = 2,
) -> Tensor:
    """Labels (B, T) of token ids (B, T): the id where it is learnt, -100 elsewhere.

    A token is learnt when it stands after a <SEP> and before or on the next
    <|endofchunk|>, so every answer of an interleaved text or a dialogue counts; so is
    every eos. Padding, <audio> and the `first` positions never are: 2 in AF1, whose
    tokenizer and template both write </s>; 1 in AF2. An answer that truncation has cut
    off at the end of the row is dropped whole: its end would be learnt wrongly. The
    shift by one position is the loss's business.

    Official: train/train_utils.py train_one_epoch, a double Python loop
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    labels = input_ids.clone()
    labels[(labels == pad) | (labels == audio)] = IGNORE
    labels[:, :first] = IGNORE

    # inside an answer: the last <SEP> before here came after the last <|endofchunk|>
    position = torch.arange(1, labels.shape[1] + 1, device=labels.device)
    last_sep = (position * (labels == sep)).cummax(dim=1).values
    last_eoc = (position * (labels == eoc)).cummax(dim=1).values
    inside = F.pad(last_sep > last_eoc, (1, -1))  # of the position before: (B, T)
    labels[~(inside | (labels == eos))] = IGNORE

    # behind the last answer that ends, nothing may be left over
    stops = (labels == eoc) | (labels == eos) | (labels == IGNORE)
    last_stop = (position * stops).amax(dim=1, keepdim=True)  # (B, 1)
    return labels.masked_fill(position > last_stop, IGNORE)

"""Ask a question about a sound: prompts, a batch padded on the left, decoding.

The audio is encoded once, and the keys and values of every gated block are computed
once for a whole answer. The official code computes them again for every new token.

It also has a fault that shows only here. With a cache, a step sees one token, but the
official mask still counts `<audio>` tokens inside that one token. It finds none: from
the second generated token on the model hears the first demonstration of a few-shot
prompt, not the sound it was asked about. Here the mask of a new token is made from all
ids so far, and cached answers equal uncached ones.

Taught in: notebooks/06_the_audio_flamingo.ipynb
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from .audio import Clip, hear, load_audio
from .data import Example, open_clip
from .disk.examples import check_demonstrations
from .model import AudioFlamingo
from .prompts import inference_text

ROWS = 32  # questions that are answered together; more would want memory for all sounds


def ask(
    model: AudioFlamingo,
    clip: Clip | str | Path | Sequence,
    question: str | Sequence[str],
    examples: Sequence | None = None,
    task: str | Sequence[str | None] | None = None,
    max_new_tokens: int = 64,
    num_beams: int = 1,
    seed: int = 0,
    spell: Callable[..., str] = inference_text,
    **kwargs,
) -> str | list[str]:
    """Answer a question about a clip, or a list of questions about a list of clips.

    Args:
        clip: a Clip or a path, or a list of them. One clip serves all questions.
        question: a text, or a list of them. One question serves all clips.
        examples: demonstrations (`data.Example`), heard before the clip; the same for
            every question, or a list of lists, one per question. None: those of the
            clip, where it is an Example.
        task: words for "the task is ..."; None leaves the sentence out. A list has one
            for each question.
        seed: of the sampling, when `do_sample=True` is among the `kwargs`; that of the
            first `ROWS` questions, the next have their own.
        spell: writes the prompt of a question, its task, its (prompt, output) pairs and
            how these were chosen, "similar" or "random": the clip's `examples_are`.
        kwargs: further arguments of Hugging Face `generate`.

    Returns:
        A string; a list of strings when a list came in.

    Raises:
        ValueError: when clips, questions and examples differ in number, or the model
            has no encoder or tokenizer.

    Official: inference/inference_examples.py
    Taught in: notebooks/00_meet_the_model.ipynb
    """
    check_can_answer(model)
    single = isinstance(question, str) and not is_list(clip)
    clips, questions = pair_up(clip, question)
    if examples is None:  # those that an Example brings
        examples = [list(getattr(clip, "examples", ())) for clip in clips]
    shots = spread_examples(examples, questions)
    tasks, _ = pair_up(task, questions, "tasks")
    pairs = [[(e.prompt, e.output) for e in shot] for shot in shots]
    chosen = [getattr(clip, "examples_are", None) for clip in clips]
    texts = list(map(spell, questions, tasks, pairs, chosen))
    audios = [[*shot, clip] for clip, shot in zip(clips, shots, strict=True)]
    kwargs |= {"max_new_tokens": max_new_tokens, "num_beams": num_beams}
    answers, starts = [], range(0, len(texts), ROWS)
    for start in tqdm(starts, desc="answer", disable=len(starts) < 2):
        rows = slice(start, start + ROWS)
        heard = encode(model, audios[rows])
        answers += complete(model, texts[rows], *heard, seed + start, **kwargs)
    return answers[0] if single and len(answers) == 1 else answers


@torch.no_grad()
def encode(model: AudioFlamingo, audios: Sequence[Sequence]) -> tuple[Tensor, Tensor]:
    """Encoder features (B, L, E) and mask (B, L) of the audios of each row, in order.

    An audio is a Clip, a path or an Example. Dense features are (B, L, n, E).

    Rows with fewer audios than the longest, or than `padded_audios` of the config, are
    padded with windows of silence. A model without a location mask needs no fixed
    number of windows for an audio: there the real windows of a row stand together.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    config, rate = model.config.audio, model.config.audio.sample_rate
    most = max([config.padded_audios, *map(len, audios)])  # A
    shape = (len(audios), most, config.max_windows)  # (B, A, W)
    windows = np.zeros((*shape, config.window), np.float32)  # (B, A, W, samples)
    mask = np.zeros(shape, bool)  # (B, A, W)
    for b, row in enumerate(audios):
        for a, audio in enumerate(row):
            windows[b, a], mask[b, a] = hear(as_clip(audio, rate), config)
    windows = torch.from_numpy(windows).flatten(1, 2)  # (B, L, samples)
    mask = torch.from_numpy(mask).flatten(1)  # (B, L)
    if not model.config.location_mask:
        # real ones first: a gap would move positions, by what stands in other rows
        real = (~mask).byte().argsort(dim=1, stable=True)[:, : mask.sum(1).max()]
        rows = torch.arange(len(mask))[:, None]
        windows, mask = windows[rows, real], mask[rows, real]
    return model.encoder.encode_windows(windows, mask)


def complete(
    model: AudioFlamingo,
    texts: Sequence[str],
    features: Tensor | None,
    audio_mask: Tensor | None,
    seed: int = 0,
    **kwargs,
) -> list[str]:
    """What the model says after each text, up to `<|endofchunk|>` or the end token.

    Args:
        texts: prompts that end with `<SEP>`; padded on the left to one length.
        features: encoder features (B, L, E) with `audio_mask` (B, L), or None.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    tokenizer, device = model.tokenizer, model.get_input_embeddings().weight.device
    batch = tokenizer(
        list(texts),
        padding=True,
        padding_side="left",
        return_token_type_ids=False,
        return_tensors="pt",
    ).to(device)
    settings = decoding(model, **kwargs)
    with seeded(seed):
        ids = model.generate(
            batch.input_ids, batch.attention_mask, features, audio_mask, **settings
        )  # (B, T + new)
    new = ids[:, batch.input_ids.shape[1] :]  # (B, new)
    said = tokenizer.batch_decode(new, skip_special_tokens=True)
    return [text.strip() for text in said]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from a seed, and leave the random states of all devices as they were."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def decoding(model: AudioFlamingo, **kwargs) -> dict:
    """Arguments of Hugging Face `generate`: greedy up to the end of the answer."""
    ends = [model.tokenizer.eos_token_id, model.config.eoc_token_id]
    return {
        "do_sample": False,
        "pad_token_id": model.tokenizer.pad_token_id,
        "eos_token_id": [token for token in ends if token is not None],
        **kwargs,
    }


def as_clip(audio, sample_rate: int) -> Clip:
    """A Clip as it is; a path or the audio of an Example is opened at `sample_rate`."""
    if isinstance(audio, Example):
        return open_clip(audio, sample_rate)
    return audio if isinstance(audio, Clip) else load_audio(audio, sample_rate)


def is_list(value) -> bool:
    """Several clips or questions, rather than one."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def pair_up(first, second, what: str = "clips") -> tuple[list, list]:
    """Clips, say, and questions as two lists of one length; a lone one is repeated.

    Raises ValueError when neither is alone and their numbers differ.
    """
    one = list(first) if is_list(first) else [first]
    other = list(second) if is_list(second) else [second]
    if not is_list(first):
        one = one * len(other)
    if not is_list(second):
        other = other * len(one)
    if len(one) != len(other) or not one:
        raise ValueError(
            f"{len(one)} {what} came with {len(other)} questions. Give one for each "
            "question, or one for all."
        )
    return one, other


def spread_examples(examples: Sequence | None, questions: list) -> list[list]:
    """The demonstrations of each row: one list for all, or a list for each.

    Raises ValueError unless there is one list for each row and each example has an
    output, TypeError for no Example.
    """
    if not examples or not is_list(examples) or not is_list(examples[0]):
        check_demonstrations(examples or [])
        return [list(examples or [])] * len(questions)
    for row in examples:
        check_demonstrations(row)
    return list(map(list, pair_up(examples, questions, "lists of examples")[0]))


def check_can_answer(model: AudioFlamingo) -> None:
    """Complain when a model lacks the parts that turn sound and text into tensors.

    Raises ValueError without an encoder or a tokenizer.
    """
    for part in ("encoder", "tokenizer"):
        if getattr(model, part) is None:
            raise ValueError(
                f"this model has no {part}, so it takes tensors only. Set "
                f"model.{part}, or load a whole model: af.load('mini')."
            )

"""Exercise checks of notebook 09: neighbours, and what few-shot prompts attend to.

They work like those of `checks.py`. The package has these answers in the middle of
longer functions, so the references stand here.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..prompts import IGNORE
from .checks import Check, reveal

__all__ = ["hide_unknown", "nearest", "other_files", "per_audio", "reveal"]


def nearest_places(
    embeddings: np.ndarray, query: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Places (k,) and cosines (k,) of the rows (N, C) most like a query (C,).

    All have length one, so the dot product is the cosine; the most alike come first.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    cosines = embeddings @ query  # (N,)
    places = np.argsort(-cosines, kind="stable")[:k]  # (k,)
    return places, cosines[places]


def first_of_each_file(
    places: Sequence[int], files: Sequence[str], own: str, k: int
) -> list[int]:
    """The first `k` of the ranked places, one of each file and none of `own`.

    `files[place]` is the file of an entry of the store.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    best: dict[str, int] = {}
    for place in places:
        if files[place] != own:
            best.setdefault(files[place], place)
    return list(best.values())[:k]


def attention_per_audio(weights: Tensor, windows_per_audio: int) -> Tensor:
    """The attention each token gives each audio: (blocks, H, T, L) -> (T, A).

    The mean of all blocks and heads, summed over the windows of an audio.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    shares = weights.mean(dim=(0, 1))  # (T, L)
    return shares.unflatten(-1, (-1, windows_per_audio)).sum(-1)  # (T, A)


def hide_unknown_answers(
    labels: Tensor, input_ids: Tensor, learn: Sequence[bool], audio_token_id: int
) -> Tensor:
    """Labels (T,) of a few-shot text, -100 in every answer that is not to be learnt.

    `learn` has one entry for each <audio>; its answer stands between it and the next.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    number = (input_ids == audio_token_id).cumsum(0)  # (T,) audios so far
    known = torch.tensor([True, *learn])[number]  # (T,)
    return labels.masked_fill(~known, IGNORE)


def _unit_rows() -> list[tuple]:
    cases = []
    for seed, (count, k) in enumerate(((3, 1), (6, 4), (9, 9))):
        rows = np.random.default_rng(seed).standard_normal((count + 1, 5))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        cases.append((rows[1:].astype(np.float32), rows[0].astype(np.float32), k))
    return cases


def _ranked_places() -> list[tuple]:
    files = ["dog.wav", "dog.wav", "bell.wav", "rain.wav", "bell.wav", "cow.wav"]
    return [
        ([2, 0, 3, 5, 1, 4], list(files), "gong.wav", 3),
        ([0, 1, 4, 2, 3, 5], list(files), "dog.wav", 2),
        ([4, 2, 1, 0, 5, 3], list(files), "rain.wav", 9),
    ]


def _attention_weights() -> list[tuple]:
    cases = []
    for seed, (shape, windows) in enumerate(
        (((1, 1, 2, 4), 2), ((2, 3, 4, 6), 2), ((3, 2, 5, 12), 4))
    ):
        g = torch.Generator().manual_seed(seed)
        cases.append((torch.randn(*shape, generator=g).softmax(-1), windows))
    return cases


def _few_shot_labels() -> list[tuple]:
    eos, audio, sep, eoc = 2, 9, 5, 6
    ids = [eos, 40, audio, 7, sep, 31, eoc, audio, 7, sep, 32, 33, eoc]
    ids += [audio, 7, sep, 31, eoc, eos]
    labels = [-100] * 5 + [31, eoc] + [-100] * 3 + [32, 33, eoc]
    labels += [-100] * 3 + [31, eoc, eos]
    flags = ([False, False, True], [True, True, True], [False, True, False])
    rows = torch.tensor(ids), torch.tensor(labels)
    return [(rows[1].clone(), rows[0].clone(), list(f), audio) for f in flags]


nearest = Check("nearest", nearest_places, _unit_rows)
other_files = Check("other_files", first_of_each_file, _ranked_places)
per_audio = Check("per_audio", attention_per_audio, _attention_weights)
hide_unknown = Check("hide_unknown", hide_unknown_answers, _few_shot_labels)

RETRIEVAL = {c.name: c for c in (nearest, other_files, per_audio, hide_unknown)}

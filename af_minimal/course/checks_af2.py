"""Exercise checks of notebook 13: rotary positions, dense features, and what they cost.

They work like those of `checks.py`. Where the package has the answer only in the middle
of a longer function, the reference stands here.
"""

import torch
from torch import Tensor

from .checks import Check, noise, reveal
from .checks_attention import turn_by_position

__all__ = ["attention_scores", "dense_mask", "partial_rotary", "reveal"]


def turn_part(x: Tensor, turned: int) -> Tensor:
    """The first `turned` numbers of each head are turned by position: (..., S, K).

    Taught in: notebooks/13_af2.ipynb
    """
    return torch.cat([turn_by_position(x[..., :turned]), x[..., turned:]], dim=-1)


def mask_of_vectors(audio_mask: Tensor, n: int) -> Tensor:
    """Which vectors are real, bool (B, L * n), when each window brings n of them.

    Taught in: notebooks/13_af2.ipynb
    """
    return audio_mask.repeat_interleave(n, dim=1)


def count_scores(text: int, audio: int) -> tuple[int, int]:
    """Pairs of query and key that one layer scores: cross-attention, and soft prompt.

    A text token looks at itself, at the text before it and at all the audio. In a soft
    prompt the audio stands before the text and looks back at itself as well.

    Taught in: notebooks/13_af2.ipynb
    """
    alone, together = text * (text + 1) // 2, (text + audio) * (text + audio + 1) // 2
    return alone + text * audio, together


def _heads_to_turn() -> list[tuple]:
    alike = torch.ones(1, 3, 6)  # the same vector three times
    return [(alike, 4), (noise(0, 2, 5, 8), 4), (noise(1, 2, 3, 4, 12), 6)]


def _masks_of_windows() -> list[tuple]:
    two = torch.tensor([[True, True, False], [True, False, False]])
    return [(torch.tensor([[True, False]]), 2), (two, 4), (two.clone(), 1)]


def _texts_and_audios() -> list[tuple]:
    return [(1, 1), (3, 2), (2, 5), (40, 1920)]


partial_rotary = Check("partial_rotary", turn_part, _heads_to_turn)
dense_mask = Check("dense_mask", mask_of_vectors, _masks_of_windows)
attention_scores = Check("attention_scores", count_scores, _texts_and_audios)

AF2 = {c.name: c for c in (partial_rotary, dense_mask, attention_scores)}

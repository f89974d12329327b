"""Exercise checks of the notebooks 03 to 05: attention, gates and masks.

They work like those of `checks.py`. Where the package has the answer only in the middle
of a longer function, the reference stands here.
"""

import torch
from torch import Tensor

from ..xattn import MaskedCrossAttention
from ..xattn import text_to_audio_mask as _text_to_audio_mask
from .checks import (
    Check,
    gated_block,
    noise,
    reveal,
    sinusoidal_table,
    text_to_audio_mask,
)
from .mistakes import CACHED_MASK

__all__ = [
    "cached_mask",
    "gated_block",
    "keys_values",
    "latest_only",
    "one_head",
    "own_audio",
    "reveal",
    "rotated_heads",
    "sinusoidal_table",
    "split_heads",
    "text_to_audio_mask",
]


def split_into_heads(x: Tensor, heads: int) -> Tensor:
    """(N, S, E) -> (N, H, S, E / H): head h gets the h-th slice of every row.

    Taught in: notebooks/03_audio_transformer.ipynb
    """
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (N, H, S, K)


def turn_by_position(x: Tensor, base: float = 4096.0) -> Tensor:
    """Rotary positions, counted along the last axis but one: (..., S, K) -> same shape.

    Columns j and j + K / 2 are a point in a plane; at position p it is turned by the
    angle p / base^(2 * j / K). The scores of two turned vectors depend on how far apart
    they stand.

    Taught in: notebooks/03_audio_transformer.ipynb
    """
    S, K = x.shape[-2:]
    speed = base ** (-torch.arange(0, K, 2) / K)  # (K / 2,)
    angle = torch.arange(S).unsqueeze(1) * speed  # (S, K / 2)
    a, b = x.chunk(2, dim=-1)  # (..., S, K / 2) each
    sin, cos = angle.sin(), angle.cos()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


def split_then_turn(x: Tensor, heads: int) -> Tensor:
    """(N, S, E) -> (N, H, S, E / H), every head turned by the place of the window.

    Taught in: notebooks/03_audio_transformer.ipynb
    """
    return turn_by_position(split_into_heads(x, heads))  # (N, H, S, K)


def own_audio_mask(audio_mask: Tensor, tokens_per_audio: int) -> Tensor:
    """Which window may look at which, bool (B, L, L), when audios keep to themselves.

    Taught in: notebooks/03_audio_transformer.ipynb
    """
    audio = torch.arange(audio_mask.shape[1]) // tokens_per_audio  # (L,)
    same = audio.unsqueeze(0) == audio.unsqueeze(1)  # (L, L)
    return same & audio_mask.unsqueeze(1)  # (B, L, L)


def one_head_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """One head of one example: (T, K), (L, K), (L, K), bool (T, L) -> (T, K).

    A row of the mask without any True gives zeros.

    Taught in: notebooks/04_gated_cross_attention.ipynb
    """
    scores = q @ k.T / q.shape[-1] ** 0.5  # (T, L)
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1).masked_fill(~mask, 0.0)  # (T, L)
    return weights @ v  # (T, K)


def latest_only_mask(
    input_ids: Tensor, audio_mask: Tensor, audio_token_id: int, tokens_per_audio: int
) -> Tensor:
    """Flamingo's rule, bool (B, T, L): text hears the latest audio, none before it.

    Taught in: notebooks/05_who_may_hear_what.ipynb
    """
    count = (input_ids == audio_token_id).cumsum(dim=1)  # (B, T)
    audio = torch.arange(audio_mask.shape[1]) // tokens_per_audio  # (L,)
    return (audio == count.unsqueeze(-1) - 1) & audio_mask.unsqueeze(1)  # (B, T, L)


def _turned_over_heads(x: Tensor, heads: int) -> Tensor:
    return turn_by_position(x.unflatten(-1, (heads, -1))).transpose(1, 2)


def _turned_whole_rows(x: Tensor, heads: int) -> Tensor:
    return split_into_heads(turn_by_position(x), heads)


def _rows_to_split() -> list[tuple]:
    small = torch.arange(12.0).reshape(1, 2, 6)
    return [(small, 2), (small.clone(), 3), (noise(0, 2, 5, 8), 4)]


def _rows_to_turn() -> list[tuple]:
    alike = torch.ones(1, 3, 4)  # the same window three times
    return [(alike, 1), (alike.clone(), 2), (noise(0, 2, 5, 12), 3)]


def _audio_masks() -> list[tuple]:
    padded = torch.tensor([[True, True, True, False]])
    three = torch.ones(2, 6, dtype=torch.bool)
    three[1, 3:] = False
    return [(padded, 4), (padded.clone(), 2), (three, 2)]


def _attention_and_audio() -> list[tuple]:
    cases = []
    for heads, windows in ((1, 2), (2, 3), (4, 5)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(heads)
            attn = MaskedCrossAttention(8, 6, heads, head_width=4)
        cases.append((attn.requires_grad_(False), noise(heads, 2, windows, 6)))
    return cases


def _texts_so_far() -> list[tuple]:
    a, w = 9, 2  # the id of <audio>, windows per audio
    three = torch.tensor([[1, a, 2, a, 3, a, 4, 5]])
    none_before = torch.tensor([[a, 2, 3], [1, 2, 3]])
    real = torch.tensor([[True, True, True, False, True, True]])
    both = torch.ones(2, 2, dtype=torch.bool)
    rows = (
        (three, real, 8),
        (three, real, 1),
        (three, real, 3),
        (none_before, both, 1),
    )
    return [(ids.clone(), mask.clone(), a, w, last) for ids, mask, last in rows]


def _one_head_inputs() -> list[tuple]:
    cases = []
    for seed, (text, windows) in enumerate(((1, 2), (3, 4), (3, 5))):
        mask = torch.ones(text, windows, dtype=torch.bool)
        mask[-1, windows // 2 :] = False
        if seed == 2:
            mask[0] = False  # a token with nothing to hear
        sides = [noise(10 * seed + i, n, 4) for i, n in enumerate((text, windows))]
        cases.append((*sides, noise(10 * seed + 5, windows, 4), mask))
    return cases


split_heads = Check("split_heads", split_into_heads, _rows_to_split)
own_audio = Check("own_audio", own_audio_mask, _audio_masks)
one_head = Check("one_head", one_head_attention, _one_head_inputs)
latest_only = Check("latest_only", latest_only_mask, text_to_audio_mask.make_cases)
rotated_heads = Check(
    "rotated_heads",
    split_then_turn,
    _rows_to_turn,
    known={
        _turned_over_heads: "you turn before heads and positions change places: each "
        "head is turned by its own number, not by the place of the window.",
        _turned_whole_rows: "you turn whole rows before they are split: a head then "
        "holds other columns, and other speeds, than its own first and second half.",
    },
)
keys_values = Check(
    "keys_values", MaskedCrossAttention.keys_values, _attention_and_audio
)
cached_mask = Check(
    "cached_mask", _text_to_audio_mask, _texts_so_far, known=CACHED_MASK
)

ATTENTION = {
    c.name: c
    for c in (
        split_heads,
        rotated_heads,
        own_audio,
        one_head,
        keys_values,
        latest_only,
        cached_mask,
    )
}

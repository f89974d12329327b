"""Exercise checks of the notebooks 03 to 05: attention, gates and masks.

They work like those of `checks.py`. Where the package has the answer only in the middle
of a longer function, the reference stands here.
"""

import torch
from torch import Tensor

from .checks import (
    CHECKS,
    Check,
    gated_block,
    sinusoidal_table,
    text_to_audio_mask,
)
from .setup import show

__all__ = [
    "gated_block",
    "latest_only",
    "one_head",
    "own_audio",
    "reveal",
    "sinusoidal_table",
    "split_heads",
    "text_to_audio_mask",
]


def split_into_heads(x: Tensor, heads: int) -> Tensor:
    """(N, S, E) -> (N, H, S, E / H): head h gets the h-th slice of every row.

    Taught in: notebooks/03_audio_transformer.ipynb
    """
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (N, H, S, K)


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


def reveal(name: str) -> None:
    """Show the source that solves an exercise."""
    checks = CHECKS | ATTENTION
    if name not in checks:
        raise ValueError(f"No exercise is called {name!r}; there are {list(checks)}.")
    show(checks[name].reference)


def _noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _rows_to_split() -> list[tuple]:
    small = torch.arange(12.0).reshape(1, 2, 6)
    return [(small, 2), (small.clone(), 3), (_noise(0, 2, 5, 8), 4)]


def _audio_masks() -> list[tuple]:
    padded = torch.tensor([[True, True, True, False]])
    three = torch.ones(2, 6, dtype=torch.bool)
    three[1, 3:] = False
    return [(padded, 4), (padded.clone(), 2), (three, 2)]


def _one_head_inputs() -> list[tuple]:
    cases = []
    for seed, (text, windows) in enumerate(((1, 2), (3, 4), (3, 5))):
        mask = torch.ones(text, windows, dtype=torch.bool)
        mask[-1, windows // 2 :] = False
        if seed == 2:
            mask[0] = False  # a token with nothing to hear
        sides = [_noise(10 * seed + i, n, 4) for i, n in enumerate((text, windows))]
        cases.append((*sides, _noise(10 * seed + 5, windows, 4), mask))
    return cases


split_heads = Check("split_heads", split_into_heads, _rows_to_split)
own_audio = Check("own_audio", own_audio_mask, _audio_masks)
one_head = Check("one_head", one_head_attention, _one_head_inputs)
latest_only = Check("latest_only", latest_only_mask, text_to_audio_mask.make_cases)

ATTENTION = {c.name: c for c in (split_heads, own_audio, one_head, latest_only)}

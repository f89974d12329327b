"""Where heads look: how much of their attention falls on sounds and on names.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..language_model import decoder_layers
from ..scale.processes import share

LAYERS = 2  # the last ones, where
LOOK_BACK = 2  # heads look for the name
HEAR = 3  # heads of all gated blocks but the last that hear their own sound
FLOOR = 1e-4  # below the log


def answers(ids: Tensor, sep: int, count: int) -> tuple[Tensor, Tensor]:
    """Where answers begin: rows (B, 1), and places of their `<SEP>` (B, count).

    The place is 0 where a row has fewer.
    """
    found = pad_sequence([row.nonzero().flatten() for row in ids == sep], True)
    row = torch.arange(len(ids), device=ids.device)[:, None]
    return row, F.pad(found, (0, count - found.shape[1]))


def looking_back(model) -> list[nn.Module]:
    """The attention of the layers in which some heads look for the name."""
    layers = decoder_layers(model.lm)[-LAYERS:]
    return [layer.decoder_layer.self_attn for layer in layers]


def own_sound(weights: Tensor, ids: Tensor, names: Tensor, sep: int) -> Tensor:
    """A gated block's attention on the sound that is spoken of.

    Args:
        weights: (B, H, T, L).
        ids: (B, T).
        names: (B, A).

    Returns:
        (2, N, heads) mass at the `<SEP>` and at the first token of each of N answers.
    """
    count = names.shape[1]
    row, at = answers(ids, sep, count)
    found = []
    for places in (at, at + 1):
        seen = weights[:, :HEAR][row, :, places]  # (B, A, heads, L)
        seen = seen.unflatten(-1, (count, -1)).sum(-1)  # (B, A, heads, A)
        own = seen.diagonal(dim1=1, dim2=3).transpose(1, 2)  # (B, A, heads)
        found.append(own[names >= 0])
    return torch.stack(found)


def looks(
    attention: nn.Module, hidden: Tensor, ids: Tensor, count: int, sep: int
) -> Tensor:
    """Log of the attention from where each name is due to where each begins.

    Computed anew from what the layer read, (B, T, D): fused kernels keep no weights.

    Returns:
        (B, A, heads, A), -inf for what comes later.
    """
    heads = attention.num_heads
    row, at = answers(ids, sep, count)
    k = attention.k_proj(hidden).unflatten(-1, (heads, -1))[:, :, :LOOK_BACK]
    q = attention.q_proj(hidden[row, at]).unflatten(-1, (heads, -1))[:, :, :LOOK_BACK]
    scores = torch.einsum("bahk,bthk->baht", q, k) * k.shape[-1] ** -0.5
    later = torch.arange(ids.shape[1], device=ids.device) > at[..., None]  # (B, A, T)
    weights = scores.masked_fill(later[:, :, None], float("-inf")).log_softmax(-1)
    first = (at + 1)[:, None, None].expand(-1, count, LOOK_BACK, -1)
    return weights.gather(3, first.clamp(max=ids.shape[1] - 1))  # (B, A, heads, A)


def name_mass(
    attention: nn.Module, hidden: Tensor, ids: Tensor, names: Tensor, sep: int
) -> Tensor:
    """Attention from where a name is due to where earlier examples bear it.

    Returns:
        (N, heads) mass for each of N answers whose name has been said before.
    """
    seen = looks(attention, hidden, ids, names.shape[1], sep).exp()
    same = (names[:, :, None] == names[:, None]).tril(-1)  # (B, A, A) said before
    same &= (names >= 0)[:, :, None]
    mass = (seen * same[:, :, None]).sum(-1)  # (B, A, heads)
    return mass[same.any(-1)]


def surprise(mass: Tensor) -> Tensor:
    """The mean of -log mass, a process's part of it."""
    return mean_of_all(-(mass + FLOOR).log())


def mean_of_all(values: Tensor) -> Tensor:
    """A process's part of the mean over the values of all processes."""
    count = torch.tensor(values.numel(), device=values.device)
    return values.sum() / count.clamp(min=1) * share(count)

"""Exercise checks of notebook 14: the rule of CompA, and losses that hear order.

They work like those of `checks.py`.
"""

import torch
from torch import Tensor

from ..systems.compa.benchmark import compa_scores as _compa_scores
from ..systems.compa.losses import af_clap_loss as _af_clap_loss
from ..systems.compa.losses import hard_negative_loss as _hard_negative_loss
from ..systems.compa.losses import log_shares as _log_shares
from .checks import Check, noise, reveal

__all__ = [
    "af_clap_loss",
    "compa_scores",
    "hard_negative_loss",
    "log_shares",
    "reveal",
]


def _similarities() -> list[tuple]:
    rows = (
        [[0.9, 0.1], [0.2, 0.8]],
        [[0.5, 0.4], [0.2, 0.3]],
        [[0.5, 0.6], [0.1, 0.7]],
        [[0.5, 0.5], [0.5, 0.5]],
        [[0.5, 0.1], [0.5, 0.6]],  # a tie in one column, where its own comes first
        [[0.9, 0.1, 0.2], [0.3, 0.8, 0.1], [0.2, 0.2, 0.7]],
        [[0.5, 0.1, 0.2], [0.3, 0.8, 0.1], [0.6, 0.2, 0.7]],
        [[0.9, 0.1, 0.8], [0.3, 0.8, 0.1], [0.2, 0.2, 0.7]],  # the third one is wrong
        [[0.3, 0.1, 0.2], [0.1, 0.8, 0.5], [0.2, 0.4, 0.7]],  # 0.5 is no rival of 0.3
    )
    return [(torch.tensor(row),) for row in rows]


def unit(seed: int, *shape: int) -> Tensor:
    """Vectors of length one, the same for every call with this seed."""
    return torch.nn.functional.normalize(noise(seed, *shape), dim=-1)


def _sounds_texts_and_wrong() -> list[tuple]:
    sizes = ((2, 1, 1.0), (3, 2, 10.0), (4, 3, 14.0))
    return [
        (unit(b, b, 8), unit(b + 10, b, 8), unit(b + 20, b, k, 8), torch.tensor(s))
        for b, k, s in sizes
    ]


def _logits_and_visible() -> list[tuple]:
    own = torch.eye(3, dtype=torch.bool)
    primary = torch.ones(3, 3, dtype=torch.bool)
    visible = torch.cat([primary, own, own], dim=1)  # (B, T)
    return [
        (10 * noise(1, 3, 9), visible),
        (noise(2, 3, 9), visible.clone()),
        (-10 * noise(3, 3, 9).abs(), visible.clone()),
        (noise(4, 2, 4), torch.ones(2, 4, dtype=torch.bool)),
    ]


def _sounds_positives_and_negatives() -> list[tuple]:
    sizes = ((2, 1, 0, 1.0), (3, 2, 4, 10.0), (4, 3, 1, 14.0))
    return [
        (unit(b, b, 8), unit(b + 10, b, m, 8), unit(b + 20, b, r, 8), torch.tensor(s))
        for b, m, r, s in sizes
    ]


compa_scores = Check("compa_scores", _compa_scores, _similarities)
hard_negative_loss = Check(
    "hard_negative_loss", _hard_negative_loss, _sounds_texts_and_wrong
)
log_shares = Check("log_shares", _log_shares, _logits_and_visible)
af_clap_loss = Check("af_clap_loss", _af_clap_loss, _sounds_positives_and_negatives)

COMPA = {
    c.name: c for c in (compa_scores, hard_negative_loss, log_shares, af_clap_loss)
}

"""Exercise checks of the notebooks 01 and 02: from a waveform to an embedding.

They work like those of `checks.py`. Some answers are methods of the package. Yours is
then a function that gets the object first, where the method says `self`.
"""

import numpy as np
import torch
from torch import Tensor

from ..audio import peak_normalise as _peak_normalise
from ..clap import MiniCLAP
from ..config import AudioConfig, EncoderConfig
from ..encoders import AudioEncoder, build_encoder
from .checks import Check, contrastive_loss, cut_windows, noise, num_windows, reveal

__all__ = [
    "contrastive_loss",
    "cut_windows",
    "num_windows",
    "peak_normalise",
    "pool",
    "reveal",
    "zero_shot",
]


class ToyTexts:
    """Stands for a CLAP in a case: every sentence has a vector of its own."""

    def __repr__(self) -> str:
        return "a toy CLAP"

    def embed_text(self, texts: list[str]) -> Tensor:
        """Unit-norm vectors (N, 8), drawn with the letters of each text as seed."""
        rows = [noise(sum(map(ord, text)), 8) for text in texts]
        return torch.nn.functional.normalize(torch.stack(rows), dim=-1)


def _levels() -> list[tuple]:
    rows = ([0.1, -0.2, 0.05], [-0.5, -0.1, -0.25], [0.0, 0.0, 0.0], [0.5, 1.0, -1.0])
    return [(np.array(row, dtype=np.float32),) for row in rows]


def _sounds_and_labels() -> list[tuple]:
    cases = []
    for seed, labels in enumerate((["rain"], ["dog bark", "siren"], ["cow", "owl"])):
        sounds = torch.nn.functional.normalize(noise(seed, seed + 2, 8), dim=-1)
        cases.append((ToyTexts(), sounds, labels))
    return cases


def _features_and_masks() -> list[tuple]:
    sizes = EncoderConfig(kind="toy", width=6, embed_dim=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = build_encoder(sizes, AudioConfig()).requires_grad_(False)
    two = [[True, True, False], [True, False, False]]
    return [
        (encoder, noise(seed, len(rows), 3, 6), torch.tensor(rows))
        for seed, rows in enumerate(([[True] * 3], two, [[False] * 3]))
    ]


peak_normalise = Check("peak_normalise", _peak_normalise, _levels)
zero_shot = Check("zero_shot", MiniCLAP.zero_shot, _sounds_and_labels)
pool = Check("pool", AudioEncoder.pool, _features_and_masks)

HEARING = {c.name: c for c in (peak_normalise, zero_shot, pool)}

"""Token ids of many rows, end to end, so that a batch is drawn by index.

As lists of numbers, rows would take many times the memory, and a GPU would wait for
the lists to be made into batches.

Taught in: notebooks/08_staged_training.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """Texts as token ids, with the scene that each is about and how often it is drawn.

    Taught in: notebooks/08_staged_training.ipynb
    """

    ids: np.ndarray  # (tokens of all rows,) one row behind the other
    lengths: np.ndarray  # (R,) tokens of each row
    scenes: np.ndarray  # (R,) number of its scene
    weights: np.ndarray  # (R,) how often it is drawn

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]], scene: int, weights) -> "Rows":
        """The rows of one scene."""
        ids = np.array([i for text in texts for i in text], np.int32)
        lengths = np.array([len(text) for text in texts])
        return cls(ids, lengths, np.full(len(texts), scene), np.asarray(weights, float))

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """The rows of many scenes."""
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))

    @cached_property
    def ends(self) -> np.ndarray:
        """Where each row ends among all ids, (R,)."""
        return self.lengths.cumsum()

    @cached_property
    def shares(self) -> np.ndarray:
        """Weights added up from the first row on, (R,)."""
        return self.weights.cumsum()

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Numbers of so many rows, each as often as its weight says."""
        return np.searchsorted(self.shares, rng.random(count) * self.shares[-1])

    def text(self, row: int) -> list[int]:
        """Token ids of one row."""
        end = self.ends[row]
        return self.ids[end - self.lengths[row] : end].tolist()

    def padded(self, rows: np.ndarray, pad: int) -> tuple[Tensor, Tensor]:
        """Token ids (B, T) of rows (B,), padded on the right, and which are real."""
        lengths = self.lengths[rows][:, None]  # (B, 1)
        at = np.arange(lengths.max())  # (T,)
        real = at < lengths  # (B, T)
        places = self.ends[rows][:, None] - lengths + at
        ids = np.where(real, self.ids[np.where(real, places, 0)], pad)
        return torch.from_numpy(ids).long(), torch.from_numpy(real)


def alike(
    lengths: np.ndarray, size: int, tokens: int, rng: np.random.Generator
) -> np.ndarray:
    """Which of some drawn rows make a batch: of like length, so that they pad little.

    At most `size` rows, and so many tokens with padding: a batch of long rows costs
    what a batch of short ones costs.
    """
    order = np.argsort(lengths, kind="stable")
    start = size * int(rng.integers(max(1, len(order) // size)))
    rows = order[start : start + size]
    fit = max(1, tokens // int(lengths[rows[-1]]))
    start = int(rng.integers(max(1, len(rows) - fit + 1)))
    return rows[start : start + fit]

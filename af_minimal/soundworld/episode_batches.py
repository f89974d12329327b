"""Batches of few-shot episodes.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..prompts import IGNORE, build_labels, training_text
from ..tokenizer import special_ids
from .episodes import Episode, Episodes
from .places import with_sounds
from .rows import alike


class EpisodeBatches:
    """Step number -> batch of few-shot episodes, with equally many examples.

    An episode whose store has fewer makes do with those, and one that would outgrow
    the language model has fewer. Every answer is learnt but those that nothing before
    them tells.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    MOST = 8  # examples before the query
    LIKE = 2
    PATIENCE = 100  # draws of an episode that teaches something

    def __init__(
        self,
        episodes: Episodes,
        tokenizer,
        features: Tensor,  # (N, L, E) of all scenes
        mask: Tensor,  # (N, L)
        audios: int = 96,  # in one batch: few rows of many examples, or many of few
        seed: int = 0,
        longest: int = 512,  # tokens; the positions of `mini`
        long: float = 0.0,  # share of batches with at least half of `MOST` examples
        tokens: int = 2560,  # in one batch at most, padding included
        shots: tuple[int, int] | None = None,  # equally often; None: `long` and `MOST`
    ):
        self.long, self.tokens, self.shots = long, tokens, shots
        self.episodes, self.tokenizer = episodes, tokenizer
        self.features, self.mask, self.longest = features, mask, longest
        self.audios, self.seed, self.ids = audios, seed, special_ids(tokenizer)

    def __call__(self, step: int) -> list[dict]:
        return [with_sounds(b, self.features, self.mask) for b in self.places(step)]

    def places(self, step: int) -> list[dict]:
        """The batch with the numbers of its scenes, `places` (B, A), -1 for none.

        Blended sounds also have `seconds` and `shares`, (B, A) each, as `with_sounds`
        reads them, and `names` (B, A) for `guidance.guide`.
        """
        rng = np.random.default_rng([self.seed, step, 1])
        shots = self.how_many(rng)
        rows = max(1, self.audios // (shots + 1))
        drawn = [self.draw(rng, shots) for _ in range(self.LIKE * rows)]
        lengths = np.array([len(ids) for _, ids in drawn])
        chosen = [drawn[i] for i in alike(lengths, rows, self.tokens, rng)]
        ids = padded([ids for _, ids in chosen], -1)  # (B, T)
        real = ids >= 0  # (B, T)
        ids = ids.masked_fill(~real, self.ids["pad"])
        known = padded([episode.learn for episode, _ in chosen], False)  # (B, A)
        answer = (ids == self.ids["audio"]).cumsum(1)  # (B, T)
        learn = known.gather(1, answer.clamp(min=1) - 1)  # (B, T)
        labels = build_labels(ids, **self.ids).masked_fill(~learn, IGNORE)
        places = padded([episode.places for episode, _ in chosen], -1)  # (B, A)
        batch = {"input_ids": ids, "attention_mask": real, "labels": labels}
        batch |= {"places": places}
        if chosen[0][0].blends is not None:
            blends = [[b or (-1, 0.0) for b in e.blends] for e, _ in chosen]
            batch["seconds"] = padded([[i for i, _ in row] for row in blends], -1)
            batch["shares"] = padded([[x for _, x in row] for row in blends], 0.0)
            right = [e.rightful or e.outputs for e, _ in chosen]
            named = [[names.index(name) for name in names] for names in right]
            batch["names"] = padded(named, -1)
        return [batch]

    def how_many(self, rng: np.random.Generator) -> int:
        """Examples in a batch."""
        if self.shots:
            return int(rng.integers(self.shots[0], self.shots[1] + 1))
        if self.long and rng.random() < self.long:
            return int(rng.integers((self.MOST + 1) // 2, self.MOST + 1))
        return int((self.MOST + 1) ** rng.random())  # few more often than many

    def draw(self, rng: np.random.Generator, shots: int) -> tuple[Episode, list[int]]:
        """An episode and its token ids; one that is too long is drawn anew, shorter.

        So is one that teaches nothing: a batch of such has no loss.
        """
        for tries in count():
            episode = self.episodes(rng, shots)
            if not any(episode.learn) and tries < self.PATIENCE:
                continue
            text = episode_text(episode, rng.random() < 0.5)
            ids = self.tokenizer(text, add_special_tokens=False).input_ids
            if len(ids) <= self.longest or shots == 1:
                return episode, ids
            shots -= 1


def padded(rows: list[list], value: float) -> Tensor:
    """Rows of unlike length as one tensor, filled up on the right."""
    return pad_sequence([torch.tensor(row) for row in rows], True, value)


def episode_text(episode: Episode, prefix: bool) -> str:
    """The training text of an episode."""
    *examples, (prompt, output) = zip(episode.prompts, episode.outputs, strict=True)
    return training_text(episode.task, prompt, output, prefix, examples)

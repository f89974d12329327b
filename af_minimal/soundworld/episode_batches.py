"""Batches of few-shot episodes.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..data import Sample, collate
from ..prompts import IGNORE, build_labels, training_text
from ..tokenizer import special_ids
from .batches import alike
from .episodes import Episode, Episodes


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
    ):
        self.long, self.tokens = long, tokens
        self.episodes, self.tokenizer = episodes, tokenizer
        self.features, self.mask, self.longest = features, mask, longest
        self.audios, self.seed, self.ids = audios, seed, special_ids(tokenizer)

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step, 1])
        shots = int((self.MOST + 1) ** rng.random())  # few more often than many
        if self.long and rng.random() < self.long:
            shots = int(rng.integers((self.MOST + 1) // 2, self.MOST + 1))
        rows = max(1, self.audios // (shots + 1))
        drawn = [self.draw(rng, shots) for _ in range(self.LIKE * rows)]
        drawn = alike(drawn, rows, self.tokens, rng)
        samples = [
            Sample(
                ids,
                ids,
                self.features[episode.places].flatten(0, 1).float(),  # (A*W, E)
                self.mask[episode.places].flatten(),
            )
            for episode, ids in drawn
        ]
        batch = collate(samples, self.ids["pad"])
        labels = build_labels(batch["input_ids"], **self.ids)  # (B, T)
        known = [torch.tensor(episode.learn) for episode, _ in drawn]
        known = pad_sequence(known, batch_first=True)  # (B, A) an answer each
        answer = (batch["input_ids"] == self.ids["audio"]).cumsum(1)  # (B, T)
        learn = known.gather(1, answer.clamp(min=1) - 1)  # (B, T)
        batch["labels"] = labels.masked_fill(~learn, IGNORE)
        return [batch]

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


def episode_text(episode: Episode, prefix: bool) -> str:
    """The training text of an episode."""
    *examples, (prompt, output) = zip(episode.prompts, episode.outputs, strict=True)
    return training_text(episode.task, prompt, output, prefix, examples)

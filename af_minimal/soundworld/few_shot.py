"""Sounds that are remembered, and questions with some of them as examples.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..evaluation import GREEDY, exact_match
from ..generation import complete
from ..prompts import inference_text
from .catalogue import CLASSES, HELD_OUT
from .corpus import Scene, render_scene
from .features import hear
from .names import nonsense_name
from .questions import CAPTIONING, CLASSIFICATION
from .scenes import sample_score

CLASSIFY, DESCRIBE = "classify this sound.", "describe the sound in a sentence."


@dataclass(frozen=True)
class Heard:
    """Sounds through the encoder, and what is to be said of each."""

    features: Tensor  # (N, W, E)
    mask: Tensor  # (N, W)
    embeddings: np.ndarray  # (N, C), unit norm
    outputs: list[str]

    @classmethod
    def of(cls, encoder, waves: list[np.ndarray], outputs: list[str]) -> "Heard":
        """Waveforms, each (samples,), with their outputs."""
        features, mask = hear(encoder, waves)
        with torch.no_grad():
            embeddings = encoder.pool(features, mask).float().cpu().numpy()
        return cls(features, mask, embeddings, outputs)

    def nearest(self, queries: "Heard", shots: int) -> list[list[int]]:
        """The most similar of these for each query, in no order (as official)."""
        similar = queries.embeddings @ self.embeddings.T  # (queries, N)
        rng = np.random.default_rng(shots)
        return [rng.permutation(np.argsort(-row)[:shots]).tolist() for row in similar]

    def any(self, queries: "Heard", shots: int, seed: int) -> list[list[int]]:
        """Some of these for each query, drawn blindly."""
        rng, count = np.random.default_rng([seed, shots]), len(self.outputs)
        return [rng.permutation(count)[:shots].tolist() for _ in queries.outputs]

    def nearest_others(self, queries: "Heard", shots: int) -> list[list[int]]:
        """The most similar that are something else than each query."""
        found = []
        similar = queries.embeddings @ self.embeddings.T  # (queries, N)
        for row, truth in zip(similar, queries.outputs, strict=True):
            places = [i for i in np.argsort(-row) if self.outputs[i] != truth]
            found.append([int(i) for i in places[:shots]])
        return found


def new_names(labels: Sequence[str], seed: int) -> dict[str, str]:
    """Label -> a name of its own that means nothing."""
    rng, names = np.random.default_rng([seed, 7]), {}
    while len(names) < len(labels):
        names.setdefault(nonsense_name(rng))
    return dict(zip(labels, names, strict=True))


def single_sounds(model, named: dict[str, str], each: int, seed: list[int]) -> Heard:
    """So many sounds of each class, alone in 3 to 5 s, hard to hear; said by name."""
    rng, waves, outputs = np.random.default_rng(seed), [], []
    for label, name in named.items():
        sound = (CLASSES | HELD_OUT)[label]
        for _ in range(each):
            duration = round(float(rng.uniform(3.0, 5.0)), 2)
            score = sample_score(rng, (1, 1), duration, classes={label: sound})
            waves.append(render_scene(Scene(score), {}))
            outputs.append(name)
    return Heard.of(model.encoder, waves, outputs)


def answer_rows(
    model,
    name: str,
    asked: Heard,
    store: Heard,
    chosen: list[list[int]] | None,
    seed: int,
    prompt: str = CLASSIFY,
    named: list[list[str]] | None = None,
    batch: int = 32,
) -> list[dict]:
    """Ask about every sound, with its chosen examples before it; one row an answer.

    `named` says of each example what is told of it; None tells the truth.
    """
    task = CLASSIFICATION if prompt == CLASSIFY else CAPTIONING
    chosen = chosen or [[] for _ in asked.outputs]
    named = named or [[store.outputs[i] for i in places] for places in chosen]
    answers = []
    for start in range(0, len(chosen), batch):
        part = chosen[start : start + batch]
        texts, features, mask = [], [], []
        for q, places in enumerate(part, start):
            shown = [(prompt, output) for output in named[q]]
            texts.append(inference_text(prompt, task, shown))
            own = asked.features[q : q + 1], asked.mask[q : q + 1]
            features.append(torch.cat([store.features[places], own[0]]).flatten(0, 1))
            mask.append(torch.cat([store.mask[places], own[1]]).flatten())
        both = torch.stack(features), torch.stack(mask)
        answers += complete(model, texts, *both, **GREEDY)
    return marked(name, seed, prompt, named, answers, asked.outputs)


def marked(
    name: str,
    seed: int,
    prompt: str,
    shown: list[list[str]],
    answers: list[str],
    truths: list[str],
) -> list[dict]:
    """Rows of a report; `bound` says whether the truth is among what was shown."""
    shown = shown or [[] for _ in answers]
    right = exact_match(answers, truths)
    return [
        {
            "measure": name,
            "seed": seed,
            "prompt": prompt,
            "examples": examples,
            "answer": answer,
            "truth": truth,
            "right": good,
            "bound": truth in examples,
        }
        for examples, answer, truth, good in zip(
            shown, answers, truths, right, strict=True
        )
    ]

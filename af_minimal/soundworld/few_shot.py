"""Sounds that are remembered, and questions with some of them as examples.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..evaluation import GREEDY, exact_match
from ..generation import complete
from ..prompts import inference_text
from .catalogue import CLASSES, HELD_OUT
from .corpus import Scene, render_scene
from .exam import bar
from .features import hear
from .names import nonsense_name
from .questions import CAPTIONING, CLASSIFICATION
from .scenes import sample_score

CLASSIFY, DESCRIBE = "classify this sound.", "describe the sound in a sentence."


@dataclass(frozen=True)
class Heard:
    """Sounds through the encoder, what is to be said of each, and which each is.

    `ids` name the sounds in a report; without them it has their places.
    """

    features: Tensor  # (N, W, E)
    mask: Tensor  # (N, W)
    embeddings: np.ndarray  # (N, C), unit norm
    outputs: list[str]
    ids: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        encoder,
        waves: list[np.ndarray],
        outputs: list[str],
        ids: Sequence[str] = (),
    ) -> "Heard":
        """Waveforms, each (samples,), with their outputs and perhaps names."""
        features, mask = hear(encoder, waves)
        with torch.no_grad():
            embeddings = encoder.liken(features, mask).float().cpu().numpy()
        return cls(features, mask, embeddings, outputs, ids)

    def some(self, places: Sequence[int]) -> "Heard":
        """Those at some places."""
        outputs = [self.outputs[i] for i in places]
        ids = [self.which(i) for i in places]
        sounds = self.features[places], self.mask[places], self.embeddings[places]
        return Heard(*sounds, outputs, ids)

    def in_joint_space(self, encoder) -> "Heard":
        """The same, compared in the space of the sentences, as published CLAPs do."""
        with torch.no_grad():
            joint = encoder.pool(self.features, self.mask).float().cpu().numpy()
        return replace(self, embeddings=joint)

    def which(self, place: int) -> str:
        """Name of the sound at a place, or the place itself."""
        return self.ids[place] if self.ids else str(place)

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
    return Heard.of(model.encoder, *render_singles(named, each, seed))


def render_singles(
    named: dict[str, str], each: int, seed: list[int]
) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Waveforms, names and ids of those sounds.

    The first gong drawn with seed [0, 2] has the id "0/2/gong/0".
    """
    rng, waves, outputs, ids = np.random.default_rng(seed), [], [], []
    for label, name in bar(named.items(), "render sounds"):
        sound = (CLASSES | HELD_OUT)[label]
        for i in range(each):
            ids.append("/".join(map(str, [*seed, label, i])))
            duration = round(float(rng.uniform(3.0, 5.0)), 2)
            score = sample_score(rng, (1, 1), duration, classes={label: sound})
            waves.append(render_scene(Scene(score), {}))
            outputs.append(name)
    return waves, outputs, ids


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
    texts = [
        inference_text(prompt, task, [(prompt, output) for output in shown])
        for shown in named
    ]
    answers = []
    starts = range(0, len(chosen), batch)
    for start in bar(starts, name):
        part = chosen[start : start + batch]
        features, mask = [], []
        for q, places in enumerate(part, start):
            own = asked.features[q : q + 1], asked.mask[q : q + 1]
            features.append(torch.cat([store.features[places], own[0]]).flatten(0, 1))
            mask.append(torch.cat([store.mask[places], own[1]]).flatten())
        both = torch.stack(features), torch.stack(mask)
        answers += complete(model, texts[start : start + batch], *both, **GREEDY)
    rows = marked(name, seed, asked, answers)
    read = {"prompt": prompt, "task": task}
    for row, text, places, shown in zip(rows, texts, chosen, named, strict=True):
        heard = [store.which(i) for i in places]
        row |= {**read, "text": text, "examples": shown, "example_sounds": heard}
        row["bound"] = row["truth"] in shown
    return rows


def marked(name: str, seed: int, asked: Heard, answers: list[str]) -> list[dict]:
    """Rows of a report, one an answer: to which sound, and whether it is right.

    `text` is what the model read, to the letter; it stood behind the `examples`, which
    are the names that were told and `example_sounds` the sounds they were told of.
    `bound` says whether the truth is among the names. Who reads nothing, such as a vote
    of neighbours, leaves them empty.
    """
    right = exact_match(answers, asked.outputs)
    return [
        {
            "measure": name,
            "seed": seed,
            "sound": asked.which(i),
            "prompt": "",
            "task": None,
            "text": "",
            "examples": [],
            "example_sounds": [],
            "answer": answer,
            "truth": asked.outputs[i],
            "right": good,
            "bound": False,
        }
        for i, (answer, good) in enumerate(zip(answers, right, strict=True))
    ]

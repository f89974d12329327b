"""Whose name is it? Episodes that only the ear can answer.

Of the sounds that retrieval brings, nearly all bear the right name, so a model may say
the commonest one and never compare a sound with another. Here the names differ. To see
at all that sounds can be compared, it first meets the very clip that it is asked about
among the examples; other clips of its class, more names and more examples come after.
Last come careless episodes, with wrong names among the right: one example cannot be
trusted there, and what most of the like sounds are called can.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from .batches import mixed
from .corpus import Scene
from .episode_batches import EpisodeBatches
from .episodes import Blend, Episode, Episodes, classify_prompts, single_sounds
from .names import alike_names, invented_names
from .questions import CLASSIFICATION

WHOSE = 0.6  # share of few-shot steps that ask whose name it is
LONG_EPISODES = 0.6  # share of the others with four examples or more
CLOSE = 6  # classes that sound most alike
CONFUSED = 0.6  # share of episodes whose other names are of close classes
BLENDED = 0.7  # share of episodes with sounds between two classes
ANY_SCENE = 0.15  # share of episodes of whole scenes, each with a name of its own
ALIKE = 0.45  # share of episodes whose names have few letters
MISNAMED = 0.1, 0.6  # share of wrong names in a careless episode, from and to
STRANGE = 9  # most names that no sound of a careless episode rightly bears
COUNTED = 0.5  # share of careless episodes of one class, where names can be counted
UNEVEN = 0.7  # concentration of how often each name comes; small is uneven


@dataclass(frozen=True)
class Level:
    """How hard the question is, up to a step of the stage."""

    until: int
    shots: tuple[int, int]  # fewest and most examples
    names: tuple[int, int]  # fewest and most names among them
    same: float  # share of episodes with the very clip that is asked about
    careless: float = 0.0  # share of episodes with wrong names


LEVELS = (
    Level(700, (2, 2), (2, 2), 1.0),
    Level(1700, (2, 4), (2, 3), 0.7),
    Level(2700, (2, 8), (2, 5), 0.4),
    Level(10**9, (1, 8), (1, 6), 0.1, 0.5),
)


class WhoseName:
    """Draws episodes of one level from scenes.

    Args:
        scenes: N scenes; those with one sound have a class.
        embeddings: (N, C), unit norm.
        level: how hard.

    Where fewer than two classes stand alone in two scenes, whole scenes bear names.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(self, scenes: list[Scene], embeddings: np.ndarray, level: Level):
        self.level, self.count = level, len(scenes)
        self.places = [at for at in single_sounds(scenes).values() if len(at) > 1]
        if len(self.places) < 2:
            return
        means = np.stack([embeddings[at].mean(0) for at in self.places])  # (K, C)
        alike = means @ means.T  # (K, K)
        np.fill_diagonal(alike, -np.inf)  # no class is close to itself
        self.close = np.argsort(-alike)[:, : min(CLOSE, len(means) - 1)]

    def __call__(self, rng: np.random.Generator, shots: int) -> Episode:
        """One episode with so many examples before the query."""
        whole = len(self.places) < 2 or rng.random() < ANY_SCENE
        most = self.count if whole else len(self.places)
        low, high = self.level.names
        count = min(int(rng.integers(low, high + 1)), shots, most)
        careless = rng.random() < self.level.careless
        if careless and rng.random() < COUNTED:
            count = 1
        of = self.names_of(rng, shots, count)  # (shots,) 0 is the name to find
        if whole:
            chosen = rng.choice(self.count, count, replace=False).tolist()
            clips = [chosen[which] for which in of] + [chosen[0]]
            blends: list[Blend | None] = [None] * len(clips)
        else:
            clips, blends = self.clips(rng, [*of, 0])
            if rng.random() < self.level.same:
                twin = int(rng.choice(np.flatnonzero(of == 0)))
                clips[-1], blends[-1] = clips[twin], blends[twin]
        total = count + (int(rng.integers(STRANGE + 1)) if careless else 0)
        draw = alike_names if rng.random() < ALIKE else invented_names
        names = draw(rng, total)
        said = self.misnamed(rng, of, total) if careless and total > 1 else of
        labels = [names[which] for which in [*said, 0]]
        rightful = [names[which] for which in [*of, 0]]
        # known once an example of its own kind has borne the name
        pairs = list(zip(rightful, labels, strict=True))
        learn = [a == b and (a, b) in pairs[:i] for i, (a, b) in enumerate(pairs)]
        prompts = classify_prompts(rng, labels)
        told = prompts, labels, learn, blends, rightful
        return Episode(clips, CLASSIFICATION, *told)

    def misnamed(self, rng, of: np.ndarray, total: int) -> np.ndarray:
        """The same examples, some of them with any other of so many names."""
        wrong = rng.random(len(of)) < rng.uniform(*MISNAMED)
        other = (of + rng.integers(1, total, len(of))) % total
        return np.where(wrong, other, of)

    def names_of(self, rng, shots: int, count: int) -> np.ndarray:
        """Which of so many names each example bears.

        The right one is there, and as many as the level asks for.
        """
        least = min(self.level.names[0], count)
        sure = np.arange(count if rng.random() < 0.5 else least)
        shares = rng.dirichlet(np.full(count, UNEVEN))
        rest = rng.choice(count, size=shots - len(sure), p=shares)
        return rng.permutation(np.concatenate([sure, rest]))

    def clips(self, rng, of: Sequence[int]) -> tuple[list[int], list[Blend | None]]:
        """A clip of each name's class, and what it is blended with, if anything.

        A name that is blended is so in all its clips, with one other class in one
        measure: a class that nobody has met.
        """
        own = int(rng.integers(len(self.places)))
        others = self.close[own] if rng.random() < CONFUSED else range(len(self.places))
        others = rng.permutation([which for which in others if which != own])
        classes = [own, *others.tolist()]
        blended = rng.random() < BLENDED
        needed = classes[: max(of) + 1]
        seconds = [self.second(rng, one) if blended else None for one in needed]
        queues: dict[int, list[int]] = {}
        clips, blends = [], []
        for which in of:
            if not queues.get(which):
                queues[which] = rng.permutation(self.places[classes[which]]).tolist()
            clips.append(queues[which].pop())
            if (second := seconds[which]) is None:
                blends.append(None)
                continue
            beside, share = self.places[second[0]], second[1]
            blends.append((beside[rng.integers(len(beside))], share))
        return clips, blends

    def second(self, rng, first: int) -> tuple[int, float]:
        """Another class to blend with, and its measure."""
        step = 1 + int(rng.integers(len(self.places) - 1))
        return (first + step) % len(self.places), float(rng.uniform(0.3, 0.7))


class WhoseBatches:
    """Step number -> batch of the level that the stage has come to.

    Args:
        sizes: of `EpisodeBatches`.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(
        self,
        scenes: list[Scene],
        embeddings: np.ndarray,
        tokenizer,
        features: Tensor,
        mask: Tensor,
        **sizes,
    ):
        sounds = tokenizer, features, mask
        self.batches = [
            EpisodeBatches(
                WhoseName(scenes, embeddings, level),
                *sounds,
                shots=level.shots,
                **sizes,
            )
            for level in LEVELS
        ]

    def places(self, step: int) -> list[dict]:
        """As of `EpisodeBatches`, with what `guidance.guide` needs."""
        at = next(i for i, level in enumerate(LEVELS) if step < level.until)
        return self.batches[at].places(step)


def from_examples(
    scenes: list[Scene],
    embeddings: np.ndarray,
    shares: Mapping[str, float],
    tokenizer,
    features: Tensor,
    mask: Tensor,
    **sizes,
) -> Callable[[int], list[dict]]:
    """Step number -> batch of any kind of few-shot episode, as `mini` learns them.

    Args:
        shares: of `Episodes`.
        sizes: of `EpisodeBatches`; `seed` among them.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    sounds = tokenizer, features, mask
    retrieved = Episodes(scenes, embeddings, shares)
    few_shot = EpisodeBatches(retrieved, *sounds, long=LONG_EPISODES, **sizes)
    whose = WhoseBatches(scenes, embeddings, *sounds, **sizes)
    return mixed(few_shot.places, whose.places, WHOSE, sizes["seed"] + 1)

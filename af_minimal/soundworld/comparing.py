"""Which is likest? Episodes whose answer hangs on one example among several names.

Of most neighbours that retrieval brings, most bear the right name, so a model learns to
count names. Here few sounds of a kind are stored, so others stand among the neighbours,
often more of them, and the name of the likest is right. Of a few dozen classes a model
remembers each and need not compare: most classes here are invented (`invented.py`), and
most lie between two of them.

What is alike, the map of a finished model says (`likeness.py`). Where it would be
wrong, nothing is asked, so that the model learns to trust the likest.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import numpy as np

from .corpus import RATE, Scene
from .episodes import Blend, Episode, classify_prompts
from .invented import INVENTED, invented_class
from .names import alike_names, invented_names
from .questions import CLASSIFICATION
from .render import render
from .scenes import sample_score
from .whose import ALIKE

EACH = 15  # sounds of an invented class
KNOWN = 0.3  # share of classes that SoundWorld knows
BLENDED = 0.6  # share of classes that lie between two
SHARES = 0.2, 0.5  # of the second class in a blend, from and to
SPREAD = 0.05  # of that share, from sound to sound
CONFUSED = 0.3  # share of other classes that are close to the query's
CLOSE = 30  # classes that sound most alike
OTHERS = 2, 10  # classes beside that of the query, fewest and most
STORED = 1, 2, 2, 4, 4, 8  # sounds of a kind, each equally often
MARGIN = 0.2  # of likeness; what is three times as clear is kept once in twenty times
PATIENCE = 60  # draws of an episode that leaves a doubt

FEW = "no two classes, apart from those of the exam, have three sounds alone."

Kind = tuple[int, int, float]  # a class, a second one or -1, and its share


def invented_scene(number: int) -> Scene:
    """One sound alone, of an invented class; `EACH` numbers in a row have the same.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    rng = np.random.default_rng([number, 9])
    kind = invented_class(number // EACH)
    seconds = round(float(rng.uniform(3.0, 5.0)), 2)
    return Scene(sample_score(rng, (1, 1), seconds, classes={kind.label: kind}))


def invented_sound(number: int) -> np.ndarray:
    """The waveform (samples,) of `invented_scene`."""
    return render(invented_scene(number).score, RATE)


class Comparing:
    """Draws episodes from sounds that stand alone.

    Args:
        by_class: label -> places of its sounds, as `episodes.single_sounds` gives.
        mapped: (N, C), what the map makes of each sound, of any length.
        shunned: (K, C), the same for means of classes of the exam: an invented class
            that is closer to one of them than all known classes are is left out.

    Raises ValueError where no two classes are left that have three sounds.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(self, by_class: dict, mapped: np.ndarray, shunned: np.ndarray):
        found = {k: np.array(v) for k, v in by_class.items() if len(v) > 2}
        if not found:
            raise ValueError(f"{FEW} Give more scenes.")
        self.mapped, self.places = mapped, list(found.values())
        means = unit(np.stack([mapped[at].mean(0) for at in self.places]))
        invented = np.array([label.startswith(INVENTED) for label in found])
        likeness = unit(shunned) @ means.T  # (K, classes)
        bound = likeness[:, ~invented].max(1, keepdims=True, initial=-1)
        apart = ~(likeness > bound).any(0) | ~invented
        groups = [np.flatnonzero(apart & kind) for kind in (~invented, invented)]
        self.groups = [group for group in groups if len(group)]
        if apart.sum() < 2:
            raise ValueError(f"{FEW} Give more scenes.")
        alike = means @ means.T
        alike[:, ~apart] = -np.inf
        np.fill_diagonal(alike, -np.inf)  # no class is close to itself
        self.close = np.argsort(-alike)[:, : min(CLOSE, int(apart.sum()) - 1)]

    def __call__(self, rng: np.random.Generator, shots: int) -> Episode:
        """One episode with so many examples before the query, or as many as there are.

        After `PATIENCE` draws it is what was drawn last.
        """
        for _ in range(PATIENCE):
            kinds = self.kinds(rng)
            clips, blends, which = self.sounds(rng, kinds)
            mapped = unit(self.between(clips, blends))
            similar = mapped[1:] @ mapped[0]
            top = np.argsort(-similar)[:shots]
            others = similar[top][which[1:][top] != 0]
            if which[1:][top[0]] != 0 or (len(others) == 0 and shots > 2):
                continue  # the map itself would be wrong, or there is nothing to ask
            margin = similar[top[0]] - others.max() if len(others) else 0.0
            if rng.random() < np.exp(-margin / MARGIN):
                break
        order = [*(rng.permutation(top) + 1), 0]  # the query comes last
        said = [int(which[i]) for i in order]
        known = list(dict.fromkeys(said))
        draw = alike_names if rng.random() < ALIKE else invented_names
        fresh = dict(zip(known, draw(rng, len(known)), strict=True))
        labels = [fresh[one] for one in said]
        learn = [label in labels[:i] for i, label in enumerate(labels)]
        told = classify_prompts(rng, labels), labels, learn
        chosen = [clips[i] for i in order], [blends[i] for i in order]
        return Episode(chosen[0], CLASSIFICATION, *told, chosen[1], labels)

    def kinds(self, rng: np.random.Generator) -> list[Kind]:
        """The query's kind and others; blends may share a class with it."""
        own = self.kind(rng, self.base(rng))
        found = [own]
        for _ in range(rng.integers(OTHERS[0], OTHERS[1] + 1)):
            close = rng.random() < CONFUSED
            first = int(rng.choice(self.close[own[0]])) if close else self.base(rng)
            found.append(self.kind(rng, first))
        return found

    def kind(self, rng: np.random.Generator, first: int) -> Kind:
        """A class as it is, or between it and another."""
        if rng.random() >= BLENDED:
            return first, -1, 0.0
        return first, self.base(rng), float(rng.uniform(*SHARES))

    def base(self, rng: np.random.Generator) -> int:
        """Any class."""
        known = len(self.groups) == 1 or rng.random() < KNOWN
        return int(rng.choice(self.groups[0 if known else 1]))

    def sounds(
        self, rng: np.random.Generator, kinds: list[Kind]
    ) -> tuple[list[int], list[Blend | None], np.ndarray]:
        """The query, then what is stored; each with its blend, and which kind it is."""
        each = int(rng.choice(STORED))
        clips: list[int] = []
        blends: list[Blend | None] = []
        which: list[int] = []
        for number, (first, second, share) in enumerate(kinds):
            places = rng.permutation(self.places[first])[: each + (number == 0)]
            clips += places.tolist()
            which += [number] * len(places)
            if second < 0:
                blends += [None] * len(places)
                continue
            shares = np.clip(share + rng.normal(0, SPREAD, len(places)), 0, 1)
            beside = rng.choice(self.places[second], len(places))
            blends += zip(beside.tolist(), shares.tolist(), strict=True)
        return clips, blends, np.array(which)

    def between(self, clips: list[int], blends: list[Blend | None]) -> np.ndarray:
        """What the map makes of blends, nearly: it is linear, blended features are not.

        (clips, C)
        """
        pairs = [b or (clip, 0.0) for clip, b in zip(clips, blends, strict=True)]
        second, share = (np.array(part) for part in zip(*pairs, strict=True))
        first = self.mapped[clips]  # (clips, C)
        return first + share[:, None] * (self.mapped[second] - first)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows (N, C) of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)

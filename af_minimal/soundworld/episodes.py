"""Few-shot episodes: sounds with their answers, then a sound whose answer they teach.

A large language model has read enough to know that what stands in a prompt may be
copied. A small one has not, so two kinds of episodes teach what Audio Flamingo brings
along: names that mean nothing, which only the examples explain, and examples that are
all wrong, which must not be believed when the sound is known.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .catalogue import CLASSES
from .corpus import Scene
from .names import invented_names
from .questions import CAPTIONING, CLASSIFICATION
from .styles import draw_style
from .wordings import CAPTION_PROMPTS, CLASSIFY_PROMPTS

# how often each kind is drawn; an ablation sets one of them to 0
SHARES = {"new names": 10, "true names": 1, "wrong names": 1, "style": 12}
SIMILAR = 0.7  # share of episodes with the nearest examples; the others are random
OPTIONS = 0.15  # share of classifications that list the names below the query
ONE_FORM = 0.5  # share of styles that say "a dog barks" or "a barking dog" throughout


Blend = tuple[int, float]  # a second scene, and its share of the sound


@dataclass(frozen=True)
class Episode:
    """Sounds heard one after another; the last one is the query."""

    places: list[int]  # of the scenes
    task: str
    prompts: list[str]
    outputs: list[str]
    learn: list[bool]  # whether the output can be known at its place in the row
    blends: list[Blend | None] | None = None  # what is heard together with a scene
    rightful: list[str] | None = None  # the name of each, where some are misnamed


class Episodes:
    """Draws episodes from scenes, whose embeddings say which sound alike.

    Args:
        scenes: N scenes; those with one sound are classified, all are captioned.
        embeddings: (N, C), unit norm.
        shares: how often each kind of `SHARES` is drawn.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(
        self,
        scenes: list[Scene],
        embeddings: np.ndarray,
        shares: Mapping[str, float] = SHARES,
    ):
        self.scenes, self.embeddings = scenes, np.asarray(embeddings, np.float32)
        self.kinds = [kind for kind in shares if shares[kind]]
        weights = np.array([shares[kind] for kind in self.kinds], float)
        self.weights = weights / weights.sum()
        self.by_label = single_sounds(scenes)
        self.labels = [label for label, at in self.by_label.items() if len(at) > 1]
        if not self.labels:
            warnings.warn(
                "No sound stands alone in two of the scenes, so none can be an example "
                "of another: all episodes are captions. Give more scenes.",
                stacklevel=2,
            )
            self.kinds, self.weights = ["style"], np.ones(1)

    def __call__(self, rng: np.random.Generator, shots: int) -> Episode:
        """One episode with so many examples before the query."""
        kind = self.kinds[rng.choice(len(self.kinds), p=self.weights)]
        if kind == "style":
            return self.styled(rng, shots)
        query, store = self.small_store(rng)
        label = self.label_of(query)
        others = [i for i in store if self.label_of(i) != label]
        swapped = kind == "wrong names" and rng.random() < 0.5
        if kind == "wrong names" and not swapped:  # as if no store had this sound
            store = others
        chosen = self.examples(rng, query, store, shots)
        labels = [self.label_of(i) for i in chosen] + [label]
        if kind == "new names" and label not in labels[:-1]:
            same = [i for i in store if self.label_of(i) == label]
            which = int(rng.integers(len(chosen)))
            chosen[which], labels[which] = same[rng.integers(len(same))], label
        learn = [True] * len(labels)
        if kind == "new names":  # a name is known from its second time on
            learn = [name in labels[:i] for i, name in enumerate(labels)]
            known = list(dict.fromkeys(labels))  # a set has no order of its own
            fresh = dict(zip(known, invented_names(rng, len(known)), strict=True))
            labels = [fresh[name] for name in labels]
        elif swapped:
            learn = [False] * len(chosen) + [True]
            labels = [*(wrong_label(rng, name, label) for name in labels[:-1]), label]
        prompts = classify_prompts(rng, labels)
        return Episode([*chosen, query], CLASSIFICATION, prompts, labels, learn)

    def styled(self, rng: np.random.Generator, shots: int) -> Episode:
        """Captions in a style of their own, which the examples show."""
        query, *rest = rng.permutation(len(self.scenes))[:200].tolist()
        chosen = self.examples(rng, query, rest, shots)
        heard = [self.scenes[i].score for i in [*chosen, query]]
        style, forms = draw_style(rng), rng.integers(3, size=len(heard))
        if rng.random() < ONE_FORM:
            forms[:] = forms[0]
        pairs = zip(heard, forms.tolist(), strict=True)
        said = [style.write(score, form) for score, form in pairs]
        prompt = str(rng.choice(CAPTION_PROMPTS))
        sounds = [len(score.events) for score in heard]
        # one sound shows how a caption begins and ends, two show what joins them
        learn = [
            i > 0 and min(count, 2) <= max(sounds[:i]) for i, count in enumerate(sounds)
        ]
        return Episode([*chosen, query], CAPTIONING, [prompt] * len(said), said, learn)

    def small_store(self, rng: np.random.Generator) -> tuple[int, list[int]]:
        """A query, and some sounds of its own and of a few other classes.

        There may be so many of its own that all examples bear one name.
        """
        count = int(rng.integers(2, 13))
        chosen = rng.permutation(len(self.labels))[:count]
        found = []
        for which in chosen:
            places = self.by_label[self.labels[which]]
            found.append(rng.permutation(places)[: int(rng.integers(2, 17))].tolist())
        query = found[0].pop()
        return query, [place for places in found for place in places]

    def examples(self, rng, query: int, store: list[int], shots: int) -> list[int]:
        """The most similar of the store, or any, in no order."""
        if rng.random() < SIMILAR:
            similar = self.embeddings[store] @ self.embeddings[query]
            chosen = np.asarray(store)[np.argsort(-similar)[:shots]]
            return rng.permutation(chosen).tolist()
        return rng.permutation(store)[:shots].tolist()

    def label_of(self, place: int) -> str:
        """The class of a scene with one sound."""
        return self.scenes[place].score.labels[0]


def single_sounds(scenes: list[Scene]) -> dict[str, list[int]]:
    """Label -> numbers of the scenes in which it stands alone."""
    by_label: dict[str, list[int]] = {}
    for i, scene in enumerate(scenes):
        if len(scene.score.events) == 1:
            by_label.setdefault(scene.score.labels[0], []).append(i)
    return by_label


def wrong_label(rng: np.random.Generator, *labels: str) -> str:
    """A class that the model knows, but none of these."""
    return str(rng.choice([name for name in CLASSES if name not in labels]))


def classify_prompts(rng: np.random.Generator, labels: list[str]) -> list[str]:
    """One wording for all, or each its own; options stand below the query alone."""
    if rng.random() < 0.7:
        prompts = [str(rng.choice(CLASSIFY_PROMPTS))] * len(labels)
    else:
        prompts = [str(p) for p in rng.choice(CLASSIFY_PROMPTS, len(labels))]
    if rng.random() < OPTIONS:
        listed = "".join(f"\n - {label}." for label in sorted(set(labels)))
        prompts[-1] += f"\nOPTIONS:{listed}"
    return prompts

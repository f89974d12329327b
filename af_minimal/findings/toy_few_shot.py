"""Few-shot learning in the toy world: what must stand in the training episodes?

A large language model brings along that a word in the prompt may be used, and that not
everything there is true. A model from nothing learns both from its episodes or not at
all. Here each of two ingredients is added alone, and both together: new names in half
of the episodes, wrong examples in 0.6 of them; together new names take 0.4, and wrong
examples 0.6 of the others.

Taught in: notebooks/20_findings.ipynb
"""

import tempfile
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..disk.indexes import build_index
from ..evaluation import majority
from ..model import AudioFlamingo
from ..soundworld.episodes import Episode
from ..soundworld.few_shot import Heard, answer_rows
from ..soundworld.questions import CAPTIONING
from .rows import Numbers, mean, purity
from .toy import (
    NAMES,
    SPREAD,
    WIDTH,
    Toy,
    sounds_of,
    teach,
    toy_model,
    toy_tokenizer,
)

KNOWN, UNSEEN = 60, 40  # classes with a name of their own in training, and without
STORED, ASKED, EXAMINED = 12, 300, 5  # sounds of each class, for three uses
PROMPT = ""  # there is one thing to ask, so nothing need be said
TOY = Toy(steps=1500)
CURVE = Toy(steps=25, schedule="constant")  # steps from one exam to the next
POINTS = 12  # exams along the curve
SETTING = TOY, CURVE, POINTS, KNOWN, UNSEEN, STORED, ASKED, EXAMINED, WIDTH, SPREAD


@dataclass(frozen=True)
class Recipe:
    """What few-shot episodes are made of; AF1's own recipe is the default."""

    new_names: float = 0.0  # share whose names mean nothing yet
    wrong: float = 0.0  # share of the others whose examples are all of other classes
    all_answers: bool = True  # learn every answer of a row, not its last alone


# all learn from equally many episodes
RECIPES = {
    "AF1's recipe alone": Recipe(),
    "new names added": Recipe(new_names=0.5),
    "wrong examples added": Recipe(wrong=0.6),
    "new names and wrong examples added": Recipe(new_names=0.4, wrong=0.6),
}
LEARNT = {
    "all answers": Recipe(new_names=0.5),
    "last answer": Recipe(new_names=0.5, all_answers=False),
}


class FewShotWorld:
    """Sounds to remember and to ask about, of classes known in training and unseen.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(self, seed: int, toy: Toy = TOY):
        rng = np.random.default_rng([seed, 0])
        names = rng.permutation(NAMES).tolist()
        known, unseen = names[:KNOWN], names[KNOWN : KNOWN + UNSEEN]
        self.fresh = names[KNOWN + UNSEEN :]  # for episodes with new names
        classes = rng.standard_normal((KNOWN + UNSEEN, WIDTH))
        first, second = (classes[:KNOWN], known), (classes[KNOWN:], unseen)
        self.train_store = sounds_of(*first, STORED, toy, rng)
        self.train_asked = sounds_of(*first, ASKED, toy, rng)
        self.known_asked = sounds_of(*first, EXAMINED, toy, rng)
        self.unseen_store = sounds_of(*second, STORED, toy, rng)
        self.unseen_asked = sounds_of(*second, EXAMINED, toy, rng)


class ToyEpisodes:
    """Draws episodes of the known classes; for `EpisodeBatches`.

    Places count the sounds of the store first, then those that are asked about.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(self, world: FewShotWorld, recipe: Recipe, most: int = TOY.most):
        self.recipe, self.fresh = recipe, world.fresh
        store, asked = world.train_store, world.train_asked
        self.features = torch.cat([store.features, asked.features])  # (N, W, E)
        self.mask = torch.cat([store.mask, asked.mask])  # (N, W)
        self.names, self.stored = store.outputs + asked.outputs, len(store.outputs)
        index = build_index(store.embeddings.astype(np.float32), "flat")
        queries = asked.embeddings.astype(np.float32)
        _, self.near = index.search(queries, most - 1)  # (asked, shots)

    def __call__(self, rng: np.random.Generator, audios: int) -> Episode:
        """An episode of so many audios, the query among them."""
        which = int(rng.integers(len(self.near)))
        query, shots = self.stored + which, audios - 1
        new = rng.random() < self.recipe.new_names
        chosen = self.near[which][:shots]
        if not new and rng.random() < self.recipe.wrong:
            chosen = self.others(rng, query, shots)
        places = [*rng.permutation(chosen).tolist(), query]
        names, learn = [self.names[i] for i in places], [True] * audios
        if new and shots:  # a name is known from its second time on
            learn = [name in names[:i] for i, name in enumerate(names)]
            kinds = list(dict.fromkeys(names))
            fresh = rng.choice(self.fresh, len(kinds), replace=False).tolist()
            names = [fresh[kinds.index(name)] for name in names]
        if not self.recipe.all_answers:
            learn[:-1] = [False] * shots
        return Episode(places, CAPTIONING, [PROMPT] * audios, names, learn)

    def others(self, rng: np.random.Generator, query: int, shots: int) -> list[int]:
        """Stored sounds of classes that the query is not of."""
        # any, not the nearest: with those, nothing was learnt in the same time
        drawn = rng.permutation(self.stored).tolist()
        return [i for i in drawn if self.names[i] != self.names[query]][:shots]


def few_shot_by_recipe(seed: int, recipe: Recipe, toy: Toy = TOY) -> Numbers:
    """Train with a recipe, then ask with examples that help, and that do not.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    world = FewShotWorld(seed, toy)
    model = toy_model(seed, toy, toy_tokenizer())
    teach(model, ToyEpisodes(world, recipe, toy.most), toy, seed)
    numbers = {}
    store, asked = world.unseen_store, world.unseen_asked
    for name, chosen in (
        ("no example", None),
        ("1 similar", store.nearest(asked, 1)),
        ("4 similar", store.nearest(asked, 4)),
        ("4 random", store.any(asked, 4, seed)),
    ):
        numbers |= scores(f"unseen names, {name}", model, asked, store, chosen)
    numbers["unseen names, chance"] = majority(asked.outputs)
    store, asked = world.train_store, world.known_asked
    for name, chosen in (
        ("no example", None),
        ("4 similar", store.nearest(asked, 4)),
        ("4 of other classes", store.nearest_others(asked, 4)),
        ("4 random", store.any(asked, 4, seed)),
    ):
        numbers |= scores(f"known names, {name}", model, asked, store, chosen)
    numbers["known names, chance"] = majority(asked.outputs)
    alone = max(numbers["known names, no example"], 1e-9)
    numbers["share kept"] = numbers["known names, 4 of other classes"] / alone
    return numbers


def scores(
    name: str, model: AudioFlamingo, asked: Heard, store: Heard, chosen
) -> Numbers:
    """Share of right answers; with examples, how many of them had the true name."""
    rows = answer_rows(model, name, asked, store, chosen, 0, PROMPT, batch=100)
    numbers = {name: mean([row["right"] for row in rows])}
    if chosen is not None:
        numbers[f"{name}: purity"] = purity(rows)
    return numbers


def learn_all_answers(seed: int, toy: Toy = CURVE, points: int = POINTS) -> Numbers:
    """Unseen names along the training, learning all answers of a row or only its last.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    world, numbers = FewShotWorld(seed, toy), {}
    store, asked = world.unseen_store, world.unseen_asked
    near = store.nearest(asked, 4)
    for name, recipe in LEARNT.items():
        model = toy_model(seed, toy, toy_tokenizer())
        episodes, curve = ToyEpisodes(world, recipe, toy.most), {}
        with tempfile.TemporaryDirectory() as folder:
            for steps in range(toy.steps, toy.steps * points + 1, toy.steps):
                teach(model, episodes, replace(toy, steps=steps), seed, folder)
                rows = answer_rows(
                    model, name, asked, store, near, 0, PROMPT, batch=100
                )
                curve[f"{name}, {steps} steps"] = mean([r["right"] for r in rows])
        numbers |= {f"{name}, mean of the curve": mean(list(curve.values())), **curve}
    numbers["chance"] = majority(asked.outputs)
    return numbers

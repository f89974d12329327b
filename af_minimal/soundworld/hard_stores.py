"""Stores that make it hard to name a sound: wrong names among the right, few of a kind.

In a large store with right names the nearest sound alone tells nearly all. In these it
does not, or there are fewer sounds of a kind than examples: others stand among them.
Beside the model stands the vote of the same neighbours.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .few_shot import Heard, answer_rows, marked

FEW = 4  # sounds of a kind, as many as a reader records


def hard_store_rows(
    model, asked: Heard, store: Heard, shots: Sequence[int], seed: int
) -> list[dict]:
    """The same questions to two stores made from one: model, and vote, for each k.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    careless = replace(store, outputs=half_misnamed(store.outputs, seed))
    few = store.some(few_of_a_kind(store.outputs, FEW))
    joint, query = (heard.in_joint_space(model.encoder) for heard in (few, asked))
    rows = []
    for k in shots:
        near = joint.nearest(query, k)
        told = f"joint space, four of a kind, {k} similar"
        rows += answer_rows(model, told, asked, few, near, seed)
    for name, other in (("half misnamed", careless), ("four of a kind", few)):
        for k in shots:
            told = f"{name}, {k} similar"
            near = other.nearest(asked, k)
            rows += answer_rows(model, told, asked, other, near, seed)
        for k in shots:
            rows += vote_rows(f"{name}, vote of {k} nearest", asked, other, k, seed)
    return rows


def half_misnamed(names: Sequence[str], seed: int) -> list[str]:
    """Half of them, chosen by lot, become any other name that occurs.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    rng, said = np.random.default_rng([seed, 8]), list(names)
    for i in rng.permutation(len(said))[: len(said) // 2]:
        said[i] = str(rng.choice([n for n in sorted(set(names)) if n != names[i]]))
    return said


def few_of_a_kind(names: Sequence[str], count: int) -> list[int]:
    """Places of the first so many of each name.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    met: Counter[str] = Counter()
    places = []
    for place, name in enumerate(names):
        met[name] += 1
        places += [place] if met[name] <= count else []
    return places


def vote_rows(
    name: str, asked: Heard, store: Heard, neighbours: int, seed: int
) -> list[dict]:
    """What the nearest in the space of both say by majority, without a model.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    similar = asked.embeddings @ store.embeddings.T  # (asked, stored)
    return marked(name, seed, asked, vote(similar, store.outputs, neighbours))


def vote(similar: np.ndarray, names: Sequence[str], neighbours: int) -> list[str]:
    """The commonest name of the nearest, of similarities (asked, stored).

    Of names that are as common the one of the nearer sound wins.
    """
    near = np.argsort(-similar, axis=1, kind="stable")[:, :neighbours].tolist()
    told = [Counter(names[i] for i in row) for row in near]
    return [found.most_common(1)[0][0] for found in told]

"""Which examples go before which query: rows for an interleaved manifest.

Official: data/prepare_each_dataset.py build_interleaved_dataset
Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import warnings
from collections.abc import Sequence

import numpy as np
from tqdm.auto import tqdm

from ..data import Example
from ..retrieval import Datastore, FewNeighboursWarning, file_of


def interleave(
    store: Datastore,
    queries: Sequence[Example],
    k: int = 7,
    kind: str = "knn",
    seed: int = 0,
) -> list[tuple[int, list[int]]]:
    """Choose `k` examples for every query: the most similar, or any.

    Never the query's own file, and one entry of each file; of several that say
    something about one sound, one at random. They come shuffled, as in the official
    files: the most similar need not stand next to the query.

    Args:
        store: the train split, its examples in the order of `train.json`.
        queries: the split, in the order of its manifest.
        k: examples before each query; the official files have 7.
        kind: "knn" or "random".
        seed: of the shuffle and of all other choices.

    Returns:
        (place of the query, places in the store) for `disk.interleaved`. Where fewer
        than `k` other files are left, all of them, with a `FewNeighboursWarning`.

    Raises:
        ValueError: for another kind, or when `k` is not positive.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    if kind not in ("knn", "random") or k < 1:
        raise ValueError(
            f"kind is {kind!r} and k is {k}; expected knn or random, k > 0."
        )
    rng, rows = np.random.default_rng(seed), []
    entries: dict[tuple, list[int]] = {}  # of each sound: a file from some second on
    starts = [getattr(e.audio, "start_s", e.start_s) for e in store.examples]
    for place, sound in enumerate(zip(store.files, starts, strict=True)):
        entries.setdefault(sound, []).append(place)
    bar = tqdm(queries, desc="find examples", disable=len(queries) < 100)
    for number, query in enumerate(bar):
        if kind == "knn":
            near = store.nearest(query, k)[0]
        else:
            near = random_places(store, query, k, rng)
        sounds = [(store.files[i], starts[i]) for i in near]
        chosen = [entries[sound][rng.integers(len(entries[sound]))] for sound in sounds]
        rows.append((number, rng.permutation(chosen).tolist() if chosen else []))
    return rows


def random_places(
    store: Datastore, query: Example, k: int, rng: np.random.Generator
) -> list[int]:
    """Entries of `k` files drawn at random, none of them the query's.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    own, found = file_of(query), {}
    for place in rng.permutation(len(store)).tolist():
        if store.files[place] != own and len(found) < k:
            found.setdefault(store.files[place], place)
    if len(found) < k:
        warnings.warn(
            f"{k} examples were asked for; the store has {len(found)} other files. Add "
            "examples, or ask for fewer.",
            FewNeighboursWarning,
            stacklevel=3,
        )
    return list(found.values())

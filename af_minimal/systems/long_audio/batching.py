"""Batches of like length, of datasets blended by weight: little padding is left.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np

from ...blending import blend


def dynamic_batches(
    lengths: Sequence[int], max_tokens: int, max_sentences: int, multiple: int = 1
) -> list[list[int]]:
    """Places in `lengths`, shortest first, grouped into batches.

    A batch of n rows, the longest l long, holds at most `max_sentences` rows and
    n * l <= `max_tokens`, padding included. When the next row would break that, as many
    rows leave as the largest multiple of `multiple` has; the rest stays for the next
    batch. The paper's Algorithm 2, taken at its word, would let every row leave alone.

    Raises ValueError when a row is longer than `max_tokens`, or a number is below 1.

    Official: fairseq `data/data_utils_fast.pyx` batch_by_size_vec, whose batches these
        are (the older batch_by_size_fast differs); not released with AF2
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    longest = max(lengths, default=1)
    if longest > max_tokens or min(max_tokens, max_sentences, multiple) < 1:
        raise ValueError(
            f"max_tokens={max_tokens}, max_sentences={max_sentences}, multiple="
            f"{multiple} and a row of {longest}: give whole numbers from 1, and "
            f"max_tokens of at least {longest}."
        )
    batches, waiting = [], []
    for place in np.argsort(lengths, kind="stable").tolist():
        full = len(waiting) == max_sentences
        while waiting and (full or (len(waiting) + 1) * lengths[place] > max_tokens):
            leave = leaving(len(waiting), multiple)
            batches.append(waiting[:leave])
            waiting, full = waiting[leave:], False
        waiting.append(place)
    while waiting:
        leave = leaving(len(waiting), multiple)
        batches.append(waiting[:leave])
        waiting = waiting[leave:]
    return batches


def leaving(rows: int, multiple: int) -> int:
    """The largest multiple that so many rows hold; all rows, where they hold none."""
    return rows - rows % multiple or rows


def padded_share(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Which share of all batches is padding: 1 - sum of lengths / sum of n * l.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    real = sum(lengths[i] for batch in batches for i in batch)
    whole = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    return 1 - real / whole if whole else 0.0


def buckets(
    datasets: Mapping[str, Sequence[int]], edges: Sequence[float]
) -> dict[str, list[int]]:
    """Places in each dataset by length: "music, up to 9" -> [0, 4, 7].

    Args:
        datasets: lengths of the items of each.
        edges: the largest length of each bucket but the last, which takes the rest.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    names = [f"up to {edge:g}" for edge in edges] + ["longer"]
    found: dict[str, list[int]] = {}
    for name, lengths in datasets.items():
        for place, length in enumerate(lengths):
            bucket = f"{name}, {names[bisect_left(list(edges), length)]}"
            found.setdefault(bucket, []).append(place)
    return found


def epoch_batches(
    datasets: Mapping[str, Sequence[int]],
    weights: Mapping[str, float],
    edges: Sequence[float],
    max_tokens: int,
    max_sentences: int,
    multiple: int = 1,
    global_weight: float = 1.0,
    epoch: int = 0,
) -> list[list[tuple[str, int]]]:
    """The batches of a virtual epoch, each row as (dataset, place in it).

    Every bucket of a dataset is blended with the weight of the dataset, so that long
    and short items come round equally often. The order of the batches is drawn.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    parts = buckets(datasets, edges)
    rows = {
        part: [(part.rsplit(", ", 1)[0], place) for place in places]
        for part, places in parts.items()
    }
    shares = {part: weights[part.rsplit(", ", 1)[0]] for part in parts}
    items = blend(rows, shares, global_weight, epoch)
    lengths = [datasets[name][place] for name, place in items]
    batches = dynamic_batches(lengths, max_tokens, max_sentences, multiple)
    order = np.random.default_rng([epoch, 32]).permutation(len(batches))
    return [[items[place] for place in batches[i]] for i in order]

"""How much of a batch is padding, in batches at random and in batches of like length.

    python benchmarks/dynamic_batching.py [--rows 4000] [--recordings 200]

Two sorts of lengths: log-normal ones of three spreads, as the lengths of real
recordings are; and the windows of generated short and long recordings, blended.
Random batches have as many rows as the batches of like length have on average.
"""

import argparse
import math

import numpy as np
from timing import show, write

from af_minimal.systems.audio_skills.scenes import skill_score
from af_minimal.systems.long_audio.batching import (
    dynamic_batches,
    epoch_batches,
    padded_share,
)
from af_minimal.systems.long_audio.composing import sample_recording

WINDOW_S, WINDOWS = 2.0, 30
SENTENCES, MULTIPLE = 32, 2


def windows_of(duration_s: float) -> int:
    """How many windows without overlap a recording fills."""
    return math.ceil(duration_s / WINDOW_S - 1e-9)


def log_normal(rng: np.random.Generator, rows: int, sigma: float) -> list[int]:
    """Lengths whose logarithm is normal, with a median of 40."""
    return np.ceil(40 * np.exp(sigma * rng.standard_normal(rows))).astype(int).tolist()


def generated(seed: int, rows: int, recordings: int) -> dict[str, list[int]]:
    """Windows of AudioSkills scenes and of LongAudio recordings."""
    rng = np.random.default_rng(seed)
    short = [skill_score(rng).duration_s for _ in range(rows)]
    long = [sample_recording(rng).score.duration_s for _ in range(recordings)]
    sets = {"AudioSkills": short, "LongAudio": long}
    return {name: list(map(windows_of, lasts)) for name, lasts in sets.items()}


def random_batches(rng: np.random.Generator, rows: int, size: int) -> list[list[int]]:
    """All rows in an order drawn, so many in each batch."""
    order = rng.permutation(rows).tolist()
    return [order[i : i + size] for i in range(0, rows, size)]


def compare(what: str, lengths: list[int], batches: list[list[int]]) -> dict:
    """The padded share of batches, and of random ones of their average size."""
    size = max(1, round(len(lengths) / len(batches)))
    rng = np.random.default_rng(0)
    at_random = random_batches(rng, len(lengths), size)
    return {
        "what": what,
        "rows": len(lengths),
        "batches": len(batches),
        "padded before": padded_share(lengths, at_random),
        "padded after": padded_share(lengths, batches),
    }


def blended(datasets: dict[str, list[int]]) -> dict:
    """One virtual epoch of all sets by their buckets."""
    weights = dict.fromkeys(datasets, 1.0)
    limits = (WINDOWS * 8, SENTENCES, MULTIPLE)
    epoch = epoch_batches(datasets, weights, (3, 9), *limits)
    items = [pair for batch in epoch for pair in batch]
    places = {pair: i for i, pair in enumerate(items)}
    lengths = [datasets[name][place] for name, place in items]
    return compare(
        "blended, buckets of 3, 9 and 30 windows",
        lengths,
        [[places[pair] for pair in batch] for batch in epoch],
    )


def main() -> None:
    """Measure every set of lengths and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--recordings", type=int, default=200)
    options = parser.parse_args()
    rng, table = np.random.default_rng(0), []
    for sigma in (0.5, 1.0, 1.5):
        lengths = log_normal(rng, options.rows, sigma)
        batches = dynamic_batches(lengths, 8 * max(lengths), SENTENCES, MULTIPLE)
        table.append(compare(f"log-normal, sigma {sigma}", lengths, batches))
    table.append(blended(generated(0, 2 * options.recordings, options.recordings)))
    show(table)
    write("dynamic_batching", table)


if __name__ == "__main__":
    main()

"""How fast and how exact the datastore's indexes are, at 10^4 to 10^6 vectors.

    python benchmarks/datastore.py [--sizes 10000 100000] [--vectors clustered uniform]

Two kinds of unit vectors. "clustered" stands for CLAP's: each is one of 2,000 centres
plus noise in 32 of the directions, so that two sounds of a cluster have a cosine of
about 0.8. "uniform" has no structure at all, the worst case for an approximate index.
For each: seconds to build, milliseconds a query (one at a time, one thread, the exact
index asked in turns with the other), how many times as fast that is as the exact one,
megabytes of the saved index, and recall@8, the share of the exact eight nearest that
are found.
"""

import argparse
import time

import faiss
import numpy as np
from timing import in_turns, median, ratio, show, write

from af_minimal.disk.indexes import KINDS, build_index

NEAREST = 8
CENTRES, DIRECTIONS, SPREAD = 2_000, 32, 0.5
BLOCK = 100_000  # rows made at a time, so that 10^6 need no second copy


def vectors(kind: str, count: int, width: int, seed: int) -> np.ndarray:
    """Unit vectors float32 (count, width) of one of the two kinds."""
    rows = np.empty((count, width), np.float32)
    for start in range(0, count, BLOCK):
        part = rows[start : start + BLOCK]
        rng = np.random.default_rng([seed, start])
        part[:] = (
            clustered(rng, *part.shape)
            if kind == "clustered"
            else (rng.standard_normal(part.shape, dtype=np.float32))
        )
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows


def clustered(rng: np.random.Generator, count: int, width: int) -> np.ndarray:
    """Centres, the same ones for store and queries, with noise around them."""
    world = np.random.default_rng(0)
    centres, axes = (
        world.standard_normal((n, width), dtype=np.float32)
        for n in (CENTRES, DIRECTIONS)
    )
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    noise = rng.standard_normal((count, DIRECTIONS), dtype=np.float32)
    picked = centres[rng.integers(CENTRES, size=count)]  # (count, width)
    return picked + SPREAD / DIRECTIONS**0.5 * noise @ axes


def size_of(index: faiss.Index) -> float:
    """Megabytes that the saved index would take, without saving or copying it."""
    written = []
    writer = faiss.PyCallbackIOWriter(lambda part: written.append(len(part)))
    faiss.write_index(index, writer)
    return sum(written) / 1e6


def built(rows: np.ndarray, kind: str) -> tuple[faiss.Index, float]:
    """An index and the seconds that it took to build."""
    began = time.process_time()
    return build_index(rows, kind), time.process_time() - began


def measure(rows: np.ndarray, queries: np.ndarray, kind: str, flat: tuple) -> dict:
    """Build one index and ask it and the exact one every query, in turns."""
    exact = flat[0]
    index, took = flat if kind == "flat" else built(rows, kind)
    found: dict[str, list] = {"exact": [], "index": []}

    def ask(name: str, of: faiss.Index) -> None:
        place = len(found[name]) % len(queries)
        found[name].append(of.search(queries[place][None], NEAREST)[1][0])

    seconds = in_turns(
        {"exact": lambda: ask("exact", exact), "index": lambda: ask("index", index)},
        len(queries),
    )
    same = [len(set(a) & set(b)) for a, b in zip(*found.values(), strict=True)]
    return {
        "build s": took,
        "query ms": 1000 * median(seconds["index"]),
        "times as fast": ratio(seconds["exact"], seconds["index"]),
        "MB": size_of(index),
        "recall": float(np.mean(same)) / NEAREST,
    }


def main() -> None:
    """Measure every size, kind of vector and kind of index, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**4, 10**5])
    parser.add_argument("--vectors", nargs="+", default=["clustered", "uniform"])
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--name", default="datastore", help="in runs/benchmarks.json")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    table = []
    for vector_kind in options.vectors:
        for size in options.sizes:
            rows = vectors(vector_kind, size, options.width, seed=1)
            queries = vectors(vector_kind, options.queries, options.width, seed=2)
            flat = built(rows, "flat")
            for kind in options.kinds:
                said = {"what": f"{vector_kind} {size:,} {kind}"}
                table.append(said | measure(rows, queries, kind, flat))
                show(table[-1:])
                write(options.name, table)


if __name__ == "__main__":
    main()

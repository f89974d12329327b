"""How fast and how exact the datastore's indexes are, at 10^4 to 10^6 vectors.

    python benchmarks/datastore.py [--sizes 10000 100000] [--width 512] [--queries 200]

Two kinds of unit vectors. "clustered" stands for CLAP's: each is one of 2,000 centres
plus noise in 32 of the directions, so that two sounds of a cluster have a cosine of
about 0.8. "uniform" has no structure at all, the worst case for an approximate index.
For each: seconds to build, milliseconds a query (one at a time, one thread), megabytes
of the saved index, and recall@8, the share of the exact eight nearest that are found.
"""

import argparse
import time

import faiss
import numpy as np

from af_minimal.retrieval import KINDS, build_index

NEAREST = 8
CENTRES, DIRECTIONS, SPREAD = 2_000, 32, 0.5


def vectors(kind: str, count: int, width: int, seed: int) -> np.ndarray:
    """Unit vectors float32 (count, width) of one of the two kinds."""
    rng = np.random.default_rng(seed)
    if kind == "uniform":
        rows = rng.standard_normal((count, width), dtype=np.float32)
    else:
        world = np.random.default_rng(0)  # the same centres for store and queries
        centres = world.standard_normal((CENTRES, width), dtype=np.float32)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        axes = world.standard_normal((DIRECTIONS, width), dtype=np.float32)
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        noise = rng.standard_normal((count, DIRECTIONS), dtype=np.float32)
        rows = centres[rng.integers(CENTRES, size=count)]
        rows = rows + SPREAD / DIRECTIONS**0.5 * noise @ axes
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def measure(rows: np.ndarray, queries: np.ndarray, kind: str, exact) -> dict:
    """Build one index and ask it every query."""
    began = time.perf_counter()
    index = build_index(rows, kind)
    built = time.perf_counter() - began
    began = time.perf_counter()
    found = [index.search(query[None], NEAREST)[1][0] for query in queries]
    asked = (time.perf_counter() - began) / len(queries)
    truth = found if exact is None else exact
    same = [len(set(a) & set(b)) for a, b in zip(found, truth, strict=True)]
    return {
        "found": found,
        "build s": built,
        "query ms": 1000 * asked,
        "MB": faiss.serialize_index(index).nbytes / 1e6,
        "recall": float(np.mean(same)) / NEAREST,
    }


def main() -> None:
    """Measure every size, kind of vector and kind of index, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**4, 10**5])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--queries", type=int, default=200)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    columns = ("build s", "query ms", "MB", "recall")
    print(
        f"{'vectors':<12}{'count':>10}{'index':>7}"
        + "".join(f"{c:>10}" for c in columns)
    )
    for vector_kind in ("clustered", "uniform"):
        for size in options.sizes:
            rows = vectors(vector_kind, size, options.width, seed=1)
            queries = vectors(vector_kind, options.queries, options.width, seed=2)
            exact = None
            for kind in KINDS:
                result = measure(rows, queries, kind, exact)
                exact = result.pop("found") if exact is None else exact
                numbers = "".join(f"{result[c]:>10.3g}" for c in columns)
                print(f"{vector_kind:<12}{size:>10,}{kind:>7}{numbers}", flush=True)


if __name__ == "__main__":
    main()

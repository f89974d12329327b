"""A faiss index of a datastore's embeddings: built, or read back from its folder.

It holds nothing that the embeddings do not, so one that is lost costs time alone.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import warnings
from pathlib import Path

import faiss
import numpy as np

KINDS = ("flat", "ivf", "hnsw")
# entries from which `kind="auto"` is approximate: there ivf lost nothing on clustered
# vectors and was 48 times as fast; at a tenth of it, it lost a third (LOG.md)
APPROXIMATE_FROM = 100_000
INDEX = "index.faiss"


def build_index(embeddings: np.ndarray, kind: str = "auto") -> faiss.Index:
    """Cosines with unit vectors (N, C): ivf looks into some cells, hnsw walks.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    count, width = embeddings.shape
    if kind == "auto":
        kind = "flat" if count < APPROXIMATE_FROM else "ivf"
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(width, 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efSearch = 128
    elif kind == "ivf":
        cells = max(1, min(int(4 * count**0.5), count // 39))  # faiss wants 39 a cell
        index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT
        )
        sample = np.random.default_rng(0).permutation(count)[: 64 * cells]
        index.train(embeddings[sample])
        index.nprobe = max(1, cells // 64)
    else:
        index = faiss.IndexFlatIP(width)
    index.add(embeddings)
    return index


def read_index(folder: str | Path, shape: tuple[int, int]) -> faiss.Index | None:
    """The index of a store of `shape` (N, C); None, with a warning, if it is unusable.

    An index holds nothing that the embeddings do not: it can be built anew.
    """
    path, fault = Path(folder) / INDEX, "is missing"
    if path.is_file():
        try:
            index = faiss.read_index(str(path))
            cosines = index.metric_type == faiss.METRIC_INNER_PRODUCT
            if cosines and (index.ntotal, index.d) == tuple(shape):
                return index
            fault = f"holds {index.ntotal} x {index.d} numbers, the store {shape}"
            fault = fault if cosines else "compares by distance, not by cosine"
        # a damaged header may also ask for more memory than there is
        except (RuntimeError, MemoryError):
            fault = "is cut off or damaged"
    warnings.warn(
        f"{path} {fault}; the index is built anew from the embeddings. Save the store "
        "to keep it.",
        stacklevel=3,
    )
    return None

"""Retrieval: which known sounds resemble this one, and what was said about them.

A datastore holds examples (audio, prompt, output) and one embedding of each audio, by
the same encoder that the model hears with. The neighbours of a new sound become the
demonstrations of a few-shot prompt: the model learns a new word by hearing it used.

Official: `data/prepare_each_dataset.py --interleave` (LAION-CLAP, `IndexFlatL2`)
Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import operator
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from .audio import hear
from .data import Example, open_clip
from .disk import stores
from .disk.examples import check_examples
from .disk.indexes import KINDS, build_index, read_index
from .disk.stored_sounds import file_of
from .encoders import AudioEncoder


class FewNeighboursWarning(UserWarning):
    """The store has fewer other files than were asked for."""


class Datastore:
    """Examples, an embedding (C,) of each, and a faiss index that finds the nearest.

    Args:
        examples: what is remembered; several may belong to one file.
        embeddings: float (N, C); scaled to unit norm, so that the dot product is the
            cosine.
        encoder: hears queries and what is added; without one, query by embedding.
        kind: "flat" compares with all, "ivf" and "hnsw" with some; "auto" is ivf from
            `indexes.APPROXIMATE_FROM` entries on, else flat.
        index: of these embeddings, if there is one already.

    Raises ValueError when the numbers of examples and embeddings differ, for embeddings
    of NaN or zeros and a kind that does not exist; TypeError for a path or a Clip in
    place of an Example.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(
        self,
        examples: Sequence[Example],
        embeddings: np.ndarray,
        encoder: AudioEncoder | None = None,
        kind: str = "auto",
        index: faiss.Index | None = None,
    ):
        check_examples(examples)
        embeddings = np.ascontiguousarray(embeddings, dtype=np.float32)
        if embeddings.ndim != 2 or not 0 < len(examples) == len(embeddings):
            raise ValueError(
                f"{len(examples)} examples came with embeddings of shape "
                f"{embeddings.shape}; (examples, C) is expected, one at least."
            )
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)  # (N, 1)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise ValueError("embeddings of NaN, infinity or all zeros are no sounds.")
        if not np.allclose(lengths, 1, atol=1e-3):  # half precision rounds
            embeddings = embeddings / lengths
        if kind not in (*KINDS, "auto"):
            raise ValueError(f"kind is {kind!r}; choose one of {(*KINDS, 'auto')}.")
        self.examples, self.embeddings = list(examples), embeddings
        self.encoder, self.kind = encoder, kind
        self.heard_by: str | None = None  # which encoder made them, where that is known
        self.files = [file_of(example) for example in examples]
        self.index = build_index(embeddings, kind) if index is None else index

    def __len__(self):
        return len(self.examples)

    @classmethod
    def build(
        cls,
        examples: Sequence[Example],
        encoder: AudioEncoder,
        kind: str = "auto",
        batch_size: int = 32,
    ) -> "Datastore":
        """Hear every example once and index it; raises as `embed`.

        Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
        """
        store = cls(examples, embed(examples, encoder, batch_size), encoder, kind)
        store.heard_by = stores.fingerprint(encoder)
        return store

    def add(self, examples: Sequence[Example], batch_size: int = 32) -> None:
        """Hear more examples, remember them, and build the index anew: all or nothing.

        Raises as `embed`, and ValueError for no encoder or one of another width. One of
        other weights than a loaded store's gives an `OtherEncoderWarning`.
        """
        self._check_encoder()
        new = embed(examples, self.encoder, batch_size)  # (N, C)
        embeddings = np.concatenate([self.embeddings, new])
        files = self.files + [file_of(example) for example in examples]
        self.index = build_index(embeddings, self.kind)  # what can fail is done
        self.embeddings, self.files = embeddings, files
        self.examples = [*self.examples, *examples]

    def neighbours(self, query, k: int = 4) -> list[Example]:
        """The `k` examples that sound most alike, the most alike first.

        Never the query's own file, and one entry of each file. When fewer files are
        left, all of them come with a `FewNeighboursWarning`.

        Args:
            query: a path, a Clip or an Example; or an embedding (C,) of no file.

        Raises ValueError when `k` is not positive or an embedding has another width.

        Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
        """
        return [self.examples[i] for i in self.nearest(query, k)[0]]

    def nearest(self, query, k: int = 4) -> tuple[list[int], list[float]]:
        """Places and cosines of what `neighbours` returns; ValueError for k below 1."""
        if (k := operator.index(k)) < 1:
            raise ValueError(f"k is {k}; ask for at least one neighbour.")
        vector, own = self._embedded(query)
        # 50 more, as official: room for several entries of a file and for the query's
        cosines, places = self.index.search(vector[None], min(len(self), k + 50))
        found = self._one_of_each_file(places[0], cosines[0], own)
        if len(found) < k:  # rank them all
            cosines = self.embeddings @ vector  # (N,)
            places = np.argsort(-cosines, kind="stable")
            found = self._one_of_each_file(places, cosines[places], own)
        if len(found) < k:
            warnings.warn(
                f"{k} neighbours were asked for; the store has {len(found)} other "
                "files. Add examples, or ask for fewer.",
                FewNeighboursWarning,
                stacklevel=3,
            )
        return list(found)[:k], list(found.values())[:k]

    def _one_of_each_file(self, places, cosines, own: str | None) -> dict[int, float]:
        """Place -> cosine of the best entry of every file but `own`, in their order."""
        best: dict[str, tuple[int, float]] = {}
        for place, cosine in zip(places.tolist(), cosines.tolist(), strict=True):
            if place >= 0 and self.files[place] != own:  # ivf fills up with -1
                best.setdefault(self.files[place], (place, cosine))
        return dict(best.values())

    def save(self, folder: str | Path, data_root: str | Path | None = None) -> None:
        """Write examples, embeddings and index; each file whole or not at all.

        A sound is kept as its path inside `folder`, or else inside `data_root`. A Clip
        of no file, and what lies in another store, is written into `folder`: a store
        may be loaded, added to and saved, here or elsewhere.

        A Clip with a path is kept as that file, whatever its samples are now; give a
        changed one no path.

        Raises ValueError when a file lies outside both, and writes nothing.
        """
        heard_by = self.heard_by or stores.fingerprint(self.encoder)
        what = self.examples, self.embeddings, self.index
        stores.write_store(folder, *what, data_root, heard_by)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        encoder: AudioEncoder | None = None,
        data_root: str | Path | None = None,
        kind: str = "auto",
    ) -> "Datastore":
        """What `save` wrote; `kind` is what `add` will build.

        Stores of the first format load as well; see `disk/stores.py`. Without a whole
        index one is built anew, with a warning; another encoder's weights give one too.

        Raises FileNotFoundError when the folder holds no datastore, ValueError when a
        row is broken or its path leaves `data_root`, for embeddings that are cut off or
        an encoder of another width.
        """
        examples, embeddings, heard_by = stores.read_store(folder, data_root)
        index = read_index(folder, embeddings.shape)
        store = cls(examples, embeddings, encoder, kind, index)
        store.heard_by = heard_by
        if encoder is not None:
            store._check_encoder()
        return store

    def _check_encoder(self) -> None:
        again = partial(embed, self.examples[:1], self.encoder)
        stores.check_encoder(self.encoder, self.heard_by, self.embeddings[:1], again)

    def _embedded(self, query) -> tuple[np.ndarray, str | None]:
        if isinstance(query, np.ndarray | torch.Tensor):
            vector, own = torch.as_tensor(query).float().ravel().numpy(force=True), None
        else:
            example = query if isinstance(query, Example) else Example(query, "", "")
            vector, own = embed([example], self.encoder)[0], file_of(example)
        return stores.check_vector(vector, self.embeddings.shape[1]), own


@torch.no_grad()
def embed(
    examples: Sequence[Example], encoder: AudioEncoder, batch_size: int = 32
) -> np.ndarray:
    """What `AudioEncoder.liken` compares sounds by, of examples: (N, C), unit norm.

    Raises ValueError when there is none or no encoder, TypeError unless all are
    Examples.
    """
    check_examples(examples)
    stores.check_hears(encoder)
    if not examples:
        raise ValueError("at least one example is expected; none came.")
    parts, rate = [], encoder.audio.sample_rate
    starts = range(0, len(examples), batch_size)
    for start in tqdm(starts, desc="hear examples", disable=len(starts) < 2):
        batch = examples[start : start + batch_size]
        heard = [hear(open_clip(example, rate), encoder.audio) for example in batch]
        cut = (torch.from_numpy(np.stack(t)) for t in zip(*heard, strict=True))
        parts.append(encoder.liken(*encoder.encode_windows(*cut)).float().cpu())
    return F.normalize(torch.cat(parts), dim=-1).numpy()  # half precision rounds

"""A datastore as a folder: one line of JSON for each example, safetensors, and audio.

    examples.jsonl            rows, and where the sound of each is
    embeddings.safetensors    float (N, C), and a hash of the encoder that made them
    index.faiss               of these embeddings; without it, it is built anew
    audio/<sha256>.wav        sounds that came from no file, named by their samples

Stores of the first format, whose sounds are numbered and whose encoder is not noted,
are read as well. Their sounds are known by their paths alone: after loading, a Clip
without a path can meet itself among its neighbours.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from .examples import Example, fields_of
from .indexes import INDEX
from .manifests import inside
from .shards import digest_of
from .storage import make_folder, save_tensors
from .stored_sounds import ROWS, file_of, keep_sound, place_of, stretch_of

TENSORS = "embeddings.safetensors"
SAME_SOUND = 0.999  # cosine of two embeddings of one sound by one encoder, at least


class OtherEncoderWarning(UserWarning):
    """A store is to hear with an encoder that did not make its embeddings."""


def write_store(
    folder: str | Path,
    examples: Sequence[Example],
    embeddings: np.ndarray,
    index: faiss.Index,
    data_root: str | Path | None = None,
    heard_by: str | None = None,
) -> None:
    """Write examples, embeddings (N, C) and index; they replace what is there.

    Sounds that no row names any more stay in `audio`.

    Args:
        heard_by: `fingerprint` of the encoder that made the embeddings.

    Raises:
        ValueError: when an example's file lies outside `folder` and `data_root`, or
            it has few-shot examples of its own; then nothing is written.
        NotADirectoryError: where a file is in the folder's place.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    rows = [row_of(example, Path(folder), data_root) for example in examples]
    folder = make_folder(folder)
    for example, row in zip(examples, rows, strict=True):
        if "here" in row:
            keep_sound(example, folder, row["here"])
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    noted = {"rows": digest_of(text)} | ({"encoder": heard_by} if heard_by else {})
    with tempfile.TemporaryDirectory(dir=folder) as aside:  # of this save alone
        (Path(aside) / ROWS).write_text(text, encoding="utf-8")
        tensors = {"embeddings": torch.from_numpy(np.ascontiguousarray(embeddings))}
        save_tensors(tensors, Path(aside) / TENSORS, noted)
        faiss.write_index(index, str(Path(aside) / INDEX))
        (folder / INDEX).unlink(missing_ok=True)  # never one of other embeddings
        for name in (ROWS, TENSORS, INDEX):
            os.replace(Path(aside) / name, folder / name)


def row_of(example: Example, folder: Path, data_root: str | Path | None) -> dict:
    """An example as JSON; its audio as a path inside `data_root` or `folder`.

    Raises ValueError for a file outside both, and for few-shot examples.
    """
    if example.examples:
        raise ValueError(
            f"the example {file_of(example)} has few-shot examples, which no store "
            "keeps. Leave them out: replace(example, examples=(), examples_are=None)."
        )
    place = place_of(example, folder, data_root)
    start_s, duration_s = stretch_of(example)
    return place | fields_of(replace(example, start_s=start_s, duration_s=duration_s))


def read_store(
    folder: str | Path, data_root: str | Path | None = None
) -> tuple[list[Example], np.ndarray, str | None]:
    """Examples, embeddings (N, C) and `heard_by`, as `write_store` got them.

    Raises:
        FileNotFoundError: when the folder holds no datastore.
        ValueError: naming the row that is broken, or whose path leaves its folder; or
            the embeddings, when they are cut off or of other rows.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    folder = Path(folder)
    if not (folder / ROWS).is_file() or not (folder / TENSORS).is_file():
        raise FileNotFoundError(
            f"no datastore in {folder}: it has no {ROWS} and {TENSORS}. Give a folder "
            "that Datastore.save wrote."
        )
    # not splitlines, which splits at U+2028 too: JSON leaves that inside a text
    text = (folder / ROWS).read_text(encoding="utf-8")
    lines = text.removesuffix("\n").split("\n")
    examples = []
    for number, line in enumerate(lines, start=1):
        try:
            examples.append(example_of(json.loads(line), folder, data_root))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / ROWS}, line {number}: {error}") from error
    try:
        with safe_open(folder / TENSORS, framework="numpy") as file:
            noted, embeddings = file.metadata() or {}, file.get_tensor("embeddings")
    except SafetensorError as error:
        raise ValueError(
            f"{folder / TENSORS} is cut off or damaged ({error}). Build it again."
        ) from error
    if noted.get("rows", digest_of(text)) != digest_of(text):
        raise ValueError(
            f"{folder / TENSORS} holds embeddings of other rows than {ROWS}: a save "
            "was interrupted, or one was changed by hand. Build the store again."
        )
    return examples, embeddings, noted.get("encoder")


def example_of(row: dict, folder: Path, data_root: str | Path | None) -> Example:
    """A row back into an example, its audio a path that stays where it must.

    Raises ValueError for audio outside its folder, or when that was not named.
    """
    row = dict(row)
    here, name = row.pop("here", None), row.pop("name", None)
    if here is None and data_root is None:
        raise ValueError(
            f"the audio {name} is a file of a folder that was not named: pass it, "
            "load(folder, data_root=...), or --store-root on the command line"
        )
    root = folder if here is not None else Path(data_root)
    path = root / (here if here is not None else name)
    if not inside(path, root):
        raise ValueError(f"the audio {path} leaves {root}")
    row["dialogue"] = tuple(tuple(turn) for turn in row.get("dialogue", ()))
    return Example(str(path), **row)


def check_width(width: int, expected: int) -> None:
    """Raise ValueError unless an embedding is as wide as those of the store."""
    if width != expected:
        raise ValueError(
            f"the embedding has {width} numbers; {expected} are expected, as in the "
            "store. Hear with the encoder that made it, as `retrieval.embed` does, or "
            "build the store again."
        )


def check_vector(vector: np.ndarray, width: int) -> np.ndarray:
    """An embedding (C,) as a store compares it: float32, unit norm.

    Raises ValueError for another width than the store's, for NaN or infinity, and for
    zeros, which have no direction.
    """
    check_width(len(vector), width)
    vector = np.asarray(vector, dtype=np.float64)  # squares of float32 may overflow
    length = np.linalg.norm(vector)
    if not 0 < length < np.inf:
        raise ValueError(
            f"the embedding has the length {length}, so it is like no sound: finite "
            "numbers are expected, not all of them 0. Hear the sound again, with an "
            "encoder whose weights are whole."
        )
    return (vector / length).astype(np.float32)


def check_hears(encoder) -> None:
    """Raise ValueError unless this is an encoder: a model is none, it has one."""
    if not hasattr(encoder, "liken"):
        raise ValueError(
            f"there is no encoder to hear with: {type(encoder).__name__} came. Give "
            "that of a model which has one: Datastore.load(folder, model.encoder)."
        )


def check_encoder(
    encoder,
    heard_by: str | None,
    first: np.ndarray,
    again: Callable[[], np.ndarray],
) -> None:
    """Look whether an encoder is the one whose embeddings a store holds.

    Weights that were rounded since give other fingerprints and the same embeddings, so
    where the fingerprints differ the store's first sound is heard once more.

    Args:
        heard_by: `fingerprint` of that one; None: an old store, which does not say.
        first: (1, C), the store's first embedding.
        again: hears that sound with `encoder`, (1, C).

    Raises ValueError for another width or no encoder at all. Another encoder gives an
    `OtherEncoderWarning`.
    """
    check_hears(encoder)
    padding = torch.zeros(1, 1, encoder.audio.window)  # (B, L, samples), nothing real
    nothing = encoder.encode_windows(padding, torch.zeros(1, 1, dtype=torch.bool))
    heard = encoder.liken(*nothing)  # (B, C)
    check_width(heard.shape[-1], first.shape[-1])
    if heard_by in (None, fingerprint(encoder)):
        return
    try:
        same = float((again() * first).sum()) > SAME_SOUND
    except (OSError, ValueError):  # its file is gone, or is no sound any more
        same = False
    if not same:
        warnings.warn(
            "the store was made by an encoder with other weights, so its neighbours "
            "may not sound alike: load it with that one, or build it again.",
            OtherEncoderWarning,
            stacklevel=4,
        )


def fingerprint(encoder: nn.Module | None) -> str | None:
    """The sha256 of all weights in bfloat16: the same for a model in float32."""
    if encoder is None:
        return None
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        if tensor.is_floating_point():
            bits = tensor.cpu().bfloat16().contiguous().view(torch.int16)
            digest.update(name.encode() + bits.numpy().tobytes())
    return digest.hexdigest()

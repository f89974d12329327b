"""Interleaved manifests: which rows of `train.json` are the examples of which query.

    interleaved_knn-test.json     examples that sound similar to a row of test.json
    interleaved_random-test.json  examples drawn at random

They hold numbers alone, and stand beside the manifests whose rows they number.

Official: data/prepare_each_dataset.py build_interleaved_dataset
Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .examples import Example
from .manifests import (
    ManifestError,
    load_object,
    raise_broken,
    read_manifest,
    write_object,
)

KINDS = {"knn": "similar", "random": "random"}  # in the file's name -> in the prompt
HEADER = ("dataset_path", "split", "split_path", "flamingo_task")
QUERY, SHOTS = "generation_index_in_split", "fewshot_indices_in_train"


def write_interleaved(
    folder: str | Path,
    split: str,
    rows: Sequence[tuple[int, Sequence[int]]],
    kind: str = "knn",
) -> Path:
    """Write `interleaved_{kind}-{split}.json`, whole or not at all.

    Args:
        folder: holds `train.json` and `{split}.json`, as `write_manifest` wrote them.
        rows: of each query its row of the split and the rows of `train.json` that come
            before it, in this order; see `official.interleaving.interleave`.
        kind: "knn" or "random", how the examples were found.

    Returns:
        the file, for `read_manifest`.

    Raises:
        ValueError: for another kind.
        ManifestError: when a manifest is missing, or listing every row with an index
            that its manifest does not have, or with the query among its own examples.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; choose one of {tuple(KINDS)}.")
    path = Path(folder) / f"interleaved_{kind}-{split}.json"
    manifest, train = load_object(path.with_name(f"{split}.json")), keys(path, "train")
    queries, broken, written = keys(path, split), [], {}
    for number, (query, shots) in enumerate(rows):
        try:
            query = find(queries, query, split)
            shots = [find(train, shot, "train") for shot in shots]
            if split == "train" and query in shots:
                raise ValueError(f"row {query} is among its own examples")
            written[str(number)] = {QUERY: int(query), SHOTS: list(map(int, shots))}
        except ValueError as error:
            broken.append(f"row {number}: {error}")
    raise_broken(path, broken)
    header = {name: manifest.get(name) for name in HEADER}
    write_object(path, header | {"total_num": len(rows), "interleaved_data": written})
    return path


def read_interleaved(
    path: Path, content: dict, data_root: str | Path, check_audio: bool
) -> list[Example]:
    """The queries, each with its examples; `read_manifest` calls this.

    Raises:
        ManifestError: when a manifest is missing, or listing every broken row.

    Official: data/data.py AudioTextData
    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    kind, _, split = path.stem.removeprefix("interleaved_").partition("-")
    if kind not in KINDS or not isinstance(content["interleaved_data"], dict):
        raise ManifestError(
            f"{path}: an interleaved manifest is called interleaved_knn-SPLIT.json or "
            'interleaved_random-SPLIT.json and holds "interleaved_data": {"0": ...}.'
        )
    train: dict[str, Example] = {}
    queries: dict[str, Example] = {}
    for name, found in (("train", train), (split, queries)):
        file = path.with_name(f"{name}.json")
        read = read_manifest(file, data_root, check_audio)
        found |= zip(keys(path, name), read, strict=True)
    examples, broken = [], []
    for key, row in content["interleaved_data"].items():
        try:
            query = queries[find(queries, row[QUERY], split)]
            shots = tuple(train[find(train, shot, "train")] for shot in row[SHOTS])
            examples.append(replace(query, examples=shots, examples_are=KINDS[kind]))
        except (KeyError, TypeError, ValueError) as error:
            broken.append(f"row {key}: {error!r}")
    raise_broken(path, broken)
    return examples


def keys(path: Path, split: str) -> dict[str, None]:
    """The keys of the rows of a manifest beside `path`, in their order.

    They are a dict, in which each of many rows is found at once.
    """
    rows = load_object(path.with_name(f"{split}.json")).get("data") or {}
    return dict.fromkeys(rows)


def find(rows, index, split: str) -> str:
    """The key of a row; ValueError when the manifest has no such row."""
    whole = hasattr(index, "__index__") and not isinstance(index, bool)
    if not whole or str(index) not in rows:
        raise ValueError(f"index {index!r} is not one of {len(rows)} rows of {split}")
    return str(index)

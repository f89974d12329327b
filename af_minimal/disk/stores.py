"""A datastore as a folder: one line of JSON for each example, safetensors, and audio.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import soundfile
from safetensors.numpy import load_file, save_file

from .manifests import Example, inside

ROWS, TENSORS, AUDIO = "examples.jsonl", "embeddings.safetensors", "audio"


def write_store(
    folder: str | Path,
    examples: Sequence[Example],
    embeddings: np.ndarray,
    data_root: str | Path | None = None,
) -> None:
    """Write examples and their embeddings (N, C); what was there is replaced.

    Raises:
        ValueError: when an example's file lies outside `data_root`.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row_of(e, i, folder, data_root) for i, e in enumerate(examples)]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "rows.part").write_text(text, encoding="utf-8")
    save_file({"embeddings": embeddings}, folder / "tensors.part")
    os.replace(folder / "rows.part", folder / ROWS)
    os.replace(folder / "tensors.part", folder / TENSORS)


def row_of(example: Example, number: int, folder: Path, data_root) -> dict:
    """An example as JSON; its audio as a path inside `data_root` or `folder`.

    Raises ValueError for a file outside the folder of the recordings.
    """
    audio = example.audio  # a path, or a Clip; what a Clip is, this room does not know
    path = getattr(audio, "path", audio)
    if path is None:
        name = f"{AUDIO}/{number:06d}.wav"
        (folder / AUDIO).mkdir(exist_ok=True)
        aside = folder / "audio.part.wav"
        soundfile.write(aside, audio.waveform, audio.sample_rate, "FLOAT")
        os.replace(aside, folder / name)
        place = {"here": name}
    else:
        if data_root is None or not inside(Path(path), data_root):
            raise ValueError(
                f"the example {path} is a file outside data_root {data_root}: pass the "
                "folder that holds the recordings, save(folder, data_root=...)."
            )
        root = os.path.realpath(data_root)
        place = {"name": os.path.relpath(os.path.realpath(path), root)}
        start_s = getattr(audio, "start_s", example.start_s)
        example = replace(example, start_s=start_s)
    fields = asdict(replace(example, audio=None, examples=()))
    kept = {k: v for k, v in fields.items() if v}
    return place | {"prompt": "", "output": ""} | kept


def read_store(
    folder: str | Path, data_root: str | Path | None = None
) -> tuple[list[Example], np.ndarray]:
    """Inverse of `write_store`: examples, and embeddings (N, C).

    Raises:
        FileNotFoundError: when the folder holds no datastore.
        ValueError: naming the row that is broken, or whose path leaves its folder.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    folder = Path(folder)
    if not (folder / ROWS).is_file() or not (folder / TENSORS).is_file():
        raise FileNotFoundError(
            f"no datastore in {folder}: it has no {ROWS} and {TENSORS}. Give a folder "
            "that Datastore.save wrote."
        )
    lines = (folder / ROWS).read_text(encoding="utf-8").splitlines()
    examples = []
    for number, line in enumerate(lines, start=1):
        try:
            examples.append(example_of(json.loads(line), folder, data_root))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder / ROWS}, line {number}: {error}") from error
    return examples, load_file(folder / TENSORS)["embeddings"]


def example_of(row: dict, folder: Path, data_root: str | Path | None) -> Example:
    """A row back into an example, its audio a path that stays where it must.

    Raises ValueError for audio outside its folder, or when that was not named.
    """
    row = dict(row)
    here, name = row.pop("here", None), row.pop("name", None)
    if here is None and data_root is None:
        raise ValueError(
            f"the audio {name} is a file of a folder that was not named: pass it, "
            "load(folder, data_root=...)"
        )
    root = folder if here is not None else Path(data_root)
    path = root / (here if here is not None else name)
    if not inside(path, root):
        raise ValueError(f"the audio {path} leaves {root}")
    row["dialogue"] = tuple(tuple(turn) for turn in row.get("dialogue", ()))
    return Example(str(path), **row)

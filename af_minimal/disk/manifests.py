"""Manifests: JSON files, in the official format, that list the rows of a dataset.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

from .examples import Example

MAX_SHOWN = 10  # broken rows that an error spells out


class ManifestError(ValueError):
    """A manifest cannot be used; the message names file, rows and reasons."""


def read_manifest(
    path: str | Path, data_root: str | Path, check_audio: bool = True
) -> list[Example]:
    """Read one manifest; its audio files must lie inside the folder `data_root`.

    An interleaved manifest, `interleaved_knn-train.json`, is read with the `train.json`
    and the split beside it. `check_audio=False` does not look whether files exist.

    Raises ManifestError listing every broken row with its key and the reason.

    Official: data/data.py AudioTextData
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    path = Path(path)
    manifest = load_object(path)
    if "interleaved_data" in manifest:
        from .interleaved import read_interleaved  # which reads manifests itself

        return read_interleaved(path, manifest, data_root, check_audio)
    rows = manifest.get("data")
    if not isinstance(rows, dict) or not rows:
        raise ManifestError(
            f'{path} has no rows: it needs "data": {{"0": {{"name", "prompt", '
            '"output"}, ...}.'
        )
    folder = _audio_folder(path, manifest, data_root)
    examples, broken = [], []
    if manifest.get("total_num", len(rows)) != len(rows):
        broken.append(f"total_num is {manifest['total_num']!r}; rows: {len(rows)}")
    for key, row in rows.items():
        try:
            task = manifest.get("flamingo_task")
            examples.append(_example(row, folder, Path(data_root), task, check_audio))
        except ValueError as error:
            broken.append(f"row {key}: {error}")
    raise_broken(path, broken)
    return examples


def load_object(path: Path) -> dict:
    """The JSON object in a file; ManifestError when there is none."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ManifestError(f"There is no manifest {path}.") from None
    except ValueError as error:
        raise ManifestError(f"{path} is not JSON: {error}.") from error
    if not isinstance(manifest, dict):
        raise ManifestError(f"{path} holds a {type(manifest).__name__}, not an object.")
    return manifest


def raise_broken(path: Path, broken: list[str]) -> None:
    """ManifestError that lists broken rows, if there are any."""
    if broken:
        more = len(broken) - MAX_SHOWN
        tail = [f"... and {more} more"] if more > 0 else []
        lines = "\n  ".join(broken[:MAX_SHOWN] + tail)
        raise ManifestError(f"{path}: {len(broken)} broken.\n  {lines}")


def _audio_folder(path: Path, manifest: dict, data_root: str | Path) -> Path:
    """dataset_path / split_path, where dataset_path may be relative to data_root."""
    for field in ("dataset_path", "split_path"):
        if not isinstance(manifest.get(field) or "", str):
            raise ManifestError(
                f"{path}: {field} is {manifest[field]!r}; a folder's name is expected."
            )
    dataset = Path(manifest.get("dataset_path") or "")
    if not dataset.is_relative_to(data_root):
        joined = Path(data_root) / dataset  # an absolute dataset_path wins
        # perhaps it was written as seen from here, and the root is told otherwise now
        from_here = not joined.exists() and inside(dataset, data_root)
        # or from where it was written, and the root is that very folder
        end = Path(os.path.realpath(data_root)).parts[-len(dataset.parts) :]
        if not joined.exists() and dataset.parts and end == dataset.parts:
            joined = Path(data_root)
        dataset = dataset if from_here else joined
    folder = dataset / (manifest.get("split_path") or "")
    if not inside(folder, data_root):
        raise ManifestError(
            f"{path}: dataset_path and split_path lead to {folder}, outside data_root "
            f"{data_root}. Pass the data_root that holds the audio, or make "
            "dataset_path relative to it."
        )
    return folder


def inside(path: Path, root: str | Path) -> bool:
    """True when `path` stays in `root` after symlinks and .. are followed."""
    real, root = os.path.realpath(path), os.path.realpath(root)
    return os.path.commonpath([real, root]) == root


def _example(row, folder: Path, root: Path, task, check_audio: bool) -> Example:
    if not isinstance(row, dict):
        raise ValueError(f"an object is expected, {type(row).__name__} came")
    name = row.get("name")
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"name is {name!r}; a file name is expected")
    file = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not inside(file, root):
        raise ValueError(f"name {name!r} leaves the data root; use a path inside it")
    if check_audio and not file.is_file():
        raise ValueError(f"there is no audio file {file}")
    start_s = row.get("audio_start", 0.0)
    number = isinstance(start_s, (int, float)) and not isinstance(start_s, bool)
    if not number or not 0 <= start_s < math.inf:
        raise ValueError(f"audio_start is {start_s!r}; seconds from 0 are expected")
    dialogue = _dialogue(row["dialogue"]) if "dialogue" in row else ()
    prompt, output = (
        ("", "") if dialogue else (_text(row, "prompt"), _text(row, "output"))
    )
    return Example(
        str(file), prompt, output, task, start_s=float(start_s), dialogue=dialogue
    )


def _text(row: dict, field: str) -> str:
    value = row.get(field)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number and (not isinstance(value, str) or not value.strip()):
        raise ValueError(f"{field} is {value!r}; a text is expected")
    return str(value)


def _dialogue(turns) -> tuple[tuple[str, str], ...]:
    if not isinstance(turns, list) or not turns:
        raise ValueError("dialogue is not a list of rounds")
    if not all(isinstance(turn, dict) for turn in turns):
        raise ValueError('each round of a dialogue is {"user", "assistant"}')
    return tuple((_text(turn, "user"), _text(turn, "assistant")) for turn in turns)


def write_manifest(
    path: str | Path,
    examples: Sequence[Example],
    data_root: str | Path,
    flamingo_task: str,
    split: str = "train",
    durations_s: Sequence[float] | None = None,
) -> None:
    """Write examples whose audio is a path inside `data_root`; all of them, or nothing.

    With `durations_s` the layout is that of AF2: "duration" in each row, and no
    "dataset_path".

    Raises ManifestError listing every example that a manifest cannot hold: whose audio
    is no file in `data_root`, or ends before its file; that has few-shot examples, or
    no text, or anything else that `read_manifest` would refuse; or that none came.
    ValueError when there are not as many durations.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    faults = [_unwritable(example, data_root) for example in examples]
    broken = [f"row {i}: {fault}" for i, fault in enumerate(faults) if fault]
    broken += [] if examples else ["no example came; a manifest has one or more"]
    raise_broken(Path(path), broken)
    rows = {str(i): _row(example, data_root) for i, example in enumerate(examples)}
    head = {"dataset_path": str(data_root)} if durations_s is None else {}
    if durations_s is not None:
        for row, duration_s in zip(rows.values(), durations_s, strict=True):
            row["duration"] = duration_s
    manifest = {
        **head,
        "split": split,
        "split_path": "",
        "flamingo_task": flamingo_task,
        "total_num": len(rows),
        "data": rows,
    }
    write_object(path, manifest)


def write_object(path: str | Path, content: dict) -> None:
    """Write a JSON file whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=1)
    temporary = Path(f"{path}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _unwritable(example: Example, data_root: str | Path) -> str | None:
    """Why an example cannot be a row, if so."""
    if not isinstance(example, Example):
        return f"it is no Example but a {type(example).__name__}"
    audio = example.audio
    if not isinstance(audio, (str, Path)) or not inside(Path(audio), data_root):
        return f"audio {audio!r} is not a path inside {data_root}"
    if example.duration_s is not None:
        return (
            f"{audio} is meant for {example.duration_s} s only, and a manifest cannot "
            "say where a sound ends; write these seconds to a file of their own"
        )
    if example.examples:
        return "it has few-shot examples; write them with write_interleaved"
    root = Path(data_root)
    try:  # what is written must be read again
        row = json.dumps(_row(example, root), ensure_ascii=False).encode()
        _example(json.loads(row), root, root, None, check_audio=True)
    except ValueError as error:
        return str(error)
    return None


def _row(example: Example, data_root: str | Path) -> dict:
    name = os.path.relpath(os.path.realpath(example.audio), os.path.realpath(data_root))
    row = {"name": name}
    if example.dialogue:
        pairs = [{"user": u, "assistant": a} for u, a in example.dialogue]
        row["dialogue"] = pairs
    else:
        row |= {"prompt": example.prompt, "output": example.output}
    return row | ({"audio_start": example.start_s} if example.start_s else {})

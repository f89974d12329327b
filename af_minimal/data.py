"""Data: examples, folders of recordings, and batches that are no larger than needed.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .audio import Clip, load_audio
from .blending import blend, pass_order
from .disk.manifests import Example, ManifestError, read_manifest, write_manifest
from .prompts import IGNORE

__all__ = [
    "Example",
    "ManifestError",
    "Sample",
    "blend",
    "collate",
    "open_clip",
    "pass_order",
    "read_esc",
    "read_manifest",
    "write_manifest",
]


def open_clip(example: Example, sample_rate: int = 16_000) -> Clip:
    """The sound of an example: the Clip it holds, or its file from `start_s` on.

    Raises TypeError for anything else: render a Score into a Clip first.
    """
    if isinstance(example.audio, Clip):
        return example.audio
    if isinstance(example.audio, (str, Path)):
        return load_audio(example.audio, sample_rate, start_s=example.start_s)
    raise TypeError(
        f"The example's audio is a {type(example.audio).__name__}; a path or a Clip is "
        "expected. Render a SoundWorld score first: Clip(render(score), 16000)."
    )


@dataclass(frozen=True)
class Sample:
    """One row of a batch before padding.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """

    input_ids: Sequence[int] | Tensor  # (T,)
    labels: Sequence[int] | Tensor  # (T,)
    audio_features: Tensor  # (L, E); windows (L, samples) and dense (L, n, E) work too
    audio_mask: Tensor  # (L,) bool, True = real window


def collate(samples: Sequence[Sample], pad_id: int) -> dict[str, Tensor]:
    """Pad samples to one batch: input_ids, attention_mask, labels (B, T),
    audio_features (B, L, E), audio_mask (B, L).

    Text is padded on its right with `pad_id` to the longest text of this batch, audio
    with zero windows to the most audios of this batch (every sample brings A * W
    windows). The official code pads each sample to the most audios that any sample may
    have, 128 windows for 8-shot, and runs the encoder over all of them.

    Raises ValueError for an empty batch or lengths that do not fit each other.

    Official: data/data.py DataCollator
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    if not samples:
        raise ValueError("The batch is empty; at least one sample is expected.")
    for i, sample in enumerate(samples):
        _check_lengths(i, sample)
    ids = [torch.as_tensor(s.input_ids, dtype=torch.long) for s in samples]
    labels = [torch.as_tensor(s.labels, dtype=torch.long) for s in samples]
    real = [torch.ones(len(row), dtype=torch.bool) for row in ids]
    return {
        "input_ids": pad_sequence(ids, True, pad_id),  # (B, T)
        "attention_mask": pad_sequence(real, True, False),  # (B, T)
        "labels": pad_sequence(labels, True, IGNORE),  # (B, T)
        "audio_features": pad_sequence([s.audio_features for s in samples], True),
        "audio_mask": pad_sequence([s.audio_mask.bool() for s in samples], True, False),
    }


def _check_lengths(i: int, sample: Sample) -> None:
    if len(sample.input_ids) != len(sample.labels):
        raise ValueError(
            f"Sample {i} has {len(sample.input_ids)} token ids and "
            f"{len(sample.labels)} labels; make the labels with build_labels."
        )
    if len(sample.audio_features) != len(sample.audio_mask):
        raise ValueError(
            f"Sample {i} has {len(sample.audio_features)} windows and a mask of "
            f"{len(sample.audio_mask)}; each window needs one entry."
        )


def read_esc(
    folder: str | Path,
    folds: Collection[int] | None = None,
    prompt: str = "classify this sound.",
) -> list[Example]:
    """Examples of an ESC-10 or ESC-50 folder, in the order of its table.

    Two layouts are understood: `meta.csv` (filename, fold, label) with `audio/` beside
    it, and the one ESC-50 is published in, `meta/esc50.csv` (filename, fold, category).
    `folds` keeps those of 1 to 5; None keeps all. Underscores in labels become spaces.

    Raises FileNotFoundError when neither layout is found or a recording is missing,
    ValueError when the table lacks a column or no row is left.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folder = Path(folder)
    tables = {folder / "meta.csv": "label", folder / "meta" / "esc50.csv": "category"}
    table = next((file for file in tables if file.is_file()), None)
    if table is None:
        raise FileNotFoundError(
            f"{folder} is not an ESC folder: it holds neither meta.csv "
            "(filename,fold,label) nor meta/esc50.csv (filename,fold,category)."
        )
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    _check_table(table, rows, ("filename", "fold", tables[table]))
    examples = []
    for row in rows:
        if folds is None or int(row["fold"]) in folds:
            label = row[tables[table]].strip().replace("_", " ")
            audio = _recording(folder / "audio", row["filename"])
            fold = int(row["fold"])
            examples.append(
                Example(
                    audio, prompt, label, "EventClassification", label=label, fold=fold
                )
            )
    if not examples:
        raise ValueError(
            f"No row of {table} has a fold in {folds}; its folds are "
            f"{sorted({int(row['fold']) for row in rows})}."
        )
    return examples


def _check_table(table: Path, rows: list[dict], columns: tuple[str, ...]) -> None:
    if not rows:
        raise ValueError(f"{table} has no rows.")
    missing = [column for column in columns if column not in rows[0]]
    if missing:
        raise ValueError(
            f"{table} has the columns {list(rows[0])}; {', '.join(missing)} is missing."
        )
    for number, row in enumerate(rows, start=2):
        if not all(row[c] for c in columns) or not row["fold"].strip().isdigit():
            raise ValueError(
                f"{table} line {number}: filename, a fold number and a label are "
                f"expected, {row} came."
            )


def _recording(folder: Path, name: str) -> str:
    if Path(name).name != name:
        raise ValueError(f"The file name {name!r} leaves {folder}; use a bare name.")
    if not (folder / name).is_file():
        raise FileNotFoundError(f"There is no recording {folder / name}.")
    return str(folder / name)

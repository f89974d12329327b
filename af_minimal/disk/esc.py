"""Folders of ESC-10 and ESC-50 recordings (Piczak 2015), as they are downloaded.

Taught in: notebooks/08_staged_training.ipynb
"""

import csv
from collections.abc import Collection
from numbers import Integral
from pathlib import Path

from .examples import Example

ESC10_NAMES = {  # of ESC-50 -> of ESC-10, where they differ
    "dog": "dog bark",
    "crying baby": "baby cry",
    "sneezing": "person sneeze",
    "crackling fire": "fire crackling",
}


def read_esc(
    folder: str | Path,
    folds: Collection[int] | int | None = None,
    prompt: str = "classify this sound.",
    ten: bool = False,
) -> list[Example]:
    """Examples of an ESC-10 or ESC-50 folder, in the order of its table.

    Two layouts are understood: `meta.csv` (filename, fold, label) with `audio/` beside
    it, and the one ESC-50 is published in, `meta/esc50.csv` (filename, fold, category).
    `folds` keeps one of 1 to 5, or several; None keeps all. Underscores in labels are
    spaces. `ten` keeps of ESC-50 the classes of ESC-10, by the names they have there.

    Raises FileNotFoundError when neither layout is found or a recording is missing,
    ValueError when the table lacks a column or no row is left, TypeError for folds that
    are no whole numbers.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folds = {folds} if isinstance(folds, Integral | str) else folds
    if not all(isinstance(fold, Integral) for fold in folds or ()):
        raise TypeError(
            f"folds is {folds!r}; whole numbers are expected, as folds=5 or "
            "folds=(1, 2)."
        )
    folder = Path(folder)
    tables = {folder / "meta.csv": "label", folder / "meta" / "esc50.csv": "category"}
    table = next((file for file in tables if file.is_file()), None)
    if table is None:
        raise FileNotFoundError(
            f"{folder} is not an ESC folder: it holds neither meta.csv "
            "(filename,fold,label) nor meta/esc50.csv (filename,fold,category)."
        )
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    _check_table(table, rows, ("filename", "fold", tables[table]))
    examples = []
    if ten and "esc10" in rows[0]:
        rows = [row for row in rows if row["esc10"].strip() == "True"]
    for row in rows:
        if folds is None or int(row["fold"]) in folds:
            label = row[tables[table]].strip().replace("_", " ")
            label = ESC10_NAMES.get(label, label) if ten else label
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
        if not all(row[c] for c in columns) or not row["fold"].strip().isdecimal():
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

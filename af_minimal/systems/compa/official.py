"""CompA's own tables: read the official benchmark, write ours in the same layout.

Columns are `pair_caption, reversed_pair_caption, pair_file, reversed_pair_file`, and of
the order benchmark `triplet_caption, triplet_file` with "-" where there is no third
pair. The table of attributes names its files twice; the second time is right.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import soundfile

from ...audio import load_audio
from ...config import AudioConfig
from ...disk.manifests import inside
from .benchmark import Instance

RATE = AudioConfig().sample_rate  # Hz
PAIRS = ("pair", "reversed_pair", "triplet")
NONE = "-"  # no third pair
COLUMNS = (
    "pair_caption",
    "reversed_pair_caption",
    "pair_file",
    "reversed_pair_file",
    "triplet_caption",
    "triplet_file",
)


def read_compa(table: str | Path, folder: str | Path) -> list[Instance]:
    """The instances of a CompA table whose sounds lie in a folder.

    Raises:
        ValueError: when a column is missing, a row has no two pairs, or a file lies
            outside the folder.
        FileNotFoundError: when a sound is missing.

    Official: CompA `evaluation/benchmark_eval.py`, which leaves the third pair out
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    with open(table, newline="", encoding="utf-8") as file:
        lines = csv.reader(file)
        # of a name that comes twice the second counts, be it "pair_file.1" or not
        header = [name.strip().removesuffix(".1") for name in next(lines, [])]
        rows = [dict(zip(header, line, strict=False)) for line in lines if any(line)]
    missing = [name for name in COLUMNS[:4] if name not in header]
    if missing:
        raise ValueError(
            f"{table} lacks {', '.join(missing)}; its columns are {', '.join(header)}."
        )
    return [_instance(row, number, Path(folder)) for number, row in enumerate(rows, 2)]


def _instance(row: dict[str, str], line: int, folder: Path) -> Instance:
    texts, waves = [], []
    for pair in PAIRS:
        said, name = (row.get(f"{pair}_{x}", NONE).strip() for x in ("caption", "file"))
        if name in (NONE, "") and pair == PAIRS[-1]:
            continue
        if not said or name in (NONE, "") or not inside(folder / name, folder):
            raise ValueError(
                f"line {line}: {pair} has the caption {said!r} and the file {name!r}; "
                f"a sentence and a file inside {folder} are needed."
            )
        texts.append(said)
        waves.append(load_audio(folder / name, RATE).waveform)
    return Instance(tuple(texts), tuple(waves))


def write_compa(
    table: str | Path, folder: str | Path, instances: Sequence[Instance]
) -> None:
    """Write instances as wav files in a folder and one table of the official columns.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    table, folder, rows = Path(table), Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(instances):
        row = dict.fromkeys(COLUMNS, NONE)
        for pair, said, wave in zip(PAIRS, one.texts, one.waves, strict=False):
            name = f"{number:04d}_{pair}.wav"
            soundfile.write(folder / name, wave, RATE)
            row |= {f"{pair}_caption": said, f"{pair}_file": name}
        rows.append(row)
    aside = table.with_suffix(".part")
    with open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(aside, table)

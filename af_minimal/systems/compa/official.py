"""CompA's own tables: read the official benchmark, write ours in the same layout.

Columns are `pair_caption, reversed_pair_caption, pair_file, reversed_pair_file`, and of
the order benchmark `triplet_caption, triplet_file` with "-" where there is no third
pair. The table of attributes has no third pair and names its files twice: those of
`pair_file.1, reversed_pair_file.1` are there.

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
from .expressions import sounds

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
ATTRIBUTE_COLUMNS = (*COLUMNS[:4], "pair_file.1", "reversed_pair_file.1")


def read_compa(table: str | Path, folder: str | Path) -> list[Instance]:
    """The instances of a CompA table whose sounds lie in a folder.

    Raises:
        ValueError: when a column is missing, a row has no two pairs or a sound without
            a sentence, or a file lies outside the folder.
        FileNotFoundError: when a sound is missing.

    Official: CompA `evaluation/benchmark_eval.py`, which leaves the third pair out
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    # a spreadsheet may have put a byte order mark before the first name
    with open(table, newline="", encoding="utf-8-sig") as file:
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
        lacks = said in (NONE, "") or name in (NONE, "")
        if lacks or not inside(folder / name, folder):
            raise ValueError(
                f"line {line}: {pair} has the caption {said!r} and the file {name!r}; "
                f"a sentence and a file inside {folder} are needed."
            )
        texts.append(said)
        waves.append(load_audio(folder / name, RATE).waveform)
    return Instance(tuple(texts), tuple(waves))


def write_compa(
    table: str | Path,
    folder: str | Path,
    instances: Sequence[Instance],
    attribute: bool | None = None,
) -> None:
    """Write instances as wav files in a folder and one table of the official columns.

    Args:
        attribute: True writes the columns of CompA-attribute, False those of
            CompA-order; None asks the expressions (instances that were read have none).

    Raises ValueError when an instance of attributes has a third pair: its table has no
    column for one.
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    table, folder, rows = Path(table), Path(folder), []
    if attribute is None:
        attribute = bool(instances) and all(map(_about_attributes, instances))
    if attribute and any(len(one.texts) > 2 for one in instances):
        raise ValueError(
            "An instance has three pairs; the table of attributes holds two. Write "
            "those of order into a table of their own."
        )
    columns = ATTRIBUTE_COLUMNS if attribute else COLUMNS
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(instances):
        row = dict.fromkeys(columns, NONE)
        for pair, said, wave in zip(PAIRS, one.texts, one.waves, strict=False):
            name = f"{number:04d}_{pair}.wav"
            soundfile.write(folder / name, wave, RATE)
            row |= {f"{pair}_caption": said, f"{pair}_file": name}
            if attribute:
                row[f"{pair}_file.1"] = name
        rows.append(row)
    aside = table.with_suffix(".part")
    with open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(aside, table)


def _about_attributes(one: Instance) -> bool:
    heard = [sound for expression in one.expressions for sound in sounds(expression)]
    return bool(heard) and all(sound.attributes for sound in heard)

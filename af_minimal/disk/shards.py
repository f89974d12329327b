"""Examples in shards: tar files in WebDataset's layout, and a plan that counts them.

A disk, or a network, reads a few large files faster than a million small ones, and
shards are what many processes can share. What stands at which place of the endless
stream is a function of the place, so a run that is resumed goes on exactly.

Taught in: notebooks/08_staged_training.ipynb
"""

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..scale.processes import place, wait
from .checkpoints import write_json
from .examples import Example, fields_of
from .labelled import SUFFIXES
from .manifests import inside
from .storage import make_folder

PLAN, SIZE = "shards.json", 256  # examples in one shard


def write_shards(
    examples: Sequence[Example],
    folder: str | Path,
    data_root: str | Path,
    size: int = SIZE,
    seed: int = 0,
) -> Path:
    """Pack examples with the bytes of their audio files, shuffled once; -> the folder.

    Shards that are there already are kept. Many processes share the writing.

    Raises:
        ValueError: for no example, a file outside `data_root` or none of audio, for a
            conversation or few-shot examples, which no stage learns from shards, or
            when the folder holds shards of something else.
    """
    if not examples:
        raise ValueError("no example came; shards hold one at least.")
    for example in examples:
        path = Path(example.audio)
        if example.dialogue or example.examples:
            kind = "a conversation" if example.dialogue else "few-shot examples"
            raise ValueError(
                f"{path} has {kind}, and shards hold questions with one answer. Leave "
                "such examples out."
            )
        if not inside(path, data_root) or path.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"{path} does not lie in {data_root} or is none of {SUFFIXES}; "
                "data_root is the folder that holds all the recordings."
            )
    order = np.random.default_rng(seed).permutation(len(examples))
    rows = [row_of(examples[i], data_root) for i in order]
    shards = [range(i, len(rows))[:size] for i in range(0, len(rows), size)]

    def samples(number: int) -> Iterable[dict]:
        for i, at in enumerate(shards[number]):
            path = Path(examples[order[at]].audio)  # what a link leads to has no suffix
            sound = {path.suffix.lower().removeprefix("."): path.read_bytes()}
            text = json.dumps(rows[at], ensure_ascii=False).encode()
            yield {"__key__": f"{i:06d}", **sound, "json": text}

    plan = {"examples": [len(s) for s in shards], "of": digest_of(rows)}
    own = own_shards(folder, len(shards))
    return fill(folder, plan, ((number, samples(number)) for number in own))


def row_of(example: Example, data_root: str | Path) -> dict:
    """An example as JSON, its audio as a name inside `data_root`."""
    name = os.path.relpath(os.path.realpath(example.audio), os.path.realpath(data_root))
    return {"name": name} | fields_of(example)


def digest_of(value) -> str:
    """Twelve letters that change with a JSON value."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def shard_path(folder: str | Path, number: int) -> Path:
    """Where a shard lies."""
    return Path(folder) / f"shard-{number:06d}.tar"


def own_shards(folder: str | Path, count: int) -> list[int]:
    """The shards that are this process's to make, without those that are made.

    Whose a shard is hangs on its number alone: others are writing meanwhile.
    """
    rank, world = place()
    mine = range(rank, count, world)
    return [n for n in mine if not shard_path(folder, n).exists()]


def fill(folder: str | Path, plan: dict, made: Iterable[tuple]) -> Path:
    """Write the plan, and numbered shards as they come, if not there; wait for all.

    Raises ValueError for the folder of another plan, NotADirectoryError for a file.
    """
    from webdataset import TarWriter  # half a second that `ask` need not wait

    folder, rank = make_folder(folder), place()[0]
    if (folder / PLAN).exists() and read_plan(folder) != plan:
        raise ValueError(
            f"{folder} holds shards of other examples, or of another encoder; choose "
            "another folder, or delete it first."
        )
    wait()
    if rank == 0 and not (folder / PLAN).exists():
        write_json(folder / PLAN, plan)
    with tempfile.TemporaryDirectory(dir=folder) as aside:  # of this process alone
        for number, samples in made:
            path = shard_path(folder, number)
            if path.exists():  # made by another job since
                continue
            with TarWriter(str(Path(aside) / path.name), mtime=0) as tar:
                for sample in samples:
                    tar.write(sample)
            os.replace(Path(aside) / path.name, path)
    wait()
    return folder


def read_plan(folder: str | Path) -> dict:
    """The plan of a folder of shards.

    Raises:
        FileNotFoundError: when there is none.
    """
    path = Path(folder) / PLAN
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no {PLAN}: give one that `shards` or `features` wrote."
        )
    return json.loads(path.read_text())


def read_shard(path: Path) -> list[dict]:
    """All samples of a shard, by extension and as bytes.

    Raises ValueError when the shard is cut off.
    """
    from webdataset import WebDataset

    # a whole path is no address and no command; which process reads it is settled
    alone = {"shardshuffle": False, "nodesplitter": None, "workersplitter": None}
    try:
        return list(WebDataset([str(path.resolve())], **alone))
    except tarfile.TarError as error:
        raise damaged(path, str(error)) from error


def rows_of(path: Path) -> list[dict[str, tuple[int, int]]]:
    """Where the files of each sample lie in a shard: extension -> (start, end), bytes.

    Only the headers of the tar file are read; the last few shards' are kept.

    Raises ValueError when the shard is cut off or no tar file.
    """
    now = path.stat()  # the same name may have become another shard since
    try:
        return _rows_of(path, (now.st_ino, now.st_size, now.st_mtime_ns))
    except tarfile.TarError as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, why: str) -> ValueError:
    """What is to be said of a shard that is not whole."""
    return ValueError(f"{path} is cut off or damaged ({why}): delete and remake it.")


@lru_cache(maxsize=4)
def _rows_of(path: Path, state: tuple[int, ...]) -> list[dict[str, tuple[int, int]]]:
    rows: dict[str, dict[str, tuple[int, int]]] = {}
    # without a buffer, which would read on into what other processes are to read
    with path.open("rb", buffering=0) as file:
        for member in tarfile.open(fileobj=file, mode="r:"):
            key, _, extension = member.name.partition(".")
            start = member.offset_data
            rows.setdefault(key, {})[extension] = start, start + member.size
    return list(rows.values())


def read_row(path: Path, row: int) -> dict[str, bytes]:
    """One sample of a shard, by extension and as bytes; no other one is read.

    Raises ValueError when the shard has fewer.
    """
    rows = rows_of(path)
    if row >= len(rows):
        raise damaged(path, f"it has {len(rows)} samples")
    found = {}
    with path.open("rb") as file:
        for extension, (start, end) in rows[row].items():
            file.seek(start)
            found[extension] = file.read(end - start)
    return found


class Stream:
    """Place -> sample, without end: shards and their samples are shuffled every epoch.

    Places that follow each other lie in one shard. Of it, only what is asked for is
    read: processes that ask for other places of it read other bytes.
    """

    def __init__(self, folder: str | Path, seed: int = 0):
        self.folder, self.seed = Path(folder), seed
        self.counts = read_plan(folder)["examples"]
        paths = [shard_path(folder, n) for n in range(len(self.counts))]
        missing = [path.name for path in paths if not path.exists()]
        if missing:
            raise FileNotFoundError(
                f"{folder} lacks {len(missing)} of {len(paths)} shards, first "
                f"{missing[0]}: finish what wrote it first."
            )
        self.order: Callable = lru_cache(maxsize=2)(self._order)

    def _order(self, epoch: int) -> list[tuple[int, int]]:
        """(shard, row) of every place of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        shards = rng.permutation(len(self.counts))
        return [
            (int(s), int(r)) for s in shards for r in rng.permutation(self.counts[s])
        ]

    def __len__(self) -> int:
        return sum(self.counts)

    def __getitem__(self, at: int) -> dict:
        """The sample at a place: its JSON row and, by extension, its other files."""
        shard, row = self.order(at // len(self))[at % len(self)]
        sample = read_row(shard_path(self.folder, shard), row)
        return sample | {"json": json.loads(sample["json"])}

    def __getstate__(self) -> dict:
        return {"folder": self.folder, "seed": self.seed}

    def __setstate__(self, state: dict) -> None:
        self.__init__(**state)

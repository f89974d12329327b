"""Windows for contrastive training, synthesised once and kept on disk.

To render a window takes longer than to learn from it. So each is drawn once, and is
heard again in many batches, among others and with other words. A run that is killed
goes on at the next shard. Recordings are not kept: there are few, and each is heard
another way every time.

Taught in: notebooks/08_staged_training.ipynb
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from ..scale.processes import first_alone
from .features import rendered_ahead
from .score import Score
from .windows import Window, synthesised_windows

SHARD = 500  # draws in one file, each of one window or of four


class KeptWindows(Sequence[Window]):
    """The windows in a folder's shards; samples are read from disk when asked for.

    Taught in: notebooks/08_staged_training.ipynb
    """

    def __init__(self, paths: Sequence[Path]):
        self.samples = [np.load(path, mmap_mode="r") for path in paths]
        self.scores = [
            Score.from_json(line)
            for path in paths
            for line in path.with_suffix(".jsonl").read_text("utf-8").splitlines()
        ]
        self.ends = np.cumsum([len(shard) for shard in self.samples])

    @property
    def different(self) -> int:
        """How many of them hold other sounds than those before."""
        return len({tuple(score.labels) for score in self.scores})

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, i: int) -> Window:
        shard = int(np.searchsorted(self.ends, i, side="right"))
        samples = self.samples[shard][i - self.ends[shard]]  # counted from its end
        return Window(samples.astype(np.float32), self.scores[i])


def keep_windows(folder: str | Path, seeds: range, workers: int = 0) -> KeptWindows:
    """The windows drawn with these seeds, one or four of each.

    What `folder` already holds is read, the rest is rendered by `workers` processes and
    written, 64 kB a window.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shards = {
        folder / f"windows-{start:08d}-{len(seeds)}.npy": seeds[i : i + SHARD]
        for i, start in zip(range(0, len(seeds), SHARD), seeds[::SHARD], strict=True)
    }
    with first_alone() as first:
        missing = {p: s for p, s in shards.items() if first and not p.exists()}
        rendered = rendered_ahead(list(missing.values()), drawn_with, workers)
        bar = tqdm(rendered, desc="render windows", disable=len(missing) < 2)
        for path, draws in zip(missing, bar, strict=True):
            write_shard(path, [window for windows in draws for window in windows])
    return KeptWindows(list(shards))


def drawn_with(seed: int) -> list[Window]:
    """One window, or four cuts of one long scene."""
    return synthesised_windows(np.random.default_rng([seed, 4]))


def write_shard(path: Path, windows: list[Window]) -> None:
    """Samples as `.npy`, float16, and their scores beside them, a line each."""
    lines = [window.score.to_json() for window in windows]
    path.with_suffix(".jsonl").write_text("\n".join(lines), "utf-8")
    aside = path.with_suffix(".part")
    with open(aside, "wb") as file:
        np.save(file, np.stack([w.samples for w in windows]).astype(np.float16))
    os.replace(aside, path)  # last: a shard is there when both of its files are

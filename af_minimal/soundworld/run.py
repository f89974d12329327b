"""A run of `mini`: where it lives, what it hears, how long its stages take.

Taught in: notebooks/08_staged_training.ipynb
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..config import PRESETS, FlamingoConfig
from ..data import Example, read_esc
from ..disk.run_folder import origin
from ..scale.processes import beside_gpu, fast_bfloat16, first_alone
from ..stages import StageConfig
from ..tokenizer import load_tokenizer, train_tokenizer
from .batches import FlamingoBatches
from .catalogue import CLASSES
from .corpus import (
    HELD_OUT_SEED,
    Scene,
    check_trainable,
    load_recordings,
    sample_scene,
    text_corpus,
)
from .episodes import SHARES

STAGES = {
    "clap": StageConfig("clap", 4000, 1e-3, precision="bf16"),
    "lm": StageConfig("lm", 1500, 2e-3, precision="bf16"),
    "pretrain": StageConfig("pretrain", 1000, 5e-4, gate_lr=20, precision="bf16"),
    "sft": StageConfig("sft", 4300, 8e-4, gate_lr=20, precision="bf16"),
}
# to compare is learnt by finished weights: in small steps, each of many sounds
COMPARE = {"steps": 3600, "lr": 2.5e-4, "warmup": 50, "accumulation": 3}


@dataclass(frozen=True)
class Run:
    """Where a run lives, what it hears, and how long it takes."""

    out: Path
    config: FlamingoConfig = field(default_factory=lambda: PRESETS["mini"])
    recordings: str | None = None  # folder of ESC-10 or ESC-50; None: synthesis alone
    folds: tuple[int, ...] = (1, 2, 3, 4)  # fold 5 is for the exam
    scenes: int = 12_000
    steps: int | None = None  # None: as STAGES says
    seed: int = 0
    batch: int = 64
    episodes: Mapping[str, float] = field(default_factory=lambda: SHARES)  # of few-shot
    skip_pretrain: bool = False  # the control: sft starts from the bare language model
    workers: int = 2  # processes that render; beside a GPU they make batches too
    precision: str | None = None  # None: "bf16" where the machine is fast at it
    fsdp: bool = False  # divide the weights among the processes of the run
    start_from: str | Path | None = None  # a finished model that stage sft goes on from
    compare: bool = False  # sft also asks which example is likest, as its map says

    def __post_init__(self):
        if self.compare and self.start_from is None:
            told = "--start-from mini, say (start_from)"
            raise ValueError(f"compare needs the map of a finished model: {told}.")
        last = self.seed + 2 * self.scenes  # window_seeds
        check_trainable(self.seed, self.scenes, last)

    @property
    def invented(self) -> range:
        """Numbers of sounds of invented classes, as many as there are scenes."""
        return range(self.seed, self.seed + self.scenes)

    def folder(self, stage: str) -> Path:
        """Where a stage keeps its checkpoint; the control has a folder of its own."""
        alone = self.skip_pretrain and stage == "sft"
        return self.out / ("sft-alone" if alone else stage)

    def stage(self, name: str) -> StageConfig:
        """The recipe of a stage, shortened if the run asks for it."""
        config = replace(STAGES[name], seed=self.seed)
        if self.compare and name == "sft":
            config = replace(config, **COMPARE)
        if self.precision or not fast_bfloat16():
            config = replace(config, precision=self.precision or "no")
        if self.steps is not None:
            short = {"steps": self.steps, "warmup": min(config.warmup, self.steps // 5)}
            often = min(config.checkpoint_every, max(1, self.steps // 10))
            config = replace(config, checkpoint_every=often, **short)
        return config

    @property
    def settings(self) -> dict:
        """What all stages of a run share, and another run in its folder must too.

        Raises as `examples`: a wrong folder is told before anything is written.
        """
        folder = Path(self.recordings or "")
        return {
            "preset": self.config.name,
            "config": self.config.to_dict(),
            "seed": self.seed,
            "recordings": folder.resolve().name if self.examples else None,
            "folds": self.folds,
            "start_from": origin(self.start_from),
            "compare": self.compare,
            "shards": None,  # a run that learns from them names them here
        }

    @property
    def sizes(self) -> dict:
        """What a run may go on with otherwise than it began, if it is told."""
        return {"scenes": self.scenes, "batch": self.batch}

    @property
    def seeds(self) -> range:
        """Of the scenes."""
        return range(self.seed, self.seed + self.scenes)

    @property
    def window_seeds(self) -> range:
        """Of the windows for `clap`: two draws for each scene."""
        return range(self.seed, self.seed + 2 * self.scenes)

    @cached_property
    def sampled(self) -> list[Scene]:
        """The scenes."""
        return [sample_scene(seed, self.heard) for seed in self.seeds]

    @cached_property
    def texts(self) -> FlamingoBatches:
        """Questions about all scenes, without their sound; asked once."""
        sizes = {"size": self.batch, "seed": self.seed}
        sizes["workers"] = beside_gpu(self.workers)
        return FlamingoBatches(self.sampled, tokenizer_of(self), **sizes)

    @cached_property
    def examples(self) -> list[Example]:
        """The real recordings, not heard yet.

        Raises ValueError or OSError for a folder that holds none that SoundWorld knows.
        """
        if self.recordings is None:
            return []
        found = read_esc(self.recordings, self.folds, ten=True)
        if not any(example.output in CLASSES for example in found):
            raise ValueError(
                f"{self.recordings} holds no class that SoundWorld knows; its classes "
                f"are {', '.join(sorted({e.output for e in found})[:5])}, ..."
            )
        return found

    @cached_property
    def heard(self) -> dict[str, list[np.ndarray]]:
        """Waveforms of the real recordings, by label."""
        return load_recordings(self.examples)


def tokenizer_of(run: Run):
    """The run's tokenizer, trained on SoundWorld's own text the first time."""
    folder = run.out / "tokenizer"
    with first_alone() as first:
        if first and not (folder / "tokenizer.json").exists():
            last = min(run.seed + 3000, HELD_OUT_SEED)
            texts = text_corpus(range(run.seed, last))
            train_tokenizer(texts, run.config.lm["vocab_size"]).save_pretrained(folder)
    return load_tokenizer(folder)

"""How `mini2` is made: text first, then three stages of longer audio, each resumable.

    tokenizer -> lm -> short -> skills -> long -> model

Its encoder starts as that of `mini`: the towers are the same but for their pooling.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import torch

from ...config import PRESETS, FlamingoConfig
from ...disk import checkpoints
from ...disk.run_folder import check_adopts, check_may_train, check_own, claim, origin
from ...model import load
from ...scale.processes import beside_gpu, fast_bfloat16, first_alone, place
from ...soundworld.corpus import check_trainable
from ...stages import StageConfig
from ...tokenizer import load_tokenizer
from ...training import train
from .asked import SCENES, Asked
from .building import new_model, new_tokenizer, rows_of, stage_batches, text_batches
from .ears import HearingFlamingo
from .stages import (
    LONG,
    SKILLS,
    SOUNDWORLD,
    TEXT,
    CurriculumStage,
    after,
    remaining,
    stage_table,
)

SIZES = {SOUNDWORLD: 4000, SKILLS: 1778, LONG: 444}  # scenes that are heard
BATCH = 48  # rows of a step, at most
READ = 3  # times as many are only read, by the language model


@dataclass(frozen=True)
class CurriculumRun:
    """Where a run lives and what it learns from.

    Raises ValueError when its scenes would have seeds of the held-out ones.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    out: Path
    config: FlamingoConfig = field(default_factory=lambda: PRESETS["mini2"])
    sizes: Mapping[str, int] = field(default_factory=lambda: SIZES)
    encoder: str | Path | None = "mini"  # whose encoder to begin with; None: untrained
    skip: tuple[str, ...] = ()  # stages to leave out: what are they good for?
    steps: int | None = None  # of each stage; None: as its recipe says
    seed: int = 0
    batch: int = BATCH  # rows of a step, at most
    workers: int = 0  # processes that render; beside a GPU they make batches too
    precision: str | None = None  # None: "bf16" where the machine is fast at it
    fsdp: bool = False  # divide the weights among the processes of the run
    start_from: str | Path | None = None  # a model of this preset to go on from

    def __post_init__(self):
        most = max(self.sizes.values())
        check_trainable(self.seed, most, (READ * self.seed + self.read) * most)

    @property
    def read(self) -> int:
        """How many times the scenes that are heard are read."""
        return READ if self.start_from is None else 1

    @property
    def settings(self) -> dict:
        """What all stages of a run share, and another run in its folder must too."""
        own = {"preset": self.config.name, "config": self.config.to_dict()}
        own |= {"seed": self.seed, "sizes": dict(self.sizes), "skip": sorted(self.skip)}
        begun = {"encoder": self.encoder, "start_from": self.start_from}
        return own | {name: origin(model) for name, model in begun.items()}

    def recipe(self, config: StageConfig) -> StageConfig:
        """A recipe as this run wants it: seed, precision, perhaps shorter."""
        fast = "bf16" if fast_bfloat16() else "no"
        config = replace(config, seed=self.seed, precision=self.precision or fast)
        if self.steps is None:
            return config
        warmup = min(config.warmup, self.steps // 5)
        return replace(config, steps=self.steps, warmup=warmup)

    @property
    def stages(self) -> list[CurriculumStage]:
        """The stages that are not skipped."""
        return remaining(self.skip)

    @cached_property
    def scenes(self) -> dict[str, list[Asked]]:
        """Scenes with their questions, by dataset; the first ones of each are heard."""
        read, first = self.read, READ * self.seed
        return {n: SCENES[n](read * k, first * k) for n, k in self.sizes.items()}

    @cached_property
    def tokenizer(self):
        """Trained on the text of the run the first time, then read."""
        folder = self.out / "tokenizer"
        with first_alone() as first:
            if first and not (folder / "tokenizer.json").exists():
                vocab = self.config.lm["vocab_size"]
                new_tokenizer(self.scenes, vocab).save_pretrained(folder)
        return load_tokenizer(folder)

    def model(self) -> HearingFlamingo:
        """The untrained model."""
        return new_model(self.config, self.tokenizer, self.encoder, self.seed)


def run_text(run: CurriculumRun, resume: bool = True) -> list[dict]:
    """The language model's own training, on the text of all datasets.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    recipe = run.recipe(TEXT)
    check_may_train(run.out, "lm", recipe.steps, resume, after("lm"))
    claim(run.out, run.settings, {"batch": run.batch})
    model = run.model()
    rows = rows_of(run.scenes, run.tokenizer, run.config, run.seed)
    batches = text_batches(rows, run.tokenizer, run.seed, run.batch)
    settings = recipe, run.out / "lm", resume, beside_gpu(run.workers)
    return train(model, batches, *settings, fsdp=run.fsdp)


def adopt(run: CurriculumRun) -> None:
    """Begin with the finished model that the run goes on from, as if `lm` had made it.

    Its tokenizer is the run's, and so are its encoder and all it has learnt; stages
    then teach it more. A run that has begun already keeps what it has.

    Raises ValueError for a model of another preset, and for a run of another origin.
    """
    model = load(run.start_from)
    if model.config.name != run.config.name:
        raise ValueError(
            f"the run trains {run.config.name!r} and {run.start_from} is a "
            f"{model.config.name!r}; give the name or folder of a {run.config.name!r}."
        )
    claim(run.out, run.settings, {"batch": run.batch})
    if checkpoints.newest(run.out / "lm") is not None:
        return
    with first_alone() as first:
        if first:
            model.tokenizer.save_pretrained(run.out / "tokenizer")
    fresh = torch.optim.AdamW(model.parameters())
    checkpoints.save(run.out / "lm", model, fresh, TEXT.steps, [], "lm")


def run_stage(run: CurriculumRun, name: str, resume: bool = True) -> list[dict]:
    """Do one stage; those before it, if not skipped, must be done.

    Raises FileNotFoundError when they are not, ValueError when one is half done, for an
    unknown stage, a scene longer than the stage hears, or the folder of another run.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    done = ["lm", *(stage.name for stage in run.stages)]
    if name not in done:
        raise ValueError(f"stage {name!r} is not among {done}, the stages of this run.")
    check_adopts(run.out, ["lm"], run.start_from)
    check_own(run.out, run.settings)
    if name == "lm" and run.start_from is None:
        return run_text(run, resume)
    if name == "lm":
        adopt(run)
        return []
    stage, before = run.stages[done.index(name) - 1], done[done.index(name) - 1]
    needs = {s.name: run.recipe(s.recipe).steps for s in run.stages if s.name == before}
    if not needs and run.start_from is None:  # else `adopt` stands in for `lm`
        needs = {before: run.recipe(TEXT).steps}
    steps = run.recipe(stage.recipe).steps
    check_may_train(run.out, name, steps, resume, after(name), needs)
    if run.start_from is None:
        claim(run.out, run.settings, {"batch": run.batch})
    else:
        adopt(run)
    recipe = run.recipe(stage.recipe_for(run.tokenizer))
    heard = {data: run.scenes[data][: run.sizes[data]] for data in stage.blend}
    model = run.model()
    load_stage(run, before, model)
    settings = run.seed, run.out / "features", run.batch, run.workers
    batches = stage_batches(stage, model, heard, *settings)
    told = ", ".join(f"{k} {v:.3f}" for k, v in batches.padding().items())
    if place()[0] == 0:
        print(f"{name}: share of padding, {told}")
    renders = "encoder" in stage.trains  # for every step anew
    workers = run.workers if renders else beside_gpu(run.workers)
    settings = recipe, run.out / name, resume, workers
    return train(model, batches, *settings, fsdp=run.fsdp)


def load_stage(run: CurriculumRun, name: str, model: HearingFlamingo) -> None:
    """Load what a stage left; FileNotFoundError when it left nothing."""
    steps, _ = checkpoints.load(run.out / name, model)
    if steps == 0:
        raise FileNotFoundError(f"{run.out / name} holds no weights: run {name} first.")


def run_all(run: CurriculumRun, resume: bool = True) -> None:
    """Text, then every stage that is not skipped, then the finished model.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    if place()[0] == 0:
        print(stage_table(run.stages))
    for stage in ("lm", *(stage.name for stage in run.stages)):
        run_stage(run, stage, resume)
    finish(run)


def finish(run: CurriculumRun) -> Path:
    """Save the model that the last stage left, in float16; returns its folder.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    model, folder = run.model(), run.out / "model"
    load_stage(run, run.stages[-1].name, model)
    with first_alone() as first:
        if first:
            model.eval().save_pretrained(folder, torch.float16)
            print(f"{log_table(run)}\nThe model is in {folder}.")
    return folder


def log_table(run: CurriculumRun) -> str:
    """What each stage cost and did, read off its checkpoint: steps, losses, minutes.

    A loss is the mean of twenty steps; minutes are of the steps alone, by the clock.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    lines = ["| stage | steps | loss at first | loss at last | minutes |"]
    lines.append("|---|---|---|---|---|")
    for stage in ("lm", *(s.name for s in run.stages)):
        log = checkpoints.state_of(run.out / stage).get("log")
        if log:  # none where the run went on from a finished model
            losses = [row["loss"] for row in log]
            first, last = (sum(x) / len(x) for x in (losses[:20], losses[-20:]))
            minutes = sum(row["seconds"] for row in log) / 60
            cells = stage, len(log), f"{first:.3f}", f"{last:.3f}", f"{minutes:.0f}"
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)

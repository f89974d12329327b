"""One training loop for every stage: what is frozen, what moves, and nothing lost.

`clap` trains both contrastive towers, `lm` the language model on text alone, `pretrain`
the audio transformer and the gated blocks around a frozen language model, and `sft` all
but the audio encoder. Every batch is a function of the step's number, and every step
seeds its own randomness, so a run that was killed goes on as if nothing had happened.

Official: `foundation/train/train.py` and `train_utils.py: train_one_epoch`
Taught in: notebooks/08_staged_training.ipynb
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from . import checkpoints

STAGE_TRAINS = {
    "clap": ("encoder", "text tower"),
    "lm": ("language model",),
    "pretrain": ("audio transformer", "gated blocks"),
    "sft": ("audio transformer", "gated blocks", "language model"),
}


@dataclass(frozen=True)
class StageConfig:
    """One stage's recipe. The three switches at the end are the official code's ways."""

    stage: str  # a key of STAGE_TRAINS
    steps: int  # optimiser steps
    lr: float  # highest learning rate
    warmup: int = 100  # steps of linear warm-up from zero
    schedule: str = "cosine"  # after the warm-up: "cosine" to zero, or "constant"
    weight_decay: float = 0.01
    accumulation: int = 1  # the loss of each micro-batch is divided by this
    clip_norm: float = 1.0  # largest norm of the gradient of all that trains
    precision: str = "no"  # "bf16" computes in bfloat16 where it is safe
    seed: int = 0
    checkpoint_every: int = 200  # steps
    decay_only: str = ""  # decay only parameters with this in their name
    clip_every_micro_batch: bool = False  # clip the sum so far after each micro-batch
    only_token_rows: tuple[int, ...] = ()  # embedding rows that may learn; () = all

    def __post_init__(self):
        if self.stage not in STAGE_TRAINS:
            raise ValueError(
                f"stage {self.stage!r} is unknown; choose one of {list(STAGE_TRAINS)}."
            )
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(
                f"schedule {self.schedule!r} is unknown; choose 'cosine' or 'constant'."
            )


def group_of(name: str) -> str:
    """The part of the system that a parameter belongs to.

    Taught in: notebooks/08_staged_training.ipynb
    """
    if name.startswith("audio_transformer."):
        return "audio transformer"
    if "gated_cross_attn" in name:
        return "gated blocks"
    if name.startswith(("text.", "log_scale")):
        return "text tower"
    return "encoder" if name.startswith("encoder.") else "language model"


def freeze(model: nn.Module, stage: str) -> list[tuple[str, int, bool]]:
    """Set `requires_grad` for a stage; return rows (group, parameters, trains).

    Taught in: notebooks/08_staged_training.ipynb
    """
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        group = group_of(name)
        parameter.requires_grad_(group in STAGE_TRAINS[stage])
        counts[group] = counts.get(group, 0) + parameter.numel()
    return [(g, n, g in STAGE_TRAINS[stage]) for g, n in counts.items()]


def trainable_table(rows: list[tuple[str, int, bool]]) -> str:
    """The rows of `freeze` as text for people.

    Taught in: notebooks/08_staged_training.ipynb
    """
    lines = [f"{'part':<20}{'parameters':>12}  trains"]
    lines += [f"{g:<20}{n:>12,}  {'yes' if on else 'no'}" for g, n, on in rows]
    return "\n".join(lines)


def lr_factor(step: int, config: StageConfig) -> float:
    """Share of the highest learning rate at a step; the very first step has none.

    Taught in: notebooks/08_staged_training.ipynb
    """
    if step < config.warmup:
        return step / config.warmup
    if config.schedule == "constant":
        return 1.0
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def make_optimizer(model: nn.Module, config: StageConfig) -> torch.optim.AdamW:
    """AdamW over all that trains; the official non-FSDP path decays gated blocks only.

    Taught in: notebooks/08_staged_training.ipynb
    """
    trained = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = [p for n, p in trained if config.decay_only in n]
    others = [p for n, p in trained if config.decay_only not in n]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr)


def train(
    model: nn.Module,
    batches: Callable[[int], list[dict[str, Tensor]]],
    config: StageConfig,
    out: str | Path | None = None,
    resume: bool = False,
    workers: int = 0,
    progress: bool = True,
) -> list[dict]:
    """Train one stage and return its log, one row a step: step, loss, lr, seconds.

    Args:
        model: called as `model(**micro_batch)`; gives a loss or an output with `.loss`.
        batches: step number -> the step's micro-batches (gradient accumulation). Must
            give the same for the same number: that is what makes resuming exact.
        out: folder for checkpoints; None keeps nothing.
        resume: go on from the last checkpoint in `out`, if there is one.
        workers: processes that make the next batches while this one trains.

    Raises:
        FloatingPointError: when the loss is not finite; nothing is saved after that.

    Taught in: notebooks/08_staged_training.ipynb
    """
    rows = freeze(model, config.stage)
    accelerator = make_accelerator(config.precision)
    optimizer = make_optimizer(model, config)
    start, log = 0, []
    if out is not None and resume:
        start, log = checkpoints.load(out, model, optimizer)
    if progress:
        accelerator.print(trainable_table(rows))
    model, optimizer = accelerator.prepare(model, optimizer)
    model.train()
    frozen_to_eval(accelerator.unwrap_model(model))
    steps = range(start, config.steps)
    loader = DataLoader(
        BatchOfStep(batches), batch_size=None, sampler=steps, num_workers=workers
    )
    bar = tqdm(
        zip(steps, loader, strict=True),
        initial=start,
        total=config.steps,
        desc=config.stage,
        disable=not progress or not accelerator.is_main_process,
    )
    for step, micro_batches in bar:
        torch.manual_seed(1_000_003 * config.seed + step)
        for group in optimizer.param_groups:
            group["lr"] = config.lr * lr_factor(step, config)
        began = time.perf_counter()
        loss = train_step(model, optimizer, micro_batches, config, accelerator)
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss} at step {step} of {config.stage}; lower the "
                f"learning rate ({config.lr}) or resume with another seed."
            )
        seconds = round(time.perf_counter() - began, 4)
        log.append({"step": step, "loss": loss, "lr": group["lr"], "seconds": seconds})
        bar.set_postfix(loss=f"{sum(r['loss'] for r in log[-20:]) / len(log[-20:]):.3f}")
        last = step + 1 == config.steps
        due = last or (step + 1) % config.checkpoint_every == 0
        if out is not None and due and accelerator.is_main_process:
            bare = accelerator.unwrap_model(model)
            checkpoints.save(out, bare, optimizer.optimizer, step + 1, log)
    return log


class BatchOfStep(Dataset):
    """The batch function as a data set, so that `DataLoader` can work ahead."""

    def __init__(self, batches: Callable[[int], list[dict[str, Tensor]]]):
        self.batches = batches

    def __getitem__(self, step: int) -> list[dict[str, Tensor]]:
        return self.batches(step)


def train_step(model, optimizer, micro_batches, config, accelerator) -> float:
    """Add up the gradients of the micro-batches, clip, take one optimiser step."""
    total = 0.0
    bare = accelerator.unwrap_model(model)
    trained = [p for p in bare.parameters() if p.requires_grad]
    for number, batch in enumerate(micro_batches, start=1):
        last = number == len(micro_batches)
        # between processes, gradients are averaged once a step, at the last micro-batch
        with nullcontext() if last else accelerator.no_sync(model):
            with accelerator.autocast():
                out = model(**own_rows(batch, accelerator))
            loss = getattr(out, "loss", out) / config.accumulation
            accelerator.backward(loss)
        total += loss.item()
        if config.only_token_rows:
            keep_token_rows(bare, config.only_token_rows)
        if config.clip_every_micro_batch or last:
            accelerator.clip_grad_norm_(trained, config.clip_norm)
    optimizer.step()
    optimizer.zero_grad()
    return total


def own_rows(batch: dict, accelerator: Accelerator) -> dict:
    """This process's share of the batch, on its device."""
    rank, world = accelerator.process_index, accelerator.num_processes
    return {k: v[rank::world].to(accelerator.device) for k, v in batch.items()}


def keep_token_rows(model: nn.Module, rows: tuple[int, ...]) -> None:
    """Zero the embedding's gradient but for some rows (official: the new tokens)."""
    gradient = model.get_input_embeddings().weight.grad
    if gradient is not None:
        keep = torch.zeros(len(gradient), 1, device=gradient.device)
        keep[list(rows)] = 1
        gradient.mul_(keep)


def frozen_to_eval(model: nn.Module) -> None:
    """Parts that do not train keep still altogether: no dropout, no batch statistics."""
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def make_accelerator(precision: str) -> Accelerator:
    """The device there is, and all processes of `accelerate launch` or `torchrun`."""
    # a second run in one process may choose another precision than the first
    AcceleratorState._reset_state()
    return Accelerator(mixed_precision=precision, cpu=not torch.cuda.is_available())

"""One training loop for every stage, and nothing lost when it is killed.

Every batch is a function of the step number, and every step seeds its own randomness,
so a run that was killed goes on as if nothing had happened. What a stage trains, and
its recipe, is in `stages.py`.

Official: `foundation/train/train.py` and `train_utils.py: train_one_epoch`
Taught in: notebooks/08_staged_training.ipynb
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from .disk import checkpoints
from .scale.pace import times, waiting
from .scale.processes import BatchOfStep, learnt, make_accelerator, share
from .scale.sharding import divide, divided_like
from .stages import STAGE_TRAINS, StageConfig, freeze, lr_factor, trainable_table


def make_optimizer(model: nn.Module, config: StageConfig) -> torch.optim.AdamW:
    """AdamW over all that trains; each group knows its multiple of the learning rate.

    The official non-FSDP path decays gated blocks only; see `StageConfig.decay_only`.

    Taught in: notebooks/08_staged_training.ipynb
    """
    groups: dict[tuple[float, float], list] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if config.decay_only in name else 0.0
            times = config.gate_lr if name.endswith("_gate") else 1.0
            groups.setdefault((decay, times), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": decay, "times": times}
            for (decay, times), parameters in groups.items()
        ],
        lr=config.lr,
    )


def train(
    model: nn.Module,
    batches: Callable[[int], list[dict[str, Tensor]]],
    config: StageConfig,
    out: str | Path | None = None,
    resume: bool = False,
    workers: int = 0,
    progress: bool = True,
    fsdp: bool = False,
) -> list[dict]:
    """Train one stage and return its log: step, loss, lr, seconds, waited (for data).

    The model is trained in place and comes back in eval mode. On many processes each
    takes its rows of every batch; loss and gradients are those of the whole batch.

    Args:
        model: called as `model(**micro_batch)`; gives a loss or an output with `.loss`.
        batches: step number -> the step's micro-batches (gradient accumulation). Must
            give the same for the same number: that is what makes resuming exact. If it
            has `own(step, rank, world)`, that gives the rows of one process.
        out: folder for checkpoints; None keeps nothing. On many machines, all see it.
        resume: go on from the last checkpoint in `out`, if there is one.
        workers: processes that make the next batches while this one trains.
        fsdp: divide the weights among the processes too, those of the small stage
            `clap` excepted; the model stays divided, its checkpoint is whole.

    Raises:
        FloatingPointError: when the loss is not finite; that step is not taken.
        ValueError: when the stage does not fit the model, or the checkpoint either; for
            a batch through which nothing can learn.

    Taught in: notebooks/08_staged_training.ipynb
    """
    rows = freeze(model, config.stage, config.only_token_rows)
    model.zero_grad()  # a run that was stopped within a step left its gradients
    accelerator = make_accelerator()
    rank, world = accelerator.process_index, accelerator.num_processes
    if progress:
        accelerator.print(trainable_table(rows))
    if fsdp and world > 1 and config.stage != "clap":  # its towers are small
        wrapped = divide(model, accelerator.device, world)
    else:
        wrapped = accelerator.prepare(model)
    optimizer, start, log = make_optimizer(model, config), 0, []
    if out is not None and resume:
        start, log = checkpoints.load(out, model, optimizer, config.stage)
    wrapped.train()
    frozen_to_eval(model)
    steps = range(start, config.steps)
    own = BatchOfStep(batches, rank, world)
    loader = DataLoader(own, batch_size=None, sampler=steps, num_workers=workers)
    told = {"desc": config.stage, "disable": not progress or rank > 0}
    bar = tqdm(loader, initial=start, total=config.steps, **told)
    asked = time.perf_counter()
    for step, micro_batches in zip(steps, bar, strict=True):
        began = time.perf_counter()
        # every process draws its own dropout; the first one as if it were alone
        torch.manual_seed(1_000_003 * config.seed + step + 7_919 * rank)
        lr = config.lr * lr_factor(step, config)
        loss = add_gradients(wrapped, model, micro_batches, config, accelerator)
        check_finite(loss, step, config)
        take_step(optimizer, lr)
        log.append({"step": step, "loss": loss, "lr": lr} | times(asked, began))
        recent = [row["loss"] for row in log[-20:]]
        bar.set_postfix(loss=f"{sum(recent) / len(recent):.3f}")
        due = step + 1 == config.steps or (step + 1) % config.checkpoint_every == 0
        if out is not None and due:
            checkpoints.save(out, model, optimizer, step + 1, log, config.stage)
        asked = time.perf_counter()
    if progress and len(steps) > 1:
        accelerator.print(waiting(log[start - config.steps :]))
    model.eval()
    return log


def add_gradients(wrapped, model, micro_batches, config, accelerator) -> float:
    """Add up and clip the gradients of the micro-batches; return their mean loss."""
    total = torch.zeros((), device=accelerator.device)
    trained = [p for p in model.parameters() if p.requires_grad]
    for number, batch in enumerate(micro_batches, start=1):
        batch = {k: v.to(accelerator.device) for k, v in batch.items()}
        # gradients are averaged between processes before they are clipped, not oftener
        clip = config.clip_every_micro_batch or number == len(micro_batches)
        with averaged_if(clip, wrapped, accelerator):
            with torch.autocast(
                accelerator.device.type, torch.bfloat16, config.precision == "bf16"
            ):
                out = wrapped(**batch)
            loss = of_all(getattr(out, "loss", out), batch) / config.accumulation
            check_learns(loss, config)
            loss.backward()
        total += loss.detach()
        if config.only_token_rows:
            keep_token_rows(model, config.only_token_rows)
        if clip:
            torch.nn.utils.clip_grad_norm_(trained, config.clip_norm)
    return accelerator.reduce(total, "mean").item()


def of_all(loss: Tensor, batch: dict[str, Tensor]) -> Tensor:
    """A process's part of the mean loss over the rows of all processes."""
    part = share(learnt(batch))
    return torch.where(part == 0, 0.0, loss) * part  # the mean of no label is no number


def averaged_if(now: bool, wrapped: nn.Module, accelerator):
    """Whether the gradients of this backward are averaged between processes."""
    if hasattr(wrapped, "set_requires_gradient_sync"):  # divided by `sharding.divide`
        wrapped.set_requires_gradient_sync(now)
        return nullcontext()
    return nullcontext() if now else accelerator.no_sync(wrapped)


def check_finite(loss: float, step: int, config: StageConfig) -> None:
    """Stop before a loss that is no number spoils the weights.

    Raises FloatingPointError for it, with what to try.
    """
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss} at step {step} of stage {config.stage!r}. A batch "
            "without any label? Give more scenes (--scenes); else train in another "
            "folder with another --seed."
        )


def check_learns(loss: Tensor, config: StageConfig) -> None:
    """Stop where nothing that trains had a part in the loss.

    Raises ValueError for such a batch, as one without audio in stage `pretrain`.
    """
    if not loss.requires_grad:
        parts = ", ".join(STAGE_TRAINS[config.stage])
        raise ValueError(
            f"nothing in this batch goes through what stage {config.stage!r} trains "
            f"({parts}). Give it audio, or leave such batches out."
        )


def take_step(optimizer, lr: float) -> None:
    """One optimiser step at a learning rate; the gradients are gone after it."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["times"]
    optimizer.step()
    optimizer.zero_grad()


def keep_token_rows(model: nn.Module, rows: tuple[int, ...]) -> None:
    """Zero the embedding's gradient but for some rows (official: the new tokens)."""
    gradient = model.get_input_embeddings().weight.grad
    if gradient is not None:
        keep = torch.zeros(len(gradient), 1, device=gradient.device)
        keep[list(rows)] = 1
        gradient.mul_(divided_like(keep, gradient))


def frozen_to_eval(model: nn.Module) -> None:
    """What does not train keeps still altogether: no dropout, no batch statistics."""
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()

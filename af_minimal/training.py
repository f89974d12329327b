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
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from .disk import checkpoints
from .stages import StageConfig, freeze, lr_factor, trainable_table


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
) -> list[dict]:
    """Train one stage and return its log, one row a step: step, loss, lr, seconds.

    The model is trained in place and comes back in eval mode.

    Args:
        model: called as `model(**micro_batch)`; gives a loss or an output with `.loss`.
        batches: step number -> the step's micro-batches (gradient accumulation). Must
            give the same for the same number: that is what makes resuming exact.
        out: folder for checkpoints; None keeps nothing.
        resume: go on from the last checkpoint in `out`, if there is one.
        workers: processes that make the next batches while this one trains.

    Raises:
        FloatingPointError: when the loss is not finite; that step is not taken.
        ValueError: when the stage does not fit the model, or the checkpoint either.

    Taught in: notebooks/08_staged_training.ipynb
    """
    rows = freeze(model, config.stage)
    accelerator = make_accelerator()
    if progress:
        accelerator.print(trainable_table(rows))
    wrapped, optimizer = accelerator.prepare(model, make_optimizer(model, config))
    start, log = 0, []
    if out is not None and resume:
        start, log = checkpoints.load(out, model, optimizer.optimizer, config.stage)
    wrapped.train()
    frozen_to_eval(model)
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
        began = time.perf_counter()
        torch.manual_seed(1_000_003 * config.seed + step)
        lr = config.lr * lr_factor(step, config)
        loss = add_gradients(wrapped, model, micro_batches, config, accelerator)
        check_finite(loss, step, config)
        take_step(optimizer, lr)
        seconds = round(time.perf_counter() - began, 4)
        log.append({"step": step, "loss": loss, "lr": lr, "seconds": seconds})
        recent = [row["loss"] for row in log[-20:]]
        bar.set_postfix(loss=f"{sum(recent) / len(recent):.3f}")
        due = step + 1 == config.steps or (step + 1) % config.checkpoint_every == 0
        if out is not None and due and accelerator.is_main_process:
            memory = optimizer.optimizer
            checkpoints.save(out, model, memory, step + 1, log, config.stage)
    model.eval()
    return log


class BatchOfStep(Dataset):
    """The batch function as a data set, so that `DataLoader` can work ahead."""

    def __init__(self, batches: Callable[[int], list[dict[str, Tensor]]]):
        self.batches = batches

    def __getitem__(self, step: int) -> list[dict[str, Tensor]]:
        return self.batches(step)


def add_gradients(wrapped, model, micro_batches, config, accelerator) -> float:
    """Add up and clip the gradients of the micro-batches; return their mean loss."""
    total = torch.zeros((), device=accelerator.device)
    trained = [p for p in model.parameters() if p.requires_grad]
    for number, batch in enumerate(micro_batches, start=1):
        last = number == len(micro_batches)
        # between processes, gradients are averaged once a step, at the last micro-batch
        with nullcontext() if last else accelerator.no_sync(wrapped):
            with torch.autocast(
                accelerator.device.type, torch.bfloat16, config.precision == "bf16"
            ):
                out = wrapped(**own_rows(batch, accelerator))
            loss = getattr(out, "loss", out) / config.accumulation
            accelerator.backward(loss)
        total += loss.detach()
        if config.only_token_rows:
            keep_token_rows(model, config.only_token_rows)
        if config.clip_every_micro_batch or last:
            accelerator.clip_grad_norm_(trained, config.clip_norm)
    return accelerator.reduce(total, "mean").item()


def check_finite(loss: float, step: int, config: StageConfig) -> None:
    """Stop before a loss that is no number spoils the weights."""
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss} at step {step} of stage {config.stage!r}. Look for a "
            f"batch without any label, lower the learning rate ({config.lr}), or "
            "resume with another seed."
        )


def take_step(optimizer, lr: float) -> None:
    """One optimiser step at a learning rate; the gradients are gone after it."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["times"]
    optimizer.step()
    optimizer.zero_grad()


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
    """What does not train keeps still altogether: no dropout, no batch statistics."""
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def make_accelerator() -> Accelerator:
    """The device there is, and all processes of `accelerate launch` or `torchrun`."""
    # a batch without audio leaves the gated blocks without gradient: that is no error
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(
        mixed_precision="no",  # `add_gradients` casts; the model's own forward stays
        cpu=not torch.cuda.is_available(),
        kwargs_handlers=[unused],
    )

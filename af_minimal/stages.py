"""Stages: what trains, what keeps still, and the recipe of each.

`clap` trains both contrastive towers, `lm` the language model on text alone, `pretrain`
the audio transformer and the gated blocks around a frozen language model, `sft` all
but the audio encoder, and AF2's `af2-sft` all but the language model. In the stages of
AF2 the embedding rows of `<audio>` and `<|endofchunk|>` learn too (`only_token_rows`).

Official: `foundation/src/factory.py` and `foundation/configs/*.yaml`
Taught in: notebooks/08_staged_training.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

STAGE_TRAINS = {
    "clap": ("encoder", "text tower"),
    "lm": ("language model",),
    "pretrain": ("audio transformer", "gated blocks"),
    "sft": ("audio transformer", "gated blocks", "language model"),
    "af2-sft": ("encoder", "audio transformer", "gated blocks"),
}
Rows = list[tuple[str, int, bool]]  # of a table: part, parameters, whether it trains


@dataclass(frozen=True)
class StageConfig:
    """One stage's recipe. The three switches at the end are the official code's."""

    stage: str  # a key of STAGE_TRAINS
    steps: int  # optimiser steps
    lr: float  # highest learning rate
    warmup: int = 100  # steps of linear warm-up from zero
    schedule: str = "cosine"  # after the warm-up: "cosine" to zero, or "constant"
    gate_lr: float = 1.0  # times lr, for the gates; small runs cannot wait for them
    weight_decay: float = 0.01
    accumulation: int = 1  # the loss of each micro-batch is divided by this
    clip_norm: float = 1.0  # largest norm of the gradient of all that trains
    precision: str = "no"  # "bf16" computes in bfloat16 where it is safe
    seed: int = 0
    checkpoint_every: int = 200  # steps
    decay_only: str = ""  # decay only parameters with this in their name
    clip_every_micro_batch: bool = False  # clip the sum so far after each micro-batch
    only_token_rows: tuple[int, ...] = ()  # the one embedding rows that learn; () = all

    def __post_init__(self):
        trained_parts(self.stage)
        if self.precision not in ("no", "bf16"):
            raise ValueError(f"precision is {self.precision!r}, not 'no' or 'bf16'.")
        if self.only_token_rows and self.weight_decay and not self.decay_only:
            raise ValueError(
                "weight decay would also move the rows that only_token_rows keeps "
                "still; set weight_decay=0 or decay_only='gated_cross_attn'."
            )
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(
                f"schedule {self.schedule!r} is unknown; choose 'cosine' or 'constant'."
            )


def trained_parts(stage: str) -> tuple[str, ...]:
    """The parts that a stage trains; ValueError for a stage that does not exist."""
    if stage not in STAGE_TRAINS:
        raise ValueError(f"stage {stage!r} is none of {list(STAGE_TRAINS)}.")
    return STAGE_TRAINS[stage]


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


def freeze(model: nn.Module, stage: str, token_rows: Sequence[int] = ()) -> Rows:
    """Set `requires_grad` for a stage; return rows (group, parameters, trains).

    Args:
        token_rows: embedding rows of a language model that keeps still otherwise. The
            whole matrix then has a gradient; `training.keep_token_rows` cuts it down.

    Raises:
        ValueError: when the model has none of the parts that the stage trains.

    Taught in: notebooks/08_staged_training.ipynb
    """
    parts, counts = trained_parts(stage), {}
    for name, parameter in model.named_parameters():
        group = group_of(name)
        parameter.requires_grad_(group in parts)
        counts[group] = counts.get(group, 0) + parameter.numel()
    if not set(parts) & set(counts):
        raise ValueError(
            f"stage {stage!r} trains {list(parts)}, and this {type(model).__name__} "
            f"has {list(counts)} only; choose another stage or another model."
        )
    rows = [(g, n, g in parts) for g, n in counts.items()]
    if token_rows and "language model" not in parts:
        embedding = model.get_input_embeddings().weight.requires_grad_(True)
        rows.append(("of it, token rows", len(token_rows) * embedding.shape[1], True))
    return rows


def trainable_table(rows: Rows) -> str:
    """The rows of `freeze` as text for people.

    Taught in: notebooks/08_staged_training.ipynb
    """
    lines = [f"{g:<20}{n:>12,}  {'yes' if on else 'no'}" for g, n, on in rows]
    return "\n".join([f"{'part':<20}{'parameters':>12}  trains", *lines])


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

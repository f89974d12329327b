"""Teach the small towers with one loss or another, on sounds never heard before.

Pictures are put together from takes of single sounds by adding their mel power: exact
for sounds in a row, and for an overlay but for what the two cancel. The benchmark
renders whole clips.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from torch import Tensor

from ...clap import contrastive_loss
from ...soundworld.catalogue import CLASSES
from .benchmark import attribute_expressions
from .composing import lay_out
from .expressions import THEN, WITH, Expression, Pair, Sound, negatives, positives
from .losses import (
    NEGATIVE,
    POSITIVE,
    PRIMARY,
    af_clap_loss,
    hard_negative_loss,
    modular_loss,
)
from .towers import STEP_S, STEPS, Towers, take
from .wordings import WORDINGS, say

TAKES = 12  # of each sound, for training
LR = 2e-3
POSITIVES = 2  # M, and so many sentences that are wrong, for each

Draw = Callable[[np.random.Generator], list[Expression]]
Loss = Callable[[Towers, list[Expression], Tensor, np.random.Generator], Tensor]


@dataclass(frozen=True)
class Schedule:
    """How long one stage lasts."""

    steps: int
    batch: int = 32
    lr: float = LR


def split_pairs(
    labels: Sequence[str], seed: int, held_out: float = 1 / 6
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs to train on and pairs to ask about; both orders of a pair stay together.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    rng = np.random.default_rng([seed, 24])
    pairs = [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :]]
    pairs = [pairs[i] for i in rng.permutation(len(pairs))]
    asked = max(1, round(held_out * len(pairs)))
    return pairs[asked:], pairs[:asked]


def draw_order(
    rng: np.random.Generator, pairs: Sequence[tuple[str, str]]
) -> list[Expression]:
    """Two sounds in either order (3 of 4), or at once.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    pair = pairs[rng.integers(len(pairs))]
    a, b = (Sound(pair[i]) for i in rng.permutation(2))
    return [Pair(THEN if rng.random() < 0.75 else WITH, a, b)]


def draw_both_orders(
    rng: np.random.Generator, pairs: Sequence[tuple[str, str]]
) -> list[Expression]:
    """Two sounds, and the same two reversed: they meet in one batch.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    (first,) = draw_order(rng, pairs)
    return [first, Pair(first.operator, first.right, first.left)]


def draw_attribute(
    rng: np.random.Generator, pairs: Sequence[tuple[str, str]]
) -> list[Expression]:
    """One of two sounds low, the other high, or soft and loud.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    pair = pairs[rng.integers(len(pairs))]
    return attribute_expressions(rng, *(pair[i] for i in rng.permutation(2)))[:1]


@lru_cache(maxsize=65536)
def almost_true(expression: Expression) -> list[Expression]:
    """What is wrong of two sounds: their order, or whose the attributes are."""
    a, b = expression.left, expression.right
    if not a.attributes:
        return negatives(expression)
    exchanged = Sound(a.label, b.attributes), Sound(b.label, a.attributes)
    return [Pair(expression.operator, *exchanged)]


def picture(rng: np.random.Generator, expression: Expression, seed: int) -> np.ndarray:
    """The mel power of a clip of two sounds, (steps, bins), from takes of both."""
    events, _ = lay_out(rng, expression)
    told = {sound.label: sound for sound in (expression.left, expression.right)}
    takes = [take(told[e.label], int(rng.integers(TAKES)), seed) for e in events]
    heard = np.zeros((STEPS, takes[0].shape[1]), np.float32)
    for event, alone in zip(events, takes, strict=True):
        start = min(round(event.onset_s / STEP_S), STEPS - len(alone))
        heard[start : start + len(alone)] += alone
    return heard


def vanilla(towers: Towers, batch, audio: Tensor, rng) -> Tensor:
    """One sentence for each sound, and the usual loss."""
    texts = [say(expression, int(rng.integers(WORDINGS))) for expression in batch]
    return contrastive_loss(audio, towers.read(texts), towers.logit_scale)


def hard_negative(towers: Towers, batch, audio: Tensor, rng) -> Tensor:
    """The same, and what is almost true, in the same words, for its own sound alone."""
    chosen = rng.integers(WORDINGS, size=len(batch)).tolist()
    wrong = [
        [say(other, wording) for other in almost_true(expression)]
        for expression, wording in zip(batch, chosen, strict=True)
    ]
    right = [say(e, wording) for e, wording in zip(batch, chosen, strict=True)]
    said = towers.read(right + sum(wrong, []))  # (B + B * K, C)
    text, hard = said[: len(batch)], said[len(batch) :].unflatten(0, (len(batch), -1))
    return hard_negative_loss(audio, text, hard, towers.logit_scale)


def modular(towers: Towers, batch, audio: Tensor, rng) -> Tensor:
    """True sentences of several grains, the whole and its parts, against wrong ones."""
    texts, owner, kind = [], [], []
    for number, expression in enumerate(batch):
        wording, another = rng.permutation(WORDINGS)[:2].tolist()
        said = [(PRIMARY, expression, wording), (POSITIVE, expression, another)]
        said += [(POSITIVE, part, 0) for part in positives(expression)[1:]]
        said += [(NEGATIVE, other, wording) for other in almost_true(expression)]
        texts += [say(other, i) for _, other, i in said]
        kind += [one for one, _, _ in said]
        owner += [number] * len(said)
    sides = torch.tensor(owner), torch.tensor(kind), towers.logit_scale
    return modular_loss(audio, towers.read(texts), *sides)


def af_clap(
    towers: Towers, batch, audio: Tensor, rng, with_negatives: bool = True
) -> Tensor:
    """M wordings of what is true, and each of them turned into what is almost true."""
    right, wrong = [], []
    for expression in batch:
        chosen = rng.permutation(WORDINGS)[:POSITIVES].tolist()
        right += [say(expression, i) for i in chosen]
        wrong += [say(other, i) for other in almost_true(expression) for i in chosen]
    said = towers.read(right + wrong if with_negatives else right)
    good = said[: len(right)].unflatten(0, (len(batch), -1))  # (B, M, C)
    bad = said[len(right) :].reshape(len(batch), -1, said.shape[-1])  # (B, R, C)
    return af_clap_loss(audio, good, bad, towers.logit_scale)


LOSSES: dict[str, Loss] = {
    "vanilla": vanilla,
    "hard negatives": hard_negative,
    "modular": modular,
    "AF-CLAP": af_clap,
    "AF-CLAP without negatives": partial(af_clap, with_negatives=False),
}


def teach(
    towers: Towers,
    loss: str | Loss,
    draw: Draw,
    schedule: Schedule,
    seed: int,
    stage: int = 0,
) -> list[float]:
    """Train the towers in place; returns the loss of every step.

    Args:
        loss: a key of `LOSSES`, or a function like those in it.
        draw: of a generator, one or more expressions of two sounds for the batch.
        seed: of the takes of all sounds and, with `stage`, of what is drawn of them.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    rng = np.random.default_rng([seed, 25, stage])
    optimizer = torch.optim.AdamW(
        towers.parameters(), schedule.lr, weight_decay=0.01, fused=True
    )
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schedule.lr, total_steps=schedule.steps, pct_start=0.1
    )
    loss_of, log = LOSSES.get(loss, loss), []
    for _ in range(schedule.steps):
        batch = draw_batch(rng, draw, schedule.batch)
        power = np.stack([picture(rng, expression, seed) for expression in batch])
        audio = towers.hear(torch.from_numpy(power))  # (B, C)
        value = loss_of(towers, batch, audio, rng)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        rates.step()
        log.append(value.item())
    return log


def draw_batch(rng: np.random.Generator, draw: Draw, size: int) -> list[Expression]:
    """So many expressions, of as many draws as that takes.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    batch: list[Expression] = []
    while len(batch) < size:
        batch += draw(rng)
    return batch[:size]


def some_labels(count: int, seed: int) -> list[str]:
    """So many classes of SoundWorld, drawn.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    rng = np.random.default_rng([seed, 26])
    return rng.permutation(sorted(CLASSES))[:count].tolist()

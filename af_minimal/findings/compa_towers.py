"""What small towers know of order after one loss or another.

They learn scenes of two sounds and are asked, in clips rendered whole, about pairs of
sounds that they never met together.

Taught in: notebooks/14_af_clap_and_compa.ipynb, notebooks/20_findings.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from ..systems.compa.benchmark import (
    SCORES,
    Instance,
    compa_attribute,
    compa_order,
    examine,
    make_instance,
    order_expressions,
)
from ..systems.compa.expressions import THEN, Expression
from ..systems.compa.towers import Towers, split_words
from ..systems.compa.training import (
    Schedule,
    draw_attribute,
    draw_batch,
    draw_both_orders,
    draw_order,
    some_labels,
    split_pairs,
    teach,
)
from .rows import Numbers, mean


@dataclass(frozen=True)
class Setting:
    """Sizes of a world of two sounds and of a training in it."""

    labels: int = 24
    steps: int = 1500
    batch: int = 32
    clips: int = 200  # to be found by their sentences, each with other sounds
    asked: int = 120  # instances of CompA
    triplets: int = 30  # of these
    positions: float = 1.0  # of the towers at the start


SETTING = Setting()
FEW_CLASSES = Setting(labels=12, batch=48)
SHORT = Setting(steps=600)
SMALL_POSITIONS = Setting(positions=0.1, steps=300)
COUNTED = 200  # batches in which reversed pairs are counted
LOSSES = ("vanilla", "hard negatives", "AF-CLAP", "AF-CLAP without negatives")


class World:
    """Which pairs of sounds are trained on and asked about, and the questions."""

    def __init__(self, seed: int, setting: Setting):
        self.seed, self.setting = seed, setting
        labels = some_labels(setting.labels, seed)
        self.trained, self.held_out = split_pairs(labels, seed)

    def towers(self) -> Towers:
        """Untrained ones; the same for every loss."""
        torch.manual_seed(self.seed)
        return Towers(self.setting.positions)

    def teach(
        self, towers: Towers, loss: str, draw=draw_order, share=1.0, stage=0
    ) -> Towers:
        """Train for a share of the steps, on pairs that are not held out.

        Stages of other numbers draw other scenes.
        """
        setting, draw = self.setting, partial(draw, pairs=self.trained)
        schedule = Schedule(round(share * setting.steps), setting.batch)
        teach(towers, loss, draw, schedule, self.seed, stage)
        return towers

    def order(self) -> list[Instance]:
        """Questions of order about pairs that were held out."""
        sizes = self.setting.asked, self.setting.triplets
        return compa_order(self.held_out, *sizes, self.seed)

    def attribute(self) -> list[Instance]:
        """Questions of attributes about pairs that were held out."""
        return compa_attribute(self.held_out, self.setting.asked, self.seed)

    def clips(self) -> list[Instance]:
        """Single clips of pairs that were trained on, no two of the same sounds."""
        rng = np.random.default_rng([self.seed, 27])
        pairs = self.trained[: self.setting.clips]
        return [make_instance(rng, order_expressions(*p, False)[:1]) for p in pairs]


def compa(name: str, towers: Towers, instances: Sequence[Instance]) -> Numbers:
    """The three scores under a name, and what guessing scores."""
    section = examine(instances, towers.embed_audio, towers.embed_text)
    numbers = {}
    for score, line in zip(SCORES, section["measures"], strict=True):
        numbers[f"{name}: {score}"] = line["score"]
        numbers[f"chance: {score}"] = line["chance"]
    return numbers


def order_numbers(name: str, towers: Towers, asked: Sequence[Instance]) -> Numbers:
    """Scores of all instances, and of those with two pairs alone."""
    pairs = [one for one in asked if len(one.texts) == 2]
    alone = compa(name, towers, pairs)
    alone = {f"{key}, pairs alone": value for key, value in alone.items()}
    return compa(name, towers, asked) | alone


def retrieval(name: str, towers: Towers, clips: Sequence[Instance], seed) -> Numbers:
    """Text to audio R@1, with the words as they are and shuffled."""
    rng = np.random.default_rng([seed, 28])
    audio = towers.embed_audio([one.waves[0] for one in clips])  # (N, C)
    texts = [one.texts[0] for one in clips]
    shuffled = [" ".join(rng.permutation(split_words(text))) for text in texts]
    found = [found_first(towers, audio, queries) for queries in (texts, shuffled)]
    return {
        f"{name}: R@1": found[0],
        f"{name}: R@1, words shuffled": found[1],
        f"{name}: lost by shuffling": found[0] - found[1],
    }


def found_first(towers: Towers, audio: torch.Tensor, queries: list[str]) -> float:
    """Share of sentences that find their own sound before all others."""
    best = (towers.embed_text(queries) @ audio.T).argmax(1)  # (N,)
    return mean((best == torch.arange(len(audio))).float().tolist())


def order_by_loss(seed: int, setting: Setting = SETTING) -> Numbers:
    """T-A1, T-A2, T-A3, T-B1: four losses, the same sounds and steps.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    world, numbers = World(seed, setting), {}
    asked, clips = world.order(), world.clips()
    for loss in LOSSES:
        towers = world.teach(world.towers(), loss).eval()
        numbers |= order_numbers(loss, towers, asked)
        numbers |= retrieval(loss, towers, clips, seed)
    cost = numbers["vanilla: R@1"] - numbers["hard negatives: R@1"]
    return numbers | {"chance: R@1": 1 / len(clips), "R@1 lost, hard negatives": cost}


def regimes(seed: int, setting: Setting = SETTING, few=FEW_CLASSES) -> Numbers:
    """T-A4: the usual loss, where both orders of a pair meet in one batch.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    numbers = {}
    for name, world, draw in (
        ("few classes", World(seed, few), draw_order),
        ("both orders in each batch", World(seed, setting), draw_both_orders),
    ):
        towers = world.teach(world.towers(), "vanilla", draw).eval()
        numbers |= order_numbers(name, towers, world.order())
        rng, size = np.random.default_rng([seed, 27]), world.setting.batch
        draw = partial(draw, pairs=world.trained)
        drawn = [draw_batch(rng, draw, size) for _ in range(COUNTED)]
        found = mean([reversed_pairs(batch) for batch in drawn])
        numbers[f"{name}: reversed pairs in a batch"] = found
    return numbers


def reversed_pairs(batch: Sequence[Expression]) -> int:
    """How often two sounds in a row stand in a batch in the other order as well."""
    rows = [(e.left, e.right) for e in batch if e.operator == THEN]
    return sum(b == a[::-1] for i, a in enumerate(rows) for b in rows[:i])


def small_positions(seed: int, setting: Setting = SMALL_POSITIONS) -> Numbers:
    """T-A5: hard negatives, but positions that begin small; and the same from 1 on.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    numbers = {}
    for name, sizes in (
        ("small positions", setting),
        ("positions from 1", replace(setting, positions=1.0)),
    ):
        world = World(seed, sizes)
        towers = world.teach(world.towers(), "hard negatives").eval()
        numbers |= order_numbers(name, towers, world.order())
    return numbers


def stages(seed: int, setting: Setting = SETTING) -> Numbers:
    """T-A6: half as many steps vanilla, then hard negatives, modular or both.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    world, numbers = World(seed, setting), {}
    asked = world.order()
    first = world.teach(world.towers(), "vanilla", share=1 / 4).state_dict()
    first = {name: value.clone() for name, value in first.items()}
    both = [("hard negatives", 1 / 4), ("modular", 1 / 4)]
    for name, later in (
        ("stage 1 alone", [("vanilla", 1 / 2)]),
        ("stages 1 and 2", [("hard negatives", 1 / 2)]),
        ("stages 1 and 3", [("modular", 1 / 2)]),
        ("all three stages", both),
    ):
        towers = world.towers()
        towers.load_state_dict(first)
        for stage, (loss, share) in enumerate(later, start=1):
            world.teach(towers, loss, share=share, stage=stage)
        numbers |= order_numbers(name, towers.eval(), asked)
    return numbers


def attributes(seed: int, setting: Setting = SHORT) -> Numbers:
    """T-A7: whose attribute is it, with the usual loss and with hard negatives.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    world, numbers = World(seed, setting), {}
    asked = world.attribute()
    for loss in ("vanilla", "hard negatives"):
        towers = world.teach(world.towers(), loss, draw_attribute).eval()
        numbers |= compa(loss, towers, asked)
    gain = numbers["hard negatives: group"] - numbers["vanilla: group"]
    return numbers | {"gain: group": gain}

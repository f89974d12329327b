"""What each stage of a curriculum is good for, in a toy world of three lengths.

Scenes grow as the paper's recordings do, 3 to 9 to 30 windows. The language model reads
about all of it first and keeps still then, unless said otherwise.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb, notebooks/20_findings.ipynb
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
import torch

from ..soundworld.asking import QA
from ..soundworld.captions import NUMBERS
from ..stages import StageConfig
from ..systems.curriculum.asked import Asked
from .rows import Numbers
from .toy import WIDTH
from .toy_af2 import take_language_model
from .toy_stream import (
    NAMES,
    Stream,
    Toy,
    answers,
    draw_stream,
    qa,
    score,
    some_classes,
    spread,
    teach,
    toy_model,
    toy_tokenizer,
)

LENGTHS = {"short": 4, "skills": 12, "long": 40}  # vectors of a scene, 3 : 9 : 30
SOUNDS = {"short": (1, 1), "skills": (2, 3), "long": (6, 8)}  # in it, and no two alike
LASTS = (1, 3)  # vectors of a sound
# no two have answers of one sort: a language model that has only read and keeps still
# tells by the sort which question it was asked, and by nothing else
SKILLS = ("first", "pitch")
KINDS = ("red", "blue", "green", "white")  # of a class: read of, and seldom heard
TOLD = NAMES[::2]  # only of these is the kind asked beside their sounds
FACTS, READING = 300, 240  # steps of text about one sound, and about all


class Steady(Toy):
    """As in the paper the rate stays where it is after the warm-up.

    Three stages that each end at a rate of zero would not be what one stage is.
    """

    def stage(self, name: str, seed: int, steps: int | None = None) -> StageConfig:
        """The recipe of a stage."""
        return replace(super().stage(name, seed, steps), schedule="constant")


TOY = Steady(steps=130, scenes=2000)  # of each stage


def kind_of(name: str) -> str:
    """The kind of a class, which only text tells for half of them."""
    return KINDS[NAMES.index(name) // 2 % len(KINDS)]


def draw_row(rng: np.random.Generator, length: int, sounds: tuple[int, int]) -> list:
    """Different sounds in a row, each high or low, and of some length."""
    count = int(rng.integers(sounds[0], sounds[1] + 1))
    lengths = rng.choice(LASTS, size=count).tolist()
    high = (rng.random(count) < 0.5).tolist()
    starts, classes = spread(rng, lengths, length), some_classes(rng, count)
    return list(zip(classes, starts, lengths, high, strict=True))


def ask_row(runs: list, length: int, asks: Sequence[str]) -> list[QA]:
    """The questions of some kinds about sounds in a row."""
    names = [NAMES[kind] for kind, *_ in runs]
    high = runs[0][3]
    known = {
        "class": qa("class", "what is it?", names[0]),
        "kind": fact(names[0]),
        "caption": qa("caption", "what do you hear?", ", then ".join(names)),
        "first": qa("first", "what is first?", names[0]),
        "pitch": qa("pitch", "how is the first?", "high" if high else "low"),
        "count": qa("count", "how many sounds?", NUMBERS[len(names)]),
    }
    return [known[kind] for kind in asks]


def fact(name: str) -> QA:
    """What kind a class is: a question that needs no sound."""
    told = "kind" if name in TOLD else "kind, never told"
    return qa(told, f"what kind is {name}?", kind_of(name))


class Worlds:
    """The streams of one seed, for training and for the exam.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    def __init__(self, seed: int, toy: Toy):
        self.seed, self.toy = seed, toy

    def stream(self, name: str, *asks: str, part: int = 0, all_kinds=False) -> Stream:
        """Scenes of one length with some kinds of questions; part 1 is the exam's."""
        count = self.toy.examined if part else self.toy.scenes
        draw = partial(draw_row, sounds=SOUNDS[name])
        ask = partial(ask_row, asks=asks)
        made = draw_stream(self.seed, part, count, draw, ask, LENGTHS[name])
        if part or all_kinds or "kind" not in asks:
            return made
        kept = [  # what is never told stays out of the training by ear
            replace(s, questions=heard, weights=(1.0,) * len(heard))
            for s in made.asked
            for heard in [tuple(q for q in s.questions if "never" not in q.kind)]
        ]
        return Stream(kept, made.heard)

    @cached_property
    def text(self) -> dict[str, Stream]:
        """All that is asked, and the kind of every class, for reading."""
        facts = tuple(fact(name) for name in NAMES)
        silent = Asked(None, facts, (1.0,) * len(facts))
        count = self.toy.scenes
        return {
            "facts": Stream([silent] * count, [torch.zeros(1, WIDTH)] * count),
            "short": self.stream("short", "class", "kind", all_kinds=True),
            "skills": self.stream("skills", "caption", "count", *SKILLS),
            "long": self.stream("long", *SKILLS),
        }

    @cached_property
    def tokenizer(self):
        """Of all that is read."""
        return toy_tokenizer(self.text)

    def reader(self, toy: Toy):
        """A model whose language model has read; its ears have heard nothing."""
        model = toy_model(self.seed, toy, self.tokenizer, LENGTHS["long"])
        about_one = {name: self.text[name] for name in ("facts", "short")}
        teach(model, about_one, toy, self.seed, "lm", FACTS)
        teach(model, self.text, toy, self.seed, "lm", READING)
        return model

    def copy(self, reader, toy: Toy):
        """An untrained model with the language model of a reader."""
        model = toy_model(self.seed, toy, self.tokenizer, LENGTHS["long"])
        take_language_model(model, reader)
        return model


def curriculum(seed: int, toy: Toy = TOY) -> Numbers:
    """T-B4: three stages; all at once; no long stage; the language model awake.

    "reasoning" is what kind a class is, of which only text has told. It is asked beside
    the sound, and once in silence. All have as many steps: what is not spent on one
    stage is spent on another.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    worlds, numbers = Worlds(seed, toy), {}
    short = {"short": worlds.stream("short", "class", "kind")}
    skills = short | {"skills": worlds.stream("skills", "caption", *SKILLS)}
    both = skills | {"long": worlds.stream("long", *SKILLS)}
    reader, still = worlds.reader(toy), "pretrain"
    begun = worlds.copy(reader, toy)  # the first stage is the same for three of four
    teach(begun, short, toy, seed, still)
    arms = {
        "three stages": (begun, [(skills, 1, still), (both, 1, still)]),
        "all at once": (worlds.copy(reader, toy), [(both, 3, still)]),
        "no long stage": (begun, [(skills, 2, still)]),
        "language model awake": (begun, [(skills, 1, "sft"), (both, 1, "sft")]),
    }
    for name, (before, stages) in arms.items():
        model = deepcopy(before)
        for streams, parts, stage in stages:
            teach(model, streams, toy, seed, stage, parts * toy.steps)
        numbers |= {f"{k}, {name}": v for k, v in examined(worlds, model).items()}
    for kind in ("all", "long", "skills", "caption", "reasoning"):
        full = numbers[f"{kind}, three stages"]
        for change, name in (
            ("gained by stages", "all at once"),
            ("gained by stage 3", "no long stage"),
            ("gained asleep", "language model awake"),
        ):
            numbers[f"{kind}: {change}"] = full - numbers[f"{kind}, {name}"]
    change = abs(numbers["skills: gained by stage 3"])
    return numbers | {
        "skills: change by stage 3": change,
        "chance: skills": guessing("skills"),
        "chance: long": guessing("long"),
        "chance: reasoning": 1 / len(KINDS),
    }


def captioning(model, stream: Stream) -> float:
    """Mean share of the names that stand in a caption at their place."""
    shares = []
    for said, true in answers(model, stream, "caption"):
        ours, names = said.split(", then "), true.split(", then ")
        right = sum(a == b for a, b in zip(ours, names, strict=False))
        shares.append(right / max(len(ours), len(names)))
    return float(np.mean(shares))


def guessing(name: str) -> float:
    """What who knows which sounds there are scores by guessing at the skills."""
    low, high = SOUNDS[name]
    first = np.mean([1 / count for count in range(low, high + 1)])
    return float((first + 1 / 2) / len(SKILLS))


def examined(worlds: Worlds, model) -> Numbers:
    """The shares of right answers to all that a model of these worlds may be asked."""
    short = worlds.stream("short", "class", "kind", part=1)
    untold = [fact(name) for name in NAMES if name not in TOLD]
    silent = Stream([Asked(None, (one,), (1.0,)) for one in untold], [])
    middle = worlds.stream("skills", "caption", *SKILLS, part=1)
    far = worlds.stream("long", *SKILLS, part=1)
    numbers = {
        "class": score(model, short, "class"),
        "reasoning": score(model, short, "kind, never told"),
        "reasoning in silence": score(model, silent, "kind, never told"),
        "caption": captioning(model, middle),
    }
    for name, stream in (("skills", middle), ("long", far)):
        parts = {f"{name}: {kind}": score(model, stream, kind) for kind in SKILLS}
        numbers |= {name: float(np.mean(list(parts.values())))} | parts
    parts = [numbers[kind] for kind in ("class", "skills", "long")]
    return numbers | {"all": float(np.mean(parts))}

"""What each stage of a curriculum, and data that asks for skills, is good for.

A toy world of streams of three lengths. The language model reads about all of it first
and keeps still then, unless said otherwise.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb, notebooks/20_findings.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from .rows import Numbers
from .toy_af2 import take_language_model
from .toy_stream import (
    NAMES,
    Stream,
    Toy,
    draw_stream,
    qa,
    score,
    some_classes,
    spread,
    teach,
    toy_model,
    toy_tokenizer,
)

LENGTHS = {"short": 4, "skills": 12, "long": 28}  # vectors of a scene
SOUNDS = {"short": 1, "skills": 3, "long": 7}  # each of two vectors
KINDS = ("red", "blue", "green", "white")  # of a class: read of, and seldom heard
TOLD = NAMES[::2]  # only of these is the kind asked beside a sound
TOY = Toy(steps=130, scenes=2000)  # of each stage
DATA_TOY = Toy(steps=300, scenes=2000, width=48)
LARGER = 2  # times as wide: four times the weights
READING = 120  # steps of text


def kind_of(name: str) -> str:
    """The kind of a class, which only text tells for half of them."""
    return KINDS[NAMES.index(name) // 2 % len(KINDS)]


def draw_row(rng: np.random.Generator, length: int, sounds: int) -> list:
    """So many different sounds in a row."""
    lengths = [2] * sounds
    starts = spread(rng, lengths, length)
    return list(zip(some_classes(rng, sounds), starts, lengths, strict=True))


def ask_row(runs: list, length: int, asks: Sequence[str]) -> list:
    """The questions of some kinds about sounds in a row."""
    names = [NAMES[kind] for kind, _, _ in runs]
    found = []
    if "class" in asks:
        found.append(qa("class", "what is it?", names[0]))
    if "kind" in asks:
        told = "kind" if names[0] in TOLD else "kind, never told"
        found.append(qa(told, "what kind is it?", kind_of(names[0])))
    if "caption" in asks:
        found.append(qa("caption", "what do you hear?", ", then ".join(names)))
    if "skills" in asks:
        found.append(qa("first", "what is first?", names[0]))
    return found


class Worlds:
    """The streams of one seed, for training and for the exam.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    def __init__(self, seed: int, toy: Toy):
        self.seed, self.toy = seed, toy
        self.tokenizer = toy_tokenizer(self.text())

    def stream(self, name: str, *asks: str, part: int = 0) -> Stream:
        """Scenes of one length with some kinds of questions; part 1 is the exam's."""
        count = self.toy.examined if part else self.toy.scenes
        draw = partial(draw_row, sounds=SOUNDS[name])
        ask = partial(ask_row, asks=asks)
        made = draw_stream(self.seed, part, count, draw, ask, LENGTHS[name])
        if part or "kind" not in asks:
            return made
        kept = [  # what is never told stays out of the training by ear
            replace(s, questions=heard, weights=(1.0,) * len(heard))
            for s in made.asked
            for heard in [tuple(q for q in s.questions if "never" not in q.kind)]
        ]
        return Stream(kept, made.heard)

    def text(self) -> dict[str, Stream]:
        """All that is asked, and the kind of every class, for reading."""
        facts = [qa("fact", f"what kind is {name}?", kind_of(name)) for name in NAMES]
        short = self.stream("short", "class", "kind")
        asked = [
            replace(s, questions=(*s.questions, facts[i % len(facts)]), weights=())
            for i, s in enumerate(short.asked)
        ]
        asked = [replace(s, weights=(1.0,) * len(s.questions)) for s in asked]
        return {
            "short": Stream(asked, short.heard),
            "skills": self.stream("skills", "caption", "skills"),
            "long": self.stream("long", "skills"),
        }

    def reader(self, toy: Toy):
        """A model whose language model has read; its ears have heard nothing."""
        model = toy_model(self.seed, toy, self.tokenizer, LENGTHS["long"])
        teach(model, self.text(), toy, self.seed, "lm", READING)
        return model

    def copy(self, reader, toy: Toy):
        """An untrained model with the language model of a reader."""
        model = toy_model(self.seed, toy, self.tokenizer, LENGTHS["long"])
        take_language_model(model, reader)
        return model


def curriculum(seed: int, toy: Toy = TOY) -> Numbers:
    """T-B4: three stages; all at once; no long stage; the language model awake.

    All have as many steps: what is not spent on one stage is spent on another.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    worlds, numbers = Worlds(seed, toy), {}
    short = {"short": worlds.stream("short", "class", "kind")}
    skills = short | {"skills": worlds.stream("skills", "caption", "skills")}
    both = skills | {"long": worlds.stream("long", "skills")}
    steps, reader = toy.steps, worlds.reader(toy)
    still = "pretrain"
    arms = {
        "three stages": [(short, 1, still), (skills, 1, still), (both, 1, still)],
        "all at once": [(both, 3, still)],
        "no long stage": [(short, 1, still), (skills, 2, still)],
        "language model awake": [
            (short, 1, still),
            (skills, 1, "sft"),
            (both, 1, "sft"),
        ],
    }
    for name, stages in arms.items():
        model = worlds.copy(reader, toy)
        for streams, times, stage in stages:
            teach(model, streams, toy, seed, stage, times * steps)
        numbers |= {f"{k}, {name}": v for k, v in examined(worlds, model).items()}
    for kind in ("all", "long", "skills", "class", "caption", "reasoning"):
        full = numbers[f"{kind}, three stages"]
        numbers[f"{kind}: lost all at once"] = full - numbers[f"{kind}, all at once"]
        numbers[f"{kind}: lost without stage 3"] = (
            full - numbers[f"{kind}, no long stage"]
        )
        numbers[f"{kind}: gained awake"] = (
            numbers[f"{kind}, language model awake"] - full
        )
    change = abs(numbers["skills: lost without stage 3"])
    return numbers | {
        "skills: change without stage 3": change,
        "chance: skills": 1 / SOUNDS["skills"],  # who knows what is there
        "chance: long": 1 / SOUNDS["long"],
        "chance: reasoning": 1 / len(KINDS),
    }


def examined(worlds: Worlds, model) -> Numbers:
    """The shares of right answers to all that a model of these worlds may be asked."""
    short = worlds.stream("short", "class", "kind", part=1)
    middle = worlds.stream("skills", "caption", "skills", part=1)
    far = worlds.stream("long", "skills", part=1)
    numbers = {
        "class": score(model, short, "class"),
        "reasoning": score(model, short, "kind, never told"),
        "caption": score(model, middle, "caption"),
        "skills": score(model, middle, "first"),
        "long": score(model, far, "first"),
    }
    parts = [numbers[kind] for kind in ("class", "skills", "long")]
    return numbers | {"all": float(np.mean(parts))}


def skills_or_size(seed: int, toy: Toy = DATA_TOY) -> Numbers:
    """T-B5: questions of skills, or a language model of four times the weights.

    Without the skills it still reads about them and hears captions that tell the order.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    worlds, numbers = Worlds(seed, toy), {}
    large = replace(toy, width=LARGER * toy.width)
    without = {
        "short": worlds.stream("short", "class"),
        "captions": worlds.stream("skills", "caption"),
    }
    asked = without | {"skills": worlds.stream("skills", "skills")}
    small_reader = worlds.reader(toy)
    arms = {
        "small, skills": (toy, small_reader, asked),
        "small, no skills": (toy, small_reader, without),
        "large, no skills": (large, worlds.reader(large), without),
    }
    for name, (sizes, reader, streams) in arms.items():
        model = worlds.copy(reader, sizes)
        teach(model, streams, sizes, seed, "pretrain")
        found = examined(worlds, model)
        for kind in ("class", "caption", "skills"):
            numbers[f"{kind}, {name}"] = found[kind]
        numbers[f"weights of the layers, {name}"] = layer_weights(model)
    small, big = numbers["class, small, skills"], numbers["class, small, no skills"]
    numbers["class: change by skills"] = abs(small - big)
    more = numbers["weights of the layers, large, no skills"]
    numbers["large over small"] = more / numbers["weights of the layers, small, skills"]
    return numbers | {"chance: skills": 1 / SOUNDS["skills"]}


def layer_weights(model) -> int:
    """Numbers in the language model's own layers."""
    names = model.lm.named_parameters()
    return sum(p.numel() for name, p in names if ".decoder_layer." in name)

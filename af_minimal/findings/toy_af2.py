"""What dense features, positions and many gated blocks are good for, in a toy world.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb, notebooks/20_findings.ipynb
"""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch

from ..evaluation import majority
from ..prompts import inference_text
from ..soundworld.captions import NUMBERS
from .rows import Numbers
from .toy_stream import (
    NAMES,
    PARTS,
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

LENGTH = 9  # vectors of a scene
SOUNDING = 4  # of them with a sound, in every scene: how many betrays nothing
TOY = Toy(steps=400)
COUNT_TOY = Toy(steps=1000)
NAMING = 300  # steps of captions before it
DEPTH_TOY = Toy(steps=220, layers=6, width=48)
READING = 80  # steps of text before the language model keeps still
EVERY = (1, 3, 6)
KINDS = ("order", "onset", "count")
DEEP = ("order", "class")  # what is asked of models of many layers


def draw_runs(rng: np.random.Generator, length: int) -> list[tuple[int, int, int]]:
    """Two sounds in a row, or one that is heard one to four times."""
    if rng.random() < 0.5:
        lengths = [SOUNDING // 2] * 2
        classes = some_classes(rng, 2)
    else:
        count = int(rng.integers(1, SOUNDING + 1))
        cuts = np.sort(rng.permutation(np.arange(1, SOUNDING))[: count - 1])
        lengths = np.diff([0, *cuts, SOUNDING]).tolist()
        classes = some_classes(rng, 1) * count
    starts = spread(rng, lengths, length)
    return list(zip(classes, starts, lengths, strict=True))


def ask_runs(runs: list[tuple[int, int, int]], length: int) -> list:
    """What is it; which is first, which last; when; how many times."""
    names = [NAMES[kind] for kind, _, _ in runs]
    if len(set(names)) == 2:
        return [qa("order", "what is first?", names[0])]
    asked = [
        qa("class", "what is it?", names[0]),
        qa("count", "how many times?", NUMBERS[len(runs)]),
    ]
    if len(runs) == 1:
        _, start, lasts = runs[0]
        third = int((start + lasts / 2) * len(PARTS) / length)
        asked.append(qa("onset", "when is it?", PARTS[third]))
    return asked


def runs_parts(seed: int, toy: Toy) -> list[Stream]:
    """The scenes of runs to learn from, and those of the exam."""
    sizes = enumerate((toy.scenes, toy.examined))
    return [draw_stream(seed, i, n, draw_runs, ask_runs, LENGTH) for i, n in sizes]


def dense_or_pooled(seed: int, toy: Toy = TOY) -> Numbers:
    """T-B2, T-B3: a vector for each part of a sound, or one for all; places, or none.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    learnt, exam = runs_parts(seed, toy)
    tokenizer, numbers = toy_tokenizer({"toy": learnt}), {}
    arms = {
        "dense": (learnt, exam, "rotary"),
        "pooled": (learnt.pooled(), exam.pooled(), "rotary"),
        "no positions": (learnt, exam, "none"),
    }
    for name, (taught, asked, positions) in arms.items():
        small = replace(toy, positions=positions)
        model = toy_model(seed, small, tokenizer, LENGTH)
        teach(model, {"toy": taught}, small, seed)
        for kind in (*KINDS, "class"):
            numbers[f"{kind}, {name}"] = score(model, asked, kind)
        if name != "pooled":
            changed = change_by_shuffling(model, exam, seed)
            numbers[f"logits change by shuffling, {name}"] = changed
    chances = {f"{kind}, chance": chance_of(exam, kind) for kind in (*KINDS, "class")}
    numbers |= chances | {"order, knowing both sounds": 0.5}
    return numbers | gains(numbers)


def gains(numbers: Numbers) -> Numbers:
    """What dense features bring; one vector that answers worse than a guess is no bar.

    Taught in: notebooks/20_findings.ipynb
    """
    found = {}
    for kind in KINDS:
        bar = max(numbers[f"{kind}, pooled"], numbers[f"{kind}, chance"])
        found[f"{kind}, gained by dense"] = numbers[f"{kind}, dense"] - bar
    apart = abs(numbers["class, dense"] - numbers["class, pooled"])
    return found | {"class, dense and pooled apart": apart}


def chance_of(stream: Stream, kind: str) -> float:
    """What always giving the commonest answer scores."""
    asked = [q.output for scene in stream.asked for q in scene.questions]
    kinds = [q.kind for scene in stream.asked for q in scene.questions]
    return majority([a for a, k in zip(asked, kinds, strict=True) if k == kind])


@torch.no_grad()
def change_by_shuffling(model, stream: Stream, seed: int, scenes: int = 20) -> float:
    """The most that a logit changes when the vectors of a scene change places.

    In double precision: sums in another order differ by their rounding.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    order = np.random.default_rng([seed, 53]).permutation(LENGTH)
    heard = torch.stack(stream.heard[:scenes]).double()  # (N, L, E)
    text = inference_text("what is first?")
    ids = model.tokenizer(text, add_special_tokens=False).input_ids
    ids = torch.tensor([ids]).expand(scenes, -1)  # (N, T)
    exact = deepcopy(model).double()
    before = exact(ids, audio_features=heard).logits
    after = exact(ids, audio_features=heard[:, order]).logits
    return (before - after).abs().max().item()


def blocks_by_depth(seed: int, toy: Toy = DEPTH_TOY, reading: int = READING) -> Numbers:
    """T-B6: a gated block before every layer, every third, every sixth.

    The language model learns the text and then keeps still, the same for all.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    learnt, exam = runs_parts(seed, toy)
    tokenizer = toy_tokenizer({"toy": learnt})
    reader, numbers = toy_model(seed, toy, tokenizer, LENGTH), {}
    teach(reader, {"toy": learnt}, toy, seed, "lm", reading)
    for every in EVERY:
        model = toy_model(seed, replace(toy, every=every), tokenizer, LENGTH)
        take_language_model(model, reader)
        teach(model, {"toy": learnt}, toy, seed, "pretrain")
        found = [score(model, exam, kind) for kind in DEEP]
        for kind, share in zip(DEEP, found, strict=True):
            numbers[f"every {every}: {kind}"] = share
        numbers[f"every {every}"] = float(np.mean(found))
    for few, many in ((3, 1), (6, 3)):
        p, q = numbers[f"every {few}"], numbers[f"every {many}"]
        error = np.sqrt((p * (1 - p) + q * (1 - q)) / toy.examined)
        numbers[f"every {many}, plus two standard errors"] = q + 2 * error
    numbers["chance"] = float(np.mean([chance_of(exam, kind) for kind in DEEP]))
    return numbers


def take_language_model(model, reader) -> None:
    """Copy the language model of another, whose gated blocks may be others."""
    weights = reader.state_dict()
    own = {
        name: weights[name]
        for name in model.state_dict()
        if name.startswith("lm.") and "gated_cross_attn" not in name
    }
    model.load_state_dict(own, strict=False)


MOST_TIMES = 2
COUNTED = 3  # sounds in a row: of two, the second is the first heard backwards
COUNT_LENGTH = 12


def draw_counts(rng, length: int) -> list[tuple[int, int, int]]:
    """Three sounds, one after the other, each heard once or twice."""
    counts = rng.integers(1, MOST_TIMES + 1, size=COUNTED)
    classes = np.repeat(some_classes(rng, COUNTED), counts).tolist()
    lengths = [1] * len(classes)
    return list(zip(classes, spread(rng, lengths, length), lengths, strict=True))


def ask_counts(runs: list[tuple[int, int, int]], length: int) -> list:
    """The sounds in their order; how many times a named one, the first, the second."""
    names = [NAMES[kind] for kind, _, _ in runs]
    order = list(dict.fromkeys(names))
    named = order[sum({kind for kind, _, _ in runs}) % COUNTED]  # any of them
    return [
        qa("caption", "what do you hear?", ", then ".join(order)),
        qa("level 1", f"how many times is {named} heard?", NUMBERS[names.count(named)]),
        qa("level 2", "how many times is the first?", NUMBERS[names.count(order[0])]),
        qa("level 3", "how many times is the second?", NUMBERS[names.count(order[1])]),
    ]


def counts_parts(seed: int, toy: Toy) -> list[Stream]:
    """The scenes of counts to learn from, and those of the exam."""
    sizes, length = enumerate((toy.scenes, toy.examined)), COUNT_LENGTH
    return [draw_stream(seed, i, n, draw_counts, ask_counts, length) for i, n in sizes]


def counting(seed: int, toy: Toy = COUNT_TOY, naming: int = NAMING) -> Numbers:
    """T-B8: counting a sound that is named, the first one, the second one.

    Captions come first: they say which sounds there are, in which order, and no number.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    learnt, exam = counts_parts(seed, toy)
    told = [replace(s, questions=s.questions[:1], weights=(1.0,)) for s in learnt.asked]
    model = toy_model(seed, toy, toy_tokenizer({"toy": learnt}), COUNT_LENGTH)
    teach(model, {"toy": Stream(told, learnt.heard)}, toy, seed, steps=naming)
    teach(model, {"toy": learnt}, toy, seed)
    levels = [f"level {i}" for i in (1, 2, 3)]
    numbers = {level: score(model, exam, level) for level in levels}
    numbers["caption"] = score(model, exam, "caption")
    return numbers | {"chance": chance_of(exam, "level 1")}

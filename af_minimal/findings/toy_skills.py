"""Questions of skills, or a language model twice as wide: 3.5 times the weights.

The skill is one that captions do not teach: is the first sound high or low. A caption
names the sounds in their order and says no more.
"""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch

from ..prompts import inference_text
from .rows import Numbers
from .toy_stages import SKILLS, Steady, Worlds, captioning
from .toy_stream import Stream, score, teach

EXAM = "pitch"  # of the skills asked for: captions teach what is first as well
TOY = Steady(steps=300, scenes=2000)  # of the second stage
NAMING = 130  # steps of the first
LARGER = 2  # times as wide: four times the weights of the layers, 3.5 of the whole


def skills_or_size(seed: int, toy: Steady = TOY, naming: int = NAMING) -> Numbers:
    """T-B5: a small model asked about skills, a small and a large one that are not.

    All have read the same, questions of skills included, and have named sounds. Then
    all hear the same scenes for as many steps, asked for names and captions; one is
    asked about the skills beside the caption. In the exam all are given the options.
    What a sound is, all know after that: it tells nothing of what skills may cost.
    """
    worlds, numbers = Worlds(seed, toy), {}
    named = {"short": worlds.stream("short", "class")}
    without = named | {"skills": worlds.stream("skills", "caption")}
    asked = named | {"skills": worlds.stream("skills", "caption", *SKILLS)}
    sizes = {"small": toy, "large": replace(toy, width=LARGER * toy.width)}
    short = worlds.stream("short", "class", part=1)
    exam = worlds.stream("skills", "caption", EXAM, part=1)
    for size, arms in (
        ("small", {"skills": asked, "no skills": without}),
        ("large", {"no skills": without}),
    ):
        own = sizes[size]
        begun = worlds.copy(worlds.reader(own), own)
        teach(begun, named, own, seed, "pretrain", naming)
        for arm, streams in arms.items():
            model, name = deepcopy(begun), f"{size}, {arm}"
            teach(model, streams, own, seed, "pretrain")
            numbers[f"class, {name}"] = score(model, short, "class")
            numbers[f"caption, {name}"] = captioning(model, exam)
            numbers[f"skills, {name}"] = choose(model, exam, EXAM)
            numbers[f"weights of the layers, {name}"] = layer_weights(model)
    few, many = numbers["class, small, no skills"], numbers["class, small, skills"]
    numbers["class: change by skills"] = abs(many - few)
    more = numbers["weights of the layers, large, no skills"]
    numbers["large over small"] = more / numbers["weights of the layers, small, skills"]
    return numbers | {"chance: skills": 1 / 2}


@torch.no_grad()
def choose(model, stream: Stream, kind: str) -> float:
    """Share of scenes where the right option is the likelier one after the question.

    Who was never asked so beside a sound may still know the sort of answer from reading
    and would say a name: options, as MMAU gives them, let it guess.

    Raises ValueError when two options begin with the same token.
    """
    asked = [next(q for q in s.questions if q.kind == kind) for s in stream.asked]
    options = sorted({question.output for question in asked})
    told = model.tokenizer(options, add_special_tokens=False).input_ids
    first = [ids[0] for ids in told]
    if len(set(first)) < len(first):
        raise ValueError(f"{options} do not all begin with tokens of their own.")
    text = inference_text(asked[0].prompt)  # the same in every scene
    ids = model.tokenizer(text, add_special_tokens=False).input_ids
    ids = torch.tensor([ids]).expand(len(asked), -1)  # (N, T)
    heard = torch.stack(stream.heard)  # (N, L, E)
    logits = model(ids, audio_features=heard).logits[:, -1, first]  # (N, options)
    right = [
        options[best] == question.output
        for best, question in zip(logits.argmax(1).tolist(), asked, strict=True)
    ]
    return float(np.mean(right))


def layer_weights(model) -> int:
    """Numbers in the language model's own layers."""
    names = model.lm.named_parameters()
    return sum(p.numel() for name, p in names if ".decoder_layer." in name)

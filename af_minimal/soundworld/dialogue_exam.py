"""The exam in conversation: every turn builds on the model's own earlier answers.

Two controls are asked the same: one hears noise, the other forgets what was said before
the present question.

Taught in: notebooks/10_dialogue.ipynb
"""

import re
from functools import cache

import numpy as np
from tqdm.auto import tqdm

from ..evaluation import GREEDY, measure
from ..generation import complete
from ..prompts import dialogue_inference_text
from .asking import QA
from .caption_measures import caption_measures
from .captions import (
    DENIED,
    NUMBERS,
    adjective,
    caption_is_right,
    captions,
    mentions,
    number_of,
)
from .catalogue import CLASSES
from .corpus import HELD_OUT_SEED
from .dialogues import dialogue
from .exam import held_out, render_held_out, replace_audio
from .features import hear
from .score import Score

ROUNDS = 4
WORDS = r"[a-z]+(?:-[a-z]+)*|\d+"  # "two-tone" is one, and counts nothing
KINDS = ("caption", "order", "presence", "attribute", "count", "only")


def dialogue_exam(
    model,
    scenes: int = 100,
    seed: int = HELD_OUT_SEED,
    audio: str = "own",
    memory: bool = True,
) -> dict:
    """Conversations of up to four rounds about the scenes from `seed` on.

    Args:
        audio: "own", or "noise" of the same length and level.
        memory: False asks each question as if it were the first.

    Returns:
        a section of a report: name, measures, and one row per turn.

    Taught in: notebooks/10_dialogue.ipynb
    """
    worlds = held_out(scenes, seed)
    waves = replace_audio(render_held_out(scenes, seed), audio, seed)
    features, mask = hear(model.encoder, waves)
    asked = [
        dialogue(world.score, np.random.default_rng([seed + i, 8]), ROUNDS)
        for i, world in enumerate(worlds)
    ]
    said: list[list[tuple[str, str]]] = [[] for _ in worlds]
    rows = []
    for turn in tqdm(range(ROUNDS), desc="talk"):
        here = [i for i in range(scenes) if turn < len(asked[i])]
        texts = [
            dialogue_inference_text(said[i] if memory else [], asked[i][turn].prompt)
            for i in here
        ]
        answers = complete(model, texts, features[here], mask[here], **GREEDY)
        for i, answer in zip(here, answers, strict=True):
            qa, score = asked[i][turn], worlds[i].score
            said[i].append((qa.prompt, answer))
            rows.append(mark(seed + i, turn + 1, qa, answer, score))
    name = "Dialogue" + ("" if audio == "own" else f", hears {audio}")
    name += "" if memory else ", forgets what was said"
    return {"name": name, "measures": summarise(rows), "rows": rows}


def mark(scene: int, turn: int, qa: QA, answer: str, score: Score) -> dict:
    """One row: whether all facts of an answer are those of the truth."""
    if qa.kind == "caption":
        right = caption_is_right(answer, score)
    else:
        right = facts(answer) == facts(qa.output)
    return {
        "scene": scene,
        "turn": turn,
        "kind": qa.kind,
        "prompt": qa.prompt,
        "answer": answer,
        "truth": qa.output,
        "right": right,
        "references": wordings(qa, score),
    }


def facts(text: str) -> set[str]:
    """The sounds, numbers, qualities, yes and no that a text states, however worded.

    What is denied is another fact: "no siren" of "there is no siren".

    Taught in: notebooks/10_dialogue.ipynb
    """
    text = text.lower()
    affirmed = DENIED.sub(" ", text)
    stated = named(affirmed)
    found = stated | {f"no {what}" for what in named(text) - stated}
    first, words = (re.findall(WORDS, said) for said in (text, affirmed))
    numbers = {"once", "twice", *NUMBERS, *(w for w in words if w.isdecimal())}
    found |= {str(number_of(word)) for word in words if word in numbers}
    found |= {word for word in ("nothing", "more", "only") if word in words}
    return found | ({first[0]} & {"yes", "no"} if first else set())


def named(text: str) -> set[str]:
    """The sounds and qualities that a text names."""
    spaced = f" {' '.join(re.findall('[a-z]+', text))} "
    labels = {label for label, _, _ in mentions(text)}
    return labels | {quality for quality in qualities() if f" {quality} " in spaced}


@cache
def qualities() -> set[str]:
    """Every value of every attribute, as it is said."""
    return {
        adjective(name, value)
        for sound in CLASSES.values()
        for name, values in sound.attributes.items()
        for value in values
    }


def wordings(qa: QA, score: Score) -> list[str]:
    """The truth in all its wordings, for metrics that compare words."""
    if qa.kind == "caption":
        return captions(score)
    phrases = {f"{p}." for label in score.labels for p in CLASSES[label].phrases}
    if qa.output in phrases:
        (label, _, _), *_ = mentions(qa.output)
        return [f"{phrase}." for phrase in CLASSES[label].phrases]
    return [qa.output]


def summarise(rows: list[dict]) -> list[dict]:
    """Exact facts over all, by turn and by kind; then what metrics of words say, over
    all and by turn."""
    parts = {"all turns": rows}
    for turn in range(1, ROUNDS + 1):
        parts[f"turn {turn}"] = [row for row in rows if row["turn"] == turn]
    for kind in KINDS:
        parts[kind] = [row for row in rows if row["kind"] == kind]
    measures = []
    for name, part in parts.items():
        right, about = [[row[key] for row in part] for key in ("right", "scene")]
        measures.append(measure(name, right, about=about))
    measures += caption_measures(rows)
    for turn in range(1, ROUNDS + 1):
        here = [i for i, row in enumerate(rows) if row["turn"] == turn]
        if here:
            measures += caption_measures(rows, f"turn {turn}, {{}}", here)
    return measures

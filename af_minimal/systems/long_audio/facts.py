"""What a text says of a recording, as facts; and a mark for how many are right.

    first, on a farm, a rooster crows, then a cow moos.
    -> heard rooster, heard cow moo, rooster then cow moo, place on a farm, ...

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import re
from collections.abc import Collection
from functools import lru_cache

from ...soundworld.captions import (
    DENIED,
    NUMBERS,
    heard_counts,
    heard_events,
    mentions,
)
from ..audio_skills.rules import PLACES

Fact = tuple  # (kind, what, perhaps what else)

SENTENCE = re.compile(r"[.;!?\n]+")
PLACE = re.compile(r"\b(?:" + "|".join(PLACES) + r")\b")
NUMBER = re.compile(r"\b(?:" + "|".join(NUMBERS) + r"|\d+)\b")
LOWEST, HIGHEST = 1, 10


def in_turn(kind: str, row: list[str]) -> set[Fact]:
    """(kind, a, b) for each two that follow each other and differ."""
    return {(kind, a, b) for a, b in zip(row, row[1:], strict=False) if a != b}


@lru_cache(maxsize=4096)
def read_facts(text: str) -> frozenset[Fact]:
    """All facts that a text states about sounds, their times and order, and places.

    What it denies it does not state, and who says both yes and no says neither.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    text = text.lower()
    answers = set(re.findall(r"\b(?:yes|no)\b", text))
    said = re.match(r"\W*(yes|no)\b", text)
    text = DENIED.sub(" ", text)
    facts: set[Fact] = set()
    order: list[str] = []
    here = ""
    for sentence in SENTENCE.split(text):
        order += heard_events(sentence)
        counted = heard_counts(sentence) if mentions(sentence) else {}
        facts |= {("times", label, n) for label, n in counted.items() if n > 1}
        for label, start, _ in mentions(sentence):
            where = place_at(sentence, start) or here
            facts |= {("in", where, label)} if where else set()
        here = (PLACE.findall(sentence) or [here])[-1]
    facts |= {("heard", label) for label in order} | in_turn("then", order)
    walk = PLACE.findall(text)
    facts |= {("place", name) for name in walk} | in_turn("place then", walk)
    numbers = NUMBER.findall(text)
    facts |= {("number", n if n.isdigit() else str(NUMBERS.index(n))) for n in numbers}
    return frozenset(
        facts | ({("says", said[1])} if said and len(answers) == 1 else set())
    )


def place_at(sentence: str, position: int) -> str:
    """The place that a word of a sentence belongs to: the last one named before it."""
    found = [(m.start(), m.group()) for m in PLACE.finditer(sentence)]
    before = [name for start, name in found if start < position]
    return (before[-1:] or [name for _, name in found[:1]] or [""])[0]


def recall_precision(
    truth: frozenset[Fact], text: str, kinds: Collection[str] = ()
) -> tuple[float, float]:
    """Which share of the truth is said, and which share of what is said is true.

    Only facts of the kinds that the question asks for count: those of the truth, and
    other `kinds` that may be said and had better be true, such as "times".

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    kinds = {fact[0] for fact in truth} | set(kinds)
    told = {fact for fact in read_facts(text) if fact[0] in kinds}
    right = len(told & truth)
    return right / len(truth), right / len(told) if told else 0.0


def mark(truth: frozenset[Fact], text: str, kinds: Collection[str] = ()) -> int:
    """A mark from 1 to 10: 1 + 9 F1, rounded, of recall and precision of the facts.

    It stands in for the official judge, a language model, and needs no network.

    Official: AF2 paper, Figure 25: {"score": 1-10}
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    recall, precision = recall_precision(truth, text, kinds)
    both = recall + precision
    f1 = 2 * recall * precision / both if both else 0.0
    return LOWEST + round((HIGHEST - LOWEST) * f1)

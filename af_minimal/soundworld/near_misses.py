"""Sentences that are almost true: one word away from what is heard.

A batch of different sounds teaches which sounds there are. It does not teach what they
are like, nor which of two comes first: no other sentence of the batch has the same
sounds. So each window also gets sentences that are wrong in one thing, written from its
score, as the encoder of Audio Flamingo 2 does for order and attributes.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from dataclasses import dataclass, replace

import numpy as np

from .captions import captions
from .questions import absent
from .scenes import countable
from .score import Event, Score, audible, find_class


@dataclass(frozen=True)
class NearMiss:
    """A true sentence, and the same with one thing wrong."""

    kind: str  # what is wrong: "attribute", "sound" or "order"
    right: str
    wrong: str


def near_misses(
    score: Score, rng: np.random.Generator, attributes: int = 5
) -> list[NearMiss]:
    """Sentences that differ in an attribute, in one sound, in the order of two sounds.

    At most `attributes` of the first kind and one each of the others; none for silence.
    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    if not score.events:
        return []
    places = [(i, n) for i, e in enumerate(score.events) for n in audible(score, e)]
    chosen = rng.permutation(len(places))[:attributes]
    wrong = [("attribute", *wrong_attribute(score, *places[c], rng)) for c in chosen]
    wrong.append(("sound", wrong_sound(score, rng), False))
    if len(score.groups) > 1:
        wrong.append(("order", wrong_order(score, rng), False))
    return [one_wording(kind, score, *other, rng) for kind, *other in wrong]


def wrong_attribute(score: Score, place: int, name: str, rng) -> tuple[Score, str]:
    """A low sound is high; the score and the name of the attribute."""
    event = score.events[place]
    values = find_class(event.label).attributes[name]
    others = [v for v in values if v != event.attributes[name]]
    value = others[rng.integers(len(others))]
    wrong = replace(event, attributes=event.attributes | {name: value})
    return put(score, {place: wrong}), name


def wrong_sound(score: Score, rng) -> Score:
    """One of the sounds is another."""
    place = int(rng.integers(len(score.events)))
    event, label = score.events[place], absent(score, rng)
    while event.repeats > 1 and not countable(find_class(label)):
        label = absent(score, rng)  # "rain falls three times" is no sentence of ours
    return put(score, {place: replace(event, label=label, attributes={})})


def wrong_order(score: Score, rng) -> Score:
    """Two sounds that follow each other change places."""
    last = int(rng.integers(1, len(score.groups)))
    first, second = score.groups[last - 1][0], score.groups[last][0]
    i, j = score.events.index(first), score.events.index(second)
    swapped = {i: in_place_of(first, second), j: in_place_of(second, first)}
    return put(score, swapped)


def in_place_of(event: Event, other: Event) -> Event:
    """The other sound, as often as it is heard, in the time that this one takes."""
    return replace(
        other,
        onset_s=event.onset_s,
        duration_s=event.total_s / other.repeats,
        gap_s=0.0,
    )


def put(score: Score, events: dict[int, Event]) -> Score:
    """The score with some of its events replaced."""
    kept = (events.get(i, event) for i, event in enumerate(score.events))
    return replace(score, events=tuple(kept))


def one_wording(
    kind: str, score: Score, wrong: Score, detail: bool | str, rng
) -> NearMiss:
    """Both scores in the same wording."""
    texts = list(zip(captions(score, detail), captions(wrong, detail), strict=True))
    return NearMiss(kind, *texts[rng.integers(len(texts))])

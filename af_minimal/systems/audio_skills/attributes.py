"""Questions about what a sound is like: its pitch, its length, the place it is in.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import numpy as np

from ...soundworld.captions import adjective
from ...soundworld.score import Score, audible, find_class
from ...soundworld.wordings import agree
from .asking import Question, choose, one_of
from .scenes import COMPARED
from .temporal import ORDINALS, in_a_row, twins

ECHOES = {"dry": "not at all", "room": "a little", "hall": "a lot"}
LONGER = 1.4  # times as long as all others: longer beyond doubt


def value(score: Score, rng: np.random.Generator) -> list[Question]:
    """Which of its two values an attribute of one sound has."""
    once = [e for e in score.events if score.labels.count(e.label) == 1]
    clear = [(e, name) for e in once for name in audible(score, e)]
    if not clear:
        return []
    event, name = one_of(rng, clear)
    label = event.label
    values = find_class(label).attributes[name]
    wordings = (
        f"how {agree(label, 'does', 'do')} the {label} sound?",
        f"which of the two fits the {label}?",
        f"what {agree(label, 'is', 'are')} the {label} like?",
    )
    said = [adjective(name, v) for v in values]
    right = adjective(name, event.attributes[name])
    return choose(rng, f"attribute, {name}", wordings, right, said)


def which(score: Score, rng: np.random.Generator) -> list[Question]:
    """Which sound alone is near, or far away, of sounds that all tell it.

    No other attribute is compared: a high cow is lower than a low bird.
    """
    name = "distance"
    if not in_a_row(score) or not all(name in audible(score, e) for e in score.events):
        return []
    values = [e.attributes[name] for e in score.events]
    found = [(v, i) for i, v in enumerate(values) if values.count(v) == 1]
    if not found:
        return []
    v, place = one_of(rng, found)
    word = adjective(name, v)
    wordings = (
        f"which sound is {word}?",
        f"what sounds {word}?",
        f"one of the sounds is {word}: which?",
    )
    return choose(rng, "attribute, which", wordings, score.labels[place], score.labels)


def which_time(score: Score, rng: np.random.Generator) -> list[Question]:
    """Which one of three soundings is unlike the other two."""
    triples = [events for events in twins(score) if len(events) == 3]
    if not triples:
        return []
    (events,) = triples
    names = [n for n in COMPARED if all(n in audible(score, e) for e in events)]
    found = []
    for name in names:
        values = [e.attributes[name] for e in events]
        found += [(name, v, i) for i, v in enumerate(values) if values.count(v) == 1]
    if not found:
        return []
    name, v, place = one_of(rng, found)
    label, word = events[0].label, adjective(name, v)
    wordings = (
        f"the {label} {agree(label, 'comes', 'come')} three times: when "
        f"{agree(label, 'is it', 'are they')} {word}?",
        f"at which of {agree(label, 'its', 'their')} three times "
        f"{agree(label, 'is', 'are')} the {label} {word}?",
        f"which time {agree(label, 'does', 'do')} the {label} sound {word}?",
    )
    said = [f"the {word} time" for word in ORDINALS[:3]]
    return choose(rng, "attribute, which time", wordings, said[place], said)


def echo(score: Score, rng: np.random.Generator) -> list[Question]:
    """How much the place echoes; what is far away brings an echo of its own."""
    if all(event.attributes.get("distance") == "far" for event in score.events):
        return []
    wordings = (
        "how much does the place echo?",
        "how much reverberation is there?",
        "how much do the walls throw the sound back?",
    )
    right = ECHOES[score.room]
    return choose(rng, "attribute, echo", wordings, right, list(ECHOES.values()))


def longest(score: Score, rng: np.random.Generator) -> list[Question]:
    """Which lasts longest, of sounds that last equally long as a rule.

    Dogs bark for less long than it rains: who knows that needs no ears. So the sounds
    to choose from are drawn from one and the same range.
    """
    found = {}
    for event in score.events:
        sound = find_class(event.label)
        if score.labels.count(event.label) == 1 and event.repeats == 1:
            like = sound.duration_s, "length" in sound.attributes
            found.setdefault(like, []).append(event)
    rows = [sorted(r, key=lambda e: -e.total_s) for r in found.values() if len(r) > 1]
    rows = [row for row in rows if row[0].total_s >= LONGER * row[1].total_s]
    if not rows:
        return []
    labels = [event.label for event in one_of(rng, rows)]
    wordings = (
        "which of these lasts longest?",
        "which of these sounds goes on for the longest time?",
        "of these sounds, which has the longest duration?",
    )
    return choose(rng, "attribute, longest", wordings, labels[0], labels)

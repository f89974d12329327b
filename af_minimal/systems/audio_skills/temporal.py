"""Questions about time: order, change, reference, grounding; and counting.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from itertools import permutations

import numpy as np

from ...soundworld.captions import NUMBERS
from ...soundworld.scenes import told_apart
from ...soundworld.score import Event, Score, audible, find_class
from ...soundworld.wordings import agree
from .asking import Question, choose, one_of
from .scenes import COMPARED, MOST_TIMES, counted

ORDINALS = ("first", "second", "third", "fourth")
PARTS = ("in the first third", "in the middle third", "in the last third")
EDGE_S = 0.3  # a sound keeps so far from the border of a third
CHANGES = {  # attribute -> what is said when it rises, falls, stays
    "pitch": ("it gets higher", "it gets lower", "it keeps its pitch"),
    "rate": ("it gets faster", "it gets slower", "it keeps its pace"),
    "tone": ("it gets brighter", "it gets darker", "it keeps its tone"),
    "loudness": ("it gets louder", "it gets softer", "it keeps its level"),
    "distance": ("it moves away", "it comes closer", "it stays where it is"),
}


def in_a_row(score: Score) -> bool:
    """Whether no two sounds overlap and none comes again: then each has its place."""
    labels = score.labels
    return len(score.groups) == len(labels) == len(set(labels))


def order(score: Score, rng: np.random.Generator) -> list[Question]:
    """The whole order, and which of two sounds is earlier."""
    if not in_a_row(score):
        return []
    labels = score.labels
    wordings = (
        "in which order are the sounds heard?",
        "what is the order of the sounds, from first to last?",
        "which list has the sounds in the order in which they begin?",
    )
    right, *wrong = [", ".join(row) for row in permutations(labels)]
    x, y = (labels[i] for i in rng.permutation(len(labels))[:2])
    earlier = (
        f"{agree(x, 'does', 'do')} the {x} come before the {y}?",
        f"{agree(x, 'is', 'are')} the {x} heard earlier than the {y}?",
        f"{agree(y, 'does', 'do')} the {y} come after the {x}?",
    )
    true, false = ("yes", "no") if labels.index(x) < labels.index(y) else ("no", "yes")
    return [
        *choose(rng, "temporal, order", wordings, right, wrong),
        *choose(rng, "temporal, earlier", earlier, true, [false]),
    ]


def change(score: Score, rng: np.random.Generator) -> list[Question]:
    """What becomes of a sound that comes a second time."""
    pairs = [pair for pair in twins(score) if len(pair) == 2]
    if not pairs:
        return []
    first, second = pairs[0]
    names = [n for n in COMPARED if n in first.attributes]
    changed = [n for n in names if first.attributes[n] != second.attributes[n]]
    clear = set(audible(score, first)) & set(audible(score, second))
    if not clear.issuperset(changed):
        return []  # far away is softer too: what is hidden shows in something else
    names = changed or [n for n in names if n in clear]
    if not names:
        return []
    name, label = one_of(rng, names), first.label
    values = find_class(label).attributes[name]
    rise = values.index(second.attributes[name]) - values.index(first.attributes[name])
    up, down, same = CHANGES[name]
    wordings = (
        f"the {label} {agree(label, 'comes', 'come')} twice: what is different?",
        f"how {agree(label, 'does', 'do')} the {label} change from the first time to "
        "the second?",
        f"what becomes of the {label} when "
        f"{agree(label, 'it comes', 'they come')} again?",
    )
    right = {1: up, -1: down, 0: same}[rise]
    return choose(rng, "temporal, change", wordings, right, [up, down, same])


def twins(score: Score) -> list[list[Event]]:
    """Sounds of one class that come more than once, in time order."""
    found: dict[str, list[Event]] = {}
    for event in score.events:
        found.setdefault(event.label, []).append(event)
    return [events for events in found.values() if len(events) > 1]


def referring(score: Score, rng: np.random.Generator) -> list[Question]:
    """Which sound stands at a place, or next to another one."""
    if not in_a_row(score):
        return []
    labels = score.labels
    which = int(rng.integers(len(labels)))
    last = which == len(labels) - 1 and rng.random() < 0.5
    word = "last" if last else ORDINALS[which]
    place = (
        f"which sound is heard {word}?",
        f"what is the {word} sound?",
        f"which of the sounds comes {word}?",
    )
    found = choose(rng, "temporal, referring", place, labels[which], labels)
    i = int(rng.integers(len(labels) - 1))
    (near, far), side = (
        ((i, i + 1), "after") if rng.random() < 0.5 else ((i + 1, i), "before")
    )
    beside = (
        f"which sound comes right {side} the {labels[near]}?",
        f"what is heard directly {side} the {labels[near]}?",
        f"name the sound immediately {side} the {labels[near]}.",
    )
    others = [label for label in labels if label != labels[near]]
    return found + choose(rng, "temporal, neighbour", beside, labels[far], others)


def grounding(score: Score, rng: np.random.Generator) -> list[Question]:
    """In which third of the recording a sound lies; asked where it lies in one."""
    third = score.duration_s / len(PARTS)
    inside = {}
    for event in score.events:
        part = int(event.onset_s // third)
        start, end = part * third, (part + 1) * third
        if event.onset_s >= start + EDGE_S * (part > 0) and (
            event.end_s <= end - EDGE_S * (part < 2)
        ):
            inside[event.label] = part
    once = [label for label in inside if score.labels.count(label) == 1]
    if not once:
        return []
    label = one_of(rng, once)
    be = agree(label, "is", "are")
    wordings = (
        f"when {be} the {label} heard?",
        f"in which part of the recording {be} the {label}?",
        f"where in the recording {agree(label, 'does', 'do')} the {label} sound?",
    )
    return choose(rng, "temporal, grounding", wordings, PARTS[inside[label]], PARTS)


def asked_of(event: Event) -> bool:
    """Whether it may be asked how many times it is heard."""
    return counted(event) and told_apart(find_class(event.label))


def counting(score: Score, rng: np.random.Generator) -> list[Question]:
    """How many times: of a sound that is named, of the first, of the second."""
    found, numbers = [], NUMBERS[1 : MOST_TIMES + 1]
    once = [e for e in score.events if score.labels.count(e.label) == 1]
    named = [event for event in once if asked_of(event)]
    if named:
        event = one_of(rng, named)
        label, be = event.label, agree(event.label, "is", "are")
        wordings = (
            f"how many times {be} the {label} heard?",
            f"how often do you hear the {label}?",
            f"count how often the {label} {be} repeated, the first time included.",
        )
        times = NUMBERS[event.repeats]
        found += choose(rng, "counting, level 1", wordings, times, numbers)
    for place, word in enumerate(ORDINALS[:2]):
        if in_a_row(score) and asked_of(score.events[place]):
            wordings = (
                f"how many times is the {word} sound heard?",
                f"how often do you hear the sound that comes {word}?",
                f"count how often the {word} sound occurs.",
            )
            kind, times = f"counting, level {place + 2}", score.events[place].repeats
            found += choose(rng, kind, wordings, NUMBERS[times], numbers)
    return found

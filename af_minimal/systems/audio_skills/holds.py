"""When one option of a question is true of a timeline.

Each function takes the timeline, the option, all options, and what the question names.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from ...soundworld.catalogue import PEOPLE
from ...soundworld.score import find_class
from .rules import PLACES, SOURCES, STATES
from .timeline import Disagreement, Sounding, Timeline

PLACE = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
NUMBER = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4}
ROOM = {"not at all": "dry", "a little": "room", "a lot": "hall"}
THIRD = {"in the first third": 0, "in the middle third": 1, "in the last third": 2}
MEANS = {  # word -> attribute and value
    "low pitched": ("pitch", "low"),
    "high pitched": ("pitch", "high"),
    "close by": ("distance", "near"),
    "far away": ("distance", "far"),
}
MEANS |= {w: ("rate", w) for w in ("slow", "fast")}
MEANS |= {w: ("tone", w) for w in ("dark", "bright")}
MEANS |= {w: ("loudness", w) for w in ("soft", "loud")}
MEANS |= {w: ("roughness", w) for w in ("smooth", "rough")}
MEANS |= {w: ("density", w) for w in ("sparse", "dense")}
MEANS |= {w: ("steadiness", w) for w in ("steady", "wavering")}
MEANS |= {w: ("size", w) for w in ("small", "large")}
MEANS |= {w: ("length", w) for w in ("short", "long")}
TURNS = {  # what is said -> attribute, its value at first, its value then
    "it gets higher": ("pitch", "low", "high"),
    "it gets lower": ("pitch", "high", "low"),
    "it gets faster": ("rate", "slow", "fast"),
    "it gets slower": ("rate", "fast", "slow"),
    "it gets brighter": ("tone", "dark", "bright"),
    "it gets darker": ("tone", "bright", "dark"),
    "it gets louder": ("loudness", "soft", "loud"),
    "it gets softer": ("loudness", "loud", "soft"),
    "it moves away": ("distance", "near", "far"),
    "it comes closer": ("distance", "far", "near"),
}
KEEPS = {
    "it keeps its pitch": "pitch",
    "it keeps its pace": "rate",
    "it keeps its tone": "tone",
    "it keeps its level": "loudness",
    "it stays where it is": "distance",
}


def at(heard: Timeline, word: str) -> Sounding:
    """The sounding at a place in the order.

    Raises Disagreement when there are fewer.
    """
    order = heard.order()
    if PLACE[word] >= len(order):
        raise Disagreement(f"there is no {word} sound of {len(order)}.")
    return order[PLACE[word]]


def names_of(heard: Timeline) -> list[str]:
    """The labels in the order in which they begin."""
    return [one.label for one in heard.order()]


def earlier(heard, said, options, first, second) -> bool:
    """Yes or no: is the first earlier than the second?"""
    names = names_of(heard)
    return said == ("yes" if names.index(first) < names.index(second) else "no")


def beside(heard, said, options, side, label) -> bool:
    """The neighbour on one side."""
    names = [None, *names_of(heard), None]
    return said == names[names.index(label) + (1 if side == "after" else -1)]


def changes(heard, said, options, label) -> bool:
    """What becomes of a sound that comes twice, all else being equal."""
    first, second = heard.of(label, 2)
    if said in KEEPS:
        name = KEEPS[said]
        others = first.values.keys() - {name}
        rest = all(first.values[k] == second.values[k] for k in others)
        return rest and heard.value(first, name) == heard.value(second, name)
    name, before, after = TURNS[said]
    return (heard.value(first, name), heard.value(second, name)) == (before, after)


def in_third(heard, said, options, label) -> bool:
    """It lies in this third, from start to end."""
    (one,) = heard.of(label)
    third = heard.duration_s / 3
    low = THIRD[said] * third
    return low - 1e-6 <= one.start_s and one.end_s <= low + third + 1e-6


def is_like(heard, said, options, label) -> bool:
    """The sound has the value that the option says."""
    (one,) = heard.of(label)
    name, value = MEANS[said]
    return heard.value(one, name) == value


def which_is(heard, said, options, word) -> bool:
    """The option is a sound that has the value."""
    name, value = MEANS[word]
    values = {one.label: heard.value(one, name) for one in heard.order()}
    return values[said] == value


def which_time(heard, said, options, label, word) -> bool:
    """At this time of three the sound has the value."""
    name, value = MEANS[word]
    values = [heard.value(one, name) for one in heard.of(label, 3)]
    return values[PLACE[said.split()[1]]] == value


def longest(heard, said, options) -> bool:
    """Of all options this one lasts longest."""
    lasts = {x: heard.of(x)[0].end_s - heard.of(x)[0].start_s for x in options}
    return lasts[said] == max(lasts.values())


def between(heard, said, options, before, after) -> bool:
    """It stands between two neighbours of its own."""
    names = names_of(heard)
    here, there = names.index(before), names.index(after)
    return there == here + 2 and names[here + 1] == said


def together(heard, said, options, label) -> bool:
    """It overlaps with the sound that is named."""
    (one,) = heard.of(label)
    return said in heard.labels and one.overlaps(heard.of(said)[0])


def only(heard: Timeline, family: str) -> str:
    """The only sound of a family.

    Raises Disagreement when there is none, or more than one.
    """
    found = heard.family(family)
    if len(found) != 1:
        raise Disagreement(f"{len(found)} sounds of the family {family}, not one.")
    return next(iter(found))


def made_by(heard, said, options, source) -> bool:
    """So many classes come from one kind of source."""
    (family,) = (f for f, made in SOURCES.items() if made == source)
    return NUMBER[said] == len(heard.family(family))


def place(heard, said, options) -> bool:
    """Two sounds belong here, and none belongs elsewhere."""
    elsewhere = {x for p, row in PLACES.items() if p != said for x in row}
    here = heard.labels & set(PLACES[said])
    return len(here) >= 2 and not heard.labels & elsewhere


def source(heard, said, options, word) -> bool:
    """The sound at this place in the order has this source."""
    return SOURCES[find_class(at(heard, word).label).family] == said


def times(heard, said, options, label) -> bool:
    """A named sound is heard so many times."""
    return NUMBER[said] == heard.of(label)[0].times


def times_at(heard, said, options, word) -> bool:
    """The sound at this place in the order is heard so many times."""
    return NUMBER[said] == at(heard, word).times


def deed(heard, said, options) -> bool:
    """The only person does this."""
    return find_class(only(heard, PEOPLE)).clause == said


def state(heard, said, options) -> bool:
    """The only person is in this state."""
    return STATES.get(only(heard, PEOPLE)) == said


def echoes(heard: Timeline, said: str, options: list[str]) -> bool:
    """Whether the place echoes so.

    Raises Disagreement where all is far away, and so brings an echo of its own.
    """
    if all(one.values.get("distance") == "far" for one in heard.soundings):
        raise Disagreement("Far sounds bring an echo of their own.")
    return ROOM[said] == heard.room

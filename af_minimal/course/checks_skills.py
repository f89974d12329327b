"""Exercise checks of notebook 15: certain answers, guessing, marks, like lengths.

They work like those of `checks.py`.
"""

from ..systems.audio_skills.asking import Question
from ..systems.audio_skills.blind import longest_option as _longest_option
from ..systems.audio_skills.holds import in_third as _in_third
from ..systems.audio_skills.temporal import PARTS
from ..systems.audio_skills.timeline import Sounding, Timeline
from ..systems.long_audio.batching import dynamic_batches as _dynamic_batches
from ..systems.long_audio.facts import read_facts
from ..systems.long_audio.facts import recall_precision as _recall_precision
from .checks import Check, reveal

__all__ = [
    "dynamic_batches",
    "in_third",
    "longest_option",
    "recall_precision",
    "reveal",
]


def as_numbers(answer, *arguments) -> tuple:
    """What an answer returns, lists as tuples, so that they are compared one by one."""
    found = answer(*arguments)
    if isinstance(found, list):
        return tuple(tuple(x) if isinstance(x, list | tuple) else x for x in found)
    return found


def _soundings() -> list[tuple]:
    rows = (("rain", 0.5, 3.5), ("siren", 3.6, 5.0), ("dog bark", 7.0, 9.5))
    rows = (*rows, ("piano", 9.6, 11.9))
    heard = Timeline(
        tuple(Sounding(name, start, end, 1, {}, 0.0) for name, start, end in rows),
        12.0,
        "dry",
    )
    names = [name for name, _, _ in rows]
    cases = [(heard, said, PARTS, label) for label in names for said in PARTS]
    third = 10.0 / 3
    edges = (
        (third - 5e-7, 2 * third + 5e-7),  # in the middle one, nearly
        (3.5, 2 * third + 5e-6),  # ends too late for its grace
        (third - 5e-6, 5.0),  # begins too early for it
    )
    near = [
        Timeline((Sounding("rain", start, end, 1, {}, 0.0),), 10.0, "dry")
        for start, end in edges
    ]
    return cases + [(heard, p, PARTS, "rain") for heard in near for p in PARTS]


def _questions() -> list[tuple]:
    rows = (
        (("rain", "church bell"), 0),
        (("rain", "siren", "dog bark"), 2),
        (("two", "three", "seven"), 1),  # two are longest
        (("yes", "one", "two"), 0),  # all are
    )
    asked = [Question("a", "a, b", "q?", options, right) for options, right in rows]
    return [(asked,), (asked[:2],), (asked[2:],)]


def _truths_and_texts() -> list[tuple]:
    order = read_facts("a dog barks, then rain falls.")
    place = frozenset({("place", "on a farm")})
    return [
        (order, "a dog barks, then rain falls."),
        (order, "a dog barks."),
        (order, "a dog barks, then a cat meows."),
        (order, "on a farm, a dog barks, then rain falls."),
        (order, "nothing to speak of."),
        (place, "on a farm, a rooster crows."),
        (place, "first on a farm, then in a street."),
    ]


def _lengths() -> list[tuple]:
    return [
        ([3, 1, 2, 3, 1], 6, 10, 1),
        ([3, 1, 2, 3, 1], 6, 10, 2),
        ([1] * 5, 100, 2, 1),
        ([5, 9, 2, 7, 7, 1, 3], 18, 4, 2),
        ([4], 4, 8, 8),
        ([1, 1, 1, 9], 10, 4, 2),  # the long one waits until all have left
        ([1, 1, 1], 10, 4, 2),
        ([], 10, 10, 1),
    ]


in_third = Check("in_third", _in_third, _soundings)
longest_option = Check("longest_option", _longest_option, _questions, as_numbers)
recall_precision = Check("recall_precision", _recall_precision, _truths_and_texts)
dynamic_batches = Check("dynamic_batches", _dynamic_batches, _lengths, as_numbers)

SKILLS = {
    c.name: c for c in (in_third, longest_option, recall_precision, dynamic_batches)
}

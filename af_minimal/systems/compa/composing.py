"""Expressions into scores: when each sound begins.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

import numpy as np

from ...soundworld.score import Event, Score, find_class
from .expressions import Expression, Sound, timeline, turns

CLIP_S = 2.0  # two sounds, one after the other; the window of the shipped encoder
EVENT_S = 0.85


def compose(rng: np.random.Generator, expression: Expression) -> Score:
    """A score of an expression, to be rendered.

    It begins somewhere in the room that the clip leaves. All sounds have the same peak
    level, so no overlay needs the loudness match (A-weighted) of the official code.

    Raises ValueError for a label that is no class of SoundWorld.
    Official: CompA `audio_mix/`, which mixes recordings of AudioSet-Strong
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    events, clip_s = lay_out(rng, expression)
    return Score(clip_s, tuple(events), seed=int(rng.integers(2**31)))


def lay_out(rng: np.random.Generator, expression: Expression):
    """Events of an expression ordered by onset, and the length of the clip in s."""
    end_s = turns(expression) * EVENT_S
    clip_s = max(CLIP_S, end_s)
    before_s = float(rng.uniform(0, clip_s - end_s))
    events = [
        event_of(sound, before_s + float(start) * EVENT_S, float(end - start) * EVENT_S)
        for sound, start, end in timeline(expression)
    ]
    return sorted(events, key=lambda event: event.onset_s), clip_s


def event_of(sound: Sound, onset_s: float = 0.0, duration_s: float = EVENT_S) -> Event:
    """One sound of an expression as an event of a score."""
    attributes = plain(sound.label) | dict(sound.attributes)
    return Event(sound.label, round(onset_s, 3), round(duration_s, 3), attributes)


def plain(label: str) -> dict[str, str]:
    """What a sound is like of which nothing is said: loud, near, the first of the rest.

    Not drawn: the questions are about order, so the sounds are to be easy to know.
    """
    own = {name: values[0] for name, values in find_class(label).own_attributes.items()}
    return own | {"loudness": "loud", "distance": "near"}

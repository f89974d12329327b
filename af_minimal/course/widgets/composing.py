"""From a few choices to a scene whose captions, questions and answers are all true."""

from collections.abc import Sequence

import numpy as np

from ...config import AudioConfig
from ...soundworld import Event, Score, captions, questions
from ...soundworld.scenes import countable
from ...soundworld.score import find_class

MOST_EVENTS = 3  # the scenes of the training have no more
MOST_REPEATS = 4
QUIETEST_DB = -18.0


def new_event(
    label: str,
    onset_s: float = 0.0,
    gain_db: float = 0.0,
    repeats: int = 1,
    attributes: dict[str, str] | None = None,
) -> Event:
    """A sound of its natural length that starts at `onset_s` seconds.

    `gain_db` is 0 for as loud as the class makes it, at least -18. What `attributes`
    leaves out takes its first value: pitch is low, and every sound is near and loud,
    for a question may ask about any of them.

    Raises ValueError for a class, attribute, loudness or count that cannot be.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    sound = find_class(label)
    values = {name: choices[0] for name, choices in sound.own_attributes.items()}
    values |= {"loudness": "loud", "distance": "near"} | (attributes or {})
    for name, value in values.items():
        if value not in sound.attributes.get(name, ()):
            raise ValueError(
                f"{label} cannot have {name} {value!r}; choose from {sound.attributes}."
            )
    if not QUIETEST_DB <= gain_db <= 0:
        raise ValueError(
            f"gain_db is {gain_db}; give {QUIETEST_DB:g} to 0 dB; 0 is as loud as the "
            "sound is made."
        )
    most = MOST_REPEATS if countable(sound) else 1
    if not 1 <= repeats <= most:
        raise ValueError(
            f"repeats is {repeats}; {label} can be heard 1 to {most} times."
        )
    duration = round(sound.sample_duration(np.random.default_rng(0), values), 3)
    gap = round(max(0.35, 0.75 - duration), 3) if repeats > 1 else 0.0
    return Event(label, onset_s, duration, values, gain_db, repeats, gap)


def compose(
    events: Sequence[Event],
    background: str | None = None,
    snr_db: float = 20.0,
    room: str = "dry",
    duration_s: float | None = None,
    config: AudioConfig | None = None,
    seed: int = 0,
) -> Score:
    """A scene of up to three sounds, in any order; nothing in it may be in doubt.

    `duration_s` is all that a model with `config` hears when it is None. `render`
    checks the names of the background and the room.

    Raises ValueError for more than three sounds, the same sound in two places, three
    sounds at once, or a sound or scene that lasts too long.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    longest = (config or AudioConfig()).max_s
    duration_s = longest if duration_s is None else duration_s
    if not 0 < duration_s <= longest:
        raise ValueError(
            f"The scene lasts {duration_s:g} s; the model hears {longest:g} s. Give "
            f"more than 0 and at most {longest:g} s."
        )
    if len(events) > MOST_EVENTS:
        raise ValueError(
            f"{len(events)} sounds came; a scene has {MOST_EVENTS} at most."
        )
    ordered = tuple(sorted(events, key=lambda event: event.onset_s))
    score = Score(duration_s, ordered, background, snr_db, room, seed)
    for event in ordered:
        _check_place(event, score)
    for group in score.groups:
        if len(group) > 2:
            names = ", ".join(event.label for event in group)
            raise ValueError(
                f"{names} overlap in one stretch; at most two may. Start one of them "
                "earlier or later."
            )
    return score


def _check_place(event: Event, score: Score) -> None:
    if score.labels.count(event.label) > 1:
        raise ValueError(
            f"{event.label} is in the scene twice, so a question about it would have "
            "two answers. Choose another sound, or let one be heard several times."
        )
    latest = score.duration_s - event.total_s
    if latest < 0:
        raise ValueError(
            f"{event.label} lasts {event.total_s:.1f} s and the scene "
            f"{score.duration_s:g} s. Let it be heard fewer times, or make the scene "
            "longer."
        )
    if not 0 <= event.onset_s <= latest:
        raise ValueError(
            f"{event.label} would sound from {event.onset_s:.1f} to "
            f"{event.end_s:.1f} s; the scene goes from 0 to {score.duration_s:g} s. "
            f"Start it between 0 and {int(latest * 10) / 10} s."
        )


def describe(score: Score) -> dict[str, list]:
    """What is true of a scene: `captions`, plain and then detailed, and `questions`.

    The captions are strings, the questions `QA`s, each with its true `output`. The same
    score always gives the same questions.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    return {
        "captions": captions(score) + captions(score, detail=True)[:1],
        "questions": questions(score, np.random.default_rng(score.seed)),
    }

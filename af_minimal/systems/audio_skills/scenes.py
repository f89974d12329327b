"""Scenes to ask about: sounds that repeat, that come again otherwise, that belong.

Whether a scene can be asked about a skill must not depend on the answer: how often a
sound is heard is drawn evenly, and there is room for four times in any case.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from dataclasses import replace

import numpy as np

from ...soundworld.catalogue import CLASSES
from ...soundworld.scenes import (
    DIFFICULTIES,
    SHORTEST_PAUSE_S,
    countable,
    draw_event,
    place,
)
from ...soundworld.score import BACKGROUNDS, Event, Score, find_class
from ...soundworld.sound_class import SoundClass
from .asking import one_of
from .rules import PLACES

LONGEST_S = 24.0  # 12 windows of 2 s, as many as the official fine-tuning hears
MOST_TIMES = 4
COUNTED_S = 0.85  # a longer sound is heard once
ROOM_S = MOST_TIMES * COUNTED_S + (MOST_TIMES - 1) * 0.65  # no event needs more
TWINS = 0.45  # share of scenes in which a sound comes again
PLACED = 0.4  # share of scenes whose sounds belong to one place
UNPEOPLED = tuple(b for b in BACKGROUNDS if b != "murmur")  # people are counted here
COMPARED = ("pitch", "rate", "tone", "loudness", "distance")  # what a twin changes


def skill_score(
    rng: np.random.Generator,
    events: tuple[int, int] = (2, 4),
    longest_s: float = LONGEST_S,
    difficulty: str = "hard",
    classes: dict[str, SoundClass] | None = None,
) -> Score:
    """Draw a scene of `events` (fewest, most) sounds, at most `longest_s` long.

    Raises ValueError when so many sounds may not fit.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    needed = events[1] * (ROOM_S + SHORTEST_PAUSE_S)
    if needed > longest_s + SHORTEST_PAUSE_S:
        raise ValueError(
            f"{events[1]} sounds may need {needed:.1f} s and the scene may have "
            f"{longest_s} s: ask for fewer sounds or a longer scene."
        )
    setting = DIFFICULTIES[difficulty]
    count = int(rng.integers(events[0], events[1] + 1))
    drawn = [
        draw(rng, c, setting.quietest_db) for c in draw_classes(rng, count, classes)
    ]
    twins = count > 2 and rng.random() < TWINS
    drawn = add_twins(rng, drawn) if twins else drawn
    overlap = not twins and rng.random() < setting.overlap
    least = sum(e.total_s for e in drawn) + SHORTEST_PAUSE_S * (count - 1)
    duration = round(float(rng.uniform(min(least + 1.0, longest_s), longest_s)), 2)
    has_background = rng.random() < setting.background
    return Score(
        duration_s=duration,
        events=place(rng, drawn, overlap, duration),
        background=one_of(rng, UNPEOPLED) if has_background else None,
        snr_db=round(float(rng.uniform(*setting.snr_db)), 1),
        room=one_of(rng, setting.rooms),
        seed=int(rng.integers(2**31)),
    )


def draw_classes(rng, count: int, classes: dict | None = None) -> list[SoundClass]:
    """Different classes, sometimes all of one place."""
    if classes is None:
        place_labels = one_of(rng, list(PLACES.values()))
        labels = place_labels if rng.random() < PLACED else list(CLASSES)
        classes = {label: CLASSES[label] for label in labels}
    found = list(classes.values())
    return [found[i] for i in rng.permutation(len(found))[:count]]


def draw(rng: np.random.Generator, sound: SoundClass, quietest_db: float) -> Event:
    """One event at onset 0; one that can be counted is heard one to four times."""
    event = draw_event(rng, sound, ROOM_S, quietest_db)
    times = int(rng.integers(1, MOST_TIMES + 1)) if counted(event) else 1
    gap = round(float(rng.uniform(0.4, 0.65)), 3) if times > 1 else 0.0
    return replace(event, repeats=times, gap_s=gap)


def counted(event: Event) -> bool:
    """Whether this may be heard several times in a row."""
    return countable(find_class(event.label)) and event.duration_s <= COUNTED_S


def add_twins(rng: np.random.Generator, events: list[Event]) -> list[Event]:
    """Let one sound come again in place of one or two others, changed or not.

    Of two, one attribute rises, falls or stays, each as often; of three, one differs.
    """
    first = replace(events[0], repeats=1, gap_s=0.0)
    name = one_of(rng, [n for n in COMPARED if n in first.attributes])
    low, high = find_class(first.label).attributes[name]
    odd, other = (low, high) if rng.random() < 0.5 else (high, low)
    if len(events) == 3 or rng.random() < 0.5:
        same = rng.random() < 1 / 3
        values = [odd, odd if same else other]
    else:
        values = [odd, other, other]
    twins = [replace(first, attributes=first.attributes | {name: v}) for v in values]
    return twins + events[len(twins) :]

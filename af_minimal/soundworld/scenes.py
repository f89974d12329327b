"""Draw scores: which sounds, how often, where in time, and how hard to hear.

Taught in: notebooks/00_meet_the_model.ipynb
"""

from dataclasses import dataclass, replace

import numpy as np

from .catalogue import CLASSES
from .score import BACKGROUNDS, Event, Score
from .sound_class import SoundClass

SEVERAL = {"cough", "owl hoot", "whistling"}  # one of them is two or three in a row
SHORTEST_PAUSE_S = 0.4  # silence between two sounds that follow each other


@dataclass(frozen=True)
class Difficulty:
    """How hard the scenes of one setting are to hear.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    overlap: float  # share of scenes of two or more sounds in which two overlap
    background: float  # share of scenes with a background
    snr_db: tuple[float, float]
    quietest_db: float  # gains are drawn between this and 0
    rooms: tuple[str, ...]


DIFFICULTIES = {
    "easy": Difficulty(0.0, 0.0, (30.0, 30.0), 0.0, ("dry",)),
    "medium": Difficulty(0.12, 0.5, (15.0, 30.0), -6.0, ("dry", "dry", "room")),
    "hard": Difficulty(0.25, 0.8, (6.0, 30.0), -12.0, ("dry", "room", "hall")),
    # hard, with overlap twice as often: for training, where the rare case needs room
    "crowded": Difficulty(0.5, 0.8, (6.0, 30.0), -12.0, ("dry", "room", "hall")),
}


def sample_score(
    rng: np.random.Generator,
    events: tuple[int, int] = (1, 3),
    duration_s: float = 9.5,
    difficulty: str = "hard",
    classes: dict[str, SoundClass] | None = None,
) -> Score:
    """Draw a scene of `events` (fewest, most) sounds of different classes.

    Raises ValueError for an unknown difficulty or a scene too short for any class.
    Taught in: notebooks/00_meet_the_model.ipynb
    """
    if difficulty not in DIFFICULTIES:
        raise ValueError(
            f"difficulty is {difficulty!r}; choose one of {', '.join(DIFFICULTIES)}."
        )
    setting = DIFFICULTIES[difficulty]
    count = int(rng.integers(events[0], events[1] + 1))
    overlap = count > 1 and rng.random() < setting.overlap
    drawn = draw_events(rng, count, overlap, duration_s, setting, classes or CLASSES)
    has_background = rng.random() < setting.background
    return Score(
        duration_s=duration_s,
        events=place(rng, drawn, overlap, duration_s),
        background=str(rng.choice(BACKGROUNDS)) if has_background else None,
        snr_db=round(float(rng.uniform(*setting.snr_db)), 1),
        room=str(rng.choice(setting.rooms)),
        seed=int(rng.integers(2**31)),
    )


def draw_events(rng, count, overlap, duration_s, setting, classes) -> list[Event]:
    """Events without onsets, short enough to fit; the first two overlap if asked.

    Raises ValueError when too few classes are short enough.
    """
    units = count - 1 if overlap else count
    budget = 0.95 * (duration_s - SHORTEST_PAUSE_S * (units - 1)) / units
    fitting = [c for c in classes.values() if c.duration_s[0] <= budget]
    if len(fitting) < count:
        raise ValueError(
            f"{len(fitting)} classes fit {count} times into {duration_s} s: ask for "
            "fewer events or a longer scene."
        )
    chosen = [fitting[i] for i in rng.permutation(len(fitting))[:count]]
    lasting = [c for c in fitting if c.continuous and c not in chosen]
    if overlap and not any(c.continuous for c in chosen[:2]) and lasting:
        chosen[0] = lasting[int(rng.integers(len(lasting)))]  # one lies under the other
    quietest = max(setting.quietest_db, -6.0) if overlap else setting.quietest_db
    return [draw_event(rng, c, budget, quietest) for c in chosen]


def draw_event(rng, sound: SoundClass, budget_s: float, quietest_db: float) -> Event:
    """One event at onset 0 that lasts at most `budget_s` with all its repeats."""
    values = sound.sample_attributes(rng)
    if values.get("length") == "long" and budget_s < sound.duration_s[1]:
        values["length"] = "short"  # a long one would not fit
    duration = min(sound.sample_duration(rng, values), budget_s)
    repeats = 1
    if countable(sound) and duration <= 1.2:
        repeats = int(rng.choice([1, 2, 3, 4], p=[0.4, 0.2, 0.2, 0.2]))
    gap = max(0.35, 0.75 - duration) + float(rng.uniform(0, 0.3))
    fits = max(1, int((budget_s + gap) / (duration + gap)))
    return Event(
        label=sound.label,
        onset_s=0.0,
        duration_s=round(duration, 3),
        attributes=values,
        gain_db=round(float(rng.uniform(quietest_db, 0)), 1),
        repeats=min(repeats, fits),
        gap_s=round(gap, 3) if min(repeats, fits) > 1 else 0.0,
    )


def countable(sound: SoundClass) -> bool:
    """Whether its occurrences can be told apart; what has a rate repeats by itself."""
    return not sound.continuous and not {"rate", "density"} & set(sound.attributes)


def told_apart(sound: SoundClass) -> bool:
    """Whether it may be asked how many times: one hoot of an owl is three already."""
    return countable(sound) and sound.label not in SEVERAL


def place(rng, events: list[Event], overlap: bool, duration_s: float) -> tuple:
    """Give the events their onsets: in a row with pauses, or the first two together."""
    units = [(event,) for event in events]
    if overlap:
        units = [lay_over(rng, events[0], events[1])] + units[2:]
    units = [units[i] for i in rng.permutation(len(units))]
    lengths = [max(e.end_s for e in unit) for unit in units]
    free = duration_s - sum(lengths) - SHORTEST_PAUSE_S * (len(units) - 1)
    pauses = rng.dirichlet(np.ones(len(units) + 1)) * max(free, 0.0)
    placed, clock = [], 0.0
    for unit, length, pause in zip(units, lengths, pauses, strict=False):
        clock += float(pause)
        placed += [replace(e, onset_s=round(clock + e.onset_s, 3)) for e in unit]
        clock += length + SHORTEST_PAUSE_S
    return tuple(sorted(placed, key=lambda e: e.onset_s))


def lay_over(rng, first: Event, second: Event) -> tuple[Event, Event]:
    """Let the shorter of two events sound somewhere inside the longer one."""
    first, second = balance(first, second), balance(second, first)
    short, long = sorted((first, second), key=lambda e: e.total_s)
    onset = float(rng.uniform(0, long.total_s - short.total_s))
    return long, replace(short, onset_s=onset)


def balance(event: Event, other: Event, most_db: float = 6.0) -> Event:
    """Turn an event down that would drown the other one."""
    too_loud = rough_level_db(event) - rough_level_db(other) - most_db
    return replace(event, gain_db=round(event.gain_db - max(0.0, too_loud), 1))


def rough_level_db(event: Event) -> float:
    """The level to expect from the gain and from what the sound is like."""
    soft = -12.0 if event.attributes.get("loudness") == "soft" else 0.0
    far = -6.0 if event.attributes.get("distance") == "far" else 0.0
    return event.gain_db + soft + far

"""Long recordings: a walk through several places, with one sound that fits none.

That sound stands between two that belong to the place where it is heard.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from dataclasses import dataclass, replace

import numpy as np

from ...soundworld.catalogue import CLASSES
from ...soundworld.scenes import DIFFICULTIES, SHORTEST_PAUSE_S, place
from ...soundworld.score import BACKGROUNDS, Event, Score
from ..audio_skills.asking import one_of
from ..audio_skills.rules import PLACES
from ..audio_skills.scenes import ROOM_S, draw

EDGE_S = 0.6  # of silence at both ends of a part; borders are told in whole seconds
SLOT_S = ROOM_S + SHORTEST_PAUSE_S
AT_HOME_NOWHERE = tuple(set(CLASSES) - {x for row in PLACES.values() for x in row})


@dataclass(frozen=True)
class Part:
    """A stretch of a recording at one place."""

    place: str  # a key of PLACES
    start_s: float
    end_s: float
    labels: tuple[str, ...]  # in the order in which they begin


@dataclass(frozen=True)
class Recording:
    """A long score, and the parts that it is made of.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    score: Score
    parts: tuple[Part, ...]
    needle: str  # the label of the one sound that belongs to no place


def sample_recording(
    rng: np.random.Generator,
    windows: int = 30,
    window_s: float = 2.0,
    difficulty: str = "hard",
) -> Recording:
    """Draw a recording of at most `windows` windows, at three places or more.

    No class comes twice and no two sounds overlap.

    Raises ValueError when three places of two sounds do not fit.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    limit = windows * window_s
    most = int((limit / SLOT_S - 1) / (2 + 2 * EDGE_S / SLOT_S))
    if most < 3:
        raise ValueError(
            f"{windows} windows of {window_s} s hold {most} places of two sounds; "
            f"three need {3 * (2 * SLOT_S + 2 * EDGE_S) + SLOT_S:.0f} s."
        )
    count = int(rng.integers(3, min(most, len(PLACES)) + 1))
    names = [list(PLACES)[i] for i in rng.permutation(len(PLACES))[:count]]
    spare = int((limit - count * (2 * SLOT_S + 2 * EDGE_S)) / SLOT_S) - 1
    sizes = [2] * count
    for i in rng.permutation(count)[: max(0, spare)]:
        sizes[i] += int(rng.integers(2))
    chosen = [draw_labels(rng, n, k) for n, k in zip(names, sizes, strict=True)]
    needle = one_of(rng, sorted(AT_HOME_NOWHERE))
    chosen[rng.integers(count)].append(needle)
    quietest = DIFFICULTIES[difficulty].quietest_db
    drawn = [[draw(rng, CLASSES[x], quietest) for x in labels] for labels in chosen]
    return lay_end_to_end(rng, names, drawn, needle, limit, DIFFICULTIES[difficulty])


def draw_labels(rng: np.random.Generator, name: str, count: int) -> list[str]:
    """So many different sounds of a place."""
    return [PLACES[name][i] for i in rng.permutation(len(PLACES[name]))[:count]]


def lay_end_to_end(rng, names, drawn, needle, limit_s: float, setting) -> Recording:
    """Give each part its length and each sound its onset."""
    least = [
        sum(e.total_s + SHORTEST_PAUSE_S for e in events) + 2 * EDGE_S
        for events in drawn
    ]
    free = float(rng.uniform(0, limit_s - sum(least)))
    shares = rng.dirichlet(np.ones(len(least)))
    events: list[Event] = []
    parts, start = [], 0.0
    for name, sounds, short, share in zip(names, drawn, least, shares, strict=True):
        length = round(short + free * float(share), 2)
        placed = place(rng, sounds, False, length - 2 * EDGE_S)
        # at a border nobody could tell which place it belongs to
        while needle in (placed[0].label, placed[-1].label):
            placed = place(rng, sounds, False, length - 2 * EDGE_S)
        events += [
            replace(e, onset_s=round(start + EDGE_S + e.onset_s, 3)) for e in placed
        ]
        labels = tuple(e.label for e in placed)
        parts.append(Part(name, round(start, 2), round(start + length, 2), labels))
        start += length
    score = Score(
        duration_s=round(min(start, limit_s), 2),
        events=tuple(events),
        background=one_of(rng, BACKGROUNDS),
        snr_db=round(float(rng.uniform(*setting.snr_db)), 1),
        room=one_of(rng, setting.rooms),
        seed=int(rng.integers(2**31)),
    )
    return Recording(score, tuple(parts), needle)

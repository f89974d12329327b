"""A scene is a score: which sounds, when, how often and how loud, as plain data.

The waveform, the captions, the questions and their answers are all computed from the
score, so every answer is known to be right. Nothing here makes a sound.

Taught in: notebooks/00_meet_the_model.ipynb
"""

import json
from dataclasses import asdict, dataclass, field, replace

from .catalogue import CLASSES, HELD_OUT
from .invented import INVENTED, invented_class
from .sound_class import SoundClass

SHORTEST_HEARD_S = 0.25  # less of a sound than this does not count as heard
TOLD_S = 1.0  # less of a sound does not tell how fast or how dense it is
IN_TIME = {"rate", "density", "steadiness"}
BACKGROUNDS = ("pink noise", "hum", "room tone", "murmur")  # no caption names them


@dataclass(frozen=True)
class Event:
    """One sound of a scene, perhaps several times in a row.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    label: str  # a key of CLASSES
    onset_s: float  # when the first occurrence starts
    duration_s: float  # how long one occurrence lasts
    attributes: dict = field(default_factory=dict)  # name -> value
    gain_db: float = 0.0  # 0 is as the class makes it
    repeats: int = 1  # how many times it is heard
    gap_s: float = 0.0  # silence between two occurrences

    @property
    def occurrences(self) -> list[tuple[float, float]]:
        """Start and end of each occurrence, in seconds."""
        period = self.duration_s + self.gap_s
        starts = [self.onset_s + period * i for i in range(self.repeats)]
        return [(start, start + self.duration_s) for start in starts]

    @property
    def end_s(self) -> float:
        """When the last occurrence ends, in seconds."""
        return self.occurrences[-1][1]

    @property
    def total_s(self) -> float:
        """Seconds from the first start to the last end."""
        return self.end_s - self.onset_s


@dataclass(frozen=True)
class Score:
    """A whole scene; the same score always renders to the same samples.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    duration_s: float
    events: tuple[Event, ...]  # ordered by onset
    background: str | None = None  # a name in BACKGROUNDS
    snr_db: float = 30.0  # the quietest event above the background
    room: str = "dry"  # "dry", "room" or "hall"
    seed: int = 0

    @property
    def labels(self) -> list[str]:
        """The class labels in the order in which they start."""
        return [event.label for event in self.events]

    @property
    def groups(self) -> list[tuple[Event, ...]]:
        """Events in time order; those that sound together share a group."""
        groups: list[tuple[Event, ...]] = []
        for event in self.events:
            if groups and event.onset_s < max(e.end_s for e in groups[-1]):
                groups[-1] += (event,)
            else:
                groups.append((event,))
        return groups

    def crop(self, start_s: float, end_s: float) -> "Score":
        """What is heard between two times; to go with a cut of the rendered waveform.

        Raises ValueError for times outside the scene or in the wrong order.

        Taught in: notebooks/01_sound_into_windows.ipynb
        """
        if not 0 <= start_s < end_s <= self.duration_s + 1e-6:
            raise ValueError(
                f"Cannot crop {start_s} to {end_s} s out of a scene of "
                f"{self.duration_s} s: give 0 <= start < end <= {self.duration_s}."
            )
        cut = [crop_event(event, start_s, end_s) for event in self.events]
        kept = sorted((e for e in cut if e is not None), key=lambda e: e.onset_s)
        return replace(self, duration_s=end_s - start_s, events=tuple(kept))

    def to_json(self) -> str:
        """The score as one line of JSON."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "Score":
        """The score that `to_json` wrote."""
        fields = json.loads(text)
        fields["events"] = tuple(Event(**event) for event in fields["events"])
        return Score(**fields)


def crop_event(event: Event, start_s: float, end_s: float) -> Event | None:
    """The audible rest of an event, times counted from `start_s`; None if too little.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    cut = [(max(a, start_s), min(b, end_s)) for a, b in event.occurrences]
    enough = min(SHORTEST_HEARD_S, event.duration_s) - 1e-6
    heard = [(a - start_s, b - start_s) for a, b in cut if b - a >= enough]
    if not heard:
        return None
    duration = min(b - a for a, b in heard)
    repeats, gap = len(heard), 0.0
    if repeats > 1:
        gap = (heard[-1][0] - heard[0][0]) / (repeats - 1) - duration
    lost = set()
    if duration < event.duration_s - 1e-6:  # a cut sound does not tell its length
        lost = {"length"} | (IN_TIME if duration < TOLD_S else set())
    kept = {k: v for k, v in event.attributes.items() if k not in lost}
    return replace(
        event,
        onset_s=heard[0][0],
        duration_s=duration,
        attributes=kept,
        repeats=repeats,
        gap_s=gap,
    )


def find_class(label: str) -> SoundClass:
    """The class of a label, held out or invented too; ValueError if there is none."""
    number = label.removeprefix(INVENTED)
    if number != label and number.isdecimal():
        return invented_class(int(number))
    sound = CLASSES.get(label) or HELD_OUT.get(label)
    if sound is None:
        raise ValueError(
            f"There is no sound class {label!r}: CLASSES and HELD_OUT list them."
        )
    return sound


def audible(score: Score, event: Event) -> list[str]:
    """The attributes of a sound that a listener can tell without doubt.

    None of a sound that another one lies over. A gain hides whether it was soft or
    loud, and in a hall everything seems far away.
    Taught in: notebooks/00_meet_the_model.ipynb
    """
    hidden = set()
    if event.gain_db <= -3:
        hidden.add("loudness")
    if score.room == "hall":
        hidden.add("distance")
    alone = any(group == (event,) for group in score.groups)
    return sorted(event.attributes.keys() - hidden) if alone else []

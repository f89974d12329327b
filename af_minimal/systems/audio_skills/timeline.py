"""What is heard and when, as a table: one row for each time that a sound is heard.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from dataclasses import dataclass

from ...soundworld.score import Score, find_class

LEVEL_HIDES_DB = -3.0  # turned down so far, a loud sound is no longer told from a soft


class Disagreement(ValueError):
    """A question that does not have exactly one right option, the one it says."""


@dataclass(frozen=True)
class Sounding:
    """A sound from its first start to its last end."""

    label: str
    start_s: float
    end_s: float
    times: int
    values: dict[str, str]  # attribute -> value
    gain_db: float

    def overlaps(self, other: "Sounding") -> bool:
        """Whether both go on at some moment."""
        return self.start_s < other.end_s and other.start_s < self.end_s


@dataclass(frozen=True)
class Timeline:
    """All soundings by their start; queries raise Disagreement where doubt remains.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    soundings: tuple[Sounding, ...]
    duration_s: float
    room: str

    @property
    def labels(self) -> set[str]:
        """What is heard."""
        return {one.label for one in self.soundings}

    def of(self, label: str, times: int = 1) -> list[Sounding]:
        """The soundings of a class, which are so many.

        Raises Disagreement when it comes more or less often.
        """
        found = [one for one in self.soundings if one.label == label]
        if len(found) != times:
            raise Disagreement(f"{label} comes {len(found)} times, not {times}.")
        return found

    def order(self) -> list[Sounding]:
        """All soundings, which neither overlap nor come again.

        Raises Disagreement when they do.
        """
        for i, one in enumerate(self.soundings):
            for other in self.soundings[i + 1 :]:
                if one.overlaps(other) or one.label == other.label:
                    raise Disagreement(
                        f"{one.label} and {other.label} have no clear order."
                    )
        return list(self.soundings)

    def value(self, one: Sounding, name: str) -> str:
        """The value of an attribute that can be told by ear.

        Raises Disagreement for one that cannot.
        """
        alone = not any(one.overlaps(o) for o in self.soundings if o is not one)
        hidden = (name == "loudness" and one.gain_db <= LEVEL_HIDES_DB) or (
            name == "distance" and self.room == "hall"
        )
        if not alone or hidden or name not in one.values:
            raise Disagreement(f"nobody can tell the {name} of {one.label}.")
        return one.values[name]

    def family(self, family: str) -> set[str]:
        """The classes of a family that are heard."""
        return {x for x in self.labels if find_class(x).family == family}


def read_timeline(score: Score) -> Timeline:
    """The timeline of a score.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rows = []
    for event in score.events:
        starts = [
            event.onset_s + i * (event.duration_s + event.gap_s)
            for i in range(event.repeats)
        ]
        end = starts[-1] + event.duration_s
        values = dict(event.attributes)
        row = Sounding(event.label, starts[0], end, len(starts), values, event.gain_db)
        rows.append(row)
    rows.sort(key=lambda row: row.start_s)
    return Timeline(tuple(rows), score.duration_s, score.room)

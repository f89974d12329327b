"""Figures of notebook 15: what is heard when, padding, marks against windows.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ..soundworld.score import Score
from ..systems.audio_skills.timeline import read_timeline
from ..systems.long_audio.batching import padded_share
from ..systems.long_audio.composing import Part
from . import viz
from .picture import AUDIO, GATE, GATE_INK
from .viz import QUIET

SHADES = ("#F2F2F2", "#FFFFFF")  # places, in turn


def lanes(
    score: Score,
    title: str = "",
    parts: Sequence[Part] = (),
    marks: Mapping[str, float] | None = None,
) -> None:
    """A lane for each sound, a bar for each time that it is heard.

    Args:
        score: what is heard.
        title: stands above.
        parts: places of a long recording; each is shaded and named.
        marks: name -> second at which a dashed line stands.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    names = list(dict.fromkeys(s.label for s in read_timeline(score).soundings))
    figure = viz.new_figure(height=0.45 + 0.09 * len(names) + 0.1 * bool(parts))
    axes = figure.axes[0]
    for number, part in enumerate(parts):
        end = min(part.end_s, score.duration_s)
        axes.axvspan(part.start_s, end, color=SHADES[number % 2], zorder=0)
        place = (part.start_s + end) / 2, -0.75
        axes.text(*place, part.place, ha="center", va="bottom", fontsize=9)
    for event in score.events:
        for time in range(event.repeats):
            start = event.onset_s + time * (event.duration_s + event.gap_s)
            row = names.index(event.label)
            axes.barh(row, event.duration_s, left=start, height=0.6, color=AUDIO)
    for name, second in (marks or {}).items():
        axes.vlines(second, -0.5, len(names) - 0.4, color=GATE, linestyle="--")
        place = second, len(names) - 0.55
        axes.text(*place, f"{name} ", color=GATE_INK, ha="right", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    top = -1.5 if parts else -0.6
    axes.set(xlim=(0, score.duration_s), ylim=(len(names) - 0.4, top))
    axes.set(xlabel="time (s)", ylabel="sound", title=title)
    said = ", ".join(names)
    viz.show(
        figure, f"Sounds of {score.duration_s:.0f} s on a time axis: {said}. {title}"
    )


def padding(
    lengths: Sequence[int], ways: Mapping[str, Sequence[Sequence[int]]]
) -> None:
    """Rows of batches as bars: blue is sound, grey is padding up to the longest row.

    Args:
        lengths: windows of each row.
        ways: name -> batches of places in `lengths`, drawn one way under the other.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    figure = viz.new_figure(rows=len(ways), height=0.75 * len(ways))
    for axes, (name, batches) in zip(figure.axes, ways.items(), strict=True):
        start = 0
        for batch in batches:
            own = [lengths[i] for i in batch]
            places = start + np.arange(len(own))
            axes.bar(places, [max(own)] * len(own), 1.0, color=QUIET)
            axes.bar(places, own, 1.0, color=AUDIO)
            start += len(own) + 1  # a gap between batches
        share = padded_share(lengths, batches)
        axes.set(ylabel="windows", title=f"{name}: {100 * share:.0f} % is padding")
        axes.set_xlim(-1, start)
    figure.axes[-1].set_xlabel("row, in the order of the batches (a gap after each)")
    figure.axes[0].plot([], [], "s", color=AUDIO, label="sound")
    figure.axes[0].plot([], [], "s", color=QUIET, label="padding")
    figure.axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
    viz.show(figure, f"Sound and padding in batches made {', '.join(ways)}")


def marks_against_windows(
    marks: Mapping[int, Mapping[str, float]], stages: Mapping[str, int]
) -> None:
    """Mean mark of 100 against the windows that are heard, with its 95 % interval.

    Args:
        marks: windows -> a row of `evaluation.measure`.
        stages: name -> windows at which a dashed line stands.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    figure = viz.new_figure()
    axes, windows = figure.axes[0], list(marks)
    low, score, high, chance = (
        [marks[w][key] for w in windows] for key in ("low", "score", "high", "chance")
    )
    axes.fill_between(windows, low, high, color=AUDIO, alpha=0.2)
    axes.plot(windows, score, "o-", color=AUDIO, label="perfect ears")
    axes.plot(windows, chance, color=QUIET, linewidth=2, label="without hearing")
    for name, place in stages.items():
        axes.axvline(place, color=GATE, linestyle="--")
        axes.text(place, 2, f"{name} ", color=GATE_INK, ha="right", fontsize=9)
    axes.set(xlabel="windows heard (2 s each)", ylabel="mark (of 100)", ylim=(0, 103))
    axes.set_title("captions of long recordings, by all that is heard so far")
    axes.legend(loc="center right", bbox_to_anchor=(0.95, 0.5))
    viz.show(figure, f"Mark against windows heard: {windows}")

"""Figures to listen along with: everything on one time axis, and where that axis lies.

They return the figure instead of showing it, because a widget draws a cursor over it.
"""

from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..audio import Clip, num_windows, resample
from ..config import AudioConfig
from ..soundworld import Score
from . import viz
from .picture import AUDIO, HUES
from .waves import outline

LONGEST_TITLE = 80  # letters that stand above the axes


def heard_windows(clip: Clip, config: AudioConfig | None = None) -> list[dict]:
    """One row for each window a model has for a clip, with how much sound is in it.

    Keys: `number` (from 0), `start_s`, `end_s` (seconds of the clip) and `real_share`,
    the part of the window that is sound: 1 is full, 0 is padding from end to end.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    config = config or AudioConfig()
    samples = round(clip.duration_s * config.sample_rate)
    real = num_windows(samples, config)
    rows = []
    for i in range(config.max_windows):
        start = i * config.hop
        inside = min(max(samples - start, 0), config.window) if i < real else 0
        rows.append(
            {
                "number": i,
                "start_s": start / config.sample_rate,
                "end_s": (start + config.window) / config.sample_rate,
                "real_share": inside / config.window,
            }
        )
    return rows


def sound_picture(
    clip: Clip, config: AudioConfig | None = None, title: str = ""
) -> Figure:
    """Waveform, log-mel picture and windows of a clip on one time axis in seconds.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    config = config or AudioConfig()
    figure = viz.new_figure(rows=3, height=1.6)
    wave, mel, strip = figure.axes
    wave.plot(*outline(clip), color=AUDIO, linewidth=0.5)
    wave.set(ylabel="amplitude", ylim=(-1, 1), title=as_title(title))
    viz.mel(resample(clip, config.sample_rate), ax=mel)  # what the model hears
    mel.set(xlabel="")
    draw_windows(strip, clip, config)
    return figure


def as_title(text: str) -> str:
    """The text, shortened in the middle to fit: a file's name ends with its kind."""
    if len(text) > LONGEST_TITLE:
        half = LONGEST_TITLE // 2 - 2
        text = f"{text[:half]} … {text[-half:]}"
    return text.replace("$", r"\$")


def draw_windows(axes: Axes, clip: Clip, config: AudioConfig) -> None:
    """Each window as a bar: blue where it holds sound, grey where it is padded."""
    rows = heard_windows(clip, config)
    real = [row for row in rows if row["real_share"] > 0]
    for row in real:
        width = row["end_s"] - row["start_s"]
        bar = {"y": row["number"], "left": row["start_s"], "height": 0.7}
        axes.barh(width=width, color=viz.QUIET, **bar)
        axes.barh(width=width * row["real_share"], color=AUDIO, **bar)
    end = max(clip.duration_s, real[-1]["end_s"])
    said = f"{len(real)} of {len(rows)} windows hear it"
    if real[-1]["real_share"] < 1:
        said += "; grey is padding"
    if clip.duration_s > config.max_s:
        axes.axvspan(config.max_s, end, color=viz.QUIET, alpha=0.5)
        said = f"{len(rows)} windows; nothing after {config.max_s:g} s is heard (grey)"
    else:
        axes.axvline(clip.duration_s, color="black", linestyle=":", linewidth=1)
    axes.set(xlabel="time (s)", ylabel="window", xlim=(0, end))
    axes.set(ylim=(len(real) - 0.4, -0.6))
    axes.set_yticks(range(0, len(real), 1 + len(real) // 5))
    axes.set_title(said, fontsize=10)


def scene_picture(score: Score, clip: Clip) -> Figure:
    """The events of a scene as bars above the log-mel picture of its sound."""
    figure = viz.new_figure(rows=2, height=1.3)
    lanes, mel = figure.axes
    lanes.get_gridspec().set_height_ratios([2, 3])
    viz.mel(clip, ax=mel)
    for lane, (event, hue) in enumerate(zip(score.events, cycle(HUES))):
        for start, end in event.occurrences:
            lanes.barh(lane, end - start, left=start, height=0.8, color=hue)
            for edge in (start, end):
                mel.axvline(edge, color="white", linewidth=0.8, linestyle="--")
    lanes.set(xlim=(0, score.duration_s), ylim=(max(2, len(score.events)) - 0.5, -0.5))
    lanes.set_yticks(range(len(score.events)), score.labels)
    lanes.set(ylabel="sound", title="the sounds of the scene")
    return figure


def drawn(figure: Figure) -> tuple[bytes, float, float, float]:
    """The figure as PNG, and where its time axis lies in it.

    That is left and right, in parts of the width, and the seconds between them. All
    axes of the figure share it, and it starts at 0 s.
    """
    picture = viz.png(figure)  # first: the layout is only known when it is drawn
    axes = figure.axes[0]
    place = axes.get_position()
    return picture, float(place.x0), float(place.x1), float(axes.get_xlim()[1])

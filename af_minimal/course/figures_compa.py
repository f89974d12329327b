"""Scores beside chance, and clips above each other: pictures of notebooks 14 and 15."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patheffects import withStroke

from ..audio import Clip
from . import viz
from .picture import bar_styles

GROUP = 0.8  # of the room between two groups of bars


def score_bars(
    scores: Mapping[str, Mapping[str, float]],
    chance: Mapping[str, float],
    xlabel: str = "score",
    ylabel: str = "share of instances",
) -> None:
    """Model -> score -> share, one group of bars a score; dashes are chance.

    Raises ValueError when a model lacks a score that `chance` has.
    """
    missing = [name for name, row in scores.items() if set(chance) - set(row)]
    if missing:
        raise ValueError(
            f"{', '.join(missing)} lack one of {', '.join(chance)}; give every model "
            "all the scores that `chance` has."
        )
    figure = viz.new_figure()
    axes = figure.axes[0]
    width = GROUP / len(scores)
    styles = zip(scores.items(), bar_styles(), strict=False)
    for number, ((name, row), style) in enumerate(styles):
        left = np.arange(len(chance)) - GROUP / 2 + number * width
        style |= {"align": "edge", "label": name}
        axes.bar(left, [row[s] for s in chance], width, **style)
    edge = [withStroke(linewidth=3.5, foreground="white")]  # for bars that are dark
    for place, guessed in enumerate(chance.values()):
        ends = place - GROUP / 2, place + GROUP / 2
        axes.plot(ends, (guessed, guessed), "--", color="black", path_effects=edge)
    axes.set_xticks(range(len(chance)), list(chance))
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1))
    axes.set_title("dashed: chance")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    viz.show(figure, f"Scores of {', '.join(scores)}, beside chance")


def clips_above(clips: Sequence[Clip], titles: Sequence[str]) -> None:
    """Log-mel pictures one above the other, to be compared."""
    figure = viz.new_figure(rows=len(clips))
    for clip, title, axes in zip(clips, titles, figure.axes, strict=True):
        viz.mel(clip, ax=axes)
        axes.set_title(title)
    viz.show(figure, f"Log-mel pictures: {'; '.join(titles)}")

"""Figures of the notebook on dialogue: what a turn costs, how well it is answered.

Taught in: notebooks/10_dialogue.ipynb
"""

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np

from .picture import HUES, TEXT, line_styles
from .viz import QUIET, new_figure, show, to_numpy


def turn_costs(turns: Sequence, title: str = "") -> None:
    """Tokens of every turn's prompt: grey was kept, orange is read.

    Args:
        turns: `chat.Turn`s, or anything with `read` and `reused`.

    Taught in: notebooks/10_dialogue.ipynb
    """
    numbers = range(1, len(turns) + 1)
    reused, read = [t.reused for t in turns], [t.read for t in turns]
    figure = new_figure()
    axes = figure.axes[0]
    axes.bar(numbers, reused, color=QUIET, label="kept from the turns before")
    axes.bar(numbers, read, bottom=reused, color=TEXT, label="read for this turn")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="turn", ylabel="tokens of the prompt", title=title)
    axes.legend(loc="upper left")
    show(figure, f"Tokens read {read} and kept {reused} in each turn. {title}")


def turn_chart(lines: Mapping[str, Sequence[dict]], title: str = "") -> None:
    """Share right against the turn, with 95 % intervals, one line per condition.

    Args:
        lines: name -> measures of turns 1, 2, ... (`evaluation.measure`).

    Taught in: notebooks/10_dialogue.ipynb
    """
    figure = new_figure()
    axes = figure.axes[0]
    styles = zip(lines.items(), line_styles(), strict=False)
    for place, ((name, measures), style) in enumerate(styles):
        asked = [m for m in measures if m["n"]]
        turns = np.arange(1, len(asked) + 1) + 0.06 * (place - (len(lines) - 1) / 2)
        score, spread = with_spread(asked)
        axes.errorbar(turns, score, spread, label=name, **style)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="turn", ylabel="share of answers right", ylim=(-0.03, 1.03))
    axes.set_title(title)
    axes.legend()
    show(figure, f"Share of answers right by turn: {', '.join(lines)}. {title}")


def with_spread(measures: Sequence[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N,) and how far their intervals reach below and above, (2, N)."""
    score, low, high = (
        np.array([m[key] for m in measures], float) for key in ("score", "low", "high")
    )  # None becomes nan: no interval is known
    return score, np.nan_to_num([score - low, high - score]).clip(0)


def similarity_bars(
    values: Mapping[str, Sequence[float]], thresholds: Mapping[str, float]
) -> None:
    """How alike rounds and their sounds are: a histogram per kind, lines where to cut.

    Taught in: notebooks/10_dialogue.ipynb
    """
    arrays = {name: to_numpy(v) for name, v in values.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(arrays.values())), 16)
    figure = new_figure()
    axes = figure.axes[0]
    for (name, array), hue in zip(arrays.items(), cycle(HUES), strict=False):
        weights = np.full(len(array), 1 / len(array))
        axes.hist(array, edges, weights=weights, color=hue, alpha=0.5, label=name)
    for (name, place), style in zip(
        thresholds.items(), cycle(("--", ":")), strict=False
    ):
        axes.axvline(place, color="black", linestyle=style, label=name)
    axes.set(xlabel="cosine of text and sound", ylabel="share of the rounds")
    axes.legend()
    cuts = ", ".join(f"{name} at {place:.2f}" for name, place in thresholds.items())
    show(figure, f"Histograms of cosines: {', '.join(values)}; cuts: {cuts}")

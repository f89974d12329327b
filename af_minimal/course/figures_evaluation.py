"""Figures of the notebook on evaluation: metrics against edits, scores with intervals.

Taught in: notebooks/11_evaluation.ipynb
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .figures_dialogue import with_spread
from .picture import line_styles
from .viz import HEAT, QUIET, new_figure, show


def metric_grid(rows: Mapping[str, Mapping[str, float]], title: str = "") -> None:
    """Metrics (columns) of edited answers (rows), each as a share of its best value.

    Taught in: notebooks/11_evaluation.ipynb
    """
    metrics = ", ".join(next(iter(rows.values())))
    figure = metric_picture(rows, title)
    show(figure, f"Shares of the best value: {', '.join(rows)} by {metrics}")


def metric_picture(
    rows: Mapping[str, Mapping[str, float]], title: str = "", ylabel: str = "edit"
) -> Figure:
    """The figure of `metric_grid`, for whoever shows it in another way.

    Taught in: notebooks/11_evaluation.ipynb
    """
    metrics = list(next(iter(rows.values())))
    values = np.array([[float(row[m]) for m in metrics] for row in rows.values()])
    best = values.max(axis=0)  # (metrics,)
    shares = values / np.where(best > 0, best, 1)
    figure = new_figure(height=0.35 + 0.13 * len(rows))
    axes = figure.axes[0]
    image = axes.imshow(shares, aspect="auto", vmin=0, vmax=1, cmap=HEAT)
    for i, j in np.ndindex(*shares.shape):
        hue = "black" if shares[i, j] > 0.6 else "white"
        text = f"{shares[i, j]:.2f}"
        axes.text(j, i, text, ha="center", va="center", color=hue, fontsize=8)
    axes.set_xticks(range(len(metrics)), [m.replace(" ", "\n") for m in metrics])
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlabel="metric", ylabel=ylabel, title=title)
    figure.colorbar(image, ax=axes, label="share of the best", pad=0.01)
    return figure


def interval_chart(sections: Mapping[str, Sequence[dict]], title: str = "") -> None:
    """Scores with their 95 % intervals, a row for each measure; grey lines are chance.

    Args:
        sections: condition -> measures (`evaluation.measure`), the same in each.

    Taught in: notebooks/11_evaluation.ipynb
    """
    first = next(iter(sections.values()))
    names = [m["measure"] for m in first]
    figure = new_figure(height=0.4 + 0.11 * len(names))
    axes = figure.axes[0]
    styles = zip(sections.items(), line_styles(), strict=False)
    for place, ((name, measures), style) in enumerate(styles):
        style["linestyle"] = "none"  # a line would join what is not one measure
        rows = np.arange(len(measures)) + 0.22 * (place - (len(sections) - 1) / 2)
        score, spread = with_spread(measures)
        axes.errorbar(score, rows, xerr=spread, label=name, **style)
    known = [(i, m["chance"]) for i, m in enumerate(first) if m["chance"] is not None]
    if known:
        rows, chance = np.array(known).T
        bar = {"color": QUIET, "linewidth": 3, "label": "chance"}
        axes.vlines(chance, rows - 0.4, rows + 0.4, **bar)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="share right", xlim=(-0.03, 1.03), ylim=(len(names) - 0.4, -0.6))
    axes.set(ylabel="measure", title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    show(figure, f"Scores with intervals of {', '.join(sections)}: {', '.join(names)}")

"""Figures of the notebook on findings: what was claimed, and what each seed gave.

Taught in: notebooks/20_findings.ipynb
"""

from collections.abc import Sequence

import numpy as np

from .picture import AUDIO, TEXT
from .viz import QUIET, new_figure, show

VERDICTS = {True: "holds", False: "does not hold", None: "seeds missing"}
HUES = {True: AUDIO, False: TEXT, None: "#CC79A7"}
MARKS = {True: "o", False: "X", None: "s"}


def seed_chart(rows: Sequence[dict], title: str = "") -> None:
    """A line for each finding, a mark for each seed; hue and form are the verdict.

    Blue dots hold, orange crosses do not, and a grey bar is what guessing gives.

    Args:
        rows: of `findings.json`, those whose numbers are shares between 0 and 1.

    Taught in: notebooks/20_findings.ipynb
    """
    figure = new_figure(height=0.35 + 0.1 * len(rows))
    axes = figure.axes[0]
    for place, row in enumerate(rows):
        hue, mark = HUES[row["holds"]], MARKS[row["holds"]]
        axes.plot(row["range"], [place, place], color=hue, linewidth=2)
        axes.plot(row["ours"], [place] * len(row["ours"]), mark, color=hue)
        if row["chance"] is not None:
            edges = place - 0.35, place + 0.35
            axes.vlines(row["chance"], *edges, color=QUIET, linewidth=3)
    axes.set_yticks(range(len(rows)), [row["id"] for row in rows])
    axes.set(xlabel="share (one mark for each seed)", xlim=(-0.05, 1.05))
    axes.set(ylabel="finding", ylim=(len(rows) - 0.5, -0.5), title=title)
    for verdict in [v for v in VERDICTS if v in {row["holds"] for row in rows}]:
        style = {"color": HUES[verdict], "label": VERDICTS[verdict]}
        axes.plot([], [], MARKS[verdict], **style)
    axes.vlines([], 0, 0, color=QUIET, linewidth=3, label="chance")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    said = ", ".join(f"{row['id']} {VERDICTS[row['holds']]}" for row in rows)
    show(figure, f"Findings by seed: {said}")


def rule_grid(numbers: Sequence[dict], rules: dict[str, Sequence[bool]]) -> None:
    """Which rule (rows) is true of which seed (columns).

    Taught in: notebooks/20_findings.ipynb
    """
    values = np.array([list(map(float, verdicts)) for verdicts in rules.values()])
    figure = new_figure(height=0.3 + 0.13 * len(rules))
    axes = figure.axes[0]
    axes.imshow(values, aspect="auto", vmin=0, vmax=1.6, cmap="Blues")
    for i, j in np.ndindex(*values.shape):
        word = "true" if values[i, j] else "false"
        axes.text(j, i, word, ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(numbers)), [f"seed {s}" for s in range(len(numbers))])
    axes.set_yticks(range(len(rules)), list(rules))
    axes.set(ylabel="rule")
    show(figure, f"Rules by seed: {', '.join(rules)}")

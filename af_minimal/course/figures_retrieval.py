"""Figures of the notebook on retrieval: accuracy against k, who attends to which."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .picture import AUDIO, TEXT_INK, bar_styles, line_styles
from .viz import HEAT, QUIET, new_figure, show, to_numpy


def accuracy_against_k(
    lines: Mapping[str, Mapping[int, float]],
    bounds: Mapping[str, Mapping[int, float]] | None = None,
) -> None:
    """Share of right answers against the number of examples, a line for each name.

    Args:
        lines: name -> {k: share}.
        bounds: the same; dashed, in hue and mark of the line of that name: what no
            answer that copies from its examples can exceed.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    figure = new_figure()
    axes = figure.axes[0]
    for (name, line), style in zip(lines.items(), line_styles(), strict=False):
        style["linestyle"] = "-"  # dashes are for bounds
        axes.plot(list(line), list(line.values()), label=name, **style)
        bound = (bounds or {}).get(name)
        if bound:
            label = f"bound of {name}"
            style |= {"linestyle": "--", "markerfacecolor": "none"}
            axes.plot(list(bound), list(bound.values()), label=label, **style)
    axes.set_xticks(sorted({k for line in lines.values() for k in line}))
    axes.set(xlabel="examples before the question, k", ylabel="share right")
    axes.set(ylim=(-0.03, 1.03))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    show(figure, f"Share right against the number of examples: {', '.join(lines)}")


def shares_of_examples(
    maps: Mapping[str, np.ndarray], words: Sequence[str], columns: Sequence[str]
) -> None:
    """Heat-maps side by side: each word of an answer (row) over the examples (columns).

    Args:
        maps: title -> shares (words, columns).

    Raises ValueError when a map has other numbers of rows or columns.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    figure = new_figure(height=max(1.0, 0.5 + 0.11 * len(words)))
    figure.clear()
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (title, shares) in zip(panels, maps.items(), strict=True):
        shares = to_numpy(shares)  # (words, columns)
        if shares.shape != (len(words), len(columns)):
            raise ValueError(
                f"{title!r} has shape {shares.shape}; there are {len(words)} words and "
                f"{len(columns)} columns."
            )
        image = axes.imshow(shares, aspect="auto", vmin=0, cmap=HEAT)
        axes.set_xticks(
            range(len(columns)), columns, rotation=35, ha="right", fontsize=8
        )
        axes.set_yticks(range(len(words)), [w.replace("$", r"\$") for w in words])
        axes.tick_params(axis="y", labelsize=9, colors=TEXT_INK)
        axes.set(xlabel="example", title=title)
        figure.colorbar(image, ax=axes, label="share of attention", pad=0.02)
    panels[0].set_ylabel("token of the answer")
    show(figure, f"Attention of {len(words)} tokens to examples: {', '.join(maps)}")


def neighbour_bars(
    names: Sequence[str],
    similarities: Sequence[float],
    shown: Sequence[bool],
    answers: Sequence[str] = (),
) -> Figure:
    """How alike each neighbour sounds; blue stands in the prompt, grey does not.

    Args:
        names: what was said about each, the most alike first.
        similarities: cosines.
        shown: which stand in the prompt.
        answers: sentences that stand above the bars.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    lines = [line for said in answers for line in textwrap.wrap(said, 100)]
    figure = new_figure(height=0.3 + 0.1 * len(names) + 0.06 * len(lines))
    axes = figure.axes[0]
    hues = [AUDIO if use else QUIET for use in shown]
    places = range(len(names))
    bars = axes.barh(places, similarities, color=hues)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    labels = [textwrap.shorten(name, 40, placeholder=" …") for name in names]
    axes.set_yticks(places, [name.replace("$", r"\$") for name in labels])
    axes.tick_params(axis="y", colors=TEXT_INK, length=0)
    axes.invert_yaxis()
    axes.set(xlabel="similarity to the clip (cosine)", ylabel="neighbour")
    least = min(0, *similarities)
    # a number behind a bar to the left must not stand on the names
    axes.set_xlim(least - 0.3 * (least < 0), 1.1)
    meanings = {"in the prompt": AUDIO, "left out": QUIET}
    handles = [Patch(color=hue, label=said) for said, hue in meanings.items()]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5))
    words = "\n".join(lines).replace("$", r"\$")
    figure.suptitle(words, x=0.01, ha="left", fontsize=10)
    return figure


def names_taught(counts: Mapping[str, int]) -> Figure:
    """How many sounds each name was taught with, the first name at the top.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    figure = new_figure(height=0.35 + 0.09 * len(counts))
    axes = figure.axes[0]
    names = [name.replace("$", r"\$") for name in counts]
    axes.barh(range(len(counts)), list(counts.values()), color=AUDIO)
    axes.set_yticks(range(len(counts)), names)
    axes.tick_params(axis="y", colors=TEXT_INK, length=0)
    axes.invert_yaxis()
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="sounds taught", ylabel="name", title="what the box has learnt")
    return figure


def kinds_of_answers(counts: Mapping[str, Mapping[str, int]]) -> None:
    """One bar for each case, split by what kind its answers are; all in per cent.

    Args:
        counts: case -> {kind of answer: how many}; the same kinds in every case.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    figure = new_figure(height=0.5 + 0.14 * len(counts))
    axes = figure.axes[0]
    kinds = list(next(iter(counts.values())))
    left = np.zeros(len(counts))
    for kind, style in zip(kinds, bar_styles(), strict=False):
        row = [counts[case].get(kind, 0) for case in counts]
        total = [max(1, sum(counts[case].values())) for case in counts]
        width = 100 * np.array(row) / np.array(total)
        axes.barh(list(counts), width, left=left, label=kind, **style)
        left += width
    axes.invert_yaxis()
    axes.set(xlabel="answers (%)", ylabel="case", xlim=(0, 100))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    show(figure, f"Kinds of answers of the cases: {', '.join(counts)}")

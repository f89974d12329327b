"""Figures of the notebooks on prompts and data: coloured tokens, counts of items."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from .picture import AUDIO, GATE, TEXT, ink_on
from .viz import QUIET, new_figure, show

COLUMNS = 82  # characters in one row of the picture


def label_picture(tokens: Sequence[str], labels, title: str = "") -> None:
    """Every token in its place: orange is learnt, grey is read, blue is <audio>.

    Args:
        tokens: the text, token by token.
        labels: as many numbers; -100 where nothing is learnt.

    Raises ValueError unless there are as many labels as tokens.
    """
    if len(tokens) != len(labels):
        raise ValueError(f"{len(tokens)} tokens came with {len(labels)} labels.")
    places, rows = lay_out(tokens)
    figure = new_figure(height=0.2 + 0.12 * rows)
    axes = figure.axes[0]
    for (row, column, text), token, label in zip(places, tokens, labels, strict=True):
        colour = TEXT if int(label) != -100 else QUIET
        colour = AUDIO if token == "<audio>" else colour
        box = {"facecolor": colour, "edgecolor": "white", "pad": 1.5}
        words = {"family": "monospace", "fontsize": 10, "color": ink_on(colour)}
        axes.text(column, -row, text, bbox=box, **words)
    axes.set(xlim=(-1, COLUMNS + 4), ylim=(-rows + 0.4, 1))
    axes.set_title(title, loc="left")
    axes.axis("off")
    learnt = sum(int(label) != -100 for label in labels)
    show(figure, f"{learnt} of {len(tokens)} tokens are learnt. {title}")


def seen(token: str) -> str:
    """A token whose line breaks and spaces can be seen."""
    return token.replace("\n", "⏎").replace(" ", "␣")


def lay_out(tokens: Sequence[str]) -> tuple[list[tuple[int, int, str]], int]:
    """(row, column, text) of every token, broken into rows; and how many rows."""
    places, row, column = [], 0, 0
    for token in tokens:
        text = seen(token).replace("$", r"\$")
        if column and column + len(text) > COLUMNS:
            row, column = row + 1, 0
        places.append((row, column, text))
        column += len(text) + 1
    return places, row + 1


def count_bars(counts: Mapping[str, Sequence[int]], title: str = "") -> None:
    """How often each item of a dataset was drawn, one row of bars per method."""
    figure = new_figure(rows=len(counts), height=0.5 * len(counts))
    panels = zip(figure.axes, counts.items(), cycle((GATE, TEXT)))
    for axes, (name, values), hue in panels:
        axes.bar(range(len(values)), values, color=hue)
        axes.set(ylabel="times drawn", ylim=(0, max(map(max, counts.values())) + 0.5))
        axes.set_title(name, loc="left")
        axes.yaxis.get_major_locator().set_params(integer=True)
    figure.axes[-1].set_xlabel(f"item of the dataset {title}")
    show(figure, f"How often each item is drawn, by {', '.join(counts)}")

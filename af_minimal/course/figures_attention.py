"""Figures of the notebooks on attention: position table, heat maps, masks, curves."""

from collections.abc import Mapping, Sequence

from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from .picture import AUDIO, GATE, TEXT
from .viz import DPI, HEAT, QUIET, SIZE, height_for, mask_grid, show, to_numpy

LINES = ("-", "--", ":", "-.")


def panels(count: int, height: float = 1.0) -> Figure:
    """An empty figure with `count` axes side by side."""
    size = (SIZE[0], SIZE[1] * height)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    figure.subplots(1, count)
    return figure


def token_words(tokenizer, ids) -> list[str]:
    """Tokens as labels of rows: line breaks and spaces can be seen."""
    words = [tokenizer.decode(int(i)) for i in ids]
    return [word.replace("\n", "⏎").replace(" ", "·") for word in words]


def position_table(table) -> None:
    """A table (positions, E), and how alike any two of its rows are."""
    table = to_numpy(table)  # (P, E)
    figure = panels(2)
    left, right = figure.axes
    image = left.imshow(table, aspect="auto", cmap=HEAT)
    figure.colorbar(image, ax=left, pad=0.01)
    left.set(xlabel="column", ylabel="position", title="the table")
    image = right.imshow(table @ table.T, cmap=HEAT)
    figure.colorbar(image, ax=right, pad=0.01)
    right.set(xlabel="position", ylabel="position", title="dot product of two rows")
    show(figure, f"Sinusoidal table {table.shape} and the dot products of its rows")


def squares(
    matrices: Mapping, xlabel: str, ylabel: str, edge: int | None = None, log=False
) -> None:
    """Square heat maps side by side on one scale; `edge` draws a line every so many.

    With `log` the colours are logarithmic, over the highest three powers of ten.
    """
    values = [to_numpy(m) for m in matrices.values()]
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    scale = LogNorm(high / 1000, high, clip=True) if log else Normalize(low, high)
    figure = panels(len(values))
    if len(values) == 1:
        figure.set_size_inches(SIZE[1] * 1.3, SIZE[1])
    for axes, title, matrix in zip(figure.axes, matrices, values, strict=True):
        shown = matrix.clip(high / 1000) if log else matrix
        image = axes.imshow(shown, norm=scale, cmap=HEAT)
        axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
        for place in range(edge, len(matrix), edge) if edge else ():
            axes.axhline(place - 0.5, color="white", linewidth=1.5)
            axes.axvline(place - 0.5, color="white", linewidth=1.5)
    figure.colorbar(image, ax=figure.axes, pad=0.01)
    show(figure, f"{ylabel} against {xlabel}: {', '.join(matrices)}")


def mask_panels(masks: Mapping, tokens: Sequence[str], windows_per_audio: int) -> None:
    """Several rules on the same text side by side: blue may hear, grey may not."""
    figure = panels(len(masks), height_for(len(tokens)))
    for number, (title, mask) in enumerate(masks.items()):
        axes = figure.axes[number]
        mask_grid(mask, tokens, windows_per_audio, ax=axes)
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(0, to_numpy(mask).shape[1], windows_per_audio))
        if number:
            axes.set(ylabel="")
            axes.set_yticklabels([])
    show(figure, f"Who may hear what under the rules: {', '.join(masks)}")


def curves(lines: Mapping, xlabel: str, ylabel: str, reference=None, x=None, log=False):
    """One curve per name against the step, or against `x`; all axes with units."""
    figure = panels(1)
    axes = figure.axes[0]
    hues = (AUDIO, TEXT, GATE, "#333333")
    for (name, y), hue, style in zip(lines.items(), hues, LINES, strict=False):
        y = to_numpy(y)
        axes.plot(range(len(y)) if x is None else x, y, style, color=hue, label=name)
    if reference is not None:
        axes.axhline(reference[1], color=QUIET, linewidth=1, label=reference[0])
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if log else "linear")
    axes.legend()
    show(figure, f"{ylabel} against {xlabel}: {', '.join(lines)}")

"""Figures of the notebooks on attention: position table, heat maps, masks, curves."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .figures_text import seen
from .picture import AUDIO, TEXT, TEXT_INK, line_styles
from .viz import (
    DPI,
    HEAT,
    QUIET,
    SIZE,
    height_for,
    mask_grid,
    new_figure,
    show,
    to_numpy,
)


def panels(count: int, height: float = 1.0) -> Figure:
    """An empty figure with `count` axes side by side."""
    size = (SIZE[0], SIZE[1] * height)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    figure.subplots(1, count)
    return figure


def token_words(tokenizer, ids) -> list[str]:
    """Tokens as labels of rows: line breaks and spaces can be seen."""
    return [seen(tokenizer.decode(int(i))) for i in ids]


def position_table(table) -> None:
    """A table (positions, E), and how alike any two of its rows are."""
    table = to_numpy(table)  # (P, E)
    figure = panels(2)
    left, right = figure.axes
    image = left.imshow(table, aspect="auto", cmap=HEAT)
    figure.colorbar(image, ax=left, label="value", pad=0.01)
    left.set(xlabel="column", ylabel="position", title="the table")
    image = right.imshow(table @ table.T, cmap=HEAT)
    figure.colorbar(image, ax=right, label="dot product", pad=0.01)
    right.set(xlabel="position", ylabel="position", title="how alike two rows are")
    show(figure, f"Sinusoidal table {table.shape} and the dot products of its rows")


def squares(
    matrices: Mapping,
    xlabel: str,
    ylabel: str,
    edge: int | None = None,
    log: bool = False,
    unit: str = "",
) -> None:
    """Square heat maps side by side on one scale; `edge` draws a line every so many.

    `unit` says what the colours count. With `log` they are logarithmic, over the
    highest three powers of ten.
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
        for axis in (axes.xaxis, axes.yaxis):  # places are counted
            axis.get_major_locator().set_params(integer=True)
        for place in range(edge, len(matrix), edge) if edge else ():
            axes.axhline(place - 0.5, color="white", linewidth=1.5)
            axes.axvline(place - 0.5, color="white", linewidth=1.5)
    figure.colorbar(image, ax=figure.axes, label=unit, pad=0.01)
    figure.draw_without_rendering()  # only then it is known how wide its numbers are
    show(figure, f"{ylabel} against {xlabel}: {', '.join(matrices)}")


def mask_figure(
    masks: Mapping, tokens: Sequence[str], windows_per_audio: int
) -> Figure:
    """Several rules on the same text side by side: blue may hear, grey may not.

    Args:
        masks: rule -> bool (T, L).
        tokens: T labels of rows.

    Taught in: notebooks/05_who_may_hear_what.ipynb
    """
    figure = panels(len(masks), height_for(len(tokens)))
    for number, (title, mask) in enumerate(masks.items()):
        axes = figure.axes[number]
        mask_grid(mask, tokens, windows_per_audio, ax=axes)
        axes.set_title(title, fontsize=10)
        audios = np.arange(to_numpy(mask).shape[1] // windows_per_audio)
        axes.set_xticks((audios + 0.5) * windows_per_audio - 0.5, audios + 1)
        axes.set_xlabel(f"audio ({windows_per_audio} windows each)")
        axes.tick_params(axis="x", length=0)
        axes.xaxis.remove_overlapping_locs = False  # a number may stand at a line
        axes.images[0].set_interpolation("nearest")  # small cells must not blur
        if len(audios) * windows_per_audio > 24:  # lines would hide the colours
            axes.set_xticks([], minor=True)
        if number:
            axes.set(ylabel="")
            axes.set_yticklabels([])
    return figure


def mask_panels(masks: Mapping, tokens: Sequence[str], windows_per_audio: int) -> None:
    """Show `mask_figure`."""
    figure = mask_figure(masks, tokens, windows_per_audio)
    show(figure, f"Who may hear what under the rules: {', '.join(masks)}")


def answer_map(
    weights,
    words: Sequence[str],
    window_times: Sequence[float],
    audio_of_window: Sequence[int],
    audios: Sequence[str],
    title: str = "",
    chosen: int | None = None,
) -> Figure:
    """Where each word of an answer (row) listened, in each of several sounds.

    Args:
        weights: (words, L).
        window_times: (L,) seconds at which the windows start, each in its own sound.
        audio_of_window: (L,) numbers of the sounds, from 0, rising.
        audios: the names of the sounds.
        chosen: number of a word to frame, with a dot on its brightest window.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    weights, owner = to_numpy(weights), to_numpy(audio_of_window)  # (words, L), (L,)
    left, width = _columns(owner)  # (L,), (L,)
    end, bottom = left[-1] + width[-1], len(words) - 0.5
    figure = new_figure(height=max(0.65, min(2.5, 0.35 + 0.07 * len(words))))
    axes = figure.axes[0]
    for number, name in enumerate(audios):
        (own,) = np.nonzero(owner == number)
        right = left[own[-1]] + width[own[-1]]
        image = axes.imshow(
            weights[:, own],
            extent=(left[own[0]], right, bottom, -0.5),
            aspect="auto",
            vmin=0,
            vmax=weights.max(),
            cmap=HEAT,
        )
        room = int(105 * (right - left[own[0]]) / end)  # letters
        axes.annotate(
            _fit(name, room),
            (left[own[0]], 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=8,
            color=AUDIO,
        )
    figure.colorbar(image, ax=axes, label="share of attention", pad=0.01)
    axes.set(xlim=(0, end), ylim=(bottom, -0.5))
    _second_ticks(axes, left + width / 2, to_numpy(window_times), owner)
    axes.set_yticks(range(len(words)), [_fit(w, 24) for w in words], fontsize=9)
    axes.tick_params(axis="y", colors=TEXT_INK)
    axes.set(xlabel="start of the window (s), counted in each sound")
    axes.set_ylabel("word of the answer")
    axes.set_title(title, pad=18)
    if chosen is not None:
        peak = weights[chosen].argmax()
        _mark(axes, chosen, (left + width / 2)[peak], end)
    return figure


def _columns(owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left edges and widths (L,) of windows: sounds lie apart, short ones are wider."""
    total = len(owner)
    width = np.maximum(1, total / 10 / np.bincount(owner))[owner]
    gap = total / 80 * np.diff(owner, prepend=owner[0])
    return np.cumsum(width + gap) - width, width


def _second_ticks(axes, centres, seconds, owner) -> None:
    """Every so many windows of every sound a tick, as many as can be read."""
    every = next((n for n in (1, 2, 4, 8) if len(owner) <= 20 * n), 16)
    first = np.searchsorted(owner, owner)  # (L,) where each window's sound begins
    (marked,) = np.nonzero((np.arange(len(owner)) - first) % every == 0)
    axes.set_xticks(centres[marked], [f"{s:g}" for s in seconds[marked]], fontsize=8)


def _mark(axes, row: int, peak: float, end: float) -> None:
    """Frame a row, set its label in bold, and put a dot on its brightest window."""
    frame = Rectangle((0, row - 0.5), end, 1, fill=False, edgecolor=TEXT, linewidth=2)
    frame.set_clip_on(False)
    axes.add_patch(frame)
    axes.plot(peak, row, "o", color="white", markeredgecolor="black", markersize=5)
    axes.get_yticklabels()[row].set_fontweight("bold")


def _fit(text: str, letters: int) -> str:
    """The text, cut to so many letters; `$` would start a formula."""
    if len(text) > letters:
        text = text.removeprefix("example ")
    cut = text if len(text) <= letters else text[: max(1, letters - 1)] + "…"
    return cut.replace("$", r"\$")


def curves(lines: Mapping, xlabel: str, ylabel: str, reference=None, x=None, log=False):
    """One curve per name against the step, or against `x`; all axes with units."""
    figure = panels(1)
    axes = figure.axes[0]
    for (name, y), style in zip(lines.items(), line_styles(), strict=False):
        y, style["marker"] = to_numpy(y), ""  # strokes are enough: points lie close
        axes.plot(range(len(y)) if x is None else x, y, label=name, **style)
    if reference is not None:
        axes.axhline(reference[1], color=QUIET, linewidth=1, label=reference[0])
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if log else "linear")
    axes.legend()
    show(figure, f"{ylabel} against {xlabel}: {', '.join(lines)}")

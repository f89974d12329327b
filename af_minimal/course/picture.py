"""The course's colours, and the architecture picture, which is drawn in them.

In the picture, sound comes in at the left and text goes out at the right.
"""

from collections.abc import Iterator
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch

# one hue each, from the Okabe-Ito set, which colour-blind readers can tell apart
AUDIO, TEXT, GATE = "#0072B2", "#D55E00", "#009E73"
# for words on white, on which orange and green themselves are too pale to read
TEXT_INK, GATE_INK = "#A84A00", "#00754F"
HUES = (AUDIO, TEXT, GATE, "#333333", "#CC79A7")
# one less than there are hues, so that the two together repeat after twenty only
STROKES = (("o", "-"), ("s", "--"), ("^", ":"), ("x", "-."))
HATCHES = ("", "//", "..", "xx")
LIGHT = (0.2126, 0.7152, 0.0722)  # of red, green and blue, as eyes weigh them
BOX_HEIGHT = 0.3

# name: (left, bottom, width, hue, words), in parts of the figure
BOXES = {
    "waveform": (0.01, 0.60, 0.13, AUDIO, "waveform\n(samples,)"),
    "windows": (0.18, 0.60, 0.14, AUDIO, "windows\n(W, samples)"),
    "encoder": (0.36, 0.60, 0.15, AUDIO, "encoder (CLAP)\n(W, E)"),
    "audio transformer": (0.55, 0.60, 0.19, AUDIO, "audio transformer\n(L, E)"),
    "gated cross-attention": (0.55, 0.10, 0.19, GATE, "gated\ncross-attention"),
    "language model": (0.36, 0.10, 0.15, TEXT, "language\nmodel (T, D)"),
    "prompt": (0.18, 0.10, 0.14, TEXT, "question\n(T,)"),
    "answer": (0.80, 0.10, 0.14, TEXT, "answer\n(words)"),
}
ARROWS = (
    ("waveform", "windows"),
    ("windows", "encoder"),
    ("encoder", "audio transformer"),
    ("audio transformer", "gated cross-attention"),
    ("prompt", "language model"),
    ("language model", "gated cross-attention"),
    ("gated cross-attention", "answer"),
)


def line_styles() -> Iterator[dict]:
    """Without end: hue, marker and stroke of one line after the other."""
    for hue, (marker, stroke) in zip(cycle(HUES), cycle(STROKES), strict=False):
        yield {"color": hue, "marker": marker, "linestyle": stroke}


def bar_styles() -> Iterator[dict]:
    """Without end: hue and hatching of one kind of bars after the other."""
    for hue, hatch in zip(cycle(HUES), cycle(HATCHES), strict=False):
        yield {"facecolor": hue, "hatch": hatch, "edgecolor": "white"}


def ink_on(hue: str) -> str:
    """Black or white, whichever can be read better on a face of this hue."""
    return "black" if contrast("black", hue) > contrast("white", hue) else "white"


def contrast(one: str, other: str) -> float:
    """How well one colour is seen on another, from 1 to 21; words need 4.5.

    (lighter + 0.05) / (darker + 0.05), as the rules for web pages (WCAG) have it.
    """
    light = [0.05 + float(np.dot(LIGHT, _linear(to_rgb(c)))) for c in (one, other)]
    return max(light) / min(light)


def _linear(rgb: tuple[float, float, float]) -> np.ndarray:
    values = np.array(rgb)
    return np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )


def architecture(axes: Axes, highlight: str | None = None) -> None:
    """Draw all boxes pale, and the one called `highlight` in full colour.

    Raises ValueError for a box that the picture does not have.
    """
    if highlight is not None and highlight not in BOXES:
        raise ValueError(f"There is no box {highlight!r}; there are {list(BOXES)}.")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    for start, end in ARROWS:
        arrow(axes, start, end)
    for name in BOXES:
        box(axes, name, lit=highlight in (None, name))
    axes.text(0.66, 0.5, "keys and values", ha="left", va="center", fontsize=8)
    axes.text(0.435, 0.03, "a gated block before every layer", ha="center", fontsize=8)


def box(axes: Axes, name: str, lit: bool) -> None:
    """One rounded box with its words."""
    left, bottom, width, hue, words = BOXES[name]
    patch = FancyBboxPatch(
        (left, bottom),
        width,
        BOX_HEIGHT,
        boxstyle="round,pad=0.005,rounding_size=0.02",
        facecolor=hue if lit else "white",
        edgecolor=hue,
        linewidth=1.5,
    )
    axes.add_patch(patch)
    colour = ink_on(hue) if lit else "#444444"
    centre = (left + width / 2, bottom + BOX_HEIGHT / 2)
    axes.text(*centre, words, ha="center", va="center", color=colour, fontsize=9.5)


def arrow(axes: Axes, start: str, end: str) -> None:
    """From edge to edge: sideways between boxes of a row, downwards between rows."""
    left, bottom, width = BOXES[start][:3]
    to_left, to_bottom = BOXES[end][:2]
    if bottom == to_bottom:
        middle = bottom + BOX_HEIGHT / 2
        tail, head = (left + width, middle), (to_left, middle)
    else:
        centre = left + width / 2
        tail, head = (centre, bottom), (centre, to_bottom + BOX_HEIGHT)
    style = {"arrowstyle": "-|>", "color": "#444444", "linewidth": 1.5}
    axes.annotate("", xy=head, xytext=tail, arrowprops=style)

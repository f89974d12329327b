"""The architecture picture: sound comes in at the left, text goes out at the right."""

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

# one hue each, from the Okabe-Ito set, which colour-blind readers can tell apart
AUDIO, TEXT, GATE = "#0072B2", "#D55E00", "#009E73"
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
    colour = "white" if lit else "#444444"
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

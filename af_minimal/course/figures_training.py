"""Figures of the notebook on training: several runs in one picture."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from .picture import line_styles
from .viz import HEAT, QUIET, gate_curve, new_figure, show


def compare_losses(logs: Mapping[str, Sequence[dict]], smooth: int = 10) -> None:
    """Loss curves of several runs; each is a log of `training.train`."""
    figure = new_figure()
    axes = figure.axes[0]
    for (name, log), style in zip(logs.items(), line_styles(), strict=False):
        width = max(1, min(smooth, len(log)))  # a short run has no more to average
        kernel = np.ones(width) / width
        losses = np.convolve([row["loss"] for row in log], kernel, "valid")
        steps = np.arange(len(losses)) + width - 1
        axes.plot(steps, losses, label=name, markevery=0.1, **style)
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.legend()
    show(figure, f"Loss against step of {', '.join(logs)}")


def lr_curves(factors: Mapping[str, Sequence[float]], warmup: int) -> None:
    """Share of the highest learning rate at every step; a dotted line ends warm-up."""
    figure = new_figure()
    axes = figure.axes[0]
    for (name, values), style in zip(factors.items(), line_styles(), strict=False):
        axes.plot(values, label=name, markevery=0.1, **style)
    axes.axvline(warmup, color=QUIET, linestyle=":", label="end of warm-up")
    axes.set(xlabel="step", ylabel="share of the highest rate", ylim=(0, 1.05))
    axes.legend()
    show(figure, f"Learning rate against step: {', '.join(factors)}")


def gate_figure(history: Sequence[dict], step: int) -> Figure:
    """Gates against the step, a line for each layer; beside it all layers at one step.

    Args:
        history: rows of step, layer, attn and ff, the last two behind their tanh.
        step: one of the steps; a vertical line marks it.

    Taught in: notebooks/08_staged_training.ipynb
    """
    figure = new_figure()
    figure.clear()
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    layers = sorted({row["layer"] for row in history})
    for number, layer in enumerate(layers):
        own = [row for row in history if row["layer"] == layer]
        steps = [row["step"] for row in own]
        hue = colormaps[HEAT](0.9 * number / max(1, len(layers) - 1))
        few = "o" if len(steps) < 30 else ""
        named = len(layers) <= 6 or number in (0, len(layers) - 1)
        name = f"layer {layer}" if named else None
        left.plot(steps, [r["attn"] for r in own], few + "-", color=hue, label=name)
        left.plot(steps, [r["ff"] for r in own], few + "--", color=hue, markersize=3)
    left.axvline(step, color=QUIET)
    left.axhline(0, color=QUIET, linewidth=1)
    left.xaxis.get_major_locator().set_params(integer=True)
    title = "attention solid, feed-forward dashed"
    left.set(xlabel="step", ylabel="tanh(gate)", title=title)
    left.legend()
    now = [row for row in history if row["step"] == step]
    attn, ff = ([row[key] for row in now] for key in ("attn", "ff"))
    gate_curve(attn, ff, x=[row["layer"] for row in now], ax=right)
    right.set(ylabel="", title=f"after {step} steps")
    return figure

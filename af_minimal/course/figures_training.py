"""Figures of the notebook on training: several runs in one picture."""

from collections.abc import Mapping, Sequence

import numpy as np

from .picture import AUDIO, GATE, TEXT
from .viz import QUIET, new_figure, show


def compare_losses(logs: Mapping[str, Sequence[dict]], smooth: int = 10) -> None:
    """Loss curves of several runs; each is a log of `training.train`."""
    figure = new_figure()
    axes = figure.axes[0]
    kernel = np.ones(smooth) / smooth
    for (name, log), hue in zip(logs.items(), (TEXT, AUDIO, GATE), strict=False):
        losses = np.convolve([row["loss"] for row in log], kernel, "valid")
        axes.plot(np.arange(len(losses)) + smooth - 1, losses, color=hue, label=name)
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.legend()
    show(figure, f"Loss against step of {', '.join(logs)}")


def lr_curves(factors: Mapping[str, Sequence[float]], warmup: int) -> None:
    """Share of the highest learning rate at every step; a dotted line ends warm-up."""
    figure = new_figure()
    axes = figure.axes[0]
    for (name, values), hue in zip(factors.items(), (TEXT, AUDIO), strict=False):
        axes.plot(values, color=hue, label=name)
    axes.axvline(warmup, color=QUIET, linestyle=":", label="end of warm-up")
    axes.set(xlabel="step", ylabel="share of the highest rate", ylim=(0, 1.05))
    axes.legend()
    show(figure, f"Learning rate against step: {', '.join(factors)}")

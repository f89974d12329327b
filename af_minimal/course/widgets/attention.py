"""Sliders over the attention of every layer and head."""

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from .. import viz


class AttentionWidget(widgets.VBox):
    """Sliders for layer and head over attention weights (layers, H, T, L)."""

    def __init__(self, weights, tokens: Sequence[str], window_times: Sequence[float]):
        self.weights = viz.to_numpy(weights)
        if self.weights.ndim != 4:
            raise ValueError(
                f"weights has shape {self.weights.shape}; expected (layers, H, T, L), "
                "the attention of one example in every layer and head."
            )
        self.tokens, self.window_times = list(tokens), list(window_times)
        layers, heads = self.weights.shape[:2]
        self.layer = widgets.IntSlider(layers - 1, 0, layers - 1, description="layer")
        self.head = widgets.IntSlider(0, 0, heads - 1, description="head")
        self.mean = widgets.Checkbox(True, description="mean of all heads")
        self.image = widgets.Image(format="png")
        for control in (self.layer, self.head, self.mean):
            control.observe(self._draw, names="value")
        self._draw()
        controls = widgets.HBox([self.layer, self.head, self.mean])
        super().__init__([controls, self.image])

    def chosen(self) -> tuple[np.ndarray, str]:
        """Weights (T, L) and title of what the sliders say."""
        layer = self.weights[self.layer.value]  # (H, T, L)
        if self.mean.value:
            return layer.mean(axis=0), f"layer {self.layer.value}, mean of all heads"
        title = f"layer {self.layer.value}, head {self.head.value}"
        return layer[self.head.value], title

    def _draw(self, change=None) -> None:
        figure = viz.new_figure(height=viz.height_for(len(self.tokens)))
        weights, title = self.chosen()
        viz.attention_map(
            weights, self.tokens, self.window_times, title, ax=figure.axes[0]
        )
        self.image.value = viz.png(figure)


def attention_widget(weights, tokens, window_times, static: bool = True):
    """Browse attention by layer and head.

    `static` draws the first view as a plain figure as well, for readers who see the
    notebook without running it.
    """
    browser = AttentionWidget(weights, tokens, window_times)
    if static:
        shown, title = browser.chosen()
        viz.attention_map(shown, tokens, window_times, title)
    return browser

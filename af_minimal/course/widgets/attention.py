"""What a model listened to: sliders over layers and heads, and a button for each word.

`attention` asks a model and shows where each word of its answer listened; the data
under it is `answer_attention`. `attention_widget` browses weights that you have.
"""

import html
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np

from ...audio import Clip
from .. import viz
from ..figures_attention import answer_map
from .answer_words import AnswerAttention, answer_attention
from .ask import wav_bytes
from .keys import Panel
from .parts import row
from .still import picture, with_picture


class AttentionWidget(Panel):
    """Sliders for layer and head over attention weights (layers, H, T, L).

    Moving the slider of the heads ends the mean of all heads.

    Raises ValueError when the weights have another number of axes, or do not fit
    T tokens and L `window_times`.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

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
        self.image = picture()
        for control in (self.layer, self.mean):
            control.observe(self._draw, names="value")
        self.head.observe(self._one_head, names="value")
        self._draw()
        super().__init__([row(self.layer, self.head, self.mean), self.image])

    def chosen(self) -> tuple[np.ndarray, str]:
        """Weights (T, L) and title of what the sliders say."""
        layer = self.weights[self.layer.value]  # (H, T, L)
        if self.mean.value:
            return layer.mean(axis=0), f"layer {self.layer.value}, mean of all heads"
        title = f"layer {self.layer.value}, head {self.head.value}"
        return layer[self.head.value], title

    def _one_head(self, change=None) -> None:
        if self.mean.value:
            self.mean.value = False  # which draws
        else:
            self._draw()

    def figure(self):
        """The map of the view that the sliders choose."""
        figure = viz.new_figure(height=viz.height_for(len(self.tokens)))
        weights, title = self.chosen()
        viz.attention_map(
            weights, self.tokens, self.window_times, title, ax=figure.axes[0]
        )
        return figure

    def alt(self) -> str:
        """The map in words."""
        return (
            f"Attention of {len(self.tokens)} tokens over windows. {self.chosen()[1]}"
        )

    def _draw(self, change=None) -> None:
        self.draw(self.figure(), self.alt())


def attention_widget(weights, tokens, window_times, static: bool = True):
    """Browse attention weights (layers, H, T, L) by layer and head.

    `static` adds the first view as a plain picture, for readers who see the notebook
    without running it.

    Raises ValueError as `AttentionWidget`.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    browser = AttentionWidget(weights, tokens, window_times)
    if static:
        return with_picture(browser, browser.figure(), browser.alt())
    return browser


class AnswerWidget(AttentionWidget):
    """An answer, its words as buttons, and a map of what each word listened to.

    A button plays the stretch that its word listened to most, in the view that the
    sliders choose. `word` is the number of the word that is chosen.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    def __init__(self, heard: AnswerAttention):
        self.heard = heard
        self.answer = widgets.HTML(f"<b>answer:</b> {html.escape(heard.answer)}")
        self.player = widgets.Audio(autoplay=False, loop=False)
        self.label = widgets.HTML()
        self.buttons = [self._button(i, word) for i, word in enumerate(heard.words)]
        # first the word with the brightest window: it is the one to look at
        bright = heard.weights[-1].mean(axis=0).max(axis=-1)  # (words,)
        self.word = int(bright.argmax()) if len(bright) else None
        super().__init__(heard.weights, heard.words, heard.window_times)
        heard_most = row(self.player, self.label)
        self.children = [self.answer, row(*self.buttons), heard_most, *self.children]

    def figure(self):
        """The map of the view that the sliders choose."""
        weights, title = self.chosen()
        heard = self.heard
        return answer_map(
            weights,
            heard.words,
            heard.window_times,
            heard.audio_of_window,
            heard.names,
            title,
            self.word,
        )

    def alt(self) -> str:
        """The map in words."""
        listened = f"What each word listened to, of: {self.heard.answer}"
        return f"{listened} ({self.chosen()[1]})"

    def _button(self, number: int, word: str) -> widgets.Button:
        button = widgets.Button(
            description=word,
            tooltip=f"hear what {word!r} listened to most",
            layout=widgets.Layout(width="auto"),
        )
        button.on_click(lambda _: self._choose(number))
        return button

    def _choose(self, number: int) -> None:
        self.word = number
        self.player.autoplay = True
        self.player.value = b""  # so that the same stretch plays once more
        self._draw()
        self.player.autoplay = False  # moving a slider must not make a noise

    def _draw(self, change=None) -> None:
        if self.word is None:
            self.label.value = "The model said nothing, so there is no word to show."
            return
        for number, button in enumerate(self.buttons):
            button.button_style = "warning" if number == self.word else ""
        number, start, end = self.heard.stretch(self.chosen()[0][self.word])
        clip, rate = self.heard.clips[number], self.heard.clips[number].sample_rate
        cut = clip.waveform[round(start * rate) : round(end * rate)]
        self.player.value = wav_bytes(Clip(cut, rate))
        word, name = self.heard.words[self.word], self.heard.names[number]
        self.label.value = html.escape(
            f"“{word}” listened most to {start:.1f} to {end:.1f} s of {name}"
        )
        self.draw(self.figure(), self.alt())


def attention(
    model, clip, question: str, examples: Sequence = (), static: bool = True
) -> AnswerWidget:
    """Ask about a clip; see and hear what every word of the answer listened to.

    Args:
        clip: a Clip, a path or an Example.
        examples: demonstrations (`data.Example`), heard before the clip.
        static: add the first view as a plain picture, for stored pages.

    Raises ValueError as `model.ask` does.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    browser = AnswerWidget(answer_attention(model, clip, question, examples))
    if static and browser.word is not None:
        return with_picture(browser, browser.figure(), browser.alt())
    return browser

"""Things to press in a notebook: a player, a question box, an attention browser.

Every callback writes widget values, never an Output area, so that setting a value from
Python does what a mouse does, in a test too.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import soundfile

from ..audio import Clip, load_audio
from . import viz

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
SOUND_FILES = (".wav", ".flac", ".ogg", ".mp3")
UPLOADED = "your own sound"


def player(clip: Clip):
    """A player for a clip; storing a notebook with `make clean-nb` takes it out."""
    from IPython.display import Audio

    # normalize=False: a soft clip must sound soft
    return Audio(np.clip(clip.waveform, -1, 1), rate=clip.sample_rate, normalize=False)


def sample_clips(folder: str | Path = SAMPLES) -> dict[str, Path]:
    """Name -> file of the clips that come with the project, in order of name."""
    files = sorted(Path(folder).glob("*")) if Path(folder).is_dir() else []
    return {f.stem.replace("_", " "): f for f in files if f.suffix in SOUND_FILES}


def wav_bytes(clip: Clip) -> bytes:
    """The clip as the bytes of a 16-bit wav file."""
    buffer = io.BytesIO()
    soundfile.write(buffer, clip.waveform, clip.sample_rate, format="WAV")
    return buffer.getvalue()


class AskWidget(widgets.VBox):
    """Choose or upload a sound, type a question, read the answer.

    Raises FileNotFoundError when there is no sample clip to start with.
    """

    def __init__(
        self,
        model,
        question: str = "describe the sound in a sentence.",
        folder: str | Path = SAMPLES,
    ):
        self.model, self.clips = model, sample_clips(folder)
        if not self.clips:
            raise FileNotFoundError(
                f"There is no sound file in {folder}; pass folder=."
            )
        self.sound = widgets.Dropdown(options=list(self.clips), description="sound")
        self.upload = widgets.FileUpload(accept=",".join(SOUND_FILES), multiple=False)
        self.audio = widgets.Audio(autoplay=False, loop=False)
        self.question = widgets.Text(question, description="question")
        self.button = widgets.Button(description="Ask", button_style="primary")
        self.answer = widgets.Label("")
        self.sound.observe(self._choose, names="value")
        self.upload.observe(self._receive, names="value")
        self.button.on_click(self._ask)
        self._choose()
        super().__init__(
            [
                widgets.HBox([self.sound, self.upload]),
                self.audio,
                widgets.HBox([self.question, self.button]),
                self.answer,
            ]
        )

    def _choose(self, change=None) -> None:
        if self.sound.value is not None:
            self._hear(load_audio(self.clips[self.sound.value]))

    def _receive(self, change=None) -> None:
        if not self.upload.value:
            return
        file = self.upload.value[-1]
        try:
            self._hear(decode(bytes(file["content"]), file["name"]))
        except ValueError as error:
            self.answer.value = str(error)
            return
        self.sound.value = None

    def _hear(self, clip: Clip) -> None:
        self.clip = clip
        self.audio.value = wav_bytes(clip)
        self.answer.value = ""

    def _ask(self, button=None) -> None:
        self.answer.value = "listening ..."
        try:
            self.answer.value = self.model.ask(self.clip, self.question.value)
        except ValueError as error:  # an empty or impossible question
            self.answer.value = str(error)


def ask_widget(model, **options) -> AskWidget:
    """A box to ask the model about sample clips and about your own sounds."""
    return AskWidget(model, **options)


def decode(content: bytes, name: str) -> Clip:
    """An uploaded file as a mono Clip at its own rate.

    Raises ValueError when it is not a sound file that soundfile can read.
    """
    try:
        frames, rate = soundfile.read(
            io.BytesIO(content), dtype="float32", always_2d=True
        )
    except soundfile.LibsndfileError as error:
        kinds = ", ".join(kind[1:] for kind in SOUND_FILES)
        raise ValueError(f"{name} cannot be read; upload one of {kinds}.") from error
    return Clip(frames.mean(axis=1), rate, name)


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

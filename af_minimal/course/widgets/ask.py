"""A box to ask about a sample clip, or about a sound of your own."""

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import soundfile

from ...audio import Clip, load_audio
from ..figures_listening import sound_picture
from .keys import Panel
from .microphone import Microphone
from .still import with_picture

SAMPLES = Path(__file__).resolve().parents[3] / "data_samples"
SOUND_FILES = (".wav", ".flac", ".ogg", ".mp3")


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


class AskWidget(Panel):
    """Choose, upload or record a sound, type a question, read the answer.

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
        self.microphone = Microphone()
        self.audio = widgets.Audio(autoplay=False, loop=False)
        self.question = widgets.Text(question, description="question")
        self.button = widgets.Button(description="Ask", button_style="primary")
        self.answer = widgets.Label("")
        self.sound.observe(self._choose, names="value")
        self.upload.observe(self._receive, names="value")
        self.microphone.on_clip(self._record)
        self.button.on_click(self._ask)
        self._choose()
        super().__init__(
            [
                widgets.HBox([self.sound, self.upload, self.microphone]),
                self.audio,
                widgets.HBox([self.question, self.button]),
                self.answer,
            ]
        )

    def _choose(self, change=None) -> None:
        if self.sound.value is None:
            return
        try:
            self._hear(load_audio(self.clips[self.sound.value]))
        except ValueError as error:  # an empty or broken file
            # the sound before it must not be asked about under this name
            self.clip, self.audio.value = None, b""
            self.answer.value = str(error)

    def _receive(self, change=None) -> None:
        if not self.upload.value:
            return
        file = take(self.upload)
        try:
            self._hear(decode(bytes(file["content"]), file["name"]))
        except ValueError as error:
            self.answer.value = str(error)
            return
        self.sound.value = None

    def _record(self, clip: Clip) -> None:
        self._hear(clip)
        self.sound.value = None

    def _hear(self, clip: Clip) -> None:
        self.clip = clip
        self.audio.value = wav_bytes(clip)
        self.answer.value = ""

    def _ask(self, button=None) -> None:
        if self.clip is None:
            self.answer.value = "This file cannot be heard; choose another sound."
            return
        self.answer.value = "listening ..."
        try:
            said = self.model.ask(self.clip, self.question.value)
            self.answer.value = said + left_out(self.clip, self.model)
        except ValueError as error:  # an empty or impossible question
            self.answer.value = str(error)


def ask_widget(model, **options) -> AskWidget:
    """A box to ask the model about sample clips and about your own sounds."""
    box = AskWidget(model, **options)
    if box.clip is None:
        return box  # the first file is broken: there is nothing to draw
    title = f"{box.sound.value}: what do you hear?"
    return with_picture(box, sound_picture(box.clip, title=title), title)


def left_out(clip: Clip, model) -> str:
    """Words to put behind an answer when a clip is longer than the model hears."""
    hears = model.config.audio.max_s
    if clip.duration_s <= hears + 1 / clip.sample_rate:
        return ""
    return f" (only the first {hears:g} s were heard)"


def take(upload: widgets.FileUpload) -> dict:
    """The last file of an upload, which is then empty.

    Equal values are no change: a file kept there could not be uploaded once more.
    """
    file = upload.value[-1]
    upload.value = ()
    return file


def decode(content: bytes, name: str) -> Clip:
    """An uploaded file as a mono Clip at its own rate, read as `load_audio` reads it.

    It has no path: two uploads may be called recording.wav and differ.

    Raises ValueError as `load_audio` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            return replace(load_audio(path, sample_rate=None), path=None)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from error

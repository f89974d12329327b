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
from .microphone import Microphone, check_length
from .parts import Words, meanwhile, row
from .still import with_picture

SAMPLES = Path(__file__).resolve().parents[3] / "data_samples"
SOUND_FILES = (".wav", ".flac", ".ogg", ".mp3")
# Jupyter's servers drop a longer message without a word; `make lab` lets ten times as
# much through, but a notebook may be opened in another way
LIMIT = "up to 10 MB; larger: af.load_audio(path)"
SHORTEST_FILE_S = 0.02  # seconds; a Fourier frame needs more than 256 samples at 16 kHz


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
        self.upload = sound_upload()
        self.microphone = Microphone()
        self.audio = widgets.Audio(autoplay=False, loop=False)
        self.question = widgets.Text(question, description="question")
        self.button = widgets.Button(description="Ask", button_style="primary")
        self.answer = Words()
        self.sound.observe(self._choose, names="value")
        self.upload.observe(self._receive, names="value")
        self.microphone.on_clip(self._record)
        self.button.on_click(self._ask)
        self._choose()
        super().__init__(
            [
                row(self.sound, self.upload, Words(LIMIT), self.microphone),
                self.audio,
                row(self.question, self.button),
                self.answer,
            ]
        )

    def _choose(self, change=None) -> None:
        if self.sound.value is None:
            return
        self._forget()
        with meanwhile(self.answer, ""):  # an empty or broken file is told
            self._hear(load_audio(self.clips[self.sound.value]))

    def _receive(self, change=None) -> None:
        if not self.upload.value:
            return
        file = take(self.upload)
        self._forget()
        self.sound.value = None
        with meanwhile(self.answer, f"reading {file['name']} ..."):
            self._hear(decode(bytes(file["content"]), file["name"]))
            self.answer.say(f"{file['name']}: press Ask.")

    def _record(self, clip: Clip) -> None:
        self.sound.value = None
        self._hear(clip)
        self.answer.say("Your recording: press Ask.")

    def _forget(self) -> None:
        # a file that cannot be heard must not leave the sound before it to be asked
        self.clip, self.audio.value = None, b""

    def _hear(self, clip: Clip) -> None:
        self.clip, self.audio.value = clip, wav_bytes(clip)

    def _ask(self, button=None) -> None:
        if self.clip is None:
            self.answer.say("This file cannot be heard; choose another sound.")
            return
        with meanwhile(self.answer, "listening ...", self.button):
            said = self.model.ask(self.clip, self.question.value)
            self.answer.say(said + left_out(self.clip, self.model))


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


def sound_upload(description: str = "Upload", **options) -> widgets.FileUpload:
    """A button that takes files of sound, and says when it may take none."""
    # a long error beside it must not squeeze it, nor a narrow page cut its words off
    layout = widgets.Layout(flex="0 0 auto", width="auto")
    return widgets.FileUpload(
        accept=",".join(SOUND_FILES),
        description=description,
        tooltip=LIMIT,
        layout=layout,
        **options,
    )


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

    Raises ValueError as `load_audio` does, and for less than 0.02 seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            clip = replace(load_audio(path, sample_rate=None), path=None)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from error
    check_length(clip, name, SHORTEST_FILE_S, "Choose a longer one.")
    return clip

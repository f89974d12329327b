"""A sound of your own: from the microphone, or from a file."""

from collections.abc import Callable

import ipywidgets as widgets
import numpy as np

from ...audio import Clip, load_audio
from ...config import AudioConfig
from ..figures_listening import sound_picture
from .ask import LIMIT, decode, sample_clips, sound_upload, take
from .keys import Panel
from .listen import ListenWidget
from .microphone import Microphone
from .parts import Words, meanwhile, row
from .still import with_picture


class RecordWidget(Panel):
    """A Record button and an upload beside it; the sound is played and drawn below.

    `clip` is the last sound, None before the first.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    def __init__(self, seconds: float = 5.0, config: AudioConfig | None = None):
        self.clip, self.config, self._listeners = None, config, []
        self.microphone = Microphone(seconds)
        self.upload = sound_upload("or upload")
        self.message = Words()
        self.heard = widgets.VBox()  # one ListenWidget, once there is a sound
        self.microphone.on_clip(lambda clip: self._take(clip, "microphone"))
        self.microphone.observe(self._explain, names="error")
        self.upload.observe(self._receive, names="value")
        sounds = row(self.microphone, self.upload, Words(LIMIT))
        super().__init__([sounds, self.message, self.heard])

    def on_clip(self, function: Callable[[Clip], None]) -> None:
        """Call `function(clip)` for every new sound; a ValueError becomes `message`."""
        self._listeners.append(function)

    def _receive(self, change=None) -> None:
        if not self.upload.value:
            return
        file = take(self.upload)
        with meanwhile(self.message, f"reading {file['name']} ..."):
            self._take(decode(bytes(file["content"]), file["name"]), file["name"])

    def _explain(self, change) -> None:
        # the microphone shows its own errors; an old message would contradict them
        if change["new"]:
            self.message.value = ""

    def _take(self, clip: Clip, title: str) -> None:
        if self.heard.children:
            self.heard.children[0].hear(clip, title)
        else:
            self.heard.children = (ListenWidget(clip, self.config, title),)
        self.clip = clip
        self.message.say(describe_level(clip))
        for function in self._listeners:
            function(clip)


def describe_level(clip: Clip) -> str:
    """Length, rate and largest sample of a clip in words, and whether it is silent."""
    peak = float(np.abs(clip.waveform).max())
    said = (
        f"{clip.duration_s:.2f} s at {clip.sample_rate} Hz, largest sample {peak:.2f}"
    )
    if peak == 0:
        said += ": silence. Is the microphone muted?"
    return said


def record(seconds: float = 5.0, config: AudioConfig | None = None) -> RecordWidget:
    """Record the reader's own microphone for at most `seconds`, or take a sound file.

    The result is `.clip`, and `.on_clip(function)` calls back. Before the first sound
    there is nothing to draw, so the static picture shows a sample of the course, where
    there is one. `clip_from_samples` is the function underneath.

    Raises ValueError when `seconds` is not from 0.1 to 60.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    box = RecordWidget(seconds, config)
    samples = sample_clips()
    if not samples:
        return box
    name, file = next(iter(samples.items()))
    title = f"{name}, as your own sound will be drawn"
    return with_picture(box, sound_picture(load_audio(file), config, title), title)

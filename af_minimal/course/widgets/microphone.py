"""The reader's microphone: the browser records, Python gets a Clip."""

from collections.abc import Callable
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from ...audio import Clip

HERE = Path(__file__).parent
SHORTEST_S = 0.1  # less is a slip of the hand
LONGEST_S = 60.0  # more would be a long message between browser and kernel


def clip_from_samples(content: bytes | memoryview, rate: int) -> Clip:
    """Samples from a browser, float32 little-endian (samples,) at `rate` Hz, as a Clip.

    Raises ValueError when they are empty, too few, cut off, NaN or far above 1.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    content = bytes(content)
    if not content:
        raise ValueError("The recording is empty. Press Record and let it run longer.")
    if len(content) % 4:
        raise ValueError(
            f"The recording has {len(content)} bytes; float32 samples take 4 bytes "
            "each. It was cut off on its way: record again."
        )
    clip = Clip(np.frombuffer(content, "<f4").copy(), rate)
    check_length(clip, "The recording", SHORTEST_S, "Let it run longer.")
    return clip


def check_length(clip: Clip, name: str, shortest_s: float, advice: str) -> None:
    """Raises ValueError for a clip of fewer seconds than are needed."""
    if clip.duration_s < shortest_s:
        raise ValueError(
            f"{name} lasts {clip.duration_s:.3f} s; at least {shortest_s} s are "
            f"needed. {advice}"
        )


class Microphone(anywidget.AnyWidget):
    """A Record button that is also a Stop button, with a level and a countdown.

    `clip` is the last recording, `error` says what went wrong and what to do.

    Raises ValueError when `seconds` is not from 0.1 to 60.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    _esm = HERE / "microphone.js"
    _css = HERE / "microphone.css"

    seconds = traitlets.Float(5.0).tag(sync=True)
    # Any, for bytes come as a memoryview, which Bytes refuses without a word
    content = traitlets.Any(b"").tag(sync=True, echo_update=False)
    rate = traitlets.Int(16_000).tag(sync=True)
    recording = traitlets.Bool(False).tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)

    def __init__(self, seconds: float = 5.0):
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise ValueError(
                f"seconds is {seconds}; give {SHORTEST_S} to {LONGEST_S:g} seconds."
            )
        self.clip, self._listeners = None, []
        super().__init__(seconds=float(seconds))
        self.observe(self._receive, names="content")

    def on_clip(self, function: Callable[[Clip], None]) -> None:
        """Call `function(clip)` after every recording; a ValueError becomes `error`."""
        self._listeners.append(function)

    def _receive(self, change) -> None:
        try:
            self.clip = clip_from_samples(change["new"], self.rate)
            for function in self._listeners:
                function(self.clip)
        except ValueError as error:
            self.error = str(error)
        else:
            self.error = ""

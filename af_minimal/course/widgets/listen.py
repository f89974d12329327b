"""A player with a cursor that moves over the picture of its sound."""

import math
from pathlib import Path

import anywidget
import traitlets
from matplotlib.figure import Figure

from ...audio import Clip, load_audio
from ...config import AudioConfig
from ..figures_listening import drawn, heard_windows, sound_picture
from .ask import wav_bytes
from .still import with_picture

HERE = Path(__file__).parent
KEYS = "space plays and pauses, left and right move by one hop, home and end"


class ListenWidget(anywidget.AnyWidget):
    """Sound, picture and cursor; `at_s` is the position and `playing` the state.

    Both can be set from Python. A position outside the clip moves to its nearest end.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """

    _esm = HERE / "listen.js"
    _css = HERE / "listen.css"

    wav = traitlets.Bytes().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)  # PNG
    label = traitlets.Unicode().tag(sync=True)
    left = traitlets.Float().tag(sync=True)  # of the time axis, in parts of the width
    right = traitlets.Float().tag(sync=True)
    span_s = traitlets.Float().tag(sync=True)  # seconds the time axis shows
    duration_s = traitlets.Float().tag(sync=True)
    hop_s = traitlets.Float().tag(sync=True)
    windows = traitlets.List().tag(sync=True)  # rows of heard_windows
    at_s = traitlets.Float(0.0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        clip: Clip,
        config: AudioConfig | None = None,
        title: str = "",
        figure: Figure | None = None,
    ):
        self.config = config or AudioConfig()
        super().__init__()
        self.hear(clip, title, figure)

    def hear(self, clip: Clip, title: str = "", figure: Figure | None = None) -> None:
        """Take another clip; `figure` is drawn instead of its usual picture."""
        # first what can fail, so that an error leaves the old sound as it was
        figure = figure or sound_picture(clip, self.config, title)
        picture, left, right, span = drawn(figure)
        self.clip, self.figure = clip, figure
        with self.hold_sync():
            self.playing = False
            self.duration_s = clip.duration_s
            self.at_s = 0.0
            self.left, self.right, self.span_s = left, right, span
            self.hop_s = self.config.hop / self.config.sample_rate
            self.windows = heard_windows(clip, self.config)
            self.label = f"{title or 'sound'}, {clip.duration_s:.1f} s; {KEYS}"
            self.wav, self.picture = wav_bytes(clip), picture

    @traitlets.validate("at_s")
    def _inside(self, proposal) -> float:
        seconds = proposal["value"]
        if not math.isfinite(seconds):
            raise traitlets.TraitError(
                f"at_s is {seconds}; give seconds from 0 to {self.duration_s:g}."
            )
        return min(max(seconds, 0.0), self.duration_s)


def listen(
    clip: Clip | str | Path,
    config: AudioConfig | None = None,
    title: str = "",
    static: bool = True,
) -> ListenWidget:
    """Hear a clip and see where in it you are, and which windows hear that moment.

    `static` adds the picture on its own, for readers who see the notebook without
    running it. `heard_windows` gives the windows as data.

    Args:
        clip: or the path of a file, which `load_audio` then reads.

    Raises ValueError for a clip too short for one Fourier frame.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    if isinstance(clip, str | Path):
        clip = load_audio(clip)
    player = ListenWidget(clip, config, title)
    if static:
        alt = f"Waveform, log-mel picture and windows. {title}"
        return with_picture(player, player.figure, alt)
    return player

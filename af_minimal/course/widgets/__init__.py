"""Things to press in a notebook.

Every callback writes widget values, never an Output area, so that setting a value from
Python does what a mouse does, in a test too. Each widget draws itself once as a plain
figure, for readers who see the notebook without running it, and stands on a plain
function that returns data.
"""

from .ask import (
    SAMPLES,
    SOUND_FILES,
    AskWidget,
    ask_widget,
    decode,
    player,
    sample_clips,
    wav_bytes,
)
from .attention import AttentionWidget, attention_widget

__all__ = [
    "SAMPLES",
    "SOUND_FILES",
    "AskWidget",
    "AttentionWidget",
    "ask_widget",
    "attention_widget",
    "decode",
    "player",
    "sample_clips",
    "wav_bytes",
]

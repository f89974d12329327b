"""Things to press in a notebook.

Every callback writes widget values, never an Output area, so that setting a value from
Python does what a mouse does, in a test too. Each widget brings a plain picture of
itself, for readers who see the notebook without running it, and stands on a plain
function that returns data.
"""

from .answer_words import AnswerAttention, answer_attention
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
from .attention import AnswerWidget, AttentionWidget, attention, attention_widget
from .composing import compose, describe, new_event
from .gates import GateRecorder, GatesWidget, gate_history, gate_rows, gates
from .keys import Keys, Panel
from .listen import ListenWidget, heard_windows, listen
from .mask_explorer import MaskWidget, mask_explorer, who_hears
from .microphone import Microphone, clip_from_samples
from .neighbours import NeighboursWidget, neighbours, retrieved
from .record import RecordWidget, record
from .scene_mixer import SceneMixer, scene_mixer

__all__ = [
    "SAMPLES",
    "SOUND_FILES",
    "AnswerAttention",
    "AnswerWidget",
    "AskWidget",
    "AttentionWidget",
    "GateRecorder",
    "GatesWidget",
    "Keys",
    "ListenWidget",
    "MaskWidget",
    "Microphone",
    "NeighboursWidget",
    "Panel",
    "RecordWidget",
    "SceneMixer",
    "answer_attention",
    "ask_widget",
    "attention",
    "attention_widget",
    "clip_from_samples",
    "compose",
    "decode",
    "describe",
    "gate_history",
    "gate_rows",
    "gates",
    "heard_windows",
    "listen",
    "mask_explorer",
    "neighbours",
    "new_event",
    "player",
    "record",
    "retrieved",
    "sample_clips",
    "scene_mixer",
    "wav_bytes",
    "who_hears",
]

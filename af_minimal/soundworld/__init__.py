"""SoundWorld: a small world of synthesised sound in which every answer is known."""

from .captions import (
    caption_is_right,
    captions,
    describe_score,
    heard_counts,
    heard_events,
)
from .catalogue import CLASSES, HELD_OUT
from .questions import QA, questions
from .render import render
from .scenes import sample_score
from .score import Event, Score
from .sound_class import SoundClass

__all__ = [
    "CLASSES",
    "HELD_OUT",
    "QA",
    "Event",
    "Score",
    "SoundClass",
    "caption_is_right",
    "captions",
    "describe_score",
    "heard_counts",
    "heard_events",
    "questions",
    "render",
    "sample_score",
]

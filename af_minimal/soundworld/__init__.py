"""SoundWorld: a small world of synthesised sound in which every answer is known."""

from .captions import (
    caption_is_right,
    captions,
    describe_score,
    heard_counts,
    heard_events,
)
from .catalogue import CLASSES, HELD_OUT
from .questions import QA, questions, tags
from .render import render
from .sampling import sample_score
from .scenes import Event, Score
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
    "tags",
]

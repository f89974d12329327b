"""Ways of writing a caption that only examples can teach.

A style is a frame around the sounds of a scene. Training draws frames, some from words
that mean nothing; the frame of the exam is made of parts that training never uses.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from dataclasses import dataclass

import numpy as np

from .names import invented_word
from .score import Score, find_class

PREFIXES = ("", "", "recording: ", "i hear ", "sounds = ", "tape: ", "[", "today ")
JOINS = (", ", " and ", " then ", "; ", " / ", " + ", " | ", " > ", " & ", " - ")
SUFFIXES = (".", ".", "", "!", " (end)", "]", " stop.", " again")


@dataclass(frozen=True)
class Style:
    """How a caption begins, what stands between two sounds, and how it ends."""

    prefix: str
    join: str
    suffix: str

    def write(self, score: Score, form: int) -> str:
        """A scene in this style; `form` is one of the three wordings of each sound.

        Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
        """
        said = [find_class(event.label).phrases[form] for event in score.events]
        return f"{self.prefix}{self.join.join(said) or 'nothing'}{self.suffix}"


EXAM_STYLE = Style("field notes: ", " ... ", " (over)")


def draw_style(rng: np.random.Generator) -> Style:
    """A style for training; one part in four has an invented word in it.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    prefix, join, suffix = (str(rng.choice(x)) for x in (PREFIXES, JOINS, SUFFIXES))
    if rng.random() < 0.25:
        prefix = f"{invented_word(rng)} {invented_word(rng)}: "
    if rng.random() < 0.25:
        join = f" {invented_word(rng)} "
    if rng.random() < 0.25:
        suffix = f" {invented_word(rng)}"
    return Style(prefix, join, suffix)

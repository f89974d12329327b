"""Ways of writing a caption that only examples can teach.

A style is a frame around the sounds of a scene. Training draws frames of ordinary and
invented words and of marks; what the exam's frame is made of is never drawn.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from dataclasses import dataclass

import numpy as np

from .names import invented_word
from .score import Score, find_class

# "@" stands for a word and "#" for marks; were there few frames, they would be learnt
# and not copied
PREFIXES = ("", "@: ", "@ @: ", "@ = ", "[@] ", "@ @ ", "@, ", "- ", "@ @ @: ", "# ")
JOINS = (", ", " @ ", "; ", " / ", " + ", " | ", " > ", " & ", " - ", " @ @ ", ", @ ")
JOINS += (" # ", "# ", " # @ ")
SUFFIXES = ("", ".", "!", " (@)", " @", " [@]", ", @.", " @ @", " / @", " #", " # @")
MARKS = "~*=<>:;!?/|+-_&%"  # one of them, up to three times
ORDINARY = tuple(
    "today sounds tape here then next and the end i hear again stop listen one".split()
)


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
    """A style for training; half of the words in it are invented.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    return Style(*(fill(rng, parts) for parts in (PREFIXES, JOINS, SUFFIXES)))


def fill(rng: np.random.Generator, parts: tuple[str, ...]) -> str:
    """One of the parts, with a word or marks in each of its places."""
    part = str(rng.choice(parts))
    marks = MARKS[rng.integers(len(MARKS))] * int(rng.integers(1, 4))
    part = part.replace("#", marks)
    while "@" in part:
        word = str(rng.choice(ORDINARY)) if rng.random() < 0.5 else invented_word(rng)
        part = part.replace("@", word, 1)
    return part

"""A question with lettered options, in the form in which Audio Flamingo 2 reads it.

    which sound is heard first? (A) rain. (B) dog bark.       (B) dog bark

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LETTERS = "ABCDEF"
MOST_OPTIONS = 4


@dataclass(frozen=True)
class Question:
    """One question, its options in the order shown, and which of them is right.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    skill: str
    kind: str  # "counting, level 2": what is asked within the skill
    text: str  # without the options
    options: tuple[str, ...]
    answer: int  # place in `options`

    @property
    def prompt(self) -> str:
        """The question with its options behind it.

        Official: audio_flamingo_2, whose prompts have "(A) xxx. (B) yyy."
        """
        pairs = zip(LETTERS, self.options, strict=False)
        return " ".join([self.text, *(f"({letter}) {said}." for letter, said in pairs)])

    @property
    def output(self) -> str:
        """The right option behind its letter.

        The letter tells apart what a scorer by words would not: the same sounds in
        another order.
        """
        return f"({LETTERS[self.answer]}) {self.options[self.answer]}"


def choose(
    rng: np.random.Generator,
    kind: str,
    wordings: Sequence[str],
    right: str,
    wrong: Sequence[str],
) -> list[Question]:
    """One question in one of its wordings; none where no wrong option is left.

    The skill is the part of `kind` before the comma. At most three of `wrong` are
    taken, and the order of the options is drawn.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    others = [said for said in dict.fromkeys(wrong) if said != right]
    if not others:
        return []
    taken = rng.permutation(len(others))[: MOST_OPTIONS - 1]
    shown = [right, *(others[i] for i in taken)]
    shown = [shown[i] for i in rng.permutation(len(shown))]
    text = str(wordings[rng.integers(len(wordings))])
    skill = kind.split(",")[0]
    return [Question(skill, kind, text, tuple(shown), shown.index(right))]


def one_of(rng: np.random.Generator, items: Sequence):
    """One item, drawn."""
    return items[rng.integers(len(items))]

"""Answers questions a second time, from their text and a table of what is heard.

It shares nothing with the functions that ask but the rule tables, which are laws and
not findings. A question is read as a stranger would read it: words, options and all.
Of the options exactly one must hold, and that one must be marked.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import re

from ...soundworld.score import Score
from .asking import LETTERS, Question
from .solver_rules import RULES
from .timeline import Disagreement, read_timeline

OPTION = re.compile(r"\(([A-F])\) (.*?)\.(?= \([A-F]\) |$)")


def solve(score: Score, prompt: str) -> frozenset[str]:
    """The letters of all options that hold.

    Raises Disagreement when the prompt cannot be read, or the scene leaves the question
    open.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    begin, options = OPTION.search(prompt), OPTION.findall(prompt)
    text = prompt[: begin.start()].strip() if begin else prompt
    caught = [(rule, rule.pattern.fullmatch(text)) for rule in RULES]
    caught = [(rule, match) for rule, match in caught if match]
    if len(caught) != 1 or not options:
        raise Disagreement(
            f"{len(caught)} rules read {text!r} and it has {len(options)} options; one "
            "rule and options such as (A) rain. are expected."
        )
    ((rule, match),) = caught
    heard, said = read_timeline(score), [text for _, text in options]
    asked = [part for part in match.groups() if part is not None]
    try:
        return frozenset(
            letter for letter, one in options if rule.holds(heard, one, said, *asked)
        )
    except (KeyError, ValueError) as error:  # an option or a sound that is not known
        raise Disagreement(f"{prompt!r} has no answer in this scene: {error}") from None


def verify(score: Score, question: Question) -> None:
    """Raise Disagreement unless the marked option of a question alone is right.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    found, marked = solve(score, question.prompt), LETTERS[question.answer]
    if found != {marked}:
        raise Disagreement(
            f"{question.prompt!r} is marked ({marked}); by the score it is "
            f"{', '.join(sorted(found)) or 'none of them'}."
        )

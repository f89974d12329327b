"""Accuracy by options: does an answer choose the right one of those it was given?

An answer may name an option by its letter, by its words, or by both. The official
prompts list options below `OPTIONS:`, a line each; those of Audio Flamingo 2 bear
letters, "(A) rain. (B) dog bark."

Taught in: notebooks/11_evaluation.ipynb
"""

import re
from collections.abc import Sequence

from ..disk.examples import check_pairs
from ..evaluation import labels_in, normalise

# the letter of an option: "(a) rain", "(a)rain", "a. rain", "a: rain"
MARK = re.compile(r"^\(?([a-z])(?:\)\s*|[.:]\s+)", re.IGNORECASE)
# "(b)" or "[b]" anywhere; "b" where an answer begins, or behind such words
CUE = r"(?:answer|option|choice|letter)(?: is)?:?|it is|it's"
END = r"(?=\s*(?:[]).:,;!]|\n|$)|\s+(?:-|because\b|since\b|as\b))"
SAID = re.compile(
    rf"[(\[]([a-z])(?:[)\]]|{END})|(?:^|\b(?:{CUE}) *)(?:([a-z]){END}"
    r"|([b-hj-z])(?=\s))",  # "a dog" and "i hear" begin with words
    re.IGNORECASE,
)
MARKUP = re.compile(r"[*`]+")  # of bold letters and of code


def option_match(
    answers: Sequence[str], truths: Sequence[str], options: Sequence[Sequence[str]]
) -> list[bool]:
    """Whether each answer names the right one of its options, and no other.

    Args:
        answers: N texts of a model.
        truths: N options that are right, spelled as in `options`, letter and all.
        options: N lists of options, with letters ("(a) rain") or without ("rain").

    Raises:
        ValueError: when the numbers of items differ, a truth is no option, or another
            option reads like it.

    Taught in: notebooks/11_evaluation.ipynb
    """
    check_pairs(answers, truths)
    if len(options) != len(answers):
        raise ValueError(
            f"{len(options)} lists of options came with {len(answers)} answers; give "
            "each answer a list of its own."
        )
    right = []
    for answer, truth, given in zip(answers, truths, options, strict=True):
        known = [option for option in given if normalise(option) == normalise(truth)]
        if len(known) > 1:
            raise ValueError(
                f"the options {known} read alike, so an answer could not choose one of "
                "them: only letters and digits are compared."
            )
        if isinstance(given, str) or not known:
            raise ValueError(
                f"The truth {truth!r} is none of the options {given!r}; give each "
                "answer a list of options that has its truth."
            )
        right.append(chosen(answer, given) == {normalise(truth)})
    return right


def chosen(answer: str, options: Sequence[str]) -> set[str]:
    """The options, normalised, that an answer names by letter or in words."""
    answer = MARKUP.sub("", answer).strip()
    words = {unlettered(option): normalise(option) for option in options}
    letters = {
        mark[1].lower(): normalise(option)
        for option in options
        if (mark := MARK.match(option.strip()))
    }
    if normalise(answer) in map(normalise, words):  # "b flat" is no option b
        letters = {}
    marks = SAID.findall(answer)
    said = {"".join(mark).lower() for mark in marks} & set(letters)
    worded = SAID.sub(" ", answer) if letters else answer
    named = {letters[letter] for letter in said}
    return named | {words[label] for label in labels_in(worded, list(words))}


def unlettered(option: str) -> str:
    """The words of "(a) words"."""
    return MARK.sub("", option.strip())


def read_options(prompt: str) -> list[str]:
    """The options below `OPTIONS:` in a prompt, as `official/prompts.py` lists them,
    without dashes and full stops.

    Raises ValueError for a prompt that lists none.
    """
    _, mark, block = prompt.partition("OPTIONS:\n")
    found = [line.strip().removeprefix("- ") for line in block.splitlines()]
    if not mark or not any(found):
        raise ValueError(
            f"The prompt {prompt!r} lists no options; write OPTIONS: and, below it, "
            'each on a line of its own, as " - rain."'
        )
    return [line.removesuffix(".") for line in found if line]

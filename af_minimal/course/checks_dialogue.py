"""Exercise checks of notebook 10: what a turn reads, what may be asked, what is caught.

They work like those of `checks.py`. Where the package has the answer only in the middle
of a longer function, the reference stands here.
"""

from collections.abc import Sequence

import numpy as np

from .checks import Check, reveal

__all__ = ["caught_and_lost", "may_be_asked", "reused_tokens", "reveal", "tokens_read"]


def common_start(cached: Sequence[int], wanted: Sequence[int]) -> int:
    """How many tokens of a new text need not be read, because the cache holds them.

    Only an unbroken start counts. The last token is always read: what the model says
    next comes out of it.

    Taught in: notebooks/10_dialogue.ipynb
    """
    kept = 0
    for old, new in zip(cached, wanted[:-1], strict=False):
        if old != new:
            break
        kept += 1
    return kept


def tokens_with_and_without_cache(
    questions: Sequence[int], answers: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Tokens read before each answer: with a cache, and with the whole text anew.

    `questions[t]` is what turn t adds to the text before its answer, `answers[t]` the
    answer.

    Taught in: notebooks/10_dialogue.ipynb
    """
    questions, answers = np.array(questions), np.array(answers)
    return questions, questions.cumsum() + answers.cumsum() - answers


def clear_neighbours(groups: Sequence[Sequence[str]], it: str) -> list[bool]:
    """Whether "and before it?" and "and after it?" have one answer without doubt.

    `groups` are sounds in time order; those of one group sound together. Where nothing
    comes, that is the answer.

    Taught in: notebooks/10_dialogue.ipynb
    """
    here = next(i for i, group in enumerate(groups) if it in group)
    beside = [groups[i] if 0 <= i < len(groups) else [] for i in (here - 1, here + 1)]
    return [len(groups[here]) == 1 and len(group) < 2 for group in beside]


def caught_and_lost_shares(bad, dropped) -> tuple[float, float]:
    """Share of the bad items that a filter drops, and share of the good ones.

    Taught in: notebooks/10_dialogue.ipynb
    """
    bad, dropped = np.asarray(bad, bool), np.asarray(dropped, bool)
    return float(dropped[bad].mean()), float(dropped[~bad].mean())


def _cached_and_wanted() -> list[tuple]:
    return [
        ([], [5, 6, 7]),
        ([5, 6, 7], [5, 6, 7, 8, 9]),
        ([5, 6, 7], [5, 6, 7]),  # all is there, and the last is read all the same
        ([5, 6, 1, 8], [5, 6, 7, 8, 9]),  # the 8 stands behind the break
        ([5, 6, 7, 8, 9], [5, 6, 7]),
    ]


def _turn_lengths() -> list[tuple]:
    return [([30], [4]), ([30, 20, 25], [4, 1, 6]), ([8, 8, 8, 8], [2, 2, 2, 2])]


def _sounds_in_time() -> list[tuple]:
    row = [["dog bark"], ["rain"], ["gong"]]
    over = [["dog bark"], ["rain", "siren"], ["gong"]]
    return [
        (row, "rain"),
        (row, "dog bark"),
        (over, "dog bark"),
        (over, "siren"),
        (over, "gong"),
        ([["gong"]], "gong"),
        ([["gong"], ["rain"], ["dog bark", "siren"]], "gong"),
        ([["rain"], ["gong"], ["bell"], ["dog bark", "siren"]], "rain"),
    ]


def _filtered() -> list[tuple]:
    small = np.array([True, False, False, False]), np.array([True, True, False, False])
    rng = np.random.default_rng(0)
    large = rng.random(40) < 0.3, rng.random(40) < 0.5
    return [small, large]


reused_tokens = Check("reused_tokens", common_start, _cached_and_wanted)
tokens_read = Check("tokens_read", tokens_with_and_without_cache, _turn_lengths)
may_be_asked = Check("may_be_asked", clear_neighbours, _sounds_in_time)
caught_and_lost = Check("caught_and_lost", caught_and_lost_shares, _filtered)

DIALOGUE = {
    c.name: c for c in (reused_tokens, tokens_read, may_be_asked, caught_and_lost)
}

"""Exercise checks of notebook 11: a caption metric, a ranking metric, an interval.

They work like those of `checks.py`. Where the package leaves the sum to a library, the
same sum stands here, written out; a test compares the two.
"""

from collections.abc import Sequence

import numpy as np

from .checks import Check, reveal

__all__ = ["average_precision", "interval", "reveal", "rouge_l"]

BETA = 1.2  # in ROUGE-L recall counts so many times as much as precision


def longest_common_f(answer: Sequence[str], reference: Sequence[str]) -> float:
    """ROUGE-L of two lists of words: F of their longest common subsequence.

        P = LCS / len(answer)    R = LCS / len(reference)
        F = (1 + 1.2^2) P R / (R + 1.2^2 P)

    A subsequence keeps the order of the words but may leave some out.

    Official: pycocoevalcap/rouge/rouge.py
    Taught in: notebooks/11_evaluation.ipynb
    """
    longest = np.zeros((len(answer) + 1, len(reference) + 1), int)
    for i, said in enumerate(answer, start=1):
        for j, true in enumerate(reference, start=1):
            if said == true:
                longest[i, j] = longest[i - 1, j - 1] + 1
            else:
                longest[i, j] = max(longest[i - 1, j], longest[i, j - 1])
    common = longest[-1, -1]
    if common == 0:
        return 0.0
    p, r = common / len(answer), common / len(reference)
    return float((1 + BETA**2) * p * r / (r + BETA**2 * p))


def ranked_precision(truth, scores) -> float:
    """Average precision of one class: the mean of precision@k at the ranks of the true.

    Official: sklearn.metrics.average_precision_score
    Taught in: notebooks/11_evaluation.ipynb
    """
    hits = np.asarray(truth, bool)[np.argsort(-np.asarray(scores))]  # (N,) best first
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)  # (N,) at each rank
    return float(precision[hits].mean())


def percentile_interval(values, picks) -> tuple[float, float]:
    """The middle 95 % of the means of resampled values.

    `picks` (R, N) holds, for each of R resamples, which N values it drew.

    Official: scipy.stats.bootstrap, which draws the picks too
    Taught in: notebooks/11_evaluation.ipynb
    """
    means = np.asarray(values, float)[picks].mean(axis=1)  # (R,)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _answers_and_references() -> list[tuple]:
    pairs = (
        ("a dog barks", "a dog barks"),
        ("rain falls", "a dog barks"),
        ("a dog barks then rain falls", "rain falls then a dog barks"),
        ("a dog", "a dog barks twice far away"),
        ("then then a dog", "a dog then"),
        ("a dog then barks", "a dog barks"),  # others stand between
        ("a dog a dog barks", "a dog barks"),  # nothing is found twice
    )
    return [(a.split(), b.split()) for a, b in pairs]


def _ranked() -> list[tuple]:
    return [
        (np.array([1, 0, 0]), np.array([0.9, 0.5, 0.1])),
        (np.array([0, 1, 0, 1]), np.array([0.9, 0.8, 0.2, 0.1])),
        (np.array([0, 0, 1, 1, 0]), np.array([0.1, 0.9, 0.7, 0.3, 0.5])),
        (np.array([1, 0, 0, 1]), np.array([0.6, 0.2, 0.8, 0.9])),
    ]


def _values_and_picks() -> list[tuple]:
    cases = []
    for seed, count in ((0, 8), (1, 20), (2, 50)):
        rng = np.random.default_rng(seed)
        values = (rng.random(count) < 0.7).astype(float)
        cases.append((values, rng.integers(count, size=(200, count))))
    return cases


rouge_l = Check("rouge_l", longest_common_f, _answers_and_references)
average_precision = Check("average_precision", ranked_precision, _ranked)
interval = Check("interval", percentile_interval, _values_and_picks)

EVALUATION = {c.name: c for c in (rouge_l, average_precision, interval)}

"""Exercise checks of notebook 20: a rule, a verdict over seeds, the purity of examples.

They work like those of `checks.py`.
"""

from ..findings.rows import Claim, holds, is_true, purity
from .checks import Check, reveal

__all__ = ["judge", "reveal", "rule", "share_true"]


def _rules() -> list[tuple]:
    measured = {"four examples": 0.9, "no example": 0.1, "broken": float("nan")}
    return [
        ("four examples > no example", measured),
        ("no example > four examples", measured),
        ("four examples >= 0.9", measured),
        ("no example <= 0.05", measured),
        ("no example <= 0.1", measured),
        ("four examples > 0.9", measured),  # as much is not more
        ("no example < 0.1", measured),
        ("0.5 < four examples", measured),  # the number stands on the left
        ("0.5 < no example", measured),
        ("no example < four examples", measured),
        ("four examples < no example", measured),
        ("broken > 0", measured),
        ("broken < 1", measured),
        ("broken >= 0", measured),
        ("broken <= 1", measured),
    ]


def _verdicts() -> list[tuple]:
    claim = Claim("X", "a claim", "", "", "a", ("a > b", "a > 0.5"))
    good, weak, bad = {"a": 0.9, "b": 0.2}, {"a": 0.4, "b": 0.2}, {"a": 0.6, "b": 0.7}
    cases = [good] * 3, [good, good, weak], [bad, good, good], [good], []
    return [(claim, list(numbers)) for numbers in cases]


def _retrieved() -> list[tuple]:
    def row(truth, *examples):
        return {"truth": truth, "examples": list(examples)}

    return [
        ([row("zivo", "zivo", "zivo", "kafu", "zivo")],),
        ([row("zivo", "kafu"), row("kafu", "kafu")],),
        ([row("zivo", "zivo"), row("kafu", "zivo", "kafu", "zivo", "zivo")],),
    ]


rule = Check("rule", is_true, _rules)
judge = Check("judge", holds, _verdicts)
share_true = Check("share_true", purity, _retrieved)

FINDINGS = {c.name: c for c in (rule, judge, share_true)}

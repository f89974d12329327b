"""The exercises and figures of the notebook on findings."""

import importlib
import json
import math
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from planted import assert_rejects

from af_minimal.course import checks
from af_minimal.course import checks_findings as check
from af_minimal.course import figures_findings as figures
from af_minimal.findings import rows


def greater_only(rule, measured):
    left, _, right = rule.partition(" > ")
    return measured.get(left, 0) > float(measured.get(right, 0) or 0)


def not_the_opposite(rule, measured):
    """Right but for NaN, of which nothing is true."""
    if any(math.isnan(value) and name in rule for name, value in measured.items()):
        return True
    return rows.is_true(rule, measured)


def not_the_opposite_sign(rule, measured):
    """`not a < b` in place of `a >= b`, and `not a > b` in place of `a <= b`."""
    for sign, opposite in ((" >= ", " < "), (" <= ", " > ")):
        if sign in rule:
            return not rows.is_true(rule.replace(sign, opposite), measured)
    return rows.is_true(rule, measured)


def never_equal(rule, measured):
    return rows.is_true(rule.replace("=", ""), measured)


def as_much_is_more(rule, measured):
    return rows.is_true(rule.replace(" > ", " >= "), measured)


def as_much_is_less(rule, measured):
    return rows.is_true(rule.replace(" < ", " <= "), measured)


def no_number_on_the_left(rule, measured):
    left, sign, right = rule.rpartition(" <")
    if sign and left not in measured:
        return rows.is_true(f"0{sign}{right}", measured)
    return rows.is_true(rule, measured)


def never_less(rule, measured):
    return "<" not in rule and rows.is_true(rule, measured)


def some_seed(claim, measured):
    return any(all(rows.is_true(r, n) for r in claim.rules) for n in measured)


def nothing_is_enough(claim, measured):
    return all(rows.is_true(r, n) for r in claim.rules for n in measured)


def of_all_together(answers):
    right = sum(row["examples"].count(row["truth"]) for row in answers)
    return right / sum(len(row["examples"]) for row in answers)


def is_there(answers):
    return rows.mean([row["truth"] in row["examples"] for row in answers])


WRONG = {
    "rule": [
        greater_only,
        not_the_opposite,
        not_the_opposite_sign,
        never_equal,
        never_less,
        as_much_is_more,
        as_much_is_less,
        no_number_on_the_left,
    ],
    "judge": [some_seed, nothing_is_enough],
    "share_true": [of_all_together, is_there],
}


def test_what_is_no_verdict_is_told():
    said = check.judge.first_problem(
        lambda claim, measured: measured and nothing_is_enough(claim, measured)
    )
    assert said.startswith("got []; True or False is expected.")


@pytest.mark.parametrize("name", check.FINDINGS)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.FINDINGS[name], WRONG[name])


def test_reveal_knows_the_exercises_of_all_notebooks(monkeypatch):
    codes = []
    monkeypatch.setattr(checks, "show", codes.append)
    for path in Path(checks.__file__).parent.glob("checks_*.py"):
        module = importlib.import_module(f"af_minimal.course.{path.stem}")
        for name in module.__all__:
            if isinstance(exercise := getattr(module, name), checks.Check):
                module.reveal(exercise.name)
                assert codes.pop() is exercise.reference
    with pytest.raises(ValueError, match="No exercise is called 'nothing'"):
        checks.reveal("nothing")


def test_figures_are_drawn(monkeypatch):
    shown = []
    monkeypatch.setattr(
        figures, "show", lambda figure, alt: shown.append((figure, alt))
    )
    claim = rows.Claim("X", "a claim", "", "", "a", ("a > b",), "b")
    numbers = [{"a": 0.9, "b": 0.2}, {"a": 0.1, "b": 0.2}]
    row = json.loads(json.dumps(rows.make_row(claim, numbers, 2)))
    figures.seed_chart([row])
    figures.rule_grid(numbers, {"a > b": [True, False]})
    assert all(isinstance(figure, Figure) for figure, _ in shown)
    assert "X does not hold" in shown[0][1] and "a > b" in shown[1][1]
    words = [text.get_text() for text in shown[1][0].axes[0].texts]
    assert words == ["true", "false"]

"""What every exercise owes: its reference passes, planted mistakes do not."""

from collections.abc import Callable, Sequence

from af_minimal.course.checks import Check


def assert_rejects(exercise: Check, mistakes: Sequence[Callable]) -> None:
    """The check takes its own reference and none of two or more mistakes."""
    assert exercise.first_problem(exercise.reference) == ""
    assert len(mistakes) >= 2
    for mistake in mistakes:
        assert exercise.first_problem(mistake)

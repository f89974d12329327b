"""Sounds put together with `+` (one after the other) and `*` (at the same time).

`('dog bark' + 'rain') * 'wind'` is a dog, then rain, and wind over both. What is true
of such a sound, and what is almost true, follows from the expression.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

THEN, WITH = "+", "*"
OPERATORS = {ast.Add: THEN, ast.Mult: WITH}
EVENTS = {2: 0.3, 3: 0.6, 4: 0.1}  # how many sounds, how often: CompA's own shares


@dataclass(frozen=True)
class Sound:
    """One sound of an expression; what is said of it besides its name, if anything."""

    label: str  # a class of SoundWorld
    attributes: tuple[tuple[str, str], ...] = ()  # (name, value), as ("pitch", "low")


@dataclass(frozen=True)
class Pair:
    """Two expressions, one after the other or at the same time."""

    operator: str  # THEN or WITH
    left: "Expression"
    right: "Expression"


Expression = Sound | Pair


def parse(text: str) -> Expression:
    """The expression that a text such as `'rain' + ('wind' * 'dog bark')` spells.

    Raises:
        ValueError: when it has anything but quoted names, `+`, `*` and brackets.

    Official: CompA `audio_mix/pos-neg-generation.py` reads the same notation
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    try:
        return _from_tree(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, KeyError, RecursionError):
        raise ValueError(
            f"{text!r} is no expression: write quoted names joined by + and *, for "
            "example ('dog bark' + 'rain') * 'wind'."
        ) from None


def _from_tree(tree: ast.expr) -> Expression:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        return Sound(tree.value)
    if not isinstance(tree, ast.BinOp):
        raise KeyError
    parts = _from_tree(tree.left), _from_tree(tree.right)
    return Pair(OPERATORS[type(tree.op)], *parts)


def write(expression: Expression) -> str:
    """The text that `parse` reads; attributes are not part of the notation.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    if isinstance(expression, Sound):
        return repr(expression.label)
    sides = expression.left, expression.right
    left, right = (
        f"({write(side)})" if isinstance(side, Pair) else write(side) for side in sides
    )
    return f"{left} {expression.operator} {right}"


def sounds(expression: Expression) -> list[Sound]:
    """All sounds, in the order in which they are written."""
    if isinstance(expression, Sound):
        return [expression]
    return sounds(expression.left) + sounds(expression.right)


@lru_cache(maxsize=65536)
def turns(expression: Expression) -> int:
    """How many sounds long an expression is."""
    if isinstance(expression, Sound):
        return 1
    left, right = turns(expression.left), turns(expression.right)
    return left + right if expression.operator == THEN else max(left, right)


@lru_cache(maxsize=65536)
def timeline(
    expression: Expression,
    start: Fraction = Fraction(0),
    length: Fraction | None = None,
) -> tuple[tuple[Sound, Fraction, Fraction], ...]:
    """Each sound with its start and end, in sounds.

    `+` shares its time among its sides, `*` gives both sides all of it: in
    `(a + b) * c` c lasts as long as a and b together.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    length = Fraction(turns(expression)) if length is None else length
    if isinstance(expression, Sound):
        return ((expression, start, start + length),)
    left, right = expression.left, expression.right
    if expression.operator == WITH:
        return timeline(left, start, length) + timeline(right, start, length)
    first = length * turns(left) / turns(expression)
    later = timeline(right, start + first, length - first)
    return timeline(left, start, first) + later


def meaning(expression: Expression) -> frozenset:
    """Equal for two expressions exactly when they sound the same.

    `a * b` is `b * a`, and `(a + b) * (c + d)` is `(a * c) + (b * d)`.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    return frozenset(timeline(expression))


def positives(expression: Expression) -> list[Expression]:
    """What is true of the sound: itself, its parts, and `b * a` where it has `a * b`.

    Single sounds count as parts only when there are no more than two.

    Official: CompA `audio_mix/pos-neg-generation.py`
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    few = len(sounds(expression)) <= 2
    parts = [p for p in parts_of(expression) if few or isinstance(p, Pair)]
    return list(dict.fromkeys([expression, *turned(expression), *parts]))


def parts_of(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, from the outside in."""
    yield expression
    if isinstance(expression, Pair):
        yield from parts_of(expression.left)
        yield from parts_of(expression.right)


def turned(expression: Expression) -> Iterator[Expression]:
    """The same sound, written with two things that sound together exchanged."""
    yield from edited(
        expression,
        lambda p: [Pair(WITH, p.right, p.left)] if p.operator == WITH else [],
    )


def negatives(expression: Expression) -> list[Expression]:
    """What is almost true: one operator is the other one, or two turns are reversed.

    `a + b` gives `b + a` and `a * b`; `a * b` gives `a + b` and `b + a`. None of them
    means the same as the expression.

    Official: CompA `audio_mix/pos-neg-generation.py`
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    wrong = {}
    for other in edited(expression, almost):
        if meaning(other) != meaning(expression):
            wrong.setdefault(meaning(other), other)
    return list(wrong.values())


def almost(pair: Pair) -> list[Pair]:
    """The two pairs that a pair is most easily mistaken for."""
    left, right = pair.left, pair.right
    if pair.operator == THEN:
        return [Pair(THEN, right, left), Pair(WITH, left, right)]
    return [Pair(THEN, left, right), Pair(THEN, right, left)]


def edited(expression: Expression, edit) -> Iterator[Expression]:
    """The expression with one of its pairs replaced by each of `edit(pair)`."""
    if isinstance(expression, Sound):
        return
    yield from edit(expression)
    operator, left, right = expression.operator, expression.left, expression.right
    yield from (Pair(operator, other, right) for other in edited(left, edit))
    yield from (Pair(operator, left, other) for other in edited(right, edit))


def sample_expression(
    rng: np.random.Generator, labels: list[str], shares: dict[int, float] = EVENTS
) -> Expression:
    """Draw an expression of two to four different sounds.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    count = int(rng.choice(list(shares), p=list(shares.values())))
    names = rng.choice(labels, count, replace=False).tolist()
    return _join(rng, [Sound(name) for name in names])


def _join(rng: np.random.Generator, row: list[Sound]) -> Expression:
    if len(row) == 1:
        return row[0]
    turn = int(rng.integers(1, len(row)))
    operator = THEN if rng.random() < 0.5 else WITH
    return Pair(operator, _join(rng, row[:turn]), _join(rng, row[turn:]))

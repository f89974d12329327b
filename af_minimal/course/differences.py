"""How two results differ, and both in a line each that shows the difference."""

from types import FunctionType

import numpy as np
import torch

from ..config import AudioConfig

TOLERANCE = 1e-4
WHOLE = 24  # so many numbers are printed, of more than that an excerpt
EXCERPT = 6
LONGEST = 120  # characters of what is no array


def difference(yours, expected) -> str:
    """How two results differ, in a sentence; an empty string when they agree."""
    if isinstance(expected, tuple):
        return _tuple_difference(yours, expected)
    if yours is None:
        return "it returned None: is a `return` missing?"
    if isinstance(expected, str):
        return "" if yours == expected else f"got {yours!r}, expected {expected!r}."
    try:
        yours, expected = as_array(yours), as_array(expected)
    except (TypeError, ValueError):
        return f"it returned a {type(yours).__name__}; numbers were expected."
    if yours.shape != expected.shape:
        return f"the shape is {yours.shape}, expected {expected.shape}."
    if (yours.dtype == bool) != (expected.dtype == bool):
        return f"the type is {yours.dtype}, expected {expected.dtype}."
    unlike = _unlike(yours, expected)
    if not unlike.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(unlike)[0])
    where = f" at {list(place)}" if place else ""
    total = f" ({unlike.sum()} of {unlike.size} differ)" if unlike.size > 1 else ""
    return f"got {yours[place]:.6g}{where}, expected {expected[place]:.6g}{total}."


def _tuple_difference(yours, expected: tuple) -> str:
    yours = as_tuple(yours, len(expected))
    if not isinstance(yours, tuple) or len(yours) != len(expected):
        return f"it must return {len(expected)} things, got {brief(yours)}."
    for number, pair in enumerate(zip(yours, expected, strict=True), start=1):
        if reason := difference(*pair):
            return f"returned thing {number}: {reason}"
    return ""


def as_tuple(value, count: int):
    """A list, array or tensor of so many things as a tuple; anything else as it is."""
    array = isinstance(value, np.ndarray | torch.Tensor) and value.ndim > 0
    several = array or isinstance(value, list)
    return tuple(value) if several and len(value) == count else value


def _unlike(yours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return ~np.isclose(yours, expected, rtol=TOLERANCE, atol=TOLERANCE)


def as_array(value) -> np.ndarray:
    """A number, list, array or tensor as a numpy array of booleans or floats."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, list | tuple):
        value = [as_array(v) if isinstance(v, torch.Tensor) else v for v in value]
    array = np.asarray(value)
    return array if array.dtype == bool else array.astype(np.float64)


def brief(value, start: int = 0, whole: int = WHOLE) -> str:
    """A value in one short line; what stands from `start` on where it is too long.

    An array is printed from end to end when it has at most `whole` numbers.
    """
    if isinstance(value, tuple):
        return "(" + ", ".join(map(brief, value)) + ")"
    if isinstance(value, torch.Tensor | np.ndarray):
        return _brief_array(value, start, whole)
    if isinstance(value, AudioConfig):
        return (
            f"AudioConfig(sample_rate={value.sample_rate}, window={value.window}, "
            f"hop={value.hop}, max_windows={value.max_windows})"
        )
    if isinstance(value, torch.nn.Module):
        return type(value).__name__  # its repr fills a page
    if isinstance(value, FunctionType):
        return f"the function {value.__name__}"
    text = _one_line(value)
    text = f"... {text[start:]}" if start else text
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _one_line(value) -> str:
    return " ".join(repr(value).split())


def _brief_array(value: torch.Tensor | np.ndarray, start: int, whole: int) -> str:
    array, name = as_array(value), f"{type(value).__name__}{tuple(value.shape)}"
    if array.size == 1:
        return f"{array.item():.6g}"
    where, shown = "", array
    if array.size > whole:
        place = [int(i) for i in np.unravel_index(start, array.shape)]
        where = f"from {place} on " if start else "starting "
        shown = array.ravel()[start : start + EXCERPT]
    # five digits: two numbers that look alike are then nearer than the tolerance
    kinds = {"float_kind": lambda number: f"{number:.5g}", "bool": str}
    rows = np.array2string(shown, formatter=kinds, max_line_width=10_000)
    return f"{name} {where}{' '.join(rows.split())}"


def brief_case(arguments: tuple) -> str:
    """Arguments in one line; of fractions, which are noise mostly, a few only."""
    texts = []
    for value in arguments:
        array = isinstance(value, torch.Tensor | np.ndarray)
        noise = array and (as_array(value) % 1 != 0).any()
        texts.append(brief(value, whole=EXCERPT if noise else WHOLE))
    return ", ".join(texts)


def brief_pair(yours, expected) -> tuple[str, str]:
    """Both values in a line each; excerpts begin where the first difference is seen."""
    if isinstance(expected, tuple):
        yours = as_tuple(yours, len(expected))
    both = yours, expected
    if all(isinstance(value, tuple) for value in both) and len(yours) == len(expected):
        pairs = [brief_pair(*pair) for pair in zip(*both, strict=True)]
        return tuple(f"({', '.join(side)})" for side in zip(*pairs, strict=True))
    start = 0
    if brief(yours) == brief(expected) and difference(*both):
        start = _first_unlike(*both)
    return brief(yours, start), brief(expected, start)


def _first_unlike(yours, expected) -> int:
    """Where two values of one shape differ: a place in the flat array, or a letter."""
    if isinstance(expected, torch.Tensor | np.ndarray):
        unlike = _unlike(as_array(yours), as_array(expected))
        return int(np.flatnonzero(unlike)[0])
    letters = zip(_one_line(yours), _one_line(expected), strict=False)
    return next((i for i, (a, b) in enumerate(letters) if a != b), 0)

"""How two results differ, and both in a line each that shows the difference."""

from collections.abc import Mapping
from types import FunctionType

import numpy as np
import torch

from ..config import AudioConfig

TOLERANCE = 1e-4
WHOLE = 24  # so many numbers are printed, of more than that an excerpt
EXCERPT = 6
LONGEST = 120  # characters of what is no array
NO_NUMBERS = (TypeError, ValueError, OverflowError)  # the last of 400 digits


def difference(yours, expected) -> str:
    """How two results differ, in a sentence; an empty string when they agree."""
    if isinstance(expected, tuple):
        return _tuple_difference(yours, expected)
    if yours is None:
        return "it returned None: is a `return` missing?"
    if isinstance(expected, str):
        if not isinstance(yours, str):  # an array is compared letter by letter
            return f"got {brief(yours)}, expected {expected!r}."
        return "" if yours == expected else f"got {yours!r}, expected {expected!r}."
    if isinstance(expected, dict):
        return _dict_difference(yours, expected)
    if _are_dicts(expected):
        return _dicts_difference(yours, expected)
    try:
        own, right = _plain_array(yours), _plain_array(expected)
        floats = as_array(own), as_array(right)
    except NO_NUMBERS:
        return f"it returned a {type(yours).__name__}; numbers were expected."
    if right.dtype == bool and not right.ndim and (own.ndim or own.dtype != bool):
        return f"got {brief(yours)}; True or False is expected."
    if own.shape != right.shape:
        return f"the shape is {own.shape}, expected {right.shape}."
    if (own.dtype == bool) != (right.dtype == bool):
        return f"the type is {own.dtype}, expected {right.dtype}."
    return _first_difference(*floats)


def _first_difference(yours: np.ndarray, expected: np.ndarray) -> str:
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


def _dict_difference(yours, expected: dict) -> str:
    if not isinstance(yours, Mapping):
        return f"a dict is expected; {_what(yours)} came."
    for key, value in expected.items():
        if key not in yours:
            return f"the key {key!r} is missing; there are {list(yours)}."
        if reason := difference(yours[key], value):
            return f"{key!r}: {reason}"
    return ""


def _dicts_difference(yours, expected: list[dict]) -> str:
    if not _are_dicts(yours) or len(yours) != len(expected):
        wanted = f"a list of {len(expected)} dict{'s' * (len(expected) > 1)}"
        return f"{wanted} is expected; {_what(yours)} came."
    for number, pair in enumerate(zip(yours, expected, strict=True), start=1):
        if reason := difference(*pair):
            return f"dict {number} of the list: {reason}"
    return ""


def _are_dicts(value) -> bool:
    several = isinstance(value, list | tuple) and len(value) > 0
    return several and all(isinstance(one, Mapping) for one in value)


def _what(value) -> str:
    length = f" of {len(value)}" if isinstance(value, list | tuple) else ""
    return f"a {type(value).__name__}{length}"


def type_difference(yours, expected) -> str:
    """How the types of numpy arrays differ; an empty string when they agree.

    `difference` compares values alone: what is right as float64 may be of no use to
    code that wants float32.
    """
    if isinstance(expected, tuple):
        pairs = zip(as_tuple(yours, len(expected)), expected, strict=True)
        reasons = [type_difference(*pair) for pair in pairs]
        told = (f"returned thing {i}: {r}" for i, r in enumerate(reasons, 1) if r)
        return next(told, "")
    if not isinstance(yours, np.ndarray):
        return f"{_what(yours)} came; a numpy array of {expected.dtype} is expected."
    if yours.dtype != expected.dtype:
        return f"the type is {yours.dtype}, expected {expected.dtype}."
    return ""


def as_tuple(value, count: int):
    """A list, array or tensor of so many things as a tuple; anything else as it is."""
    array = isinstance(value, np.ndarray | torch.Tensor) and value.ndim > 0
    several = array or isinstance(value, list)
    return tuple(value) if several and len(value) == count else value


def _unlike(yours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return ~np.isclose(yours, expected, rtol=TOLERANCE, atol=TOLERANCE)


def as_array(value) -> np.ndarray:
    """A number, list, array or tensor as a numpy array of booleans or floats.

    Raises TypeError or ValueError for what holds no numbers, OverflowError for what no
    float can hold.
    """
    array = _plain_array(value)
    return array if array.dtype == bool else array.astype(np.float64)


def _plain_array(value) -> np.ndarray:
    """The same with the type it has, which a message about types must name."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, list | tuple):
        value = [_plain_array(v) if isinstance(v, torch.Tensor) else v for v in value]
    return np.asarray(value)


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
    return _cut(f"... {text[start:]}" if start else text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def _one_line(value) -> str:
    try:
        return " ".join(repr(value).split())
    except ValueError:  # Python prints no integer of more than 4300 digits
        return f"{type(value).__name__}, too long to print"


def _brief_array(value: torch.Tensor | np.ndarray, start: int, whole: int) -> str:
    name = f"{type(value).__name__}{tuple(value.shape)}"
    try:
        array = as_array(value)
    except NO_NUMBERS:
        return _cut(f"{name} {_one_line(value.tolist())}")
    if array.ndim == 0:
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
    if place := _first_unlike_part(yours, expected):
        return brief_pair(*place)
    both = yours, expected
    if all(isinstance(value, tuple) for value in both) and len(yours) == len(expected):
        pairs = [brief_pair(*pair) for pair in zip(*both, strict=True)]
        return tuple(f"({', '.join(side)})" for side in zip(*pairs, strict=True))
    start = 0
    if brief(yours) == brief(expected) and difference(*both):
        start = _first_unlike(*both)
    return brief(yours, start), brief(expected, start)


def _first_unlike_part(yours, expected) -> tuple | None:
    """Both sides of the first dict, or value in a dict, that differs; None if none."""
    if isinstance(expected, dict) and isinstance(yours, Mapping):
        pairs = [(yours[key], expected[key]) for key in expected if key in yours]
        pairs = pairs if len(pairs) == len(expected) else []
    elif _are_dicts(expected) and _are_dicts(yours) and len(yours) == len(expected):
        pairs = zip(yours, expected, strict=True)
    else:
        return None
    return next((pair for pair in pairs if difference(*pair)), None)


def _first_unlike(yours, expected) -> int:
    """Where two values differ: a place in the flat array, or a letter; 0 if nowhere."""
    if isinstance(expected, torch.Tensor | np.ndarray):
        unlike = _unlike(as_array(yours), as_array(expected))
        return int(np.argmax(unlike))  # of all False: 0, as when types alone differ
    letters = zip(_one_line(yours), _one_line(expected), strict=False)
    return next((i for i, (a, b) in enumerate(letters) if a != b), 0)

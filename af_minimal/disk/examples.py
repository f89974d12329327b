"""Examples as rows of JSON, and a check that they are Examples."""

from collections.abc import Sequence
from dataclasses import fields

from .manifests import Example


def check_examples(examples: Sequence[Example]) -> None:
    """Raise TypeError unless this is a list, or the like, of nothing but Examples."""
    several = isinstance(examples, Sequence) and not isinstance(examples, str)
    if not several or not all(isinstance(one, Example) for one in examples):
        odd = examples
        if several:
            odd = next(one for one in examples if not isinstance(one, Example))
        raise TypeError(
            f"a list of Examples is expected; {type(odd).__name__} came. Pass "
            "[Example(audio, prompt, output), ...], even for a single one."
        )


def fields_of(example: Example) -> dict:
    """What a row of JSON says of an example: not its audio, and not its shots.

    Fields that have their default are left out, all but prompt and output.
    """
    said = {f.name: (getattr(example, f.name), f.default) for f in fields(Example)}
    del said["audio"], said["examples"]
    return {name: value for name, (value, usual) in said.items() if value != usual}

"""An Example, its row of JSON, and checks of lists: of examples, answers and truths.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Example:
    """One audio with a prompt and the output to learn.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """

    audio: Any  # path, Clip, or a SoundWorld Score
    prompt: str
    output: str
    task: str | None = None  # words or a dataset name: "Clotho-v2-AudioCaptioning"
    start_s: float = 0.0  # seconds into the file at which to begin
    label: str | None = None  # class, of a classification set
    fold: int | None = None  # part of a cross-validation, of such a set
    dialogue: tuple[tuple[str, str], ...] = ()  # rounds (user, assistant), of a chat
    examples: tuple["Example", ...] = ()  # few-shot: heard before this one
    examples_are: str | None = None  # "similar" or "random"
    duration_s: float | None = None  # seconds of the file that are meant; None: all


def check_examples(examples: Sequence[Example]) -> None:
    """Raise TypeError unless this is a list, or the like, of nothing but Examples."""
    several = isinstance(examples, Sequence) and not isinstance(examples, str)
    if not several or not all(isinstance(one, Example) for one in examples):
        odd = examples
        if several:
            odd = next(one for one in examples if not isinstance(one, Example))
        raise TypeError(
            f"a list of Examples is expected; {type(odd).__name__} came. Pass "
            "[Example(audio, prompt, output), ...], even for a single one; a manifest "
            "is read by read_manifest(path, data_root)."
        )


def check_demonstrations(examples: Sequence[Example]) -> None:
    """Refuse what demonstrates nothing: an example must have an output of its own.

    Raises ValueError for a conversation and for an empty output, else as
    `check_examples`.
    """
    check_examples(examples)
    for example in examples:
        if example.dialogue or not example.output.strip():
            what = "is a conversation" if example.dialogue else "has no output"
            raise ValueError(
                f"the example {example.audio!r} {what}, so it shows no answer: give "
                "one with an output, or a prompt and an output for each round."
            )


def fields_of(example: Example) -> dict:
    """What a row of JSON says of an example: not its audio, and not its shots.

    Fields that have their default are left out, all but prompt and output.
    """
    said = {f.name: (getattr(example, f.name), f.default) for f in fields(Example)}
    del said["audio"], said["examples"]
    return {name: value for name, (value, usual) in said.items() if value != usual}


def check_pairs(answers: Sequence, truths: Sequence) -> None:
    """Refuse lists of other lengths, empty ones, and a text in place of a list.

    Raises ValueError, which says how many came, and TypeError for a text.
    """
    if isinstance(answers, str) or isinstance(truths, str):
        raise TypeError(
            f"answers are {answers!r} and truths {truths!r}; two lists are expected."
        )
    if len(answers) != len(truths) or len(answers) == 0:
        raise ValueError(
            f"{len(answers)} answers and {len(truths)} truths; give one truth for each "
            "answer, and at least one."
        )


def check_references(answers: Sequence, references: Sequence) -> None:
    """Refuse what is no list of references for each answer; the ValueError shows it.

    Raises TypeError for a text in place of a list.
    """
    check_pairs(answers, references)
    wrong = [true for true in references if isinstance(true, str) or not true]
    if wrong:
        raise ValueError(f'{wrong[0]!r} is no reference list; write [["a dog barks"]].')

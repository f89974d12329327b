"""What the commands have in common."""

import argparse
import re
from collections.abc import Sequence

PROGRAM = "python -m af_minimal"
EXAMPLES = {
    "ask": 'dog.wav rain.ogg "What do you hear?"',
    "index": "my_sounds --out runs/store",
    "shards": "esc50 --out runs/shards",
    "features": "runs/shards --out runs/features",
    "train": "--stage all --out runs/mini --resume",
    "eval": "--recordings esc10 --out runs/eval.json",
    "findings": "--only T-F --again",
    "doctor": "--workshop",
}
ADVICE = (
    (
        r"pass start_s=(\S+) to load_audio to hear the rest",
        r"`ask --start \1` hears the rest",
    ),
    (
        r"With download=True it is fetched",
        r"With `ask --model NAME --download` it is fetched",
    ),
    (r"download=True would", r"--download would"),
    (r"take download;", r"take --download;"),
)


class Defaults(argparse.ArgumentDefaultsHelpFormatter):
    """Help that names a default where there is something to name."""

    def _get_help_string(self, action):
        unsaid = action.default in (None, []) or action.default is False
        return action.help if unsaid else super()._get_help_string(action)


def command(commands, name: str, told: str) -> argparse.ArgumentParser:
    """A new command, with what it does and an example in its help."""
    return commands.add_parser(
        name,
        help=told,
        description=f"{told[0].upper()}{told[1:]}.",
        epilog=f"example: {PROGRAM} {name} {EXAMPLES[name]}",
        formatter_class=Defaults,
    )


def refuse(args: argparse.Namespace, names: Sequence[str], beside: str) -> None:
    """Raise ValueError for the first of some options that came where it has no use.

    Args:
        beside: what they came with, and what that learns from.
    """
    for name in names:
        if getattr(args, name):
            raise ValueError(
                f"--{name.replace('_', '-')} came with {beside}; leave it out."
            )


def plainly(error: Exception) -> str:
    """What an error or a warning says, for somebody who types options.

    Left out is the traceback that a DataLoader's worker adds. Behind that stands the
    error itself: its type, and what it says, in a line.
    """
    told = str(error)
    for of_functions, of_options in ADVICE:
        told = re.sub(of_functions, of_options, told)
    if "Original Traceback" not in told:
        return told
    last = told.strip().splitlines()[-1]
    return last.partition(": ")[2] or last


def positive(text: str) -> int:
    """A whole number above zero, as an option of the command line.

    Raises ArgumentTypeError for anything else.
    """
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} came; a number above 0 is expected")
    return int(text)

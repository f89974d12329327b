"""What the commands have in common."""

import argparse

PROGRAM = "python -m af_minimal"


def positive(text: str) -> int:
    """A whole number above zero, as an option of the command line.

    Raises ArgumentTypeError for anything else.
    """
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} came; a number above 0 is expected")
    return int(text)

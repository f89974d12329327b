"""SPICE: do answer and reference speak of the same things? Only where Java is at hand.

The metric draws a graph of things, qualities and relations from each sentence and
compares the graphs. Its program and its parser are Java; the parser comes as a download
of hundreds of megabytes, which `pycocoevalcap` starts by itself. Here nothing does.

Taught in: notebooks/11_evaluation.ipynb
"""

import shutil
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path

from ..disk.examples import check_references

JARS = (
    "spice-1.0.jar",
    "lib/stanford-corenlp-3.6.0.jar",
    "lib/stanford-corenlp-3.6.0-models.jar",
)


class SpiceWarning(UserWarning):
    """SPICE gave no number; the message says why."""


def spice(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float | None:
    """Mean SPICE (0 to 1) of one answer per item; None, with a warning, if that fails.

    Args:
        answers: N captions.
        references: N lists of true captions, at least one each.

    Raises:
        ValueError: when the numbers of items differ or an item has no reference list.

    Official: the metric of the AF1 paper, from pycocoevalcap
    Taught in: notebooks/11_evaluation.ipynb
    """
    check_references(answers, references)
    lacking = missing()
    if lacking:
        told = f"SPICE is left out: there is no {', no '.join(lacking)}."
        warnings.warn(told, SpiceWarning, stacklevel=2)
        return None
    from pycocoevalcap.spice.spice import Spice

    said = {i: [answer] for i, answer in enumerate(answers)}
    true = {i: list(texts) for i, texts in enumerate(references)}
    try:
        return float(Spice().compute_score(true, said)[0])
    except (OSError, subprocess.CalledProcessError) as error:
        told = f"SPICE did not run ({error}); its program was written for Java 8."
        warnings.warn(told, SpiceWarning, stacklevel=2)
        return None


def missing() -> list[str]:
    """What SPICE needs and this machine lacks: Java, or files of pycocoevalcap.

    Taught in: notebooks/11_evaluation.ipynb
    """
    from pycocoevalcap.spice import spice as module

    folder = Path(module.__file__).parent
    java = [] if shutil.which("java") else ["java"]
    return java + [jar for jar in JARS if not (folder / jar).is_file()]

"""Reports of an evaluation: for machines as JSON, for people as a table.

A report carries all that decides its numbers: the exact prompts, the decoding settings,
the seed, the hashes of the weights, the versions of the libraries, every single answer.

Taught in: notebooks/11_evaluation.ipynb
"""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .checkpoints import write_json

LIBRARIES = ("torch", "transformers", "numpy", "scipy", "scikit-learn", "pycocoevalcap")


def make_report(
    title: str,
    sections: list[dict],
    seed: int,
    decoding: dict,
    weights: str | Path | None = None,
) -> dict:
    """Gather a report.

    Args:
        sections: dicts with "name", "measures" (from `evaluation.measure`) and "rows"
            (one per item, with prompt, answer and truth).
        seed: the first seed of the items.
        decoding: the generation settings of every answer.
        weights: folder of the evaluated weights; its safetensors are hashed.

    Taught in: notebooks/11_evaluation.ipynb
    """
    return {
        "title": title,
        "seed": seed,
        "decoding": decoding,
        "weights_sha256": {} if weights is None else hash_weights(weights),
        "versions": library_versions(),
        "sections": sections,
    }


def hash_weights(folder: str | Path) -> dict[str, str]:
    """sha256 of every safetensors file in a folder, as `sha256sum` prints it."""
    hashes = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide the numbers."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def save_report(path: str | Path, report: dict) -> None:
    """Write a report as JSON, whole or not at all.

    Taught in: notebooks/11_evaluation.ipynb
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, report)


def table(report: dict) -> str:
    """The measures of a report as text, one block for each section.

    Taught in: notebooks/11_evaluation.ipynb
    """
    blocks = [report["title"]]
    for section in report["sections"]:
        measures = section["measures"]
        width = max([len(m["measure"]) for m in measures] + [len(section["name"])])
        head = f"{section['name']:{width}s}  {'n':>5s}  score  95 % interval  chance"
        lines = [head, "-" * len(head), *(line(m, width) for m in measures)]
        blocks.append("\n".join(text.rstrip() for text in lines))
    return "\n\n".join(blocks)


def line(measure: dict, width: int) -> str:
    """One row of the table; what is not known stays blank."""
    interval = " " * 13
    if measure["low"] is not None:
        interval = f"{measure['low']:.3f} - {measure['high']:.3f}"
    return (
        f"{measure['measure']:{width}s}  {measure['n']:5d}  {number(measure['score'])}"
        f"  {interval}  {number(measure['chance'])}"
    )


def number(value: float | None) -> str:
    """Three decimals, or blanks."""
    return " " * 5 if value is None else f"{value:.3f}"

"""Reports of an evaluation: for machines as JSON, for people as a table.

A report carries all that decides its numbers: the exact prompts, the decoding settings,
the seed, the hashes of the weights, the versions of the libraries, every single answer.
A prompt with its task, and with examples if there are any, is spelled by `prompts.py`.

Taught in: notebooks/11_evaluation.ipynb
"""

import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from .checkpoints import write_json
from .storage import model_folder
from .stored_sounds import sound_hash

LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "scikit-learn",
    "faiss-cpu",
    "pycocoevalcap",
)


def make_report(
    title: str,
    sections: list[dict],
    seed: int,
    decoding: dict,
    weights: str | Path | None = None,
    notes: Sequence[str] = (),
) -> dict:
    """Gather a report.

    Args:
        sections: dicts with "name", "measures" (from `evaluation.measure`) and "rows"
            (one per item, with prompt, answer and truth).
        seed: the first seed of the items.
        decoding: the generation settings of every answer; a section that has its own
            "decoding" was answered with that.
        weights: folder of the evaluated weights, or a shipped name; its safetensors are
            hashed.
        notes: sentences that stand below the table, as what was not measured and why.

    Raises FileNotFoundError when there are no such weights.

    Taught in: notebooks/11_evaluation.ipynb
    """
    return {
        "title": title,
        "seed": seed,
        "decoding": decoding,
        "weights_sha256": {} if weights is None else hash_found(weights),
        "versions": library_versions(),
        "notes": list(notes),
        "sections": sections,
    }


def answer_row(example, prompt: str, answer: str, truth: str, **more) -> dict:
    """One row of a report: what was heard and read, said and true.

    The audio is as `heard_from` names it; examples that stood before it are listed
    with their prompts and outputs, and how they were chosen.
    """
    row = {**heard_from(example), "task": example.task, **more, "prompt": prompt}
    shown = [
        {**heard_from(e), "prompt": e.prompt, "output": e.output}
        for e in example.examples
    ]
    row |= {"examples": shown, "examples_are": example.examples_are}
    return row | {"answer": answer, "truth": truth}


def heard_from(example) -> dict:
    """Which audio an example is about, from which second of it on, and how long.

    A Clip of no file is known by its samples; `duration_s` None is all of a file.
    """
    heard = example.audio
    audio = getattr(heard, "path", None) or str(heard)
    if hasattr(heard, "waveform") and heard.path is None:
        audio = f"samples sha256 {sound_hash(heard.waveform, heard.sample_rate)}"
    start = getattr(heard, "start_s", example.start_s)
    length = getattr(heard, "duration_s", example.duration_s)
    return {"audio": audio, "start_s": start, "duration_s": length}


def hash_found(weights: str | Path) -> dict[str, str]:
    """`hash_weights` of a folder or a shipped name.

    Raises FileNotFoundError where there are none.
    """
    if not (hashes := hash_weights(model_folder(weights))):
        raise FileNotFoundError(
            f"{weights} holds no safetensors, so a report could not say which weights "
            "it is about: give the folder of the model, or None."
        )
    return hashes


def hash_weights(folder: str | Path) -> dict[str, str]:
    """sha256 of every safetensors file in a folder, as `sha256sum` prints it."""
    hashes = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        with path.open("rb") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def library_versions() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries that decide numbers."""
    found = {"python": platform.python_version(), "af-minimal": __version__}
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
    """The measures of a report as text, one block for each section, then the notes.

    Taught in: notebooks/11_evaluation.ipynb
    """
    blocks = [report["title"]]
    for section in report["sections"]:
        measures = section["measures"]
        width = max([len(m["measure"]) for m in measures] + [len(section["name"])])
        head = f"{section['name']:{width}s}  {'n':>5s}  score  95 % interval  chance"
        lines = [head, "-" * len(head), *(line(m, width) for m in measures)]
        blocks.append("\n".join(text.rstrip() for text in lines))
    return "\n\n".join([*blocks, *report.get("notes", [])])


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

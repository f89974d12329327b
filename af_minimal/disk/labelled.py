"""Recordings sorted into folders, one folder for each label.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import unicodedata
from pathlib import Path

from .manifests import Example

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


def read_labelled(
    folder: str | Path, prompt: str = "classify this sound."
) -> list[Example]:
    """Examples of `folder/<label>/<recording>`; underscores in labels become spaces.

    Hidden files and folders are left out, and what a Mac puts into archives
    (`._one.ogg` and `__MACOSX`).

    Raises ValueError when no folder in it holds a wav, flac, ogg or mp3 file.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    files = [
        path
        for path in sorted(Path(folder).glob("*/*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
        if not path.name.startswith(".")
        if not path.parent.name.startswith((".", "__MACOSX"))
    ]
    if not files:
        raise ValueError(
            f"{folder} holds no recordings in folders of their own: sort them as "
            f"{folder}/dog_bark/one.wav, with one folder for each label."
        )
    names = [unicodedata.normalize("NFC", path.parent.name) for path in files]
    labels = [name.replace("_", " ") for name in names]
    return [
        Example(str(path), prompt, label, label=label)
        for path, label in zip(files, labels, strict=True)
    ]

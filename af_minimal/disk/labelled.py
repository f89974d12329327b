"""Recordings sorted into folders, one folder for each label.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path

from .examples import Example

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
OTHER_SOUNDS = (".aif", ".aiff", ".m4a", ".aac", ".opus", ".wma", ".webm")  # not read


def read_labelled(
    folder: str | Path, prompt: str = "classify this sound."
) -> list[Example]:
    """Examples of `folder/<label>/<recording>`; underscores in labels become spaces.

    Hidden files and folders are left out, and what a Mac puts into archives
    (`._one.ogg` and `__MACOSX`).

    Raises FileNotFoundError when there is no such folder, ValueError when no folder in
    it holds a wav, flac, ogg or mp3 file, or a name cannot be said. What lies deeper or
    has another suffix is left out with a warning.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; check the path.")
    found = [
        path
        for path in sorted(Path(folder).rglob("*"))
        if not any(
            part.startswith((".", "__MACOSX"))
            for part in path.relative_to(folder).parts
        )
        if path.suffix.lower() in (*SUFFIXES, *OTHER_SOUNDS)
    ]
    files = [
        path
        for path in found
        if path.parent.parent == Path(folder)
        if path.suffix.lower() in SUFFIXES and path.is_file()
    ]
    if not files:
        raise ValueError(
            f"{folder} holds no recordings in folders of their own: sort them as "
            f"{folder}/dog_bark/one.wav, with one folder for each label."
        )
    taken = set(files)
    if left := [str(path) for path in found if path not in taken]:
        warnings.warn(
            f"{len(left)} sounds of {folder} are left out, as {left[0]!a}: they "
            "must be wav, flac, ogg or mp3 and lie in <label>/<recording>.",
            stacklevel=2,
        )
    check_names(files)
    names = [unicodedata.normalize("NFC", path.parent.name) for path in files]
    labels = [name.replace("_", " ") for name in names]
    return [
        Example(str(path), prompt, label, label=label)
        for path, label in zip(files, labels, strict=True)
    ]


def check_names(files: Sequence[Path]) -> None:
    """Refuse names that no text can hold, and folders whose name says nothing.

    Raises ValueError, naming the first of them.
    """
    for path in files:
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"the name {str(path)!a} is not UTF-8, as of an old archive: rename it."
            ) from None
        if not path.parent.name.replace("_", " ").strip():
            raise ValueError(
                f"the folder {path.parent} is the label of its recordings, and says "
                "nothing: give it a name of letters."
            )

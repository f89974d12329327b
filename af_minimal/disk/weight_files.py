"""Weight files that others wrote: torch files, their parts, and chunks of safetensors.

A torch file is a pickle, and a pickle may hold a program. These are read with
`weights_only=True`, which knows tensors and plain containers and runs nothing. Files
are mapped into memory: a tensor is read from disk when it is used.

Taught in: notebooks/12_real_weights.ipynb
"""

import hashlib
import json
import os
import re
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

WRAPPERS = ("model_state_dict", "state_dict", "model")  # AF1; LAION and AF-CLAP; msclap
NUMBER = np.float64(0).__reduce__()[0]  # the function that makes a number of numpy
PLAIN_NUMBERS = [  # LAION's files hold epochs and scores as numbers of numpy
    (NUMBER, "numpy.core.multiarray.scalar"),  # as numpy 1 names it in a file
    (NUMBER, "numpy._core.multiarray.scalar"),  # as numpy 2 does
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float32", "float64", "int32", "int64")),
]
SHA256 = re.compile(r"[0-9a-f]{64}")
PROGRAM = re.compile(r"GLOBAL ([\w.]+) (?:was not|whose)")  # as torch says it


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Every tensor of one file by its name, out of whatever the file wraps them in.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is cut short, holds a program, or holds no tensors.

    Taught in: notebooks/12_real_weights.ipynb
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    check_sha256(path)
    found = _safetensors(path) if path.suffix == ".safetensors" else _torch_file(path)
    for wrapper in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    tensors = found if isinstance(found, dict) else {}
    tensors = {k: v for k, v in tensors.items() if isinstance(v, Tensor)}
    if not tensors:
        raise ValueError(
            f"{path.name} holds no named tensors; expected a state dict, or one under "
            f"{', '.join(WRAPPERS)}."
        )
    return tensors


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"{path.name} is no whole safetensors file ({error}). It has "
            f"{path.stat().st_size:,} bytes: fetch it again."
        ) from error


def _torch_file(path: Path):
    zipped = zipfile.is_zipfile(path)  # torch's format since 1.6; only it can be mapped
    try:
        with torch.serialization.safe_globals(PLAIN_NUMBERS):
            return torch.load(path, map_location="cpu", mmap=zipped, weights_only=True)
    except Exception as error:  # torch raises many kinds for one broken file
        reason = str(error)
        if wants := PROGRAM.search(reason):  # before all else: an old pickle is text
            raise ValueError(
                f"{path.name} holds more than tensors: it asks to run {wants[1]}. It "
                "was refused, and nothing in it was run. Ask who made it for "
                "safetensors."
            ) from None
        if kind := what_it_is(path):
            raise ValueError(f"{path.name} is no torch file but {kind}.") from None
        first = reason.split(". ")[0][:120]
        raise ValueError(
            f"{path.name} is no whole torch file ({first}). It "
            f"has {path.stat().st_size:,} bytes; one that was cut short has lost its "
            "end: fetch it again."
        ) from error


def what_it_is(path: Path) -> str | None:
    """What a file is that bears the name of a torch file, by its first bytes."""
    with path.open("rb") as file:
        first = file.read(64)
    if not first:
        return "empty (0 bytes): fetch it again"
    if first.lstrip()[:1] == b"<":
        return "a web page: fetch the file itself, perhaps after a login"
    if first.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS: fetch the file itself with `git lfs pull`"
    if first[8:9] == b"{" and first[5:8] == b"\0\0\0":
        return "safetensors: end its name with .safetensors"
    if first.startswith((b"RIFF", b"OggS", b"fLaC", b"ID3")):
        return "a sound: af.load_audio reads it"
    if first.isascii() and all(c.isprintable() or c.isspace() for c in first.decode()):
        return (
            "text or JSON, perhaps the message of a server: give the file of the "
            "weights, or fetch it again"
        )
    return None


def read_parts(files: list[Path]) -> dict[str, Tensor]:
    """One checkpoint out of `name_part1.pt`, `name_part2.pt` and so on.

    Raises:
        FileNotFoundError: when a number below the highest is missing.
        ValueError: when a name has no number, or two have the same.

    Official: checkpoints/checkpoint_utils.py merge_checkpoints
    Taught in: notebooks/12_real_weights.ipynb
    """
    found = {f: re.search(r"_part(\d+)$", f.stem) for f in files}
    if odd := [f.name for f, number in found.items() if number is None]:
        raise ValueError(f"{odd[0]} is no _partN of one checkpoint; rename or move it.")
    numbered = {int(number.group(1)): f for f, number in found.items()}
    if len(numbered) < len(files):
        raise ValueError(
            f"two files of {files[0].parent} have the same number of a part; move one."
        )
    missing = sorted(set(range(1, max(numbered) + 1)) - set(numbered))
    if missing:
        raise FileNotFoundError(
            f"part {', '.join(map(str, missing))} of {max(numbered)} is missing beside "
            f"{files[0].name}; fetch it too."
        )
    return {
        k: v for n in sorted(numbered) for k, v in read_weights(numbered[n]).items()
    }


def read_chunks(metadata: str | Path) -> dict[str, Tensor]:
    """One checkpoint out of `metadata.json` and the safetensors it names beside it.

    The metadata maps the name of each chunk, without `.safetensors`, to the names of
    its tensors.

    Raises:
        FileNotFoundError: when a chunk is missing.
        ValueError: when a chunk has not the tensors that the metadata lists, or the
            metadata are no whole JSON.

    Official: inference_HF_pretrained/inference.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    metadata = Path(metadata)
    listed = _listed(metadata)
    tensors: dict[str, Tensor] = {}
    for name in listed:
        if not isinstance(name, str) or Path(name).name != name:
            raise ValueError(f"{metadata} names {name!r}; a chunk lies beside it.")
        chunk = metadata.with_name(name.removesuffix(".safetensors") + ".safetensors")
        if not chunk.is_file():
            raise FileNotFoundError(
                f"{metadata} names {chunk.name}, which is missing; fetch it too."
            )
        found = read_weights(chunk)
        wanted = listed[name] if isinstance(listed, dict) else list(found)
        if isinstance(wanted, list) and set(wanted) != set(found):
            odd = sorted(set(wanted) ^ set(found))
            raise ValueError(
                f"{chunk.name} does not hold what {metadata.name} lists: {odd[:3]}."
            )
        tensors |= found
    return tensors


def _listed(metadata: Path) -> dict | list:
    """What a metadata.json lists: names of chunks, perhaps with those of tensors."""
    try:
        listed = json.loads(metadata.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{metadata} is no whole JSON ({error}). It has {metadata.stat().st_size:,}"
            " bytes: fetch it again."
        ) from error
    if not isinstance(listed, dict | list):
        raise ValueError(f"{metadata} is {listed!r}; the names of chunks are expected.")
    return listed


def tell(path: str | Path) -> None:
    """Print name, size and sha256 of a file that is to be read, and of its chunks.

    So it is told of a file too that then turns out to be broken.

    Taught in: notebooks/12_real_weights.ipynb
    """
    path = Path(path)
    chunks = path.name == "metadata.json"
    for one in [path, *sorted(path.parent.glob("*.safetensors"))] if chunks else [path]:
        if one.is_file():  # who reads it says what is missing
            print(f"{one.name}  {one.stat().st_size:,} bytes  sha256 {sha256(one)}")


def sha256(path: str | Path) -> str:
    """The sha256 of a file, 64 hexadecimal digits; read anew when the file changed.

    Taught in: notebooks/12_real_weights.ipynb
    """
    path = os.path.realpath(path)
    now = os.stat(path)
    return _sha256(path, now.st_ino, now.st_size, now.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: str, *_changes: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(path: Path) -> None:
    """Compare a file of the hub's cache with its sha256: there a file's name is that.

    Raises:
        ValueError: when they differ, as after a download that was cut short.
    """
    stored = path.resolve().name  # the cache links to files named by what they hold
    if path.is_symlink() and SHA256.fullmatch(stored) and sha256(path) != stored:
        raise ValueError(
            f"{path.name} should have sha256 {stored[:12]}..., but has "
            f"{sha256(path)[:12]}...: it is broken. Delete it and fetch it again."
        )

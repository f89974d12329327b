"""A model as a folder: safetensors for the weights, json for all the rest.

Nothing is pickled, so a folder from a stranger can hold no program.

Taught in: notebooks/06_the_audio_flamingo.ipynb
"""

import json
import os
import tempfile
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from ..config import FlamingoConfig

SHIPPED = Path(__file__).parents[1] / "weights"  # models that come with the package


def write_folder(
    path: str | Path, tensors: dict[str, Tensor], config: FlamingoConfig, tokenizer
) -> None:
    """Write weights, config and tokenizer (or None); each file whole or not at all.

    Raises NotADirectoryError where a file is in the folder's place.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    path = make_folder(path)
    with tempfile.TemporaryDirectory(dir=path) as aside:
        tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_tensors(tensors, Path(aside) / "model.safetensors")
        text = json.dumps(config.to_dict(), indent=1) + "\n"
        (Path(aside) / "config.json").write_text(text)
        if tokenizer is not None:
            tokenizer.save_pretrained(aside)
        for file in Path(aside).iterdir():
            os.replace(file, path / file.name)
    if tokenizer is None:  # that of a model before is none of this one
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (path / name).unlink(missing_ok=True)


def make_folder(path: str | Path) -> Path:
    """A folder, and those above it, where they are not there yet.

    Raises as `check_folder`.
    """
    path = check_folder(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def check_folder(path: str | Path) -> Path:
    """A path at which a folder is or can be made.

    Raises NotADirectoryError where it, or one above it, is a file.
    """
    path = Path(path)
    for place in (path, *path.parents):
        if place.is_file():
            raise NotADirectoryError(
                f"{place} is a file, and a folder is expected: name another, or move "
                "the file away."
            )
    return path


def save_tensors(
    tensors: dict[str, Tensor], path: str | Path, metadata: dict[str, str] | None = None
) -> None:
    """Write safetensors that others may read, as far as the umask lets them.

    The library alone makes files that are for their owner's eyes.
    """
    path = Path(path)
    path.unlink(missing_ok=True)
    path.touch()  # the system gives a new file the mode that the umask leaves
    mode = path.stat().st_mode & 0o777
    save_file(tensors, path, metadata)
    path.chmod(mode)


def read_folder(path: str | Path) -> tuple[FlamingoConfig, dict[str, Tensor], object]:
    """Inverse of `write_folder`: config, tensors, tokenizer (or None).

    Raises:
        FileNotFoundError: when the folder holds no model.
        PermissionError: when the weights are another user's alone.
        ValueError: when a file of it is damaged, or of another program.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    path = Path(path)
    for file in ("config.json", "model.safetensors"):
        if not (path / file).is_file():
            raise FileNotFoundError(
                f"no model in {path}: it has no {file}. Shipped with the package: "
                f"{', '.join(shipped_names()) or 'none'}. Or give a folder that "
                f"save_pretrained wrote.{hint_of_run(path)}"
            )
    try:
        said = json.loads((path / "config.json").read_text(encoding="utf-8-sig"))
        config = FlamingoConfig.from_dict(said)
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path / 'config.json'} is no config of this package ({error!r}). Give a "
            "folder that save_pretrained wrote; a language model alone goes in as lm=."
        ) from error
    tokenizer = None
    if (path / "tokenizer.json").is_file():
        tokenizer = read_tokenizer(path)
        if len(tokenizer) > (rows := config.lm.get("vocab_size", len(tokenizer))):
            raise ValueError(
                f"{path} holds a tokenizer of {len(tokenizer)} tokens and a model that "
                f"knows {rows}: one of them is of another folder."
            )
    return config, read_tensors(path / "model.safetensors"), tokenizer


def hint_of_run(path: Path) -> str:
    """Where the model of a run is, when this is the run's folder; else nothing."""
    if not (path / "model" / "config.json").is_file():
        return ""
    return f" This is the folder of a run; its model is in {path / 'model'}."


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; ValueError when it is damaged.

    Raises PermissionError when it is there and may not be read.
    """
    if path.exists() and not os.access(path, os.R_OK):  # the library says: not found
        raise PermissionError(
            f"{path} is there and may not be read: its owner can allow it, chmod a+r."
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            f"{path} is cut off or damaged ({error}). Copy it again."
        ) from error


def read_tokenizer(path: Path) -> PreTrainedTokenizerFast:
    """The tokenizer in a folder; ValueError when a file of it is damaged."""
    try:
        return PreTrainedTokenizerFast.from_pretrained(path, local_files_only=True)
    except Exception as error:  # tokenizers has no error of its own
        raise ValueError(
            f"the tokenizer in {path} is damaged ({str(error)[:120]}). Copy it again."
        ) from error


def shipped_names() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(p.parent.name for p in SHIPPED.glob("*/config.json"))


def model_folder(name_or_path: str | Path) -> Path:
    """Where a model lives: a shipped name, or a folder as it is."""
    shipped = str(name_or_path) in shipped_names()
    return SHIPPED / name_or_path if shipped else Path(name_or_path)


def load_exactly(model: nn.Module, tensors: dict[str, Tensor], tied: set[str]) -> None:
    """Load weights; a name too many or too few is an error that lists them.

    Args:
        tied: names that may be missing, because another name holds the same tensor.

    Raises:
        ValueError: naming missing, unexpected and wrongly shaped tensors.
    """
    wanted = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    given = {k: tuple(v.shape) for k, v in tensors.items()}
    faults = {
        "missing": sorted(wanted.keys() - given.keys() - tied),
        "unexpected": sorted(given.keys() - wanted.keys()),
        "of another shape": [
            f"{k} {given[k]}, expected {wanted[k]}"
            for k in sorted(wanted.keys() & given.keys())
            if given[k] != wanted[k]
        ],
    }
    lines = [f"{len(v)} {k}:\n  " + "\n  ".join(v) for k, v in faults.items() if v]
    if lines:
        told = "the weights do not fit the model; load them with their own config."
        raise ValueError("\n".join([told, *lines]))
    model.load_state_dict(tensors, strict=False)

"""The layouts in which official checkpoints lie on disk, and what their names tell.

    foundation.pt, chat.pt               AF1, {"model_state_dict": {"module.*": ...}}
    foundation_part1.pt ... _part5.pt    the same in parts
    safe_ckpt/metadata.json              AF2, with its chunks of safetensors

Taught in: notebooks/12_real_weights.ipynb
"""

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..config import PRESETS
from ..disk.checkpoints import write_json
from ..disk.storage import hint_of_run, make_folder, save_tensors
from ..disk.weight_files import read_chunks, read_parts, read_weights, tell
from ..model import AudioFlamingo
from .names import HEAD, LAYERS, OFFICIAL
from .sizes import check_counts
from .weights import to_official

WEIGHT_FILES = ("*.pt", "*.pth", "*.bin", "*.safetensors")
VARIANTS = "foundation", "chat"  # of AF1, by the name of the file
CHAT_AUDIOS = 4  # max_num_fewshot of AF1's chat.yaml; the foundation model has 8


def weight_files(place: Path, variant: str = "foundation") -> list[Path]:
    """The files of a checkpoint: one, its parts, or a metadata.json.

    Raises:
        FileNotFoundError: when the layout is none of those that are known.
    """
    if place.is_file():
        return [place]
    for metadata in (place / "safe_ckpt/metadata.json", place / "metadata.json"):
        if metadata.is_file():
            return [metadata]
    whole, parts = place / f"{variant}.pt", sorted(place.glob(f"{variant}_part*.pt"))
    if whole.is_file() or parts:
        return [whole] if whole.is_file() else parts
    loose = sorted(f for kind in WEIGHT_FILES for f in place.glob(kind))
    others = tuple(name for name in VARIANTS if name != variant)
    if len(loose) == 1 and not loose[0].stem.startswith(others):
        return loose
    held = ", ".join(sorted(p.name for p in place.iterdir())[:8]) or "nothing"
    hint = f" Name one of its files: {loose[-1]}." if loose else hint_of_run(place)
    raise FileNotFoundError(
        f"no model in {place}, in no layout known here: it has no config.json of this "
        f"package, no {variant}.pt, no {variant}_part1.pt, no safe_ckpt/metadata.json "
        f"and not one single file of weights. It holds: {held}.{hint}"
    )


def holds_official(folder: Path) -> bool:
    """Whether files named as the official ones are in a folder.

    Beside them a config.json is that of the language model.
    """
    torch_files = [f for variant in VARIANTS for f in folder.glob(f"{variant}*.pt")]
    return bool(torch_files) or (folder / "safe_ckpt").is_dir()


def is_ours(folder: Path) -> bool:
    """Whether a folder is a model of this package, by its config.json.

    That of a language model says nothing of audio; a broken one its reader names.
    """
    try:
        said = json.loads((folder / "config.json").read_text(encoding="utf-8-sig"))
    except OSError:
        return False
    except ValueError:
        said = {"family": None, "audio": None}
    known = isinstance(said, dict) and {"family", "audio"} <= said.keys()
    return known and not holds_official(folder)


def is_official_folder(folder: Path) -> bool:
    """Whether what lies in a folder is not a model of this package.

    A lone `model.safetensors` is whose names it has; a broken one is for the reader to
    complain of.
    """
    ours = folder / "model.safetensors"
    if not ours.is_file():
        return True
    try:
        with safe_open(ours, "pt") as file:
            return any("lang_encoder." in name for name in file.keys())
    except SafetensorError:
        return not (folder / "config.json").is_file()


def read_files(files: list[Path]) -> dict[str, Tensor]:
    """All tensors of a checkpoint, without the `module.` of a wrapped model."""
    if files[0].name == "metadata.json":
        tensors = read_chunks(files[0])
    elif len(files) > 1 or "_part" in files[0].stem:
        tensors = read_parts(files)
    else:
        tensors = read_weights(files[0])
    return {k.removeprefix("module."): v for k, v in tensors.items()}


def family_of(tensors: dict[str, Tensor]) -> str:
    """ "af1" or "af2", by the name of the audio transformer.

    Raises:
        ValueError: when it has neither name.
    """
    for family, start in (("af2", "audio_transformer_clap."), ("af1", "audio_tr")):
        if any(name.startswith(start) for name in tensors):
            return family
    raise ValueError(
        "no tensor is named audio_transformer.* (AF1) or audio_transformer_clap.* "
        f"(AF2). The first names are {list(tensors)[:3]}: these are no weights of an "
        "Audio Flamingo."
    )


def first_gated_layer(tensors: dict[str, Tensor], family: str) -> int:
    """The lowest layer with a gated block; every layer has one where it is 0.

    Raises ValueError when no layer has one.
    """
    layers = LAYERS[PRESETS[family].lm["model_type"]] + "."
    gated = OFFICIAL[family][2]
    found = [
        int(name.removeprefix(layers).split(".")[0])
        for name in tensors
        if name.startswith(layers) and f".{gated}" in name
    ]
    if not found:
        raise ValueError(
            f"no tensor is named {layers}*.{gated}*: the gated blocks are missing, "
            "without which the language model hears nothing. Fetch the checkpoint "
            "anew, or give all of its parts."
        )
    return min(found)


@contextmanager
def told_of_parts(files: list[Path]):
    """Say in the ValueError of weights that do not fit how many parts were read."""
    try:
        yield
    except ValueError as error:
        if "_part" not in files[0].stem:
            raise
        raise ValueError(
            f"{len(files)} of the parts came in; official ones have five. {error}"
        ) from error


def with_base_lm(
    tensors: dict[str, Tensor], folder: Path | None, family: str, tokenizer
) -> dict[str, Tensor]:
    """The checkpoint, with what it leaves to the language model's own weights.

    A checkpoint of what was trained has no frozen layers. They are taken from the
    folder of the language model, as the official code does.

    Raises ValueError when neither holds them.
    """
    layers = LAYERS[PRESETS[family].lm["model_type"]]
    if any(".decoder_layer." in k or "old_decoder_blocks" in k for k in tensors):
        return tensors
    kinds = ("model*.safetensors", "pytorch_model*.bin", *WEIGHT_FILES)
    found = ([*sorted((folder or Path()).glob(kind))] for kind in kinds)
    files = next(filter(None, found), [])  # not what a trainer left beside them
    if folder is None or not files:
        raise ValueError(
            "this checkpoint holds no layers of the language model. Give lm=, a folder "
            "with the weights it was trained on."
        )
    base: dict[str, Tensor] = {}
    for file in files:
        tell(file)
        for name, tensor in read_weights(file).items():
            # saved without its head, a language model has names without "model."
            bare = name.startswith(("decoder.", "layers.", "embed_tokens.", "norm."))
            name = f"lang_encoder.{'model.' if bare else ''}{name}"
            if name.startswith(layers + "."):
                number, rest = name.removeprefix(layers + ".").split(".", 1)
                name = f"{layers}.{number}.decoder_layer.{rest}"
            elif tokenizer and name.endswith(("embed_tokens.weight", "lm_head.weight")):
                tensor = tensor[: len(tokenizer)]  # Qwen2's matrix has spare rows
            base[name] = tensor
    embedded = [k for k in base if k.endswith("embed_tokens.weight")]
    if HEAD in base and embedded and torch.equal(base[HEAD], base[embedded[0]]):
        del base[HEAD]  # tied: it is the embedding, also where that has learnt since
    return base | tensors


def write_official(model: AudioFlamingo, folder: str | Path, chunks: int = 5) -> Path:
    """Write a model as the official code reads it; returns what `af.load` is given.

    AF1: `foundation.pt` with {"model_state_dict": ...}; `chat.pt` where prompts are
    filled up to four audios, which is read off that name. AF2: `safe_ckpt/` with
    `metadata.json` and so many chunks of safetensors. Each file is whole or not there.

    Raises ValueError for fewer than one chunk, NotADirectoryError where a file is in
    the folder's place.

    Official: inference/inference_examples.py, inference_HF_pretrained/inference.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    check_counts(chunks=chunks)
    folder = make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        if model.config.family == "af1":
            wrapped = {"model_state_dict": to_official(model, aliases=True)}
            chat = model.config.audio.padded_audios == CHAT_AUDIOS
            name = f"{VARIANTS[chat]}.pt"
            torch.save(wrapped, Path(aside) / name)
            os.replace(Path(aside) / name, folder / name)
            return folder / name
        tensors = to_official(model, aliases=False)  # a name once; all others alias it
        names, listed = list(tensors), {}
        place = folder / "safe_ckpt"
        place.mkdir(exist_ok=True)
        # no reader meets chunks of two models: without its list there is none
        (place / "metadata.json").unlink(missing_ok=True)
        for n in range(min(chunks, len(names))):
            listed[f"chunk_{n}"] = names[n::chunks]
            share = {name: tensors[name].contiguous() for name in names[n::chunks]}
            save_tensors(share, Path(aside) / "chunk")
            os.replace(Path(aside) / "chunk", place / f"chunk_{n}.safetensors")
        write_json(place / "metadata.json", listed)
    return folder

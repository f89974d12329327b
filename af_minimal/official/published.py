"""Published checkpoints as models: find the files, read them, give them their parts.

    af.load("nvidia/audio-flamingo")             what the hub's cache holds
    af.load("nvidia/audio-flamingo-2-0.5B", download=True)
    af.load("checkpoints/foundation.pt", lm="opt-iml-max-1.3b")   files you have

A checkpoint is one of: a torch file; its parts `foundation_part1.pt` to `_part5.pt`;
`safe_ckpt/metadata.json` and its safetensors; one safetensors file. Sizes are read off
the weights, all else comes from the language model's folder and `published_names.py`.

Layouts follow the official code, tested on small weights and a local hub.

Taught in: notebooks/12_real_weights.ipynb
"""

from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig

from ..config import PRESETS
from ..disk.hub import hub_folder
from ..disk.storage import model_folder, shipped_names
from ..disk.weight_files import tell
from ..model import AudioFlamingo
from .layouts import (
    CHAT_AUDIOS,
    family_of,
    first_gated_layer,
    is_official_folder,
    is_ours,
    read_files,
    told_of_parts,
    weight_files,
    with_base_lm,
)
from .names import embedding_of
from .published_names import AF1_LICENCE, AF2_LICENCE, PUBLISHED, Published
from .read_claps import attach_encoder
from .sizes import check_counts, check_dtype, lm_dict
from .vocabulary import has_tokenizer, official_ids, official_tokenizer
from .weights import from_official

LM_FILES = ["*.json", "*.txt"]  # config and tokenizer; the weights are NVIDIA's
_told: set[str] = set()  # licences that were printed


def load(name_or_path: str | Path, **options) -> AudioFlamingo:
    """A shipped model, a folder of yours, or published weights; these take options.

    Raises TypeError for options that came with one of the others and for what is no
    name, FileNotFoundError where nothing is, ValueError for one file of a folder of
    yours; else as `load_published` and `AudioFlamingo.load`.
    """
    if not isinstance(name_or_path, str | Path):
        raise TypeError(
            f"the name or the folder of a model is expected, as 'mini'; "
            f"{type(name_or_path).__name__} came."
        )
    folder = model_folder(name_or_path)
    if folder.name == "model.safetensors" and is_ours(folder.parent):
        raise ValueError(
            f"{folder} is the weights of a model of this package; give its folder, "
            f"{folder.parent}."
        )
    if not is_ours(folder) and is_published(name_or_path):
        return load_published(name_or_path, **options)
    if not folder.exists():
        raise FileNotFoundError(
            f"there is no file or folder {name_or_path}; check the path, or give a "
            f"name. Shipped with the package: {', '.join(shipped_names()) or 'none'}. "
            f"Published: {', '.join(PUBLISHED)}."
        )
    if options:
        raise TypeError(
            f"only published weights take {', '.join(options)}; {str(name_or_path)!r} "
            f"is a model of this package. Published names: {', '.join(PUBLISHED)}."
        )
    return AudioFlamingo.load(folder)


def is_published(name_or_path: str | Path) -> bool:
    """Whether this names weights in an official layout, on the hub or on disk."""
    path = Path(name_or_path)
    named = str(name_or_path) in PUBLISHED or path.is_file()
    return named or (path.is_dir() and is_official_folder(path))


def load_published(
    name_or_path: str | Path,
    lm: str | Path | dict | None = None,
    encoder: str | Path | None = None,
    dtype: torch.dtype | None = None,
    download: bool = False,
    variant: str = "foundation",
    audio_heads: int = 8,
    max_windows: int | None = None,
    padded_audios: int | None = None,
) -> AudioFlamingo:
    """A published Audio Flamingo, in eval mode, with what of its parts is at hand.

    Args:
        name_or_path: a name of `PUBLISHED`, or a file or folder in an official layout.
        lm: folder of the language model (config, tokenizer, perhaps weights), or its
            config. None looks in the hub's cache, or on the hub, then at the sizes.
        encoder: file of the CLAP, where the checkpoint does not hold it whole. What
            the checkpoint has of it lies over the file's, as in the official code.
        dtype: of the parameters. None is bfloat16 for a name of the hub, half the
            memory, and float32 for files. Positions and encoder keep float32.
        download: fetch what is missing from the hub; without it no network is asked.
        variant: of AF1, "foundation" or "chat"; a file `chat*.pt` is the second.
        audio_heads: of the audio transformer; 8 in every official model.
        max_windows: windows of an audio. None is 16 in AF1, and in AF2 30, the five
            minutes of the paper; NVIDIA's configs/inference.yaml hears 12 of them.
        padded_audios: audios to which each prompt of AF1 is filled up with padding, at
            which its layers look; see `from_official`. None is what the weights were
            trained with: 8 (128 windows), or 4 (64) in "chat". NVIDIA's demo of the
            foundation model, inference/configs/foundation.yaml, has 1 (16).

    Raises:
        FileNotFoundError: naming what is missing and how to get it.
        OSError: when a download fails, as `hub_folder`.
        ValueError: when files are broken or unsafe, or the parts do not fit each other;
            for numbers below 1.
        TypeError: for a `dtype` that is no floating type, and an `lm` that is neither a
            folder nor a config.

    Taught in: notebooks/12_real_weights.ipynb
    """
    check_dtype(dtype)
    check_counts(audio_heads=audio_heads, max_windows=max_windows)
    check_counts(padded_audios=padded_audios)
    lm = lm if lm is None or isinstance(lm, str | Path) else lm_dict(lm, "lm")
    entry = PUBLISHED.get(str(name_or_path))
    place = Path(name_or_path)
    if entry:
        wanted = [f"{variant}*", "safe_ckpt/*", "clap_ckpt/*"]
        place = hub_folder(str(name_or_path), wanted, download)
    files = weight_files(place, variant)
    for file in files:
        tell(file)
    tensors = read_files(files)
    family = family_of(tensors)
    _tell(entry.licence if entry else None, family)
    with told_of_parts(files):
        known = entry or known_by_size(tensors, family)
    folder, config = lm_parts(lm, known, download)
    tokenizer = official_tokenizer(folder, family) if has_tokenizer(folder) else None
    tensors = with_base_lm(tensors, folder, family, tokenizer)
    with told_of_parts(files):
        rows = len(embedding_of(tensors, PRESETS[family].lm["model_type"]))
    if padded_audios is None and (variant == "chat" or files[0].stem[:4] == "chat"):
        padded_audios = CHAT_AUDIOS
    with told_of_parts(files):
        model = from_official(
            tensors,
            config,
            family=family,
            cross_attn_every_n_layers=first_gated_layer(tensors, family) + 1,
            max_windows_per_audio=max_windows or PRESETS[family].audio.max_windows,
            audio_heads=audio_heads,
            padded_audios=padded_audios,
            dtype=dtype or (torch.bfloat16 if entry else torch.float32),
            **official_ids(tokenizer, family, rows),
        )
    model.tokenizer = tokenizer
    attach_encoder(model, place, encoder, download)
    return model.eval()


def known_by_size(tensors: dict[str, Tensor], family: str) -> Published | None:
    """The published model with as wide a language model, or None."""
    width = embedding_of(tensors, PRESETS[family].lm["model_type"]).shape[1]
    for entry in PUBLISHED.values():
        if entry.family == family and entry.lm["hidden_size"] == width:
            return entry
    return None


def lm_parts(lm, known: Published | None, download: bool) -> tuple[Path | None, dict]:
    """Folder of the language model, or None, and its config.

    Raises ValueError for neither, FileNotFoundError for a folder without a config.
    """
    if lm is not None and not isinstance(lm, str | Path):
        return None, lm
    folder = Path(lm) if lm is not None else None
    if folder is None and known is not None:
        try:
            folder = hub_folder(known.lm_repo, LM_FILES, download)
            if not (folder / "config.json").is_file():
                raise FileNotFoundError(f"{folder} has no config.json; give lm=.")
        except FileNotFoundError:
            if download:
                raise
            print(f"No tokenizer: {known.lm_repo} is not here. Give its folder as lm=.")
            return None, known.lm
    if folder is None:
        raise ValueError(
            "the weights do not tell the heads of their language model, and no "
            "published one is as wide. Give lm=, its folder or its config."
        )
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(f"lm= is {folder}, without a config.json.")
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    return folder, config.to_dict()


def _tell(licence: str | None, family: str) -> None:
    named = (
        "Licence of NVIDIA's weights" if licence else "If these are NVIDIA's weights"
    )
    licence = licence or (AF1_LICENCE if family == "af1" else AF2_LICENCE)
    if licence not in _told:
        _told.add(licence)
        print(f"{named}: {licence}.")

"""Checkpoints of the published CLAPs, read into `PublishedCLAP`.

Where a checkpoint keeps its tower differs, and so does how much else it holds: text
towers, a language model, heads. Sizes are read off the weights, and mel filters too.

Taught in: notebooks/12_real_weights.ipynb
"""

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ..config import EncoderConfig
from ..disk.hub import hub_folder
from ..disk.storage import load_exactly
from ..disk.weight_files import read_weights, tell
from ..model import AudioFlamingo
from .claps import AUDIO, MEL, PublishedCLAP, filters_of
from .htsat_names import AFCLAP, has_fusion, htsat_to_transformers, under

TOWER_NAMES = {  # where a checkpoint keeps its tower, the first that is there
    "clapcap": ("clap.base.htsat.", "audio_encoder.base.htsat."),
    "afclap": (*AFCLAP, "audio_branch."),
    "laion": ("audio_branch.",),
}
HEAD_NAMES = {
    "clapcap": ("clap.projection.", "audio_encoder.projection."),
    "laion": ("audio_projection.",),
}
MSCLAP = ("microsoft/msclap", "clapcap_weights_2023.pth")
SIZES = (  # of a tower; a checkpoint of what was trained lacks them, if CLAP was frozen
    "norm.weight",
    "bn0.weight",
    "patch_embed.proj.weight",
    "layers.0.blocks.0.attn.relative_position_bias_table",
)


def read_clap(tensors: dict[str, Tensor], kind: str) -> PublishedCLAP:
    """A published CLAP out of a checkpoint's tensors; sizes are read off the weights.

    Raises:
        ValueError: when no tower is there under the names of that kind, only a part of
            one, or tensors are missing or of another shape.

    Official: msclap/models/clap.py (clapcap), inference_HF_pretrained/src/factory.py
    (afclap), laion_clap/clap_module/model.py (laion)
    Taught in: notebooks/12_real_weights.ipynb
    """
    tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    original = _first(tensors, TOWER_NAMES[kind], kind)
    if not is_whole(original):
        raise ValueError(
            f"the tensors hold a part of the {kind}'s tower, {len(original)} of them, "
            "without its layers: a checkpoint leaves out what training left alone. "
            "Give the file of the CLAP that it was trained with, as encoder=."
        )
    tower = htsat_to_transformers(original)
    head = {}
    if kind in HEAD_NAMES:
        head = _first(tensors, HEAD_NAMES[kind], kind)
        head = linear_names(head)
    encoder = PublishedCLAP(clap_config(tower, head, kind), AUDIO[kind])
    if kind == "laion" and has_fusion(original):  # stored ones are not used by it
        encoder.filters = filters_of(encoder.config, fusion=True)
    elif kind != "afclap":  # its mel comes from elsewhere, as `claps.py` says
        stored = original.get("logmel_extractor.melW")
        tower_filters = encoder.filters if stored is None else stored.float()
        if tower_filters.shape != encoder.filters.shape:
            raise ValueError(
                f"logmel_extractor.melW has the shape {tuple(tower_filters.shape)}; "
                f"{kind} has {tuple(encoder.filters.shape)}: fetch it again."
            )
        encoder.filters = tower_filters.clone()
    named = {f"tower.{name}": tensor for name, tensor in tower.items()}
    named |= {f"head.{name}": tensor for name, tensor in head.items()}
    wanted = encoder.state_dict()
    made = {k for k in wanted if k == "filters" or k.endswith("position_index")}
    kept = {k: v for k, v in named.items() if not k.endswith("position_index")}
    load_exactly(encoder, kept, made)
    return encoder.eval()


def is_whole(tower: dict[str, Tensor]) -> bool:
    """Whether the tensors of a tower, without prefix, tell all of its sizes."""
    return all(name in tower for name in SIZES)


def laid_over(
    outside: dict[str, Tensor], inside: dict[str, Tensor], kind: str
) -> dict[str, Tensor]:
    """The tensors of a CLAP's file, with those that a checkpoint has over them.

    The official non-FSDP path saves what was trained, all that has "embed" in its name,
    and buffers. So of a frozen CLAP the patches and the statistics of its first norm
    come with the checkpoint, and the rest is that of the file.

    Official: audio_flamingo_2/train/train_utils.py filter_state_dict_to_trainable
    Taught in: notebooks/12_real_weights.ipynb
    """
    if not outside or not inside:
        return outside or inside
    outside = {k.removeprefix("module."): v for k, v in outside.items()}
    whole = _first(outside, TOWER_NAMES[kind], kind)
    over = next((t for s in TOWER_NAMES[kind] if (t := under(inside, s))), {})
    return {TOWER_NAMES[kind][0] + name: t for name, t in (whole | over).items()}


def clap_config(
    tower: dict[str, Tensor], head: dict[str, Tensor], kind: str
) -> EncoderConfig:
    """Sizes of a CLAP, as its weights tell them.

    Raises ValueError where one is missing that tells a size.
    """
    try:
        return _sizes(tower, head, kind)
    except KeyError as error:
        raise ValueError(
            f"this {kind} checkpoint has no {error.args[0]!r}, which tells a size of "
            "it: fetch it again."
        ) from error


def _sizes(
    tower: dict[str, Tensor], head: dict[str, Tensor], kind: str
) -> EncoderConfig:
    depths, heads = [], []
    while blocks := under(tower, f"layers.{len(depths)}.blocks."):
        start = f"layers.{len(depths)}.blocks."
        depths.append(len({name.split(".")[0] for name in blocks}))
        bias = start + "0.attention.self.relative_position_bias_table"
        heads.append(tower[bias].shape[1])
    width = len(head["linear2.weight"]) if head else len(tower["norm.weight"])
    return EncoderConfig(
        kind=kind,
        width=width,
        embed_dim=width,
        steps=64 if kind == "afclap" else 1,
        n_mels=len(tower["batch_norm.weight"]),
        htsat_embed=len(tower["patch_embed.proj.weight"]),
        htsat_depths=tuple(depths),
        htsat_heads=tuple(heads),
        htsat_spec_size=256,
        **MEL[kind],
    )


def attach_encoder(
    model: AudioFlamingo, place: Path, file: str | Path | None, download: bool = False
) -> None:
    """Give a loaded model its CLAP: from the checkpoint, a file, or the hub's cache.

    Without any the model has no encoder and takes features; a line says so.

    Raises ValueError when the encoder is of another width than the model, or when a
    part of one is all there is.

    Taught in: notebooks/12_real_weights.ipynb
    """
    kind = "clapcap" if model.config.family == "af1" else "afclap"
    inside = getattr(model, "official_aside", {})  # trained with the model
    if file is None and not any(is_whole(under(inside, s)) for s in AFCLAP):
        file = _beside(place, kind, download)
    if file is None and not inside:
        print(f"No encoder: no {kind} is here. Give its file as encoder=.")
        return
    if file is not None:
        tell(file)
    outside = {} if file is None else read_weights(file)
    encoder = read_clap(laid_over(outside, inside, kind), kind)
    if encoder.width != model.config.audio_width:
        raise ValueError(
            f"the encoder gives {encoder.width} numbers a vector and the model expects "
            f"{model.config.audio_width}; they do not belong together."
        )
    model.encoder = encoder
    told = {k: getattr(model.config.audio, k) for k in ("max_windows", "padded_audios")}
    encoder.audio = replace(encoder.audio, **told)
    model.config = replace(model.config, encoder=encoder.config, audio=encoder.audio)
    model.lm.flamingo = model.config


def _beside(place: Path, kind: str, download: bool) -> Path | None:
    """A CLAP's file in the folder of a checkpoint, or in the hub's cache; else None."""
    folder = place if place.is_dir() else place.parent
    if folder.name == "safe_ckpt":  # the CLAP has a folder of its own beside it
        folder = folder.resolve().parent
    found = sorted(folder.glob("clap_ckpt/*.pt")) if kind == "afclap" else []
    if kind == "clapcap":
        found = sorted(folder.glob("clapcap*.pth"))
    if found or kind == "afclap":
        return found[-1] if found else None  # epoch_16 rather than epoch_15
    try:
        file = hub_folder(MSCLAP[0], [MSCLAP[1]], download) / MSCLAP[1]
        return file if file.is_file() else None  # a cache may hold another of its files
    except FileNotFoundError:
        return None


def _first(tensors: dict[str, Tensor], starts: tuple[str, ...], kind: str) -> dict:
    for start in starts:
        if found := under(tensors, start):
            return found
    raise ValueError(
        f"no tensor is named {' or '.join(s + '*' for s in starts)}, so this is no "
        f"{kind} checkpoint. The first names are {list(tensors)[:3]}."
    )


def linear_names(head: dict[str, Tensor]) -> dict[str, Tensor]:
    """The layers "0" and "2" of a head by `transformers`' names; others as they are."""
    numbered = {"0": "linear1", "2": "linear2"}
    return {
        ".".join([numbered.get(layer, layer), *rest]): tensor
        for (layer, *rest), tensor in ((k.split("."), v) for k, v in head.items())
    }

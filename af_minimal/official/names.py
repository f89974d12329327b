"""The table of names: which official tensor is which of ours, and which is a twin.

Taught in: notebooks/06_the_audio_flamingo.ipynb and 13_af2.ipynb
"""

import torch
from torch import Tensor

HEAD = "lang_encoder.lm_head.weight"
OURS = ("lm.", "audio_transformer.", "gated_cross_attn_layer.")
OFFICIAL = {  # in the order of OURS
    "af1": ("lang_encoder.", "audio_transformer.", "gated_cross_attn_layer."),
    "af2": (
        "lang_encoder.",
        "audio_transformer_clap.",
        "gated_cross_attn_layer_sound.",
    ),
}
TWINS = {
    "decoder_layer": "lang_encoder.old_decoder_blocks",
    "gated_cross_attn_layer": "lang_encoder.gated_cross_attn_layers",
    "gated_cross_attn_layer_sound": "lang_encoder.gated_cross_attn_layers_sound",
}
ENCODER = "clap."  # what official AF2 checkpoints hold beside the model
LAYERS = {
    "opt": "lang_encoder.model.decoder.layers",
    "qwen2": "lang_encoder.model.layers",
}


def ours(name: str, family: str = "af1") -> str:
    """Our name of an official tensor that is not a twin."""
    return translate(name, OFFICIAL[family], OURS)


def official(name: str, family: str) -> str:
    """Inverse of `ours`."""
    return translate(name, OURS, OFFICIAL[family])


def translate(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> str:
    """A name with each of the `old` parts replaced; a part begins after a dot."""
    for one, other in zip(old, new, strict=True):
        name = f".{name}".replace(f".{one}", f".{other}", 1).removeprefix(".")
    return name


def embedding_of(tensors: dict[str, Tensor], model_type: str) -> Tensor:
    """The token embedding (V, D), by its official name.

    Raises ValueError when no tensor has it.
    """
    name = LAYERS[model_type].replace("layers", "embed_tokens.weight")
    if name not in tensors:
        raise ValueError(
            f"no tensor is named {name}; is the language model {model_type}?"
        )
    return tensors[name]


def twin_of(name: str, layers: str) -> str | None:
    """The second name official checkpoints store a tensor under, if there is one."""
    if not name.startswith(layers + "."):
        return None
    i, part, rest = name.removeprefix(layers + ".").split(".", 2)
    return f"{TWINS[part]}.{i}.{rest}"


def first_name(name: str, layers: str) -> str:
    """Inverse of `twin_of`; a name that is no twin stays as it is."""
    for part, twins in TWINS.items():
        if name.startswith(twins + "."):
            i, rest = name.removeprefix(twins + ".").split(".", 1)
            return f"{layers}.{i}.{part}.{rest}"
    return name


def without_twins(given: dict[str, Tensor], layers: str) -> dict[str, Tensor]:
    """Every tensor once; twins that differ are an error.

    Raises ValueError for them.
    """
    tensors: dict[str, Tensor] = {}
    came: dict[str, str] = {}
    for name, tensor in given.items():
        first = first_name(name, layers)
        seen, other = came.setdefault(first, name), tensors.setdefault(first, tensor)
        if other is not tensor and not torch.equal(other, tensor):
            raise ValueError(
                f"{seen} {tuple(other.shape)} and its twin {name} "
                f"{tuple(tensor.shape)} should be one tensor, but differ."
            )
    return tensors

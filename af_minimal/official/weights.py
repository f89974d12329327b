"""Published weights into our model, and back: the two directions are exact inverses.

Inside a model our names are the official ones, so little is left to translate: official
`lang_encoder.` is our `lm.`, and official checkpoints store many tensors twice.

    lang_encoder.old_decoder_blocks.{i}.*       = ...layers.{i}.decoder_layer.*
    lang_encoder.gated_cross_attn_layers.{i}.*  = ...layers.{i}.gated_cross_attn_layer.*
    lang_encoder.lm_head.weight                 = the token embedding, where it is tied

Official FSDP training breaks that tie, and the two matrices learn apart. Loaded into a
tied model, one of them is lost; here a checkpoint whose two matrices differ gives an
untied model.

Taught in: notebooks/06_the_audio_flamingo.ipynb
"""

from dataclasses import replace

import torch
from torch import Tensor

from ..config import PRESETS, FlamingoConfig
from ..disk.storage import load_exactly
from ..model import AudioFlamingo

HEAD = "lang_encoder.lm_head.weight"
TWINS = {
    "decoder_layer": "lang_encoder.old_decoder_blocks",
    "gated_cross_attn_layer": "lang_encoder.gated_cross_attn_layers",
}
LAYERS = {
    "opt": "lang_encoder.model.decoder.layers",
    "qwen2": "lang_encoder.model.layers",
}


def from_official(
    state_dict: dict[str, Tensor],
    lm_config,
    family: str = "af1",
    cross_attn_every_n_layers: int = 1,
    max_windows_per_audio: int = 16,
    audio_heads: int = 8,
    audio_token_id: int | None = None,
    sep_token_id: int | None = None,
    eoc_token_id: int | None = None,
) -> AudioFlamingo:
    """Our model with official weights, in eval mode; widths are read off the weights.

    Args:
        state_dict: official names, with or without the twins and `module.` prefixes.
        lm_config: Hugging Face config of the language model, or its dict.

    Raises:
        ValueError: listing missing and unexpected tensors, or twins that differ.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    if family != "af1":
        raise NotImplementedError(
            f"family {family!r} cannot be loaded; this version reads 'af1' weights."
        )
    given = {k.removeprefix("module."): v for k, v in state_dict.items()}
    tensors = without_twins(given, LAYERS["opt"])
    config = FlamingoConfig(
        name="official",
        family=family,
        audio=replace(PRESETS["af1"].audio, max_windows=max_windows_per_audio),
        audio_heads=audio_heads,
        audio_dropout=0.1,
        isolate_audios=False,
        xattn_every=cross_attn_every_n_layers,
        lm=lm_fields(lm_config, tensors),
        audio_token_id=audio_token_id,
        sep_token_id=sep_token_id,
        eoc_token_id=eoc_token_id,
        **sizes(tensors),
    )
    model = AudioFlamingo(config)
    named = {ours(name): tensor for name, tensor in tensors.items()}
    load_exactly(model, named, model.tied_names)
    model.official_names = frozenset(given)
    return model.eval()


def to_official(model: AudioFlamingo, aliases: bool | None = None) -> dict[str, Tensor]:
    """Official names for our weights; exact inverse of `from_official`.

    Args:
        aliases: True stores every twin too, as official checkpoints do; False stores
            each tensor once. None gives a loaded model the names it came with, and any
            other model all of them.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    layers = LAYERS[model.lm.config.model_type]
    tensors = {
        "lang_encoder." + name.removeprefix("lm.")
        if name.startswith("lm.")
        else name: t
        for name, t in model.state_dict().items()
        if not name.startswith("encoder.")
    }
    if model.lm.config.tie_word_embeddings:
        del tensors[HEAD]
    if aliases is False:
        return tensors
    twins = {twin_of(name, layers): t for name, t in tensors.items()}
    twins.pop(None)  # of the many that have no twin
    twins.setdefault(HEAD, embedding_of(tensors, model.lm.config.model_type))
    names = getattr(model, "official_names", None)
    if aliases is None and names is not None:
        twins = {name: t for name, t in twins.items() if name in names}
    return {**twins, **tensors}


def lm_fields(lm_config, tensors: dict[str, Tensor]) -> dict:
    """The language model's config as a dict; vocabulary and tie as the weights say."""
    lm = dict(lm_config) if isinstance(lm_config, dict) else lm_config.to_dict()
    lm.pop("vocab_size_after_resize", None)
    if lm.setdefault("model_type", "opt") != "opt":
        raise ValueError(
            f"lm_config has model_type {lm['model_type']!r}; the language model of AF1 "
            "is 'opt'."
        )
    embedding = embedding_of(tensors, "opt")
    tied = torch.equal(tensors.get(HEAD, embedding), embedding)
    return lm | {"vocab_size": len(embedding), "tie_word_embeddings": tied}


def ours(name: str) -> str:
    """Our name of an official tensor that is not a twin."""
    return name.replace("lang_encoder.", "lm.", 1)


def embedding_of(tensors: dict[str, Tensor], model_type: str) -> Tensor:
    """The token embedding (V, D), by its official name."""
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
    """Every tensor once; twins that differ are an error."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in given.items():
        first = first_name(name, layers)
        if not torch.equal(tensors.setdefault(first, tensor), tensor):
            raise ValueError(
                f"{name} and its twin {first} should be one tensor, but differ."
            )
    return tensors


def sizes(tensors: dict[str, Tensor]) -> dict:
    """Fields of FlamingoConfig that the shapes of the weights tell."""

    def shape(end: str) -> tuple[int, ...]:
        found = [t.shape for name, t in tensors.items() if name.endswith(end)]
        if not found:
            raise ValueError(
                f"no tensor ends in {end!r}, so these are not AF1 weights. The first "
                f"names given: {list(tensors)[:3]}."
            )
        return found[0]

    _, positions, width = shape("audio_transformer.position_enc.pos_table")
    inner, text_width = shape("gated_cross_attn_layer.attn.to_q.weight")
    stack = [name for name in tensors if name.endswith("slf_attn.w_qs.weight")]
    return {
        "encoder": replace(PRESETS["af1"].encoder, width=width),
        "audio_width": width,
        "audio_layers": len(stack),
        "audio_ff": shape("pos_ffn.w_1.weight")[0],
        "max_positions": positions,
        "xattn_heads": 8,  # in every official model; the weights do not tell
        "xattn_head_width": inner // 8,
        "xattn_ff_mult": shape("gated_cross_attn_layer.ff.1.weight")[0] // text_width,
    }

"""What the shapes of published weights tell, and what is given beside them."""

from dataclasses import replace
from numbers import Integral

import torch
from torch import Tensor
from transformers import AutoConfig

from ..config import FlamingoConfig
from .names import HEAD, embedding_of


def check_dtype(dtype: torch.dtype | None) -> None:
    """Raise TypeError for what is no type of parameters; None is none given."""
    real = isinstance(dtype, torch.dtype) and dtype.is_floating_point
    if dtype is not None and not real:
        raise TypeError(
            f"dtype is {dtype!r}; a floating type of torch is expected, as "
            "torch.bfloat16."
        )


def check_counts(**counts: int | None) -> None:
    """Raise ValueError, by name, for what is no whole number above 0, or None."""
    for name, count in counts.items():
        if count is not None and not (isinstance(count, Integral) and count > 0):
            raise ValueError(
                f"{name} is {count!r}; a whole number is expected, 1 or more."
            )


def lm_fields(lm_config, tensors: dict[str, Tensor], model_type: str) -> dict:
    """The language model's config as a dict; vocabulary and tie as the weights say.

    Raises ValueError when the config is of another family's language model or of
    another width, before a model of it is built; else as `lm_dict`.
    """
    lm = lm_dict(lm_config, "lm_config")
    lm.pop("vocab_size_after_resize", None)
    if lm.setdefault("model_type", model_type) != model_type:
        raise ValueError(
            f"lm_config has model_type {lm['model_type']!r}; the language model of "
            f"this family is {model_type!r}."
        )
    embedding = embedding_of(tensors, model_type)
    tied = torch.equal(tensors.get(HEAD, embedding), embedding)
    lm |= {"vocab_size": len(embedding), "tie_word_embeddings": tied}
    config = AutoConfig.for_model(**lm)  # what is not said has a default
    width = getattr(config, "word_embed_proj_dim", None) or config.hidden_size
    if width != embedding.shape[1]:
        raise ValueError(
            f"lm_config is of a language model whose tokens are {width} wide; in these "
            f"weights they are {embedding.shape[1]} wide. Give the config of the one "
            "that they were trained on."
        )
    return lm


def lm_dict(config, name: str) -> dict:
    """A Hugging Face config, or its dict, as a new dict.

    Raises TypeError for anything else, which came as `name`.
    """
    if isinstance(config, dict):
        return dict(config)
    if not hasattr(config, "to_dict"):
        raise TypeError(
            f"{name} is {config!r}; a Hugging Face config, or its dict, is expected: "
            "AutoConfig.from_pretrained(folder)."
        )
    return config.to_dict()


def sizes(tensors: dict[str, Tensor], preset: FlamingoConfig) -> dict:
    """Fields of FlamingoConfig that the shapes of the weights, by our names, tell."""

    def shape(end: str) -> tuple[int, ...]:
        found = [t.shape for name, t in tensors.items() if name.endswith(end)]
        if not found:
            raise ValueError(
                f"no tensor ends in {end!r}, so these are not {preset.name} weights. "
                f"The first names given: {list(tensors)[:3]}."
            )
        return found[0]

    (width,) = shape("audio_transformer.layer_norm.weight")
    positions = preset.max_positions
    if preset.positions == "sinusoidal":
        positions = shape("audio_transformer.position_enc.pos_table")[1]
    inner, text_width = shape("gated_cross_attn_layer.attn.to_q.weight")
    stack = [name for name in tensors if name.endswith("slf_attn.w_qs.weight")]
    return {
        "encoder": replace(preset.encoder, width=width),
        "audio_width": width,
        "audio_layers": len(stack),
        "audio_ff": shape("pos_ffn.w_1.weight")[0],
        "max_positions": positions,
        "xattn_heads": 8,  # in every official model; the weights do not tell
        "xattn_head_width": inner // 8,
        "xattn_ff_mult": shape("gated_cross_attn_layer.ff.1.weight")[0] // text_width,
    }


def check_rotary(tensors: dict[str, Tensor], config: FlamingoConfig) -> None:
    """Complain of a number of heads that the rotary positions of the weights rule out.

    R = max(K / 2, 32) numbers of each head are turned; `inv_freq` has R / 2 entries.

    Raises ValueError for it.
    """
    frequencies = tensors.get("audio_transformer.position_enc.inv_freq")
    if frequencies is None:
        return  # AF1; or AF2 without them, which `load_exactly` tells
    head = config.audio_width // config.audio_heads
    turned = 2 * len(frequencies)
    if max(head // 2, 32) != turned:
        raise ValueError(
            f"audio_heads is {config.audio_heads}, so heads are {head} wide and "
            f"max({head} // 2, 32) of it turn; in these weights {turned} turn. Give "
            "the number of heads they were trained with."
        )

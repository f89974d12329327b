"""A Hugging Face language model that hears: gated blocks between its own layers.

The language model is the class of `transformers` as it is. Each decoder layer is
wrapped together with the gated block before it. What the text may hear travels through
the layers as one argument, `audio`; nothing is parked in a layer.

Taught in: notebooks/06_the_audio_flamingo.ipynb
"""

from dataclasses import dataclass

from torch import Tensor, nn
from transformers import AutoConfig, OPTForCausalLM, PreTrainedModel, Qwen2ForCausalLM

from .config import FlamingoConfig
from .xattn import GatedCrossAttentionBlock, text_to_audio_mask


@dataclass(frozen=True)
class AudioContext:
    """What travels with one forward through the language model, from layer to layer.

    Official code parks these tensors inside the layers; here they are an argument.
    """

    mask: Tensor  # bool (B, T, L), `may_hear`
    audio: Tensor | None = None  # (B, L, E), out of the audio transformer
    keys_values: Tensor | None = None  # (B, blocks, 2, H, L, K), during generation
    weights: list[Tensor] | None = None  # if there, blocks append (B, H, T, L) to it


class GatedDecoderLayer(nn.Module):
    """A decoder layer of the language model with a gated block, or None, before it.

    Official: foundation/src/flamingo_lm.py FlamingoLayer
    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """

    def __init__(self, block: GatedCrossAttentionBlock | None, layer, number: int):
        super().__init__()
        self.gated_cross_attn_layer = block
        self.decoder_layer = layer
        self.number = number  # of this block among the gated blocks

    def forward(self, x: Tensor, *args, audio: AudioContext | None = None, **kwargs):
        """(B, T, D) -> (B, T, D); all but `audio` belongs to the decoder layer."""
        if self.gated_cross_attn_layer is not None and audio is not None:
            x = self._hear(x, audio)
        return self.decoder_layer(x, *args, **kwargs)

    def _hear(self, x: Tensor, audio: AudioContext) -> Tensor:
        keys_values = audio.keys_values
        if keys_values is not None:
            keys_values = keys_values[:, self.number]  # (B, 2, H, L, K)
        block, wanted = self.gated_cross_attn_layer, audio.weights is not None
        out = block(x, audio.audio, audio.mask, keys_values, need_weights=wanted)
        if wanted:
            audio.weights.append(out[1])
        return out[0] if wanted else out


def may_hear(
    config: FlamingoConfig,
    input_ids: Tensor,
    audio_mask: Tensor,
    last: int | None = None,
) -> Tensor:
    """Who may hear what, as the config has it: bool (B, T, L), or (B, last, L).

    AF1 has `text_to_audio_mask`. In AF2 every position of the text hears every real
    audio token, with `<audio>` or without.

    Official: inference_HF_pretrained/src/helpers.py MaskedCrossAttention (AF2)
    Taught in: notebooks/13_af2.ipynb
    """
    if config.location_mask:
        token, per_audio = config.audio_token_id, config.tokens_per_audio
        return text_to_audio_mask(input_ids, audio_mask, token, per_audio, last)
    return audio_mask.unsqueeze(1).expand(-1, last or input_ids.shape[1], -1)


class HearsWhileGenerating:
    """The one thing `generate` of Hugging Face must know about audio.

    At every step the mask of the new tokens is made from all ids so far. The official
    code gives the one row of a new token what the prompt's first row has, so there a
    cached few-shot answer hears the first demonstration only.
    """

    def prepare_inputs_for_generation(
        self, input_ids, audio_keys_values=None, audio_mask=None, **kwargs
    ):
        """The inputs of one step of `generate`, with what its tokens may hear.

        `input_ids` (B, T) are all tokens so far; the mask is (B, new, L).
        """
        inputs = super().prepare_inputs_for_generation(input_ids, **kwargs)
        if audio_keys_values is not None:
            new = inputs["input_ids"].shape[1]
            mask = may_hear(self.flamingo, input_ids, audio_mask, new)  # (B, new, L)
            inputs["audio"] = AudioContext(mask, keys_values=audio_keys_values)
        return inputs


class HearingOPTForCausalLM(HearsWhileGenerating, OPTForCausalLM):
    """OPT, AF1's language model."""


class HearingQwen2ForCausalLM(HearsWhileGenerating, Qwen2ForCausalLM):
    """Qwen2, AF2's language model."""


LANGUAGE_MODELS = {"opt": HearingOPTForCausalLM, "qwen2": HearingQwen2ForCausalLM}


def build_lm(config: FlamingoConfig) -> PreTrainedModel:
    """A Hugging Face causal LM with random weights and gated blocks in it.

    Raises ValueError for a `model_type` that is not built here, and where no layer
    would hear.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    kind = config.lm.get("model_type")
    if kind not in LANGUAGE_MODELS:
        raise ValueError(
            f"config.lm has model_type {kind!r}; choose one of {list(LANGUAGE_MODELS)}."
        )
    lm = LANGUAGE_MODELS[kind](AutoConfig.for_model(**config.lm))
    lm.flamingo = config
    layers, every = decoder_layers(lm), config.xattn_every
    if every > len(layers):
        raise ValueError(f"xattn_every is {every}; give at most {len(layers)}.")
    for i, layer in enumerate(layers):
        block = build_block(lm, config) if (i + 1) % every == 0 else None
        layers[i] = GatedDecoderLayer(block, layer, number=i // every)
    return lm


def build_block(
    lm: PreTrainedModel, config: FlamingoConfig
) -> GatedCrossAttentionBlock:
    """One gated block of the right widths; its gates are closed."""
    return GatedCrossAttentionBlock(
        lm.config.hidden_size,
        config.audio_width,
        config.xattn_heads,
        config.xattn_head_width,
        config.xattn_ff_mult,
    )


def decoder_layers(lm: PreTrainedModel) -> nn.ModuleList:
    """The list of decoder layers: OPT keeps it one level deeper than Qwen2."""
    return getattr(lm.model, "decoder", lm.model).layers

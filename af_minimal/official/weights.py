"""Published weights into our model, and back: the two directions are exact inverses.

Inside a model our names are the official ones, so little is left to translate: official
`lang_encoder.` is our `lm.`, and official checkpoints store many tensors twice.

    lang_encoder.old_decoder_blocks.{i}.*       = ...layers.{i}.decoder_layer.*
    lang_encoder.gated_cross_attn_layers.{i}.*  = ...layers.{i}.gated_cross_attn_layer.*
    lang_encoder.lm_head.weight                 = the token embedding, where it is tied

AF2 says `audio_transformer_clap` and `gated_cross_attn_layer_sound`; its checkpoints
hold the audio encoder too (`clap.*`). It is kept aside, because `model.encoder` has not
all of it, and given back with what the model's encoder has learnt since.

Official FSDP training breaks that tie, and the two matrices learn apart. Loaded into a
tied model, one of them is lost; here a checkpoint whose two matrices differ gives an
untied model.

Taught in: notebooks/06_the_audio_flamingo.ipynb and 13_af2.ipynb
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor
from transformers.initialization import no_init_weights

from ..config import PRESETS, FlamingoConfig
from ..disk.storage import load_exactly
from ..model import AudioFlamingo
from .htsat_names import AFCLAP, htsat_from_transformers, under
from .names import (
    ENCODER,
    HEAD,
    LAYERS,
    OFFICIAL,
    embedding_of,
    official,
    ours,
    twin_of,
    without_twins,
)
from .sizes import check_counts, check_dtype, check_rotary, lm_fields, sizes


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
    padded_audios: int | None = None,
    dtype: torch.dtype | None = None,
) -> AudioFlamingo:
    """Our model with official weights, in eval mode; widths are read off the weights.

    What weights do not tell must be given: the number of heads of the audio transformer
    (in AF2 their positions narrow it down, and a number they rule out is refused),
    every how many layers a gated block stands, windows of an audio, token ids. Nor do
    they tell the 8 heads of a gated block, the same in every official model, and the
    vectors of a window, which come with `audio_features`.

    Args:
        state_dict: official names, with or without the twins and `module.` prefixes.
        lm_config: Hugging Face config of the language model, or its dict.
        family: "af1", with OPT, or "af2", with Qwen2.
        max_windows_per_audio: W. In AF1 the mask counts with it; in AF2, where the
            official setting of this name does nothing, it is what `ask` hears at most.
        padded_audios: audios of AF1 to which `ask` fills up a prompt, as far as there
            are positions; official `max_num_fewshot`. None is 8, with 128 windows.
        dtype: of the parameters; positions keep float32. None is that of the token
            embedding, which in official files is that of all.

    Raises:
        ValueError: listing missing and unexpected tensors, or twins that differ; for a
            language model of another family or width, and for numbers below 1.
        TypeError: for a `dtype` that is none, and an `lm_config` that is no config.

    Taught in: notebooks/06_the_audio_flamingo.ipynb and 13_af2.ipynb
    """
    if family not in OFFICIAL:
        raise ValueError(f"family is {family!r}; choose one of {sorted(OFFICIAL)}.")
    check_dtype(dtype)
    check_counts(audio_heads=audio_heads, padded_audios=padded_audios)
    check_counts(max_windows_per_audio=max_windows_per_audio)
    check_counts(cross_attn_every_n_layers=cross_attn_every_n_layers)
    given = {k.removeprefix("module."): v for k, v in state_dict.items()}
    aside = {
        k: v for k, v in given.items() if family == "af2" and k.startswith(ENCODER)
    }
    preset = PRESETS[family]
    layers = LAYERS[preset.lm["model_type"]]
    tensors = without_twins({k: v for k, v in given.items() if k not in aside}, layers)
    named = {ours(name, family): tensor for name, tensor in tensors.items()}
    told = sizes(named, preset)
    room = told["max_positions"] // max_windows_per_audio  # audios
    most = min(padded_audios or preset.audio.padded_audios, room)
    audio = {"max_windows": max_windows_per_audio, "padded_audios": max(most, 1)}
    config = replace(
        preset,
        name="official",
        audio=replace(preset.audio, **audio),
        audio_heads=audio_heads,
        xattn_every=cross_attn_every_n_layers,
        lm=lm_fields(lm_config, tensors, preset.lm["model_type"]),
        audio_token_id=audio_token_id,
        sep_token_id=sep_token_id,
        eoc_token_id=eoc_token_id,
        **told,
    )
    check_rotary(named, config)
    own = embedding_of(tensors, preset.lm["model_type"]).dtype
    model = filled(config, named, dtype or own)
    model.official_names, model.official_aside = frozenset(given), aside
    return model.eval()


def filled(
    config: FlamingoConfig, tensors: dict[str, Tensor], dtype: torch.dtype
) -> AudioFlamingo:
    """A model with these weights, by our names; ValueError where they do not fit."""
    with unfilled(dtype):
        model = AudioFlamingo(config)
    model.lm.tie_weights()  # not done where weights are not drawn first
    load_exactly(model, tensors, model.tied_names)
    return model


@contextmanager
def unfilled(dtype: torch.dtype) -> Iterator[None]:
    """Build modules of that type without drawing their random weights first."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with no_init_weights():
            yield
    finally:
        torch.set_default_dtype(before)


def to_official(model: AudioFlamingo, aliases: bool | None = None) -> dict[str, Tensor]:
    """Official names for our weights; exact inverse of `from_official`.

    A loaded model gives back the names it came with, without `module.`, in the type of
    its parameters: weights of that one type bit for bit. Positions alone come back as
    float32, of the same value, where they came in half precision.

    Args:
        aliases: True stores every twin too, as official checkpoints do; False stores
            each tensor once. None gives a loaded model the names it came with, and any
            other model all of them. An AF-CLAP that came in a file of its own is not
            among the names its model came with; True and False store it too.

    Raises:
        ValueError: when an encoder without official names stands in for AF-CLAP.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    layers, family = LAYERS[model.lm.config.model_type], model.config.family
    tensors = {
        official(name, family): tensor
        for name, tensor in model.state_dict().items()
        if not name.startswith("encoder.")
    }
    heard, names = encoder_tensors(model), getattr(model, "official_names", None)
    if aliases is None and names is not None:
        heard = {name: t for name, t in heard.items() if name in names}
    tensors |= heard
    if model.lm.config.tie_word_embeddings:
        del tensors[HEAD]
    if aliases is False:
        return tensors
    twins = {twin_of(name, layers): t for name, t in tensors.items()}
    twins.pop(None)  # of the many that have no twin
    twins.setdefault(HEAD, embedding_of(tensors, model.lm.config.model_type))
    if aliases is None and names is not None:
        twins = {name: t for name, t in twins.items() if name in names}
        tensors = {  # one may have come under the name of its twin alone
            name: t
            for name, t in tensors.items()
            if twin_of(name, layers) not in twins or name in names
        }
    return {**twins, **tensors}


def encoder_tensors(model: AudioFlamingo) -> dict[str, Tensor]:
    """AF2's audio encoder by its official names, as it is now; AF1 stores none.

    Of what the checkpoint held, all that the encoder lacks (heads for AudioSet, fusion,
    constants of the mel) and all that did not change is given back as it came. What it
    lacks is gone after `save_pretrained`, so the names are fewer then. AF-CLAP hears
    without them, and official code loads names that are missing from `clap_ckpt`.

    Raises ValueError for an encoder that has no official names.

    Official: inference_HF_pretrained/src/factory.py: CLAP
    Taught in: notebooks/12_real_weights.ipynb
    """
    aside, encoder = getattr(model, "official_aside", {}), model.encoder
    if encoder is None:
        return aside
    if encoder.config.kind != "afclap":
        if not aside:
            return {}  # of AF1, or a model of our own making
        raise ValueError(
            f"the encoder is a {encoder.config.kind!r}, which has no official names, "
            "and the checkpoint came with an AF-CLAP. Put that encoder back, or set "
            "model.encoder = None to write the AF-CLAP as it came."
        )
    start = next((s for s in AFCLAP if under(aside, s)), AFCLAP[-1])
    found = dict(aside)
    for name, tensor in htsat_from_transformers(encoder.tower.state_dict()).items():
        came = aside.get(start + name)
        if came is None or not torch.equal(came.to(tensor), tensor):
            found[start + name] = tensor
    return found

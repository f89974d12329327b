"""Models and inputs of random numbers that the benchmarks time; all gates are open."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoConfig, OPTForCausalLM

from af_minimal.config import PRESETS, FlamingoConfig, opt_config
from af_minimal.data import Sample
from af_minimal.encoders import build_encoder
from af_minimal.model import AudioFlamingo

AUDIO = 7  # the id that stands for <audio>
GATE = 0.5
# "small" has the shape of OPT-125M: large enough that arithmetic and not Python counts
LANGUAGE_MODELS = {
    "tiny": opt_config(layers=2, width=64, heads=4, vocab=512, positions=256),
    "mini": PRESETS["mini"].lm,
    "small": opt_config(layers=12, width=768, heads=12, vocab=50_272, positions=2048),
}
KINDS = (
    "windows",
    "dense",
)  # 16 windows with a location mask; 30 windows of 64 vectors


def config_of(size: str, kind: str = "windows") -> FlamingoConfig:
    """A config of one of the sizes that hears one of the two kinds of audio.

    "dense" is what Audio Flamingo 2 hears, 1,920 vectors of one audio.
    """
    config = replace(
        PRESETS["tiny" if size == "tiny" else "mini"],
        lm=LANGUAGE_MODELS[size],
        audio_token_id=AUDIO,
    )
    if kind == "windows":
        return config
    return replace(
        config,
        location_mask=False,
        positions="none",
        audio=replace(config.audio, overlap_s=0.0, max_windows=30),
        encoder=replace(config.encoder, steps=64),
    )


def flamingo(config: FlamingoConfig, hearing: bool = False) -> AudioFlamingo:
    """A model of random weights with open gates, with its encoder if it is wanted."""
    torch.manual_seed(0)
    encoder = build_encoder(config.encoder, config.audio) if hearing else None
    model = AudioFlamingo(config, encoder).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(GATE)
        block.ff_gate.data.fill_(GATE)
    return model


def as_large(model: AudioFlamingo) -> OPTForCausalLM:
    """A bare language model through which a token meets no more weights than here.

    Keys and values of the audio are left out: a new token does not pay for them.
    """
    heard = sum(
        p.numel()
        for block in model.gated_blocks
        for name, p in block.named_parameters()
        if "to_kv" not in name
    )
    layer = model.lm.model.decoder.layers[0].decoder_layer
    one = sum(p.numel() for p in layer.parameters())
    layers = model.lm.config.num_hidden_layers + heard // one
    lm = {**model.config.lm, "num_hidden_layers": layers}
    return OPTForCausalLM(AutoConfig.for_model(**lm)).eval()


def prompt(rows: int, length: int, audios: int = 1, seed: int = 0) -> Tensor:
    """Token ids (rows, length) with `audios` evenly spread <audio> tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(10, 500, (rows, length), generator=generator)
    ids[:, 1 :: max(1, length // audios)][:, :audios] = AUDIO
    return ids


def features(config: FlamingoConfig, rows: int = 1, audios: int = 1) -> Tensor:
    """Encoder features (rows, audios * W, E), or dense (rows, audios * W, n, E)."""
    generator = torch.Generator().manual_seed(1)
    steps = (config.encoder.steps,) if config.encoder.steps > 1 else ()
    shape = (rows, audios * config.windows_per_audio, *steps, config.audio_width)
    found = torch.randn(shape, generator=generator)
    return F.normalize(found, dim=-1)


def samples(
    config: FlamingoConfig, audios: list[int], windows: bool = False, words: int = 12
) -> list[Sample]:
    """One row of a batch for each number of audios: some words after every <audio>.

    An audio fills 4 windows or more. It comes as features, or as windows (L, samples).
    """
    generator = torch.Generator().manual_seed(2)
    width = config.audio.window if windows else config.audio_width
    W, rows = config.windows_per_audio, []
    for count in audios:
        ids = torch.randint(10, 500, (count, 1 + words), generator=generator)
        ids[:, 0] = AUDIO
        real = torch.randint(min(4, W), W + 1, (count, 1), generator=generator)
        mask = (torch.arange(W) < real).flatten()  # (A * W,)
        sound = torch.randn(len(mask), width, generator=generator) * mask.unsqueeze(1)
        rows.append(Sample(ids.flatten(), ids.flatten(), 0.1 * sound, mask))
    return rows


def room_for_all(batch: dict[str, Tensor], windows: int = 128) -> dict[str, Tensor]:
    """The same batch with every row padded to the most windows that a row may have."""
    missing = windows - batch["audio_mask"].shape[1]
    audio = F.pad(batch["audio_features"], (0, 0, 0, missing))
    mask = F.pad(batch["audio_mask"], (0, missing))
    return batch | {"audio_features": audio, "audio_mask": mask}


def train_step(model: AudioFlamingo, batch: dict[str, Tensor]) -> Tensor:
    """Forward and backward of all weights but the encoder's; the loss."""
    model.zero_grad()
    loss = model(**batch).loss
    loss.backward()
    return loss.detach()

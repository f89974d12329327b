"""Tiny models and batches that several tests share."""

from dataclasses import replace

import torch

from af_minimal.config import PRESETS
from af_minimal.encoders import build_encoder
from af_minimal.model import AudioFlamingo
from af_minimal.soundworld.corpus import text_corpus
from af_minimal.tokenizer import special_ids, train_tokenizer

AUDIO, SEP, EOC = 100, 102, 101  # ids of the special tokens here
W, E = 4, 32
QWEN2 = {
    "model_type": "qwen2",
    "vocab_size": 120,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "pad_token_id": 1,
    "eos_token_id": 2,
}


def config_of(kind: str = "opt", **changes):
    opt = PRESETS["tiny"].lm | {"vocab_size": 120}
    lm = opt if kind == "opt" else QWEN2
    special = dict(audio_token_id=AUDIO, sep_token_id=SEP, eoc_token_id=EOC)
    return replace(PRESETS["tiny"], lm=lm, **special, **changes)


def tiny(kind: str = "opt", gates: float = 0.7, seed: int = 0, **changes):
    torch.manual_seed(seed)
    model = AudioFlamingo(config_of(kind, **changes)).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(gates)
        block.ff_gate.data.fill_(gates)
    return model


def batch(rows: int = 2, audios: int = 2, length: int = 20, seed: int = 1) -> dict:
    """Text with one <audio> token early and another in the middle, and features."""
    g = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 100, (rows, length), generator=g)
    ids[:, 2] = AUDIO
    if audios > 1:
        ids[:, length // 2] = AUDIO
    mask = torch.ones(rows, audios * W, dtype=torch.bool)
    mask[:, -1] = False
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "audio_features": torch.randn(rows, audios * W, E, generator=g),
        "audio_mask": mask,
    }


def logits_of(model, **inputs):
    with torch.no_grad():
        return model(**inputs).logits


def student() -> AudioFlamingo:
    """A random tiny model with an encoder, and a tokenizer that fits SoundWorld."""
    tokenizer = train_tokenizer(text_corpus(range(20)), 512)
    ids, config = special_ids(tokenizer), PRESETS["tiny"]
    config = replace(
        config,
        lm={**config.lm, "vocab_size": len(tokenizer)},
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    torch.manual_seed(0)
    model = AudioFlamingo(config, build_encoder(config.encoder, config.audio)).eval()
    model.tokenizer = tokenizer
    return model

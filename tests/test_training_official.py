"""An epoch of our training loop is the recorded epoch of the official code."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from af_minimal.model import AudioFlamingo
from af_minimal.official import from_official, to_official
from af_minimal.prompts import build_labels
from af_minimal.stages import StageConfig
from af_minimal.training import train

GOLDEN = Path(__file__).parents[1] / ".." / "shared" / "golden"


def official_model(facts: dict, tensors: dict) -> AudioFlamingo:
    """Our model with the weights that the official epoch started from."""
    audio, special = facts["audio_transformer_kwargs"], facts["special_tokens"]
    model = from_official(
        {k.removeprefix("sd."): v for k, v in tensors.items() if k[:3] == "sd."},
        facts["lm_config"],
        cross_attn_every_n_layers=facts["cross_attn_every_n_layers"],
        max_windows_per_audio=audio["max_window_per_audio"],
        audio_heads=audio["n_head"],
        audio_token_id=special["audio"],
        sep_token_id=special["sep"],
        eoc_token_id=special["endofchunk"],
    )
    for module in model.audio_transformer.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def official_batch(tensors: dict, number: int, special: dict) -> dict:
    """Micro-batch `number` of the official epoch."""
    ids = tensors[f"in.input_ids.{number}"]
    names = {"pad": "pad", "audio": "audio", "sep": "sep", "eos": "eos"}
    tokens = {ours: special[theirs] for ours, theirs in names.items()}
    return {
        "input_ids": ids,
        "attention_mask": tensors[f"in.attention_mask.{number}"],
        "audio_features": tensors[f"in.audio_x.{number}"],
        "audio_mask": tensors[f"in.audio_x_mask.{number}"].bool(),
        "labels": build_labels(ids, eoc=special["endofchunk"], **tokens),
    }


@pytest.mark.parametrize("stage", ["pretrain", "sft"])
def test_an_epoch_is_the_official_one(stage):
    files = sorted(GOLDEN.glob(f"af1_trainstep_{stage}_*.json"))
    if not files:
        pytest.skip("no recorded official epoch beside this checkout")
    for file in files:
        facts = json.loads(file.read_text())
        tensors = load_file(file.with_suffix(".safetensors"))
        special = facts["special_tokens"]
        model = official_model(facts, tensors)
        rows = (special["audio"], special["endofchunk"]) if stage == "sft" else ()
        config = StageConfig(
            stage,
            steps=5,
            lr=1e-2,
            warmup=3,
            schedule="constant",
            weight_decay=0.1,
            accumulation=2,
            decay_only="gated_cross_attn",
            clip_every_micro_batch=True,
            only_token_rows=rows,
        )
        log = train(model, lambda step: nine(tensors, step, special), config)  # noqa: B023

        losses = tensors["out.losses"]
        pairs = [losses[2 * i : 2 * i + 2].sum().item() / 2 for i in range(5)]
        assert [row["loss"] for row in log] == pytest.approx(pairs, abs=1e-5)
        lrs = tensors["out.lrs"].tolist()
        assert [row["lr"] for row in log] == pytest.approx(lrs, rel=1e-6)
        assert_same_weights(facts, tensors, to_official(model))


def nine(tensors: dict, step: int, special: dict) -> list[dict]:
    """Two micro-batches a step, and the ninth alone."""
    numbers = range(2 * step, min(2 * step + 2, 9))
    return [official_batch(tensors, number, special) for number in numbers]


def assert_same_weights(facts: dict, tensors: dict, ours: dict) -> None:
    """What the official epoch changed has its value; all else is as it was."""
    changed = {
        k.removeprefix("after."): v for k, v in tensors.items() if k[:6] == "after."
    }
    assert set(changed) == set(facts["changed_keys"])
    for name, value in changed.items():
        loose = name.endswith("self_attn.k_proj.bias")  # its true gradient is zero
        tolerance = 2e-3 if loose else 1e-5
        torch.testing.assert_close(ours[name], value, atol=tolerance, rtol=0, msg=name)
    for name, value in tensors.items():
        if name.startswith("sd.") and name[3:] not in changed:
            assert torch.equal(ours[name[3:]], value), name

"""What needs a CUDA device: python -m pytest -m gpu tests/test_gpu.py"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training import text_batch, tiny_flamingo

from af_minimal.disk.checkpoints import newest
from af_minimal.soundworld.run import STAGES
from af_minimal.stages import StageConfig
from af_minimal.training import train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
CONFIG = StageConfig("sft", 8, 1e-3, warmup=1)


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_a_gpu_trains_and_the_weights_stay_float32(precision):
    model = tiny_flamingo()
    config = replace(CONFIG, precision=precision)
    log = train(model, lambda step: [text_batch(0)], config, progress=False)
    assert log[-1]["loss"] < log[0]["loss"]
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.device.type for p in model.parameters()} == {"cuda"}


def losses(out: Path) -> dict[str, list[float]]:
    """The loss at every step of every stage of a run."""
    states = {
        stage: json.loads((newest(out / stage) / "state.json").read_text())
        for stage in STAGES
    }
    return {name: [row["loss"] for row in s["log"]] for name, s in states.items()}


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one CUDA device")
@pytest.mark.parametrize("layout", [[], ["--fsdp"]])
def test_two_gpus_learn_what_one_does(tmp_path, layout, two_processes):
    settings = ["train", "--preset", "tiny", "--stage", "all", "--steps", "2"]
    settings += ["--scenes", "6", "--batch", "8", "--precision", "no"]
    one, two = ["--out", str(tmp_path / "one")], ["--out", str(tmp_path / "two")]
    alone = [sys.executable, "-m", "af_minimal", *settings, *one]
    first = os.environ | {"CUDA_VISIBLE_DEVICES": "0"}
    assert subprocess.run(alone, env=first, timeout=600).returncode == 0
    pair = [*two_processes, *settings, *two, *layout]
    assert subprocess.run(pair, env=os.environ, timeout=600).returncode == 0
    assert (tmp_path / "two" / "model" / "model.safetensors").exists()
    learnt, wanted = losses(tmp_path / "two"), losses(tmp_path / "one")
    for stage in STAGES:  # features are kept in float16, and GPUs add in any order
        assert learnt[stage] == pytest.approx(wanted[stage], abs=1e-3), stage

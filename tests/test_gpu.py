"""What needs a CUDA device: python -m pytest -m gpu tests/test_gpu.py"""

import os
import subprocess
from dataclasses import replace

import pytest
import torch
from test_training import text_batch, tiny_flamingo

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


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one CUDA device")
@pytest.mark.parametrize("layout", [[], ["--fsdp"]])
def test_two_gpus(tmp_path, layout, two_processes):
    command = ["train", "--preset", "tiny", "--stage", "all", "--steps", "2"]
    command += ["--scenes", "6", "--batch", "8", "--out", str(tmp_path), *layout]
    done = subprocess.run(two_processes + command, env=os.environ, timeout=600)
    assert done.returncode == 0
    assert (tmp_path / "model" / "model.safetensors").exists()

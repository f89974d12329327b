"""How long a training step of `mini` takes: threads, precision, kind of attention.

    python benchmarks/threads.py [--steps 5] [--threads 1 2] [--batch 64]

Prints one row a setting: the median step in milliseconds and the fastest. The fastest
is what to trust on a machine that does other things as well.
"""

import argparse
import os
import statistics
from dataclasses import replace
from functools import partial

import torch

from af_minimal.clap import MiniCLAP
from af_minimal.config import PRESETS
from af_minimal.model import AudioFlamingo
from af_minimal.stages import StageConfig
from af_minimal.tokenizer import train_tokenizer
from af_minimal.training import train

TOKENS = 32  # text tokens in a row


def flamingo_batch(batch: int, attention: str) -> tuple[AudioFlamingo, list[dict]]:
    """A fresh `mini` and a batch of stage sft: random text about random windows.

    `attention` is of the language model: "eager" is written out, "sdpa" one kernel.
    """
    config = replace(PRESETS["mini"], audio_token_id=1499)
    ids = torch.randint(4, 1490, (batch, TOKENS))
    ids[:, 1] = 1499
    features = torch.randn(batch, config.windows_per_audio, config.audio_width)
    mask = torch.ones_like(ids)
    names = ("input_ids", "attention_mask", "audio_features", "labels")
    values = (ids, mask, features, ids)
    model = AudioFlamingo(config)
    model.lm.set_attn_implementation(attention)
    return model, [dict(zip(names, values, strict=True))]


def clap_batch(batch: int) -> tuple[MiniCLAP, list[dict]]:
    """Fresh towers of `mini` and a batch of stage clap: one window each."""
    config = PRESETS["mini"]
    tokenizer = train_tokenizer(["a dog barks and a bell rings."], 300)
    clap = MiniCLAP(config.encoder, config.audio, tokenizer)
    windows = 0.1 * torch.randn(batch, config.audio.window)
    texts = clap.tokenize(["a dog barks and a bell rings."] * batch)
    return clap, [{"windows": windows, **texts}]


def step_times(make, stage: str, precision: str, steps: int, batch: int) -> list[float]:
    """Milliseconds of each step but the first two, which warm up."""
    torch.manual_seed(0)
    model, micro_batches = make(batch)
    config = StageConfig(stage, steps + 2, 1e-4, warmup=1, precision=precision)
    log = train(model, lambda step: micro_batches, config, progress=False)
    return [1000 * row["seconds"] for row in log[2:]]


def main() -> None:
    """Measure every setting and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, load before {load:.1f}")
    print(f"{'step':<14}{'threads':>8}{'precision':>11}{'median ms':>11}{'fastest':>9}")
    for name, make, stage in [
        ("clap cnn", clap_batch, "clap"),
        ("sft, eager", partial(flamingo_batch, attention="eager"), "sft"),
        ("sft, sdpa", partial(flamingo_batch, attention="sdpa"), "sft"),
    ]:
        for threads in options.threads:
            torch.set_num_threads(threads)
            for precision in ("no", "bf16"):
                times = step_times(make, stage, precision, options.steps, options.batch)
                row = f"{name:<14}{threads:>8}{precision:>11}"
                print(f"{row}{statistics.median(times):>11.0f}{min(times):>9.0f}")


if __name__ == "__main__":
    main()

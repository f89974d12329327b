"""A model of AF1's size, random weights: forward, backward, a step of sft, an answer.

    python benchmarks/gpu.py [--windows 16 128] [--batch 8] [--tokens 512]
    python benchmarks/gpu.py --preset tiny --device cpu --batch 2 --tokens 64 --new 4

Prints, for each number of windows, tokens/s, peak memory and the share of the chip's
matrix peak. The operations are those of the matrix products as torch's FlopCounterMode
counts them, backward included. Weights are float32 and computing is bfloat16; answers
are given by bfloat16 weights. On one H200 it takes about half a minute for each number
of windows.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from af_minimal.config import PRESETS
from af_minimal.model import AudioFlamingo
from af_minimal.stages import StageConfig, freeze
from af_minimal.training import train

# dense bfloat16 of the data sheets, in 10^12 operations a second; "H100" is the SXM one
PEAKS = {"H100": 989.4, "H200": 989.4, "A100": 312.0}
AUDIO = 3  # an id of the vocabulary, taken for <audio>


def make_batch(config, rows: int, tokens: int, windows: int, device) -> dict:
    """Random text with an <audio> for every so many random windows."""
    audios = windows // config.windows_per_audio
    ids = torch.randint(4, config.lm["vocab_size"], (rows, tokens), device=device)
    ids[:, 1 : 1 + audios] = AUDIO
    features = torch.randn(rows, windows, config.audio_width, device=device)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "audio_features": features,  # (B, L, E)
        "labels": ids.masked_fill(ids == AUDIO, -100),
    }


def seconds_of(act: Callable, device: torch.device, repeats: int) -> float:
    """The median time of an act, after one that warms up."""
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - began)
    return sorted(taken[1:])[len(taken[1:]) // 2]


def operations(act: Callable) -> int:
    """Operations of all matrix products of an act."""
    with FlopCounterMode(display=False) as counter:
        act()
    return counter.get_total_flops()


def measure(config, batch: dict[str, Tensor], new: int, repeats: int, device) -> None:
    """Time one number of windows, and print a row for each act."""
    with device:
        model = AudioFlamingo(config)
    freeze(model, "sft")

    def forward() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return model(**batch).loss

    def backward() -> None:
        forward().backward()
        model.zero_grad()

    tokens = batch["input_ids"].numel()
    with torch.no_grad():
        report("forward", tokens, forward, seconds_of(forward, device, repeats), device)
    spent = operations(backward)
    report("and backward", tokens, spent, seconds_of(backward, device, repeats), device)
    stage = StageConfig("sft", repeats + 1, 1e-5, warmup=1, precision="bf16")
    log = train(model, lambda step: [batch], stage, progress=False)
    taken = sorted(row["seconds"] for row in log[1:])
    report("step of sft", tokens, spent, taken[len(taken) // 2], device)
    model.to(torch.bfloat16)
    asked = {k: v for k, v in batch.items() if k != "labels"}
    asked["audio_features"] = asked["audio_features"].bfloat16()
    settings = {"max_new_tokens": new, "min_new_tokens": new, "do_sample": False}

    def answer() -> None:
        model.generate(**asked, **settings)

    taken = seconds_of(answer, device, max(1, repeats // 2))
    report(f"{new} new tokens", new * len(batch["input_ids"]), answer, taken, device)


def report(what: str, tokens: int, spent: Callable | int, taken: float, device) -> None:
    """One row; `spent` are operations, or the act that has them."""
    spent = spent if isinstance(spent, int) else operations(spent)
    peak, memory = peak_of(device), "-"
    share = f"{spent / taken / peak / 1e12:.1%}" if peak else "-"
    if device.type == "cuda":
        memory = f"{torch.cuda.max_memory_allocated() / 2**30:.1f}"
        torch.cuda.reset_peak_memory_stats()
    row = f"{what:<16}{1000 * taken:>10.1f}{tokens / taken:>12,.0f}"
    print(f"{row}{spent / 1e12:>12.3f}{share:>9}{memory:>9}", flush=True)


def peak_of(device: torch.device) -> float | None:
    """The chip's peak in 10^12 operations a second, where it is known."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else ""
    return next((peak for chip, peak in PEAKS.items() if chip in name), None)


def main() -> None:
    """Measure every number of windows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="af1", choices=PRESETS)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--windows", type=int, nargs="+", default=[16, 128])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=512, help="of text in a row")
    parser.add_argument("--new", type=int, default=64, help="tokens of an answer")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    device = torch.device(options.device)
    torch.manual_seed(0)
    config = replace(PRESETS[options.preset], audio_token_id=AUDIO)
    for windows in options.windows:
        print(f"\n{config.name}, {windows} windows, {options.batch} x {options.tokens}")
        head = f"{'':<16}{'ms':>10}{'tokens/s':>12}{'10^12 op':>12}"
        print(f"{head}{'of peak':>9}{'GiB':>9}")
        sizes = options.batch, options.tokens, windows
        batch = make_batch(config, *sizes, device)
        measure(config, batch, options.new, options.repeats, device)


if __name__ == "__main__":
    main()

"""Seconds of sound a second: rendering, log-mel, encoder; and how long training waits.

    python benchmarks/sound.py [--rounds 5] [--scenes 24]

Scenes of SoundWorld are rendered, cut into windows and heard by the encoder of `mini`;
seconds of overlapping windows count once, as seconds of the scene. Then a stage that
trains the language model takes some steps, its batches made by the same process: which
share of the time the trainer waited. For stage `clap`, whose batches are rendered by
workers, the cost of making a batch is compared with that of training on it.
"""

import argparse

import numpy as np
import torch
from models import config_of, flamingo
from timing import in_turns, median, ratio, show, write

from af_minimal.audio import log_mel
from af_minimal.clap import MiniCLAP
from af_minimal.encoders import build_encoder
from af_minimal.soundworld.batches import FlamingoBatches
from af_minimal.soundworld.clap_batches import ClapBatches
from af_minimal.soundworld.corpus import render_scene, sample_scene, text_corpus
from af_minimal.soundworld.features import hear
from af_minimal.stages import StageConfig
from af_minimal.tokenizer import train_tokenizer
from af_minimal.training import train


def speeds(size: str, rounds: int, scenes: int) -> list[dict]:
    """Seconds of scenes that are rendered, pictured and encoded in a second."""
    config = config_of(size)
    encoder = build_encoder(config.encoder, config.audio).eval()
    drawn = [sample_scene(seed, {}) for seed in range(scenes)]
    waves = [render_scene(scene, {}) for scene in drawn]
    length = sum(map(len, waves)) / config.audio.sample_rate  # s
    # all samples as windows that do not overlap: every second is pictured once
    sound = np.concatenate(waves)
    sound = sound[: len(sound) // config.audio.window * config.audio.window]
    windows = torch.from_numpy(sound.reshape(-1, config.audio.window))
    seconds = in_turns(
        {
            "rendering": lambda: [render_scene(scene, {}) for scene in drawn],
            "log-mel": lambda: log_mel(windows, config.encoder),
            "windows, log-mel and encoder": lambda: hear(encoder, waves),
        },
        rounds,
    )
    return [
        {"what": f"{size}, {name}", "seconds of sound a second": length / median(times)}
        for name, times in seconds.items()
    ]


def waiting(size: str, steps: int, scenes: int, rows: int = 64) -> dict:
    """A stage that trains on features kept on disk: the share of waiting."""
    tokenizer = train_tokenizer(text_corpus(range(20)), 500)
    config = config_of(size)
    drawn = [sample_scene(seed, {}) for seed in range(scenes)]
    features = torch.randn(scenes, config.windows_per_audio, config.audio_width)
    mask = torch.ones(features.shape[:2], dtype=torch.bool)
    batches = FlamingoBatches(drawn, tokenizer, features, mask, rows)
    stage = StageConfig("sft", steps + 1, 1e-4)
    log = train(flamingo(config), batches, stage, progress=False)[1:]
    waited, worked = (sum(row[key] for row in log) for key in ("waited", "seconds"))
    share = waited / (waited + worked)
    return {"what": f"{size}, stage sft", "waiting share": share}


def rendered_batches(size: str, rounds: int, rows: int = 64) -> dict:
    """Stage clap: what making a batch costs, in steps of training on it."""
    tokenizer = train_tokenizer(text_corpus(range(20)), 500)
    config = config_of(size)
    clap = MiniCLAP(config.encoder, config.audio, tokenizer)
    batches = ClapBatches(clap, {}, size=rows)
    (batch,) = batches(0)
    seconds = in_turns(
        {
            "making": lambda: batches(0),
            "training": lambda: clap(**batch).backward(),
        },
        rounds,
    )
    return {
        "what": f"{size}, stage clap, a batch of {rows}",
        "made, ms": 1000 * median(seconds["making"]),
        "trained on, ms": 1000 * median(seconds["training"]),
        "workers that keep up": ratio(seconds["making"], seconds["training"]),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="mini")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scenes", type=int, default=24)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = speeds(options.size, options.rounds, options.scenes)
    rows.append(waiting(options.size, 8, options.scenes))
    rows.append(rendered_batches(options.size, options.rounds))
    show(rows)
    write("sound", rows)


if __name__ == "__main__":
    main()

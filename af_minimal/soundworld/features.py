"""Scenes through the frozen encoder once, kept on disk.

Rendering and encoding cost more than a training step of a small language model, and the
encoder is frozen from here on: so every scene is heard once. A run that is killed goes
on at the next shard. Many processes share the shards and no two hear the same.

Taught in: notebooks/08_staged_training.ipynb
"""

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from .. import audio
from ..disk.storage import save_tensors
from ..encoders import AudioEncoder
from ..scale.processes import make_accelerator, place, wait
from .corpus import render_scene, sample_scene

SHARD = 250  # scenes in one file
TOGETHER = 16  # clips that an encoder hears at once


def build_features(
    encoder: AudioEncoder,
    recordings: dict[str, list[np.ndarray]],
    folder: str | Path,
    seeds: range,
    workers: int = 0,
    sound: Callable[[int], np.ndarray] | None = None,
) -> tuple[Tensor, Tensor]:
    """Features (N, L, E) float16 and mask (N, L) of the scenes with these seeds.

    `sound` gives the waveform of a seed; None is that of `sample_scene`.

    What `folder` already holds of this encoder and these recordings is read, the rest
    is rendered by `workers` processes, encoded and written. Of many processes that call
    this, each hears every so manieth shard, and all read the whole.

    Taught in: notebooks/08_staged_training.ipynb
    """
    heard = hashlib.sha256()
    for label, waves in sorted(recordings.items()):
        heard.update(label.encode() + b"".join(wave.tobytes() for wave in waves))
    folder = Path(folder) / f"{fingerprint(encoder)}-{heard.hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    encoder.eval().to(make_accelerator().device)
    paths = {
        folder / f"scenes-{start:08d}-{len(seeds)}.safetensors": seeds[i : i + SHARD]
        for i, start in zip(range(0, len(seeds), SHARD), seeds[::SHARD], strict=True)
    }
    rank, world = place()
    # whose a shard is must not hang on which are there: others are writing meanwhile
    own = list(paths.items())[rank::world]
    missing = {path: shard for path, shard in own if not path.exists()}
    sound = sound or partial(sound_of, recordings)
    rendered = rendered_ahead(list(missing.values()), sound, workers)
    bar = tqdm(rendered, desc="hear scenes", disable=len(missing) < 2)
    for path, waves in zip(missing, bar, strict=True):
        with warnings.catch_warnings():  # nobody chose how long a scene lasts
            warnings.simplefilter("ignore", audio.TooLongWarning)
            features, mask = hear(encoder, waves)
        aside = path.with_suffix(".part")
        save_tensors({"features": features.half(), "mask": mask}, aside)
        os.replace(aside, path)
    wait()
    encoder.cpu()
    parts = [load_file(path) for path in paths]
    return tuple(
        torch.cat([part[key] for part in parts]) for key in ("features", "mask")
    )


def fingerprint(encoder: AudioEncoder) -> str:
    """Twelve letters that change with the weights: features of another do not fit.

    By what map sounds are compared changes no feature.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        if name.startswith("alike."):
            continue
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


def sound_of(recordings: dict[str, list[np.ndarray]], seed: int) -> np.ndarray:
    """The waveform of the scene with this seed."""
    return render_scene(sample_scene(seed, recordings), recordings)


def rendered_ahead(
    shards: list[Sequence], sound: Callable[[Any], np.ndarray], workers: int
) -> DataLoader:
    """The waveforms of each shard, by processes that work ahead of who hears them.

    Taught in: notebooks/08_staged_training.ipynb
    """
    return DataLoader(
        RenderedShards(shards, sound),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=1 if workers else None,
    )


class RenderedShards(Dataset):
    """The waveforms of each shard of scenes."""

    def __init__(self, shards: list[Sequence], sound: Callable[[Any], np.ndarray]):
        self.shards, self.sound = shards, sound

    def __len__(self) -> int:
        return len(self.shards)

    def __getitem__(self, i: int) -> list[np.ndarray]:
        return [self.sound(scene) for scene in self.shards[i]]


def hear(encoder: AudioEncoder, waves: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Waveforms through windows and encoder: features (N, L, E), mask (N, L).

    Only `TOGETHER` of them are cut at a time: padded windows take far more memory.

    Taught in: notebooks/08_staged_training.ipynb
    """
    rate, device = encoder.audio.sample_rate, next(encoder.parameters()).device
    parts = []
    for i in range(0, len(waves), TOGETHER):
        clips = [audio.Clip.from_array(w, rate) for w in waves[i : i + TOGETHER]]
        cut = [audio.hear(clip, encoder.audio) for clip in clips]
        windows, mask = (torch.from_numpy(np.stack(t)) for t in zip(*cut, strict=True))
        heard = encoder.encode_windows(windows.to(device), mask.to(device))
        parts.append([tensor.cpu() for tensor in heard])
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))

"""What a frozen encoder heard of each scene, kept on disk; and windows, drawn anew.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from tqdm.auto import tqdm

from ...audio import cut_windows
from ...config import FlamingoConfig
from ...disk.storage import save_tensors
from ...encoders import AudioEncoder
from ...scale.processes import make_accelerator, place, wait
from ...soundworld.corpus import RATE
from ...soundworld.features import fingerprint, hear, rendered_ahead
from ...soundworld.render import render
from .asked import Asked

SHARD = 100  # scenes in one file


class Features:
    """Dataset, scene -> features (W, E) or dense (W, n, E), and a mask of W windows.

    With a folder, what it holds of this encoder and of these scenes is not heard again;
    a run that is killed goes on at the next shard.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    def __init__(
        self,
        encoder: AudioEncoder,
        scenes: Mapping[str, Sequence[Asked]],
        folder: str | Path | None = None,
        workers: int = 0,
    ):
        self.kept: dict[str, list[Tensor]] = {}
        for dataset, rows in scenes.items():
            path = folder and Path(folder) / fingerprint(encoder) / dataset
            self.kept[dataset] = hear_all(encoder, rows, path, workers)

    def __call__(self, dataset: str, scene: int) -> tuple[Tensor, Tensor]:
        """Of one scene: features float32 and mask bool, real windows alone."""
        heard = self.kept[dataset][scene].float()
        return heard, torch.ones(len(heard), dtype=torch.bool)


def hear_all(
    encoder: AudioEncoder,
    scenes: Sequence[Asked],
    folder: Path | None = None,
    workers: int = 0,
) -> list[Tensor]:
    """Features of each scene, float16 (W, E) or (W, n, E), W its own real windows.

    Args:
        folder: what it holds is read, and what is heard is written there; of many
            processes each hears every so manieth shard. Without it each hears all.
        workers: processes that render ahead.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    device = make_accelerator().device
    encoder, found = encoder.eval().to(device), {}
    parts = {i: scenes[i : i + SHARD] for i in range(0, len(scenes), SHARD)}
    paths = {
        start: folder and folder / f"{start:08d}-{scenes_of(part)}.safetensors"
        for start, part in parts.items()
    }
    rank, world = place() if folder else (0, 1)
    own = list(paths)[rank::world]
    missing = [start for start in own if not folder or not paths[start].exists()]
    rendered = rendered_ahead([parts[start] for start in missing], sound_of, workers)
    bar = tqdm(rendered, desc="hear", disable=len(scenes) < SHARD)
    for start, waves in zip(missing, bar, strict=True):
        heard, mask = hear(encoder, waves)
        counts = mask.sum(1).tolist()
        rows = [h[:n].half().contiguous() for h, n in zip(heard, counts, strict=True)]
        found[start] = dict(zip(map(str, range(len(rows))), rows, strict=True))
        if paths[start]:
            write_shard(paths[start], found[start])
    encoder.cpu()
    if folder:
        wait()
    tensors = [found.get(start) or load_file(path) for start, path in paths.items()]
    return [shard[str(i)] for shard in tensors for i in range(len(shard))]


def sound_of(scene: Asked) -> np.ndarray:
    """The waveform of a scene, float (samples,)."""
    return render(scene.score, RATE)


def scenes_of(part: Sequence[Asked]) -> str:
    """Letters that tell scenes apart, and that other scenes do not have."""
    digest = hashlib.sha256()
    for scene in part:
        digest.update(scene.score.to_json().encode())
    return f"{len(part)}-{digest.hexdigest()[:16]}"


def write_shard(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a file aside and move it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    save_tensors(tensors, aside)
    os.replace(aside, path)


class Windows:
    """Dataset, scene -> windows (W, samples) and mask, rendered when asked for.

    For a stage whose encoder learns: what it heard before is no longer what it hears.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    def __init__(self, scenes: Mapping[str, Sequence[Asked]], config: FlamingoConfig):
        self.scenes, self.audio = scenes, config.audio

    def __call__(self, dataset: str, scene: int) -> tuple[Tensor, Tensor]:
        """Of one scene: samples float32, real windows alone."""
        wave = sound_of(self.scenes[dataset][scene])
        windows, mask = cut_windows(wave, self.audio, pad_to_max=False)
        return torch.from_numpy(windows), torch.from_numpy(mask)

"""Scenes through the frozen encoder once, kept on disk, and the batches made of them.

Rendering and encoding cost more than a training step of a small language model, and the
encoder is frozen from here on: so every scene is heard once. A run that is killed goes
on at the next shard.

Taught in: notebooks/08_staged_training.ipynb
"""

import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm.auto import tqdm

from ..audio import cut_windows
from ..data import Sample, collate
from ..encoders import AudioEncoder
from ..prompts import training_text
from .corpus import ask_scene, render_scene, sample_scene
from .questions import QA

SHARD = 250  # scenes in one file
# how often each kind of question is drawn, where the scene has it
WEIGHTS = {"caption": 6, "binary": 4, "count": 3, "classify": 3, "order": 2, "tags": 1}
OTHER_WEIGHT = 2


def build_features(
    encoder: AudioEncoder,
    recordings: dict[str, list[np.ndarray]],
    folder: str | Path,
    seeds: range,
) -> tuple[Tensor, Tensor]:
    """Features (N, L, E) float16 and mask (N, L) of the scenes with these seeds.

    What `folder` already holds is read, the rest is rendered, encoded and written.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    encoder.eval()
    parts = []
    for start in tqdm(seeds[::SHARD], desc="hear scenes", disable=len(seeds) < SHARD):
        path = folder / f"scenes-{start:08d}-{len(seeds)}.safetensors"
        if not path.exists():
            shard = range(start, min(start + SHARD, seeds.stop))
            waves = [render_scene(sample_scene(s, recordings), recordings) for s in shard]
            features, mask = hear(encoder, waves)
            aside = path.with_suffix(".part")
            save_file({"features": features.half(), "mask": mask}, aside)
            os.replace(aside, path)
        parts.append(load_file(path))
    return tuple(torch.cat([part[key] for part in parts]) for key in ("features", "mask"))


def hear(encoder: AudioEncoder, waves: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Waveforms through windows and encoder: features (N, L, E), mask (N, L).

    Taught in: notebooks/08_staged_training.ipynb
    """
    cut = [cut_windows(wave, encoder.audio) for wave in waves]
    parts = [
        encoder.encode_windows(
            torch.from_numpy(np.stack([windows for windows, _ in cut[i : i + 16]])),
            torch.from_numpy(np.stack([mask for _, mask in cut[i : i + 16]])),
        )
        for i in range(0, len(cut), 16)
    ]
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))


class FlamingoBatches:
    """Step number -> batch of scenes, each with one question drawn from its own.

    With `hear=False` the batch has text alone: the language model's own training.

    Taught in: notebooks/08_staged_training.ipynb
    """

    def __init__(self, features, mask, scenes, tokenizer, size=64, seed=0, hear=True):
        self.features, self.mask, self.scenes = features, mask, scenes
        self.tokenizer, self.size, self.seed, self.hear = tokenizer, size, seed, hear

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        samples = []
        for i in rng.integers(len(self.scenes), size=self.size):
            qa = draw_question(ask_scene(self.scenes[i], rng), rng)
            samples.append(
                Sample(
                    text=training_text(qa.task, qa.prompt, qa.output),
                    audio_features=self.features[i].float() if self.hear else None,
                    audio_mask=self.mask[i] if self.hear else None,
                )
            )
        return [collate(samples, self.tokenizer)]


def draw_question(asked: list[QA], rng: np.random.Generator) -> QA:
    """One of a scene's questions: first the kind, by `WEIGHTS`, then the question."""
    kinds = sorted({qa.kind for qa in asked})
    weights = np.array([WEIGHTS.get(kind, OTHER_WEIGHT) for kind in kinds], float)
    kind = rng.choice(kinds, p=weights / weights.sum())
    chosen = [qa for qa in asked if qa.kind == kind]
    return chosen[rng.integers(len(chosen))]

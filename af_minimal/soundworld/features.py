"""Scenes through the frozen encoder once, kept on disk, and the batches made of them.

Rendering and encoding cost more than a training step of a small language model, and the
encoder is frozen from here on: so every scene is heard once. A run that is killed goes
on at the next shard.

Taught in: notebooks/08_staged_training.ipynb
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from ..audio import cut_windows
from ..data import Sample, collate
from ..encoders import AudioEncoder
from ..prompts import build_labels, training_text
from ..tokenizer import special_ids
from .corpus import Scene, ask_scene, render_scene, sample_scene

SHARD = 250  # scenes in one file
# how often each kind of question is drawn, where the scene has it; of a yes/no question
# one token alone is worth learning, so these are many
WEIGHTS = {"caption": 6, "count": 5, "open": 4}
WEIGHTS |= {"binary presence": 8, "binary attribute": 8, "binary order": 8}
OTHER_WEIGHT = 1
ROUNDS = (
    6  # of questions about a scene, each with other sounds, attributes and wordings
)


def build_features(
    encoder: AudioEncoder,
    recordings: dict[str, list[np.ndarray]],
    folder: str | Path,
    seeds: range,
    workers: int = 0,
) -> tuple[Tensor, Tensor]:
    """Features (N, L, E) float16 and mask (N, L) of the scenes with these seeds.

    What `folder` already holds of this encoder is read, the rest is rendered by
    `workers` processes, encoded and written.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folder = Path(folder) / fingerprint(encoder)
    folder.mkdir(parents=True, exist_ok=True)
    encoder.eval()
    paths = {
        folder / f"scenes-{start:08d}-{len(seeds)}.safetensors": seeds[i : i + SHARD]
        for i, start in zip(range(0, len(seeds), SHARD), seeds[::SHARD], strict=True)
    }
    missing = {path: shard for path, shard in paths.items() if not path.exists()}
    rendered = DataLoader(
        RenderedShards(list(missing.values()), recordings),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=1 if workers else None,
    )
    bar = tqdm(rendered, desc="hear scenes", disable=len(missing) < 2)
    for path, waves in zip(missing, bar, strict=True):
        features, mask = hear(encoder, waves)
        aside = path.with_suffix(".part")
        save_file({"features": features.half(), "mask": mask}, aside)
        os.replace(aside, path)
    parts = [load_file(path) for path in paths]
    return tuple(
        torch.cat([part[key] for part in parts]) for key in ("features", "mask")
    )


def fingerprint(encoder: AudioEncoder) -> str:
    """Twelve letters that change with the weights: features of another do not fit."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


class RenderedShards(Dataset):
    """The waveforms of each shard of scenes, so that `DataLoader` can work ahead."""

    def __init__(self, shards: list[range], recordings: dict[str, list[np.ndarray]]):
        self.shards, self.recordings = shards, recordings

    def __len__(self) -> int:
        return len(self.shards)

    def __getitem__(self, i: int) -> list[np.ndarray]:
        return [
            render_scene(sample_scene(s, self.recordings), self.recordings)
            for s in self.shards[i]
        ]


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

    Without features there is no audio in the batch and every token is learnt: the
    language model's own training.

    Taught in: notebooks/08_staged_training.ipynb
    """

    LIKE = 4

    def __init__(
        self,
        scenes: list[Scene],
        tokenizer,
        features: Tensor | None = None,  # (N, L, E) of all scenes
        mask: Tensor | None = None,  # (N, L)
        size: int = 64,
        seed: int = 0,
    ):
        self.size, self.seed, self.ids = size, seed, special_ids(tokenizer)
        self.text_only = features is None
        if self.text_only:
            features, mask = torch.zeros(len(scenes), 0, 1), torch.zeros(len(scenes), 0)
        self.features, self.mask = features, mask
        numbered = enumerate(
            tqdm(scenes, desc="ask about scenes", disable=len(scenes) < 1000)
        )
        self.asked = [tokenised_questions(s, i, tokenizer) for i, s in numbered]

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        # texts of like length pad little: draw four batches, sort, take one of the four
        chosen = rng.integers(len(self.asked), size=self.LIKE * self.size)
        drawn = [(i, draw_question(self.asked[i], rng)) for i in chosen]
        drawn.sort(key=lambda pair: len(pair[1]))
        start = self.size * int(rng.integers(self.LIKE))
        samples = [
            Sample(ids, ids, self.features[i].float(), self.mask[i])
            for i, ids in drawn[start : start + self.size]
        ]
        batch = collate(samples, self.ids["pad"])
        if self.text_only:
            del batch["audio_features"], batch["audio_mask"]
        else:
            batch["labels"] = build_labels(batch["input_ids"], **self.ids)  # (B, T)
        return [batch]


def tokenised_questions(scene: Scene, seed: int, tokenizer) -> dict[str, list]:
    """Token ids of some rounds of questions about a scene, by kind.

    Every other round names its task first: a user may do either.
    """
    rng = np.random.default_rng(seed)
    rounds = [(qa, r % 2 == 0) for r in range(ROUNDS) for qa in ask_scene(scene, rng)]
    asked = [qa for qa, _ in rounds]
    texts = [training_text(qa.task, qa.prompt, qa.output, on) for qa, on in rounds]
    rows = tokenizer(texts, add_special_tokens=False).input_ids
    by_kind: dict[str, list] = {}
    for qa, ids in zip(asked, rows, strict=True):
        by_kind.setdefault(f"{qa.kind} {qa.topic}".strip(), []).append(ids)
    return by_kind


def draw_question(asked: dict[str, list], rng: np.random.Generator) -> list[int]:
    """One of a scene's questions: first the kind, by `WEIGHTS`, then the question."""
    weights = np.array([WEIGHTS.get(kind, OTHER_WEIGHT) for kind in asked], float)
    kind = list(asked)[rng.choice(len(asked), p=weights / weights.sum())]
    return asked[kind][rng.integers(len(asked[kind]))]

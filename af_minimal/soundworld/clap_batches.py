"""Windows and sentences for contrastive training, fresh for every step.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import numpy as np
import torch

from ..clap import MiniCLAP
from .captions import captions
from .corpus import RATE, Scene, render_scene, sample_scene, vary
from .scenes import Event, Score, sample_score

WINDOW_S = 2.0

Found = tuple[np.ndarray, list[str], tuple[str, ...]]  # samples, sentences, labels


class ClapBatches:
    """Step number -> batch: short scenes, cuts of long scenes, real recordings.

    No two windows of a batch hold the same sounds, so no sentence is a false negative.
    The same number gives the same batch.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, clap: MiniCLAP, recordings: dict, seed: int = 0, size: int = 64):
        self.clap, self.recordings, self.seed, self.size = clap, recordings, seed, size

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        kept: dict[tuple, tuple] = {}
        while len(kept) < self.size:
            for samples, texts, labels in draw_windows(rng, self.recordings):
                if labels not in kept and len(kept) < self.size:
                    kept[labels] = samples, texts[rng.integers(len(texts))]
        windows = np.stack([samples for samples, _ in kept.values()])
        gain = 10 ** (rng.uniform(-9, 3, size=(self.size, 1)) / 20)
        windows = torch.from_numpy((windows * gain).clip(-1, 1).astype(np.float32))
        return [
            {"windows": windows} | self.clap.tokenize([t for _, t in kept.values()])
        ]


def draw_windows(rng: np.random.Generator, recordings: dict) -> list[Found]:
    """One window, or four cuts of one long scene."""
    kind = rng.random()
    if recordings and kind < 0.35:
        return [recorded_window(rng, recordings)]
    if kind < 0.75:
        score = sample_score(rng, (1, 2), WINDOW_S)
        wave = render_scene(Scene(score), {})
        return [(wave, window_texts(score), tuple(score.labels))]
    scene = sample_scene(int(rng.integers(2**31)), {})
    return windows_of(scene, render_scene(scene, {}), rng, count=4)


def recorded_window(rng: np.random.Generator, recordings: dict) -> Found:
    """A cut of a real recording; three in ten with a synthesised sound over it."""
    label = str(rng.choice(sorted(recordings)))
    takes = recordings[label]
    wave = vary(rng, takes[rng.integers(len(takes))], WINDOW_S)
    event = Event(label, 0.0, WINDOW_S)
    if rng.random() < 0.7:
        noise = rng.standard_normal(len(wave)) * 10 ** (rng.uniform(-70, -25) / 20)
        score = Score(WINDOW_S, (event,))
        return wave + noise, window_texts(score), (label,)
    other = sample_score(rng, (1, 1), WINDOW_S)
    if other.labels == [label]:
        return wave, window_texts(Score(WINDOW_S, (event,))), (label,)
    mixed = wave * float(rng.uniform(0.4, 1.0)) + render_scene(Scene(other), {})
    score = Score(WINDOW_S, (event, *other.events))
    return mixed, window_texts(score), tuple(score.labels)


def windows_of(
    scene: Scene, wave: np.ndarray, rng: np.random.Generator, count: int
) -> list[Found]:
    """Cuts of one window's length, with what is heard in each.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    found = []
    for _ in range(count):
        last = max(0.0, scene.score.duration_s - WINDOW_S)
        start = round(float(rng.uniform(0, last)), 2)
        heard = scene.score.crop(start, min(start + WINDOW_S, scene.score.duration_s))
        cut = wave[round(start * RATE) :][: round(WINDOW_S * RATE)]
        cut = np.pad(cut, (0, round(WINDOW_S * RATE) - len(cut)))
        found.append((cut, window_texts(heard), tuple(heard.labels)))
    return found


def window_texts(score: Score) -> list[str]:
    """All wordings of a short score; a sound alone is also named by its label."""
    texts = captions(score)
    if all(event.attributes for event in score.events):  # recordings have none
        texts = texts + captions(score, detail=True)
    if len(score.events) == 1:
        texts = texts + [f"the sound of {score.events[0].label}."] * 2
    return texts

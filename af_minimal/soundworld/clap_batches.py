"""Windows and sentences for contrastive training, fresh for every step.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..clap import MiniCLAP
from .captions import captions
from .corpus import RATE, Scene, render_scene, sample_scene, vary
from .near_misses import near_misses
from .scenes import Event, Score, sample_score

WINDOW_S = 2.0
ATTRIBUTES = 8  # near misses of a window that are wrong in an attribute, at most


@dataclass(frozen=True)
class Window:
    """One window of sound and what is heard in it."""

    samples: np.ndarray  # float (samples,)
    score: Score

    @property
    def recorded(self) -> bool:
        """Whether a real recording sounds in it; nothing is known of its attributes."""
        return any(not event.attributes for event in self.score.events)


class ClapBatches:
    """Step number -> batch: short scenes, cuts of long scenes, real recordings.

    No two windows of a batch hold the same sounds in the same order, so few sentences
    are false negatives; one remains where both sounds overlap and another window has
    them the other way round. Beside its sentence, each window has near misses to be
    told from the truth. The same number gives the same batch.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, clap: MiniCLAP, recordings: dict, seed: int = 0, size: int = 64):
        self.clap, self.recordings, self.seed, self.size = clap, recordings, seed, size

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        kept: dict[tuple, Window] = {}
        while len(kept) < self.size:
            for window in draw_windows(rng, self.recordings):
                kept.setdefault(tuple(window.score.labels), window)
        chosen = list(kept.values())[: self.size]
        level = rng.uniform(-9, 3, size=(self.size, 1))  # dB
        # the level of synthesised sounds is theirs: "soft" and "loud" are attributes
        level[[not window.recorded for window in chosen]] = 0
        samples = np.stack([window.samples for window in chosen])
        samples = (samples * 10 ** (level / 20)).clip(-1, 1).astype(np.float32)
        texts = [window_texts(window.score) for window in chosen]
        said = [wordings[rng.integers(len(wordings))] for wordings in texts]
        batch = {"windows": torch.from_numpy(samples)} | self.clap.tokenize(said)
        return [batch | self.contrasts([window.score for window in chosen], rng)]

    def contrasts(self, scores: list[Score], rng: np.random.Generator) -> dict:
        """Near misses of all windows, as `MiniCLAP.forward` takes them."""
        found = [
            (i, miss)
            for i, score in enumerate(scores)
            for miss in near_misses(score, rng, ATTRIBUTES)
        ]
        texts = [m.right for _, m in found] + [m.wrong for _, m in found]
        tokens = self.clap.tokenize(texts)
        tensors = {f"contrast_{name}": value for name, value in tokens.items()}
        return {"contrast_rows": torch.tensor([i for i, _ in found]), **tensors}


def draw_windows(rng: np.random.Generator, recordings: dict) -> list[Window]:
    """One window, or four cuts of one long scene."""
    kind = rng.random()
    if recordings and kind < 0.35:
        return [recorded_window(rng, recordings)]
    if kind < 0.8:
        score = sample_score(rng, (1, 2), WINDOW_S, "crowded")
        return [Window(render_scene(Scene(score), {}), score)]
    scene = sample_scene(int(rng.integers(2**31)), {})
    return windows_of(scene, render_scene(scene, {}), rng, count=4)


def recorded_window(rng: np.random.Generator, recordings: dict) -> Window:
    """A cut of a real recording; three in ten with a synthesised sound over it."""
    label = str(rng.choice(sorted(recordings)))
    takes = recordings[label]
    wave = vary(rng, takes[rng.integers(len(takes))], WINDOW_S)
    event = Event(label, 0.0, WINDOW_S)
    if rng.random() < 0.7:
        noise = rng.standard_normal(len(wave)) * 10 ** (rng.uniform(-70, -25) / 20)
        score = Score(WINDOW_S, (event,))
        return Window(wave + noise, score)
    other = sample_score(rng, (1, 1), WINDOW_S)
    if other.labels == [label]:
        return Window(wave, Score(WINDOW_S, (event,)))
    mixed = wave * float(rng.uniform(0.4, 1.0)) + render_scene(Scene(other), {})
    score = Score(WINDOW_S, (event, *other.events))
    return Window(mixed, score)


def windows_of(
    scene: Scene, wave: np.ndarray, rng: np.random.Generator, count: int
) -> list[Window]:
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
        found.append(Window(cut, heard))
    return found


def window_texts(score: Score) -> list[str]:
    """All wordings of a short score; a sound alone is also named by its label."""
    texts = captions(score)
    if all(event.attributes for event in score.events):  # recordings have none
        texts = texts + captions(score, detail=True)
    if len(score.events) == 1:
        texts = texts + [f"the sound of {score.events[0].label}."] * 2
    return texts

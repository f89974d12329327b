"""Windows of sound with their scores: what contrastive training hears.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from dataclasses import dataclass

import numpy as np

from .corpus import HELD_OUT_SEED, RATE, Scene, render_scene, sample_scene, vary
from .scenes import Event, Score, sample_score

WINDOW_S = 2.0
RECORDED = 0.35  # share of draws, where there are recordings
SHORT = 0.7  # share of the others that are scenes of one window's length


@dataclass(frozen=True)
class Window:
    """One window of sound and what is heard in it."""

    samples: np.ndarray  # float (samples,)
    score: Score

    @property
    def recorded(self) -> bool:
        """Whether a real recording sounds in it; nothing is known of its attributes."""
        return any(not event.attributes for event in self.score.events)


def draw_windows(rng: np.random.Generator, recordings: dict) -> list[Window]:
    """A window of a real recording, or synthesised ones."""
    if recordings and rng.random() < RECORDED:
        return [recorded_window(rng, recordings)]
    return synthesised_windows(rng)


def synthesised_windows(rng: np.random.Generator) -> list[Window]:
    """One window, or four cuts of one long scene."""
    if rng.random() < SHORT:
        score = sample_score(rng, (1, 2), WINDOW_S, "crowded")
        return [Window(render_scene(Scene(score), {}), score)]
    scene = sample_scene(int(rng.integers(HELD_OUT_SEED)), {})
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

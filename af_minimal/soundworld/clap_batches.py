"""Windows and sentences for contrastive training, fresh for every step.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..clap import MiniCLAP
from .captions import captions
from .corpus import RATE, Scene, render_scene, sample_scene, vary
from .scenes import Event, Score, sample_score
from .score import find_class

WINDOW_S = 2.0


@dataclass(frozen=True)
class Window:
    """One window of sound and sentences that are true of it."""

    samples: np.ndarray  # float (samples,)
    texts: list[str]
    labels: tuple[str, ...]
    twin: str = ""  # what sets it apart from its twin, such as "pitch high"


class ClapBatches:
    """Step number -> batch: twins, short scenes, cuts of long scenes, recordings.

    No two windows of a batch hold the same sounds, but for twins: they hold the same
    sounds, differ in one attribute of one of them, and their sentences say so. So no
    sentence is a false negative, and what a sound is like has to be heard. The same
    number gives the same batch.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, clap: MiniCLAP, recordings: dict, seed: int = 0, size: int = 64):
        self.clap, self.recordings, self.seed, self.size = clap, recordings, seed, size

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        kept: list[Window] = []
        while len(kept) < self.size:
            kept += different(draw_windows(rng, self.recordings), kept)
        kept = kept[: self.size]
        texts = [w.texts[rng.integers(len(w.texts))] for w in kept]
        windows = np.stack([w.samples for w in kept])
        level = rng.uniform(-9, 3, size=(self.size, 1))  # dB
        level[[bool(w.twin) for w in kept]] = 0  # theirs may be what the text says
        windows = (windows * 10 ** (level / 20)).clip(-1, 1).astype(np.float32)
        return [{"windows": torch.from_numpy(windows)} | self.clap.tokenize(texts)]


def different(drawn: list[Window], kept: list[Window]) -> list[Window]:
    """Those of a draw whose sounds are not among the kept, each once."""
    taken = {window.labels for window in kept}
    found: dict[tuple, Window] = {}
    for window in drawn:
        if window.labels not in taken:
            found.setdefault((window.labels, window.twin), window)
    return list(found.values())


def draw_windows(rng: np.random.Generator, recordings: dict) -> list[Window]:
    """One window, two twins, or four cuts of one long scene."""
    kind = rng.random()
    if recordings and kind < 0.35:
        return [recorded_window(rng, recordings)]
    if kind < 0.7:
        return twins(rng)
    if kind < 0.85:
        score = sample_score(rng, (1, 2), WINDOW_S, "crowded")
        wave = render_scene(Scene(score), {})
        return [Window(wave, window_texts(score), tuple(score.labels))]
    scene = sample_scene(int(rng.integers(2**31)), {})
    return windows_of(scene, render_scene(scene, {}), rng, count=4)


def twins(rng: np.random.Generator) -> list[Window]:
    """Two short scenes that differ in one attribute of one sound, and are told apart.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    score = sample_score(rng, (1, 2), WINDOW_S, "crowded")
    place = int(rng.integers(len(score.events)))
    names = sorted(score.events[place].attributes)
    name = names[rng.integers(len(names))]
    values = find_class(score.events[place].label).attributes[name]
    return [twin(rng, score, place, name, v) for v in rng.permutation(values)[:2]]


def twin(rng, score: Score, place: int, name: str, value: str) -> Window:
    """The scene with one attribute of one of its sounds set, made anew."""
    event, sound = score.events[place], find_class(score.events[place].label)
    event = replace(event, attributes=event.attributes | {name: str(value)})
    if name == "loudness":  # a gain would hide it
        event = replace(event, gain_db=float(rng.uniform(-3, 0)))
    if name == "length":
        seconds = sound.sample_duration(rng, event.attributes)
        seconds = min(seconds, WINDOW_S - event.onset_s)
        event = replace(event, duration_s=seconds, repeats=1)
    events = (*score.events[:place], event, *score.events[place + 1 :])
    score = replace(score, events=events, seed=int(rng.integers(2**31)))
    wave, texts = render_scene(Scene(score), {}), captions(score, detail=name)
    return Window(wave, texts, tuple(score.labels), f"{name} {value}")


def recorded_window(rng: np.random.Generator, recordings: dict) -> Window:
    """A cut of a real recording; three in ten with a synthesised sound over it."""
    label = str(rng.choice(sorted(recordings)))
    takes = recordings[label]
    wave = vary(rng, takes[rng.integers(len(takes))], WINDOW_S)
    event = Event(label, 0.0, WINDOW_S)
    if rng.random() < 0.7:
        noise = rng.standard_normal(len(wave)) * 10 ** (rng.uniform(-70, -25) / 20)
        score = Score(WINDOW_S, (event,))
        return Window(wave + noise, window_texts(score), (label,))
    other = sample_score(rng, (1, 1), WINDOW_S)
    if other.labels == [label]:
        return Window(wave, window_texts(Score(WINDOW_S, (event,))), (label,))
    mixed = wave * float(rng.uniform(0.4, 1.0)) + render_scene(Scene(other), {})
    score = Score(WINDOW_S, (event, *other.events))
    return Window(mixed, window_texts(score), tuple(score.labels))


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
        found.append(Window(cut, window_texts(heard), tuple(heard.labels)))
    return found


def window_texts(score: Score) -> list[str]:
    """All wordings of a short score; a sound alone is also named by its label."""
    texts = captions(score)
    if all(event.attributes for event in score.events):  # recordings have none
        texts = texts + captions(score, detail=True)
    if len(score.events) == 1:
        texts = texts + [f"the sound of {score.events[0].label}."] * 2
    return texts

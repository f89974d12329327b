"""What the mini model is trained on: SoundWorld scenes, real recordings among them.

Every set is a function of a seed. Training seeds are small; the held-out scenes of the
evaluation start at `HELD_OUT_SEED`, so no scene is ever in both.

Taught in: notebooks/08_staged_training.ipynb
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from ..data import Example, open_clip
from .captions import captions
from .catalogue import CLASSES
from .questions import QA, questions
from .render import render
from .scenes import Event, Score, sample_score

HELD_OUT_SEED = 10_000_000
RATE = 16_000  # Hz
LONGEST_S = 9.5  # what mini hears: 16 windows of 2 s, hop 0.5 s


def check_trainable(seed: int, scenes: int, last: int) -> None:
    """Refuse a run that would learn from the exam.

    Args:
        seed, scenes: what the run was given, as its user knows it.
        last: the first seed behind its scenes.

    Raises ValueError for a seed below 0, and for scenes of the exam.
    """
    if not 0 <= seed <= last <= HELD_OUT_SEED:
        raise ValueError(
            f"seed {seed} and {scenes} scenes: their seeds must lie from 0 to "
            f"{HELD_OUT_SEED - 1:,}; what follows is held out for the exam."
        )


@dataclass(frozen=True)
class Scene:
    """A score, and the real recordings that sound in it in place of synthesis.

    `recorded` holds (index of the event, index of the recording) pairs.
    """

    score: Score
    recorded: tuple[tuple[int, int], ...] = ()


def load_recordings(examples: list[Example]) -> dict[str, list[np.ndarray]]:
    """Waveforms at 16 kHz by label, of real recordings whose label SoundWorld knows.

    Taught in: notebooks/08_staged_training.ipynb
    """
    by_label: dict[str, list[np.ndarray]] = {}
    for example in examples:
        if example.output in CLASSES:
            wave = open_clip(example, RATE).waveform
            by_label.setdefault(example.output, []).append(wave)
    return by_label


def sample_scene(
    seed: int, recordings: dict[str, list[np.ndarray]], difficulty: str = "crowded"
) -> Scene:
    """One training scene; where there are recordings, three in ten hold a real one.

    Taught in: notebooks/08_staged_training.ipynb
    """
    rng = np.random.default_rng(seed)
    if recordings and rng.random() < 0.3:
        return recorded_scene(rng, recordings)
    duration = LONGEST_S if rng.random() < 0.7 else float(rng.uniform(4.5, LONGEST_S))
    score = sample_score(rng, duration_s=round(duration, 2), difficulty=difficulty)
    return Scene(score)


def recorded_scene(rng: np.random.Generator, recordings: dict) -> Scene:
    """A real recording alone (half of the time), or in a row with one other sound."""
    label = str(rng.choice(sorted(recordings)))
    alone = rng.random() < 0.5
    length = float(rng.uniform(2.0, 5.0)) if rng.random() < 0.6 else 5.0
    event = Event(label, 0.0, round(length, 2), gain_db=float(rng.uniform(-12, 0)))
    rest = LONGEST_S - length - 0.4
    if alone or rest < 1.5:
        total = (
            length if rng.random() < 0.7 else min(LONGEST_S, length + rng.uniform(0, 3))
        )
        event = replace(event, onset_s=round(float(rng.uniform(0, total - length)), 2))
        events, total = (event,), round(total, 2)
    else:
        others = {k: v for k, v in CLASSES.items() if k != label}
        other = sample_score(rng, (1, 1), round(rest, 2), classes=others).events[0]
        total = LONGEST_S
        if rng.random() < 0.5:
            events = (event, replace(other, onset_s=other.onset_s + length + 0.4))
        else:
            onset = round(max(other.end_s, 0) + 0.4, 2)
            events = (other, replace(event, onset_s=onset))
    noisy = rng.random() < 0.4
    score = Score(
        duration_s=total,
        events=events,
        background=str(rng.choice(["pink noise", "hum", "room tone"]))
        if noisy
        else None,
        snr_db=round(float(rng.uniform(10, 30)), 1),
        seed=int(rng.integers(2**31)),
    )
    place = [e.label for e in events].index(label)
    return Scene(score, ((place, int(rng.integers(len(recordings[label])))),))


def render_scene(scene: Scene, recordings: dict[str, list[np.ndarray]]) -> np.ndarray:
    """Waveform float32 (samples,) of a scene, its recordings cut, varied and placed.

    Taught in: notebooks/08_staged_training.ipynb
    """
    score = scene.score
    taken = dict(scene.recorded)
    synthesised = tuple(e for i, e in enumerate(score.events) if i not in taken)
    wave = render(replace(score, events=synthesised), RATE)
    rng = np.random.default_rng(score.seed)
    for place, which in taken.items():
        event = score.events[place]
        sound = recordings[event.label][which]
        sound = vary(rng, sound, event.duration_s) * 10 ** (event.gain_db / 20)
        start = round(event.onset_s * RATE)
        wave[start : start + len(sound)] += sound[: len(wave) - start]
    peak = np.abs(wave).max()
    return (wave / peak if peak > 1 else wave).astype(np.float32)


def vary(rng: np.random.Generator, wave: np.ndarray, seconds: float) -> np.ndarray:
    """A cut of a recording around its loud parts, at another speed, tone and level."""
    speed = float(rng.uniform(0.85, 1.18))
    places = np.arange(0, len(wave) - 1, speed)
    wave = np.interp(places, np.arange(len(wave)), wave)
    length = round(seconds * RATE)
    energy = uniform_filter1d(wave**2, RATE // 4)
    loud = np.flatnonzero(energy >= 0.3 * energy.max())
    centre = int(loud[rng.integers(len(loud))])
    low, high = centre - length + RATE // 5, centre - RATE // 5
    start = int(
        np.clip(rng.integers(low, max(high, low + 1)), 0, max(0, len(wave) - length))
    )
    cut = np.pad(wave[start : start + length], (0, max(0, length - len(wave) + start)))
    spectrum = np.fft.rfft(cut)
    octaves = np.log2(np.fft.rfftfreq(len(cut), 1 / 1000) + 0.05)  # above 1 kHz at 1
    tilt = 10 ** (float(rng.uniform(-2, 2)) * octaves / 20)  # dB an octave
    cut = np.fft.irfft(spectrum * tilt, len(cut))
    return cut * (float(rng.uniform(0.3, 0.95)) / (np.abs(cut).max() + 1e-6))


def ask_scene(scene: Scene, rng: np.random.Generator) -> list[QA]:
    """Questions with known answers; how often a recorded sound repeats is not known.

    Taught in: notebooks/08_staged_training.ipynb
    """
    asked = questions(scene.score, rng)
    if scene.recorded:
        asked = [qa for qa in asked if qa.kind != "count"]
    return asked


def text_corpus(seeds: range) -> list[str]:
    """Captions, questions and answers of some scenes.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    texts = []
    for seed in seeds:
        scene, rng = sample_scene(seed, {}), np.random.default_rng([seed, 9])
        texts += captions(scene.score) + captions(scene.score, detail=True)
        texts += [f"{q.prompt}\nAnswer:{q.output}" for q in ask_scene(scene, rng)]
    return [text.lower() for text in texts]

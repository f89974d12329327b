"""Sounds kept out of all training, so that few-shot learning has something to learn.

Each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.
Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

import numpy as np

from .animals import throat
from .synthesis import (
    click,
    curve,
    cycles,
    graded,
    harmonics,
    mix,
    noise,
    resonate,
    rolloff,
    scatter,
    sine,
    struck,
    train,
    uniform,
    wander,
)


def wolf_howl(rng, samples, attributes, sr):
    """A long climb to a high held note that sags at the very end."""
    top = graded(rng, attributes["pitch"], 320, 900)
    bend = curve(samples, (0, 0.5), (0.3, 0.95), (0.7, 1.0), (1, 0.7))
    bend = bend * (1 + 0.01 * wander(rng, samples, sr, 6))
    size = uniform(rng, 0.8, 1.2)
    mouth = [(450 * size, 120, 1.0), (1000 * size, 200, 0.5), (2600 * size, 400, 0.1)]
    wave = resonate(throat(rng, top * bend, 0.1, sr), mouth, sr)
    return wave * curve(samples, (0, 0), (0.25, 0.7), (0.6, 1), (0.85, 0.6), (1, 0))


def cat_purr(rng, samples, attributes, sr):
    """A soft rattle 20 to 30 times a second that changes with each breath."""
    rate = graded(rng, attributes["rate"], 18, 32)
    size = graded(rng, attributes["pitch"], 0.6, 1.9)
    breath = 0.5 + 0.5 * np.sign(sine(rng.uniform(0.8, 1.3), samples, sr))
    speed = rate * (0.88 + 0.2 * breath)
    pulse = np.exp(-4 * (cycles(speed, samples, sr) % 1.0))
    source = noise(rng, samples, sr, 100, 3000, -0.4) * pulse
    chest = [(220 * size, 100, 1.0), (600 * size, 250, 0.6 + 0.4 * rng.random())]
    return resonate(source, chest, sr) * (0.45 + 0.55 * breath)


def woodpecker(rng, samples, attributes, sr):
    """A burst of knocks that starts hard and fades as it speeds up."""
    pitch = graded(rng, attributes["pitch"], 500, 2400)
    rate = graded(rng, attributes["rate"], 12, 22)
    phase = cycles(rate * curve(samples, (0, 0.8), (1, 1.3)), samples, sr)
    onsets = np.flatnonzero(np.diff(np.floor(phase)) > 0)
    ring = [(pitch, 1.0, 0.035), (2.2 * pitch, 0.5, 0.02), (3.7 * pitch, 0.3, 0.02)]
    gains = np.linspace(1.0, 0.1, len(onsets))
    return train(samples, onsets, gains, struck(int(0.05 * sr), sr, ring))


def geyser(rng, samples, attributes, sr):
    """Pressure: a hiss that climbs in pitch and loudness until it bursts."""
    tone = graded(rng, attributes["tone"], 300, 1100)
    total = np.zeros(samples)
    for i in range(5):
        band = noise(rng, samples, sr, tone * 1.6**i, tone * 1.6 ** (i + 1))
        peak = 0.15 + 0.17 * i
        total += band * curve(samples, (peak - 0.15, 0), (peak, 1), (peak + 0.3, 0))
    return total * curve(samples, (0, 0.2), (0.85, 1), (1, 0))


def bouncing_ball(rng, samples, attributes, sr):
    """Thuds that come closer and closer together and softer and softer."""
    pitch = graded(rng, attributes["pitch"], 150, 900)
    first = 0.5 / graded(rng, attributes["rate"], 1.0, 2.0)
    shrink = rng.uniform(0.76, 0.84)
    onsets = np.concatenate([[0], np.cumsum(first * shrink ** np.arange(16))]) * sr
    ball = struck(int(0.09 * sr), sr, [(pitch, 1.0, 0.08), (2.3 * pitch, 0.5, 0.04)])
    slap = click(rng, sr, 0.012, pitch, 8 * pitch)
    ball[: len(slap)] += 0.4 * slap
    return train(samples, onsets, shrink ** np.arange(17), ball)


def camera_shutter(rng, samples, attributes, sr):
    """Click, a tiny whirr that rises, clack."""
    tone = graded(rng, attributes["pitch"], 1200, 4200)
    shut = click(rng, sr, 0.02, 0.6 * tone, 2 * tone)
    last = 0.8 * click(rng, sr, 0.03, 0.35 * tone, 1.2 * tone)
    size = int(0.55 * samples)
    motor = harmonics(
        0.2 * tone * curve(size, (0, 0.7), (1, 1.4)), rolloff(6, 0.5), size, sr
    )
    whirr = 0.12 * motor * curve(size, (0, 0), (0.2, 1), (0.9, 1), (1, 0))
    onsets = np.array([0, 0.2 * samples, 0.78 * samples])
    return mix(samples, onsets, [shut, whirr, last])


def smoke_alarm(rng, samples, attributes, sr):
    """Three equal beeps, then silence."""
    pitch = graded(rng, attributes["pitch"], 1200, 3600)
    steep = 2.5 / graded(rng, attributes["tone"], 0.8, 3.0)
    gate = np.zeros(samples)
    for start in (0.0, 0.28, 0.56):
        gate[int(start * samples) : int((start + 0.16) * samples)] = 1.0
    return harmonics(pitch, rolloff(5, steep), samples, sr) * gate


def geiger_counter(rng, samples, attributes, sr):
    """Identical dry clicks at random moments, in flurries."""
    rate = graded(rng, attributes["density"], 6, 24)
    tone = graded(rng, attributes["tone"], 900, 4000)
    onsets = scatter(rng, samples, sr, rate)
    flurry = scatter(rng, int(0.25 * sr), sr, 60) + rng.uniform(0.1, 0.6) * samples
    onsets = np.concatenate([onsets, flurry])
    return train(
        samples, onsets, np.ones(len(onsets)), click(rng, sr, 0.005, tone, 2 * tone)
    )


def slide_whistle(rng, samples, attributes, sr):
    """One smooth swoop from the bottom to the top, with a shiver at the end."""
    low = graded(rng, attributes["pitch"], 350, 1300)
    bend = curve(samples, (0, 0), (0.75, 1), (1, 1)) ** rng.uniform(0.8, 1.6)
    shiver = curve(samples, (0, 0), (0.7, 0), (1, 0.04)) * sine(9.0, samples, sr)
    pitch = low * uniform(rng, 2.4, 3.6) ** bend * (1 + shiver)
    tone = harmonics(pitch, np.array([1.0, 0.08, 0.2]), samples, sr)
    return tone * curve(samples, (0, 0), (0.05, 0.7), (0.85, 1), (1, 0))


def gong(rng, samples, attributes, sr):
    """A soft low blow that blooms into a shimmer before it fades."""
    note = graded(rng, attributes["pitch"], 90, 330)
    low = struck(
        samples, sr, [(note, 1.0, 3.0), (1.48 * note, 0.6, 2.5), (2.3 * note, 0.5, 2.0)]
    )
    ratios = rng.uniform(4, 16, 14)
    shimmer = struck(
        samples, sr, [(note * r, rng.uniform(0.3, 1), 1.8) for r in ratios]
    )
    bloom = curve(samples, (0, 0.02), (0.25, 1), (1, 0.6))
    return low * curve(samples, (0, 0), (0.03, 1), (1, 1)) + 0.35 * bloom * shimmer

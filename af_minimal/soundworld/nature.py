"""Weather, water and fire: mostly noise, told apart by how it moves in time.

Each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.
Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np

from .synthesis import (
    beats,
    click,
    curve,
    cycles,
    darken,
    decay,
    graded,
    mix,
    noise,
    scatter,
    seconds,
    sine,
    struck,
    train,
    uniform,
    wander,
)


def drops(rng, samples, sr, rate, low, high, length, kinds=6):
    """Random dots: `kinds` different bursts, scattered `rate` times a second in all."""
    total = np.zeros(samples)
    for _ in range(kinds):
        onsets = scatter(rng, samples, sr, rate / kinds)
        gains = rng.exponential(1.0, len(onsets))
        centre = uniform(rng, low, high)
        grain = click(rng, sr, uniform(rng, length / 2, length), centre / 2, centre * 2)
        total += train(samples, onsets, gains, grain)
    return total


def rain(rng, samples, attributes, sr):
    """An even hiss, unchanging, with a dense grain of drops all over it."""
    tone = graded(rng, attributes["tone"], 700, 6000)
    rate = graded(rng, attributes["density"], 40, 160)
    low, high = tone * uniform(rng, 0.1, 0.5), tone * uniform(rng, 2.0, 5.0)
    hiss = noise(rng, samples, sr, low, high, rng.uniform(-0.6, 0.1))
    patter = drops(rng, samples, sr, rate, 0.7 * tone, 2.0 * tone, 0.012)
    return hiss + patter * rng.uniform(0.3, 0.9) / (np.std(patter) + 1e-9)


def sea_waves(rng, samples, attributes, sr):
    """Swells of noise: a slow rise that brightens, a crash, a long hissing retreat."""
    rate = graded(rng, attributes["rate"], 0.35, 1.1)
    tone = graded(rng, attributes["tone"], 500, 3500)
    place = (cycles(rate, samples, sr) + rng.random()) % 1.0
    calm = uniform(rng, 0.06, 0.25)
    swell = np.interp(place, (0, 0.3, 0.42, 0.55, 1), (calm, 0.4, 1.0, 0.5, calm))
    swell *= np.exp(0.15 * wander(rng, samples, sr, 2))
    deep = noise(rng, samples, sr, 60, 0.6 * tone, -0.5)
    foam = noise(rng, samples, sr, 0.8 * tone, 4 * tone, -0.3)
    return swell * deep + 1.2 * swell ** rng.uniform(1.5, 2.5) * foam


def wind(rng, samples, attributes, sr):
    """A narrow band of noise that glides up and down and swells as it rises."""
    pitch = graded(rng, attributes["pitch"], 250, 1800)
    rate = graded(rng, attributes["rate"], 1.0, 3.0)
    gust = wander(rng, samples, sr, rate)
    centre = pitch * np.exp(0.4 * gust)
    width = darken(noise(rng, samples, sr, 1, 300), 0.12 * pitch, sr)
    quadrature = darken(noise(rng, samples, sr, 1, 300), 0.12 * pitch, sr)
    phase = 2 * np.pi * cycles(centre, samples, sr)
    whistle = width * np.cos(phase) + quadrature * np.sin(phase)
    rush = noise(rng, samples, sr, 80, 2 * pitch, -0.7)
    return np.exp(0.6 * gust) * (whistle / (np.std(whistle) + 1e-9) + 0.25 * rush)


def thunder(rng, samples, attributes, sr):
    """A crack, then overlapping rumbles that grow darker as they roll away."""
    tone = graded(rng, attributes["tone"], 150, 900)
    strikes = np.sort(rng.random(int(rng.integers(3, 6)))) * 0.55 * samples
    strikes[0] = 0
    grains = []
    for i in range(len(strikes)):
        size = samples - int(strikes[i])
        body = noise(rng, size, sr, 40, tone * 0.8**i, -0.4)
        grains.append(body * decay(size, sr, uniform(rng, 0.8, 2.0)) * 0.85**i)
    rumble = mix(samples, strikes, grains) * (1 + 0.4 * wander(rng, samples, sr, 14))
    crack = drops(rng, int(0.12 * sr), sr, 250, tone, 8 * tone, 0.02, kinds=3)
    return mix(samples, np.array([0, 0]), [rumble, 0.5 * crack])


def stream(rng, samples, attributes, sr):
    """A crowd of tiny overlapping bubbles, each a note that slides up, never a beat."""
    pitch = graded(rng, attributes["pitch"], 350, 1800)
    rate = graded(rng, attributes["density"], 25, 70)
    onsets = scatter(rng, samples, sr, rate)
    grains = [blip(rng, sr, pitch * uniform(rng, 0.5, 2.2), 0.05) for _ in range(12)]
    chosen = [
        grains[k] * g
        for k, g in zip(
            rng.integers(0, 12, len(onsets)),
            rng.exponential(1, len(onsets)),
            strict=True,
        )
    ]
    bed = noise(rng, samples, sr, 0.6 * pitch, 4 * pitch, -0.5)
    return mix(samples, onsets, chosen) + 0.06 * bed


def blip(rng, sr, pitch, length):
    """A bubble: a short note whose pitch slides upwards as it closes."""
    size = int(uniform(rng, 0.6, 1.4) * length * sr)
    rise = uniform(rng, 1.3, 1.9)
    note = sine(pitch * curve(size, (0, 1), (1, rise)), size, sr)
    return note * np.hanning(size) ** 0.5 * decay(size, sr, 2.5 * size / sr)


def water_drip(rng, samples, attributes, sr):
    """Single drops at a lazy beat: a tick and a little rising ring, then silence."""
    pitch = graded(rng, attributes["pitch"], 450, 2600)
    rate = graded(rng, attributes["rate"], 1.2, 3.6)
    onsets = beats(rng, samples, sr, rate, 0.12)
    grains = []
    for _ in onsets:
        drop = 0.15 * blip(rng, sr, pitch * uniform(rng, 0.9, 1.1), 0.12)
        drop *= 6.0
        tick = click(rng, sr, 0.008, pitch, 3 * pitch)
        drop[: len(tick)] += 0.25 * tick
        grains.append(drop * rng.uniform(0.6, 1))
    return mix(samples, onsets, grains)


def hail(rng, samples, attributes, sr):
    """Hard pellets on a roof: separate ringing knocks, dense and without any beat."""
    tone = graded(rng, attributes["tone"], 500, 3000)
    rate = graded(rng, attributes["density"], 18, 55)
    total = np.zeros(samples)
    for _ in range(8):
        onsets = scatter(rng, samples, sr, rate / 8)
        pan = tone * uniform(rng, 0.6, 1.7)
        ring = [(pan, 1.0, 0.05), (2.7 * pan, 0.7, 0.03), (4.6 * pan, 0.4, 0.02)]
        knock = struck(int(0.05 * sr), sr, ring)
        gains = rng.exponential(1.0, len(onsets)) + 0.2
        total += train(samples, onsets, gains, knock)
    return total


def fire_crackling(rng, samples, attributes, sr):
    """Sharp random pops of very unequal size over a low unsteady roar."""
    tone = graded(rng, attributes["tone"], 900, 4500)
    rate = graded(rng, attributes["density"], 8, 30)
    pops = drops(rng, samples, sr, rate, 0.6 * tone, 1.8 * tone, 0.01)
    centres = np.repeat(scatter(rng, samples, sr, 3.0), 8)
    onsets = centres + rng.uniform(0, 0.08 * sr, len(centres))
    gains = rng.exponential(1.0, len(onsets))
    snap = click(rng, sr, 0.008, 0.5 * tone, 3 * tone)
    pops += train(samples, onsets, gains, snap)
    flame = np.exp(0.5 * wander(rng, samples, sr, 9))
    roar = noise(rng, samples, sr, 50, uniform(rng, 200, 600), -0.5) * flame
    hiss = noise(rng, samples, sr, 300, 6000, -0.4)
    return pops / (np.abs(pops).max() + 1e-9) + uniform(rng, 0.015, 0.12) * (
        roar + 0.1 * hiss
    )


def water_splash(rng, samples, attributes, sr):
    """A plunge: one burst of noise that sinks in pitch, then rising bubbles."""
    tone = 5000 / graded(rng, attributes["size"], 1.0, 5.0)
    t = seconds(samples, sr)
    fall = uniform(rng, 0.12, 0.3) * samples / sr
    bright = noise(rng, samples, sr, tone, 4 * tone) * np.exp(-t / (0.5 * fall))
    body = noise(rng, samples, sr, 0.2 * tone, tone) * np.exp(-t / fall)
    size = int(rng.integers(6, 12))
    onsets = samples * rng.uniform(0.2, 0.85, size)
    pitch = tone * rng.uniform(0.15, 0.35)
    bubbles = [
        blip(rng, sr, pitch * uniform(rng, 0.7, 1.6), 0.07) * rng.uniform(0.4, 1)
        for _ in range(size)
    ]
    attack = 1 - np.exp(-t / 0.008)
    return attack * (bright + body) + 0.8 * mix(samples, onsets, bubbles)

"""Animal voices: each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.

What makes a class is its course in time and pitch; registers overlap on purpose.
Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np

from .synthesis import (
    beats,
    buzz,
    click,
    curve,
    cycles,
    graded,
    harmonics,
    mix,
    morph,
    noise,
    resonate,
    rolloff,
    sine,
    struck,
    train,
    uniform,
    wander,
)


def throat(
    rng: np.random.Generator, pitch: np.ndarray, rough: float, sr: int
) -> np.ndarray:
    """Vocal folds: a buzz whose period shakes by `rough`, and breath beside it."""
    samples = len(pitch)
    shake = 1 + 0.06 * rough * wander(rng, samples, sr, 90)
    breath = noise(rng, samples, sr, 400, 6000)
    return buzz(pitch * shake, samples, sr) + 0.5 * rough * breath


def dog_bark(rng, samples, attributes, sr):
    """One bark: a jump up, a fall, an opening mouth, all within a third of a second."""
    rough = graded(rng, attributes["roughness"], 0.15, 1.5)
    top = graded(rng, attributes["pitch"], 180, 750)
    bend = curve(samples, (0, 0.6), (0.12, 1.0), (0.3, 1.1), (0.7, 0.6), (1, 0.45))
    size = uniform(rng, 0.8, 1.3) * (top / 370) ** 0.4  # small dogs bark high
    closed = [(350 * size, 150, 1.0), (900 * size, 250, 0.5)]
    mouth = [(700, 180, 1.0), (1350, 250, 0.8), (2700, 400, 0.5), (4200, 700, 0.25)]
    opened = [(f * size, b, g) for f, b, g in mouth]
    amount = curve(samples, (0, 0), (0.12, 1), (0.45, 0.9), (0.7, 0))
    wave = morph(throat(rng, top * bend, rough, sr), closed, opened, amount, sr)
    return wave * curve(samples, (0, 0), (0.06, 1), (0.35, 0.8), (0.65, 0.12), (1, 0))


def cat_meow(rng, samples, attributes, sr):
    """Mi-a-ow: a slow arch of pitch while the mouth opens and rounds again."""
    top = graded(rng, attributes["pitch"], 350, 1000)
    peak = rng.uniform(0.3, 0.5)
    bend = curve(samples, (0, 0.65), (peak, 1.0), (0.8, 0.8), (1, 0.6))
    size = uniform(rng, 0.8, 1.25)
    front = [(450 * size, 120, 1.0), (2400 * size, 250, 0.9), (3400 * size, 400, 0.4)]
    opened = [(950 * size, 180, 1.0), (1600 * size, 250, 0.8), (3200 * size, 500, 0.4)]
    amount = curve(samples, (0, 0), (0.15, 0.05), (0.55, 1.0), (1, 0.7))
    pitch = top * bend * (1 + 0.02 * sine(rng.uniform(5, 8), samples, sr))
    wave = morph(throat(rng, pitch, 0.15, sr), front, opened, amount, sr)
    return wave * curve(samples, (0, 0), (0.2, 0.7), (0.55, 1), (0.8, 0.5), (1, 0))


def rooster(rng, samples, attributes, sr):
    """Cock-a-doodle-doo: three short syllables, then a long arch."""
    base = graded(rng, attributes["pitch"], 330, 800)
    rough = graded(rng, attributes["roughness"], 0.1, 1.0)
    lift = rng.uniform(1.35, 1.7)
    bend = curve(
        samples,
        *((0, 0.8), (0.06, 1.15), (0.13, 0.9), (0.18, 1.2), (0.26, 1.2)),
        *((0.3, 1.1), (0.4, 1.3), (0.46, 1.15), (0.6, lift), (0.75, lift), (1, 0.75)),
    )
    gate = curve(
        samples,
        *((0, 0), (0.02, 0.8), (0.12, 0.6), (0.145, 0), (0.165, 0.7), (0.25, 0.6)),
        *((0.275, 0), (0.295, 0.8), (0.4, 0.7), (0.435, 0.05), (0.48, 0.9)),
        *((0.62, 1), (0.8, 0.7), (1, 0)),
    )
    size = uniform(rng, 0.8, 1.3)
    mouth = [(900, 250, 1.0), (1900, 350, 0.9), (3100, 500, 0.6), (4300, 800, 0.3)]
    formants = [(f * size, b, g) for f, b, g in mouth]
    return resonate(throat(rng, base * bend, rough, sr), formants, sr) * gate


def cow_moo(rng, samples, attributes, sr):
    """A hum through the nose that opens into a long low vowel."""
    pitch = graded(rng, attributes["pitch"], 80, 260)
    size = graded(rng, attributes["tone"], 0.7, 1.6)
    bend = curve(samples, (0, 0.75), (0.25, 1.0), (0.75, 1.05), (1, 0.8))
    nose = [(230 * size, 80, 1.0), (1000 * size, 300, 0.08)]
    mouth = [(480 * size, 110, 1.0), (900 * size, 160, 0.7), (2300 * size, 400, 0.3)]
    amount = curve(samples, (0, 0), (0.25, 0.05), (0.5, 1), (0.85, 0.9), (1, 0.3))
    wave = morph(throat(rng, pitch * bend, 0.25, sr), nose, mouth, amount, sr)
    return wave * curve(samples, (0, 0), (0.15, 0.6), (0.5, 1), (0.85, 0.7), (1, 0))


def bird_song(rng, samples, attributes, sr):
    """A string of quick whistled figures, each with its own bend."""
    centre = graded(rng, attributes["pitch"], 1600, 4800)
    rate = graded(rng, attributes["rate"], 5, 13)
    pitch, gate = np.full(samples, centre), np.zeros(samples)
    for onset in beats(rng, samples, sr, rate, 0.12).astype(int):
        size = min(int(rng.uniform(0.5, 0.85) * sr / rate), samples - onset)
        if size > 8:
            bend = curve(size, (0, 0), (0.5, rng.normal()), (1, 1.4 * rng.normal()))
            level = centre * uniform(rng, 0.75, 1.3) * np.exp(0.22 * bend)
            pitch[onset : onset + size] = np.minimum(level, 7200)
            gate[onset : onset + size] = np.hanning(size) * rng.uniform(0.5, 1)
    return sine(pitch, samples, sr) * gate


def cricket(rng, samples, attributes, sr):
    """Chirps of three to five equal pulses on one high note, at an even beat."""
    note = graded(rng, attributes["pitch"], 2200, 6200)
    rate = graded(rng, attributes["rate"], 1.6, 4.5)
    pulses = int(rng.integers(3, 6))
    length = rng.uniform(0.45, 0.6) / rate / pulses
    size = max(16, int(length * sr))
    pulse = np.hanning(size) ** 0.7
    chirp = np.concatenate([pulse * g for g in np.linspace(0.6, 1, pulses)])
    onsets = beats(rng, samples, sr, rate, 0.02)
    gate = train(samples, onsets, np.ones(len(onsets)), chirp)
    wave = sine(note * (1 + 0.004 * wander(rng, samples, sr, 20)), samples, sr)
    return gate * (wave + 0.1 * sine(min(2 * note, 7600), samples, sr))


def frog_croak(rng, samples, attributes, sr):
    """A rattle of separate glottal pulses that speeds up, ringing in a throat sac."""
    rate = graded(rng, attributes["rate"], 22, 60)
    sac = graded(rng, attributes["pitch"], 350, 1700)
    speed = rate * curve(samples, (0, 0.8), (1, rng.uniform(1.3, 1.8)))
    phase = cycles(speed, samples, sr)
    onsets = np.flatnonzero(np.diff(np.floor(phase)) > 0)
    ring = [(sac, 1.0, 0.05), (sac * 2.1, 0.6, 0.03), (sac * 3.4, 0.3, 0.02)]
    grain = struck(int(0.06 * sr), sr, ring)
    wave = train(samples, onsets, rng.uniform(0.8, 1, len(onsets)), grain)
    return wave * curve(samples, (0, 0.2), (0.4, 0.8), (0.8, 1), (1, 0.1))


def owl_hoot(rng, samples, attributes, sr):
    """Hoo ... hoo-hoo, hooo: soft round notes with a rest after the first."""
    note = graded(rng, attributes["pitch"], 240, 800)
    waver = graded(rng, attributes["steadiness"], 0.003, 0.05)
    gate, bend = np.zeros(samples), np.ones(samples)
    for start, end, level in ((0, 0.24, 0.8), (0.42, 0.53, 0.6), (0.57, 1, 1.0)):
        first, last = int(start * samples), int(end * samples)
        gate[first:last] = level * np.hanning(last - first) ** 0.6
        bend[first:last] = curve(last - first, (0, 0.94), (0.4, 1.04), (1, 0.93))
    vibrato = 1 + waver * sine(rng.uniform(6, 9), samples, sr)
    breath = 0.05 * noise(rng, samples, sr, note, 2.5 * note)
    return gate * (
        harmonics(note * bend * vibrato, np.array([1.0, 0.12, 0.06]), samples, sr)
        + breath
    )


def raven_caw(rng, samples, attributes, sr):
    """A harsh flat cry: a rattling buzz that starts and ends at once."""
    pitch = graded(rng, attributes["pitch"], 230, 600)
    rough = graded(rng, attributes["roughness"], 0.6, 2.2)
    bend = curve(samples, (0, 0.85), (0.15, 1.05), (0.7, 1.0), (1, 0.85))
    size = uniform(rng, 0.75, 1.35)
    mouth = [(1100, 250, 0.8), (1750, 300, 1.0), (2900, 500, 0.6)]
    formants = [(f * size, b, g) for f, b, g in mouth]
    rattle = 1 + 0.8 * sine(rng.uniform(45, 85), samples, sr)
    wave = resonate(throat(rng, pitch * bend, rough, sr), formants, sr) * rattle
    return wave * curve(samples, (0, 0), (0.06, 1), (0.8, 0.9), (0.95, 0.1), (1, 0))


def duck_quack(rng, samples, attributes, sr):
    """A row of nasal quacks, each shorter, lower and quieter than the last."""
    pitch = graded(rng, attributes["pitch"], 180, 480)
    rate = graded(rng, attributes["rate"], 3.2, 6.0)
    size = uniform(rng, 0.8, 1.4)
    nose = [(700 * size, 120, 0.7), (1500 * size, 150, 1.0), (2700 * size, 250, 0.7)]
    onsets = beats(rng, samples, sr, rate, 0.04)
    grains = []
    for i in range(len(onsets)):
        length = int(0.72 * sr / rate)
        bend = curve(length, (0, 0.9), (0.2, 1.1), (1, 0.8))
        fall = 1 - 0.09 * i
        wave = resonate(throat(rng, pitch * max(fall, 0.5) * bend, 0.3, sr), nose, sr)
        gate = curve(length, (0, 0), (0.1, 1), (0.5, 0.8), (0.85, 0.05), (1, 0))
        grains.append(wave * gate * 0.82**i)
    return mix(samples, onsets, grains)


def bee_buzz(rng, samples, attributes, sr):
    """One unbroken reedy hum whose pitch and loudness drift as the bee turns."""
    pitch = graded(rng, attributes["pitch"], 110, 340)
    drift = graded(rng, attributes["steadiness"], 0.03, 0.16)
    path = wander(rng, samples, sr, 3.0)
    wings = pitch * np.exp(drift * path)
    wave = harmonics(wings, rolloff(24, rng.uniform(0.3, 0.9)), samples, sr)
    colour = [(uniform(rng, 300, 900), 300, 1.0), (uniform(rng, 1200, 3500), 900, 0.8)]
    return resonate(wave, colour, sr) * np.exp(0.5 * path)


def horse_gallop(rng, samples, attributes, sr):
    """Da-da-dum, da-da-dum: three hoof beats, then a rest, at an even stride."""
    rate = graded(rng, attributes["rate"], 1.5, 2.9)
    tone = graded(rng, attributes["tone"], 180, 1300)
    strides = beats(rng, samples, sr, rate, 0.02)
    onsets, grains = [], []
    for offset, level in ((0.0, 0.6), (0.2, 0.75), (0.42, 1.0)):
        hoof = tone * uniform(rng, 0.85, 1.15)
        ring = [(hoof, 1.0, 0.09), (2.3 * hoof, 0.5, 0.05), (4.1 * hoof, 0.25, 0.03)]
        knock = struck(int(0.12 * sr), sr, ring)
        earth = click(rng, sr, 0.05, 0.5 * tone, 4 * tone)
        knock[: len(earth)] += 0.3 * earth
        onsets.extend(strides + offset * sr / rate)
        grains.extend(level * rng.uniform(0.8, 1) * knock for _ in strides)
    return mix(samples, np.array(onsets), grains)

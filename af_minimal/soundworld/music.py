"""Music: struck, plucked, bowed and blown notes, told apart by attack and order.

Each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.
Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np

from .synthesis import (
    beats,
    click,
    curve,
    cycles,
    decay,
    graded,
    harmonics,
    mix,
    noise,
    pluck,
    resonate,
    rolloff,
    sine,
    struck,
    train,
    uniform,
    wander,
)

MAJOR = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16])
PENTATONIC = np.array([0, 2, 4, 7, 9])


def steps(semitones: np.ndarray | float) -> np.ndarray | float:
    """Frequency ratio of an interval in semitones: 2^(semitones / 12)."""
    return 2.0 ** (np.asarray(semitones) / 12)


def piano(rng, samples, attributes, sr):
    """A little tune of hammered notes, each loud at once and then dying away."""
    root = graded(rng, attributes["pitch"], 130, 520)
    rate = graded(rng, attributes["rate"], 2.5, 5.5)
    onsets = beats(rng, samples, sr, rate, 0.02)
    degrees = np.clip(
        rng.integers(2, 8) + np.cumsum(rng.integers(-2, 3, len(onsets))), 0, 9
    )
    grains = []
    for degree in degrees:
        note = root * steps(MAJOR[degree])
        partials = [
            (k * note * (1 + 4e-4 * k * k), k**-1.3, 1.4 / (1 + 0.3 * k))
            for k in range(1, 9)
        ]
        key = struck(int(0.8 * sr), sr, partials) * rng.uniform(0.6, 1)
        thump = click(rng, sr, 0.015, 150, 2500)
        key[: len(thump)] += 0.1 * thump
        grains.append(key)
    return mix(samples, onsets, grains)


def guitar_strum(rng, samples, attributes, sr):
    """Six strings one after another within a moment, then all ringing together."""
    root = graded(rng, attributes["pitch"], 80, 260)
    spread = 0.075 / graded(rng, attributes["rate"], 1.0, 3.5)
    third = rng.integers(3, 5)
    chord = np.array([0, 7, 12, 12 + third, 19, 24])
    onsets = np.arange(6) * spread * sr
    strings = [
        pluck(rng, root * steps(c), samples, sr, rng.uniform(1.2, 2)) for c in chord
    ]
    body = mix(samples, onsets, strings)
    return body + 0.4 * resonate(body, [(uniform(rng, 180, 700), 200, 1.0)], sr)


def drum_roll(rng, samples, attributes, sr):
    """Stick strokes too fast to count, swelling to one final accent."""
    rate = graded(rng, attributes["rate"], 17, 30)
    tone = graded(rng, attributes["tone"], 250, 1600)
    stroke = click(rng, sr, 0.05, 0.6 * tone, 5 * tone)
    drum = struck(
        int(0.08 * sr), sr, [(0.6 * tone, 1.0, 0.08), (1.1 * tone, 0.5, 0.05)]
    )
    stroke = np.pad(stroke, (0, len(drum) - len(stroke))) + 0.6 * drum
    onsets = beats(rng, int(0.85 * samples), sr, rate, 0.06)
    gains = np.linspace(0.15, 0.7, len(onsets)) * rng.uniform(0.8, 1.1, len(onsets))
    onsets, gains = np.append(onsets, 0.88 * samples), np.append(gains, 1.3)
    return train(samples, onsets, gains, stroke)


def drum_beat(rng, samples, attributes, sr):
    """Boom-tss-crack-tss: kick, hat and snare in a steady four."""
    rate = graded(rng, attributes["rate"], 3.2, 6.0)
    tone = graded(rng, attributes["tone"], 0.6, 2.2)
    size = int(0.16 * sr)
    kick = sine(55 * tone * curve(size, (0, 3), (0.25, 1.2), (1, 0.9)), size, sr)
    kick *= decay(size, sr, 0.2)
    shell = struck(size, sr, [(190 * tone, 1.0, 0.1)])
    snare = noise(rng, size, sr, 900 * tone, 5000 * tone) * decay(size, sr, 0.16)
    hat = click(rng, sr, 0.05, 3000 * tone, 7500)
    onsets = beats(rng, samples, sr, rate, 0.01)
    place = (np.arange(len(onsets)) + rng.integers(4)) % 4
    total = train(samples, onsets, np.full(len(onsets), rng.uniform(0.12, 0.25)), hat)
    total += train(samples, onsets[place == 0], np.ones(np.sum(place == 0)), kick)
    snares = onsets[place == 2]
    return total + train(samples, snares, np.ones(len(snares)), 0.4 * (snare + shell))


def violin(rng, samples, attributes, sr):
    """Two bowed notes joined by a slide, with a slow start and a wide vibrato."""
    pitch = graded(rng, attributes["pitch"], 200, 850)
    bright = graded(rng, attributes["tone"], 0.6, 1.6)
    leap = steps(rng.choice([-7, -5, -4, 4, 5, 7]))
    turn = rng.uniform(0.4, 0.55)
    bend = curve(samples, (0, 1), (turn - 0.05, 1), (turn + 0.05, leap), (1, leap))
    depth = curve(samples, (0, 0), (0.15, 0.02), (1, 0.025))
    bend = bend * (1 + depth * sine(rng.uniform(5, 7), samples, sr))
    string = harmonics(pitch * bend, rolloff(20, 1.5 / bright), samples, sr)
    box = [(uniform(rng, 350, 700), 200, 0.6), (uniform(rng, 1500, 3500), 900, 0.8)]
    bow = 0.05 * noise(rng, samples, sr, 800, 6000)
    wave = 0.4 * string + resonate(string, box, sr) + bow
    dip = curve(
        samples, (0, 0), (0.2, 1), (turn, 0.75), (turn + 0.15, 1), (0.85, 0.9), (1, 0)
    )
    return wave * dip


def flute_trill(rng, samples, attributes, sr):
    """Two neighbouring notes in quick alternation on one smooth breath."""
    pitch = graded(rng, attributes["pitch"], 500, 2000)
    rate = graded(rng, attributes["rate"], 6, 11)
    upper = steps(rng.integers(2, 5))
    phase = cycles(rate * curve(samples, (0, 0.75), (0.4, 1)), samples, sr) % 1.0
    note = pitch * np.where(phase < 0.5, 1.0, upper)
    tone = harmonics(note, np.array([1.0, uniform(rng, 0.1, 0.5), 0.1]), samples, sr)
    breath = 0.12 * noise(rng, samples, sr, pitch, 3 * pitch)
    return (tone + breath) * curve(samples, (0, 0), (0.1, 0.9), (0.6, 1), (1, 0))


def trumpet_fanfare(rng, samples, attributes, sr):
    """Ta-ta-ta-taaa: three short notes on one pitch, a long one a leap higher."""
    pitch = graded(rng, attributes["pitch"], 220, 620)
    bright = graded(rng, attributes["tone"], 0.7, 1.9)
    leap = steps(rng.choice([4, 5, 7]))
    short = rng.uniform(0.13, 0.17)
    total = np.zeros(samples)
    for i in range(4):
        first = int(i * short * samples)
        size = samples - first if i == 3 else int(0.82 * short * samples)
        note = pitch * (leap if i == 3 else 1.0)
        note = note * curve(size, (0, 0.97), (min(1, 0.02 * sr / size), 1), (1, 1))
        soft = harmonics(note, rolloff(16, 2.4 / bright), size, sr)
        blare = harmonics(note, rolloff(16, 1.0 / bright), size, sr)
        swell = curve(size, (0, 0), (0.15, 1), (0.7, 0.75), (0.92, 0.5), (1, 0))
        total[first : first + size] = swell * (soft + swell**2 * blare)
    return total


def church_bell(rng, samples, attributes, sr):
    """One blow, then a chord of partials that beat slowly and outlive the note."""
    note = graded(rng, attributes["pitch"], 180, 800)
    ratios = (0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166)
    partials = []
    for r in ratios:
        fall, gain = 4.0 / (0.5 + r), uniform(rng, 0.4, 1.0)
        partials += [
            (note * r, gain, fall),
            (note * r + rng.uniform(1, 4), gain / 2, fall),
        ]
    blow = click(rng, sr, 0.03, note, 8 * note)
    return mix(samples, np.array([0, 0]), [struck(samples, sr, partials), 0.7 * blow])


def harp(rng, samples, attributes, sr):
    """A run of plucked strings, each higher than the last, all left to ring."""
    root = graded(rng, attributes["pitch"], 130, 420)
    rate = graded(rng, attributes["rate"], 9, 18)
    onsets = beats(rng, int(0.75 * samples), sr, rate, 0.03)
    climb = np.arange(len(onsets)) + rng.integers(3)
    notes = root * steps(12 * (climb // 5) + PENTATONIC[climb % 5])
    strings = [pluck(rng, f, int(0.6 * sr), sr, 1.0) for f in np.minimum(notes, 5000)]
    return mix(samples, onsets, strings)


def xylophone(rng, samples, attributes, sr):
    """Dry wooden bars, each lower than the last, none ringing on."""
    top = graded(rng, attributes["pitch"], 900, 2600)
    rate = graded(rng, attributes["rate"], 6, 12)
    onsets = beats(rng, int(0.9 * samples), sr, rate, 0.03)
    fall = np.arange(len(onsets)) + rng.integers(2)
    notes = top / steps(12 * (fall // 5) + (12 - PENTATONIC[::-1])[fall % 5] - 3)
    bars = []
    for note in notes:
        bar = [(note, 1.0, 0.16), (3.9 * note, 0.5, 0.06), (9.2 * note, 0.3, 0.03)]
        bars.append(struck(int(0.18 * sr), sr, bar))
    return mix(samples, onsets, bars)


def maracas(rng, samples, attributes, sr):
    """Chh, chk-chk: one long shake and two short ones, over and over."""
    rate = graded(rng, attributes["rate"], 1.4, 2.6)
    tone = graded(rng, attributes["tone"], 1200, 4500)
    bars = beats(rng, samples, sr, rate, 0.01)
    total = np.zeros(samples)
    for place, share, level in ((0.0, 0.3, 1.0), (0.5, 0.13, 0.7), (0.75, 0.13, 0.7)):
        size = int(share * sr / rate)
        shake = noise(rng, size, sr, 0.7 * tone, 2.2 * tone)
        shake *= curve(size, (0, 0), (0.35, 1), (0.6, 0.6), (1, 0)) ** 1.5
        gains = level * rng.uniform(0.85, 1, len(bars))
        total += train(samples, bars + place * sr / rate, gains, shake)
    return total * np.exp(0.05 * wander(rng, samples, sr, 3))

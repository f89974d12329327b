"""People: voices built from a buzz, moving formants and breath.

Each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.
Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np

from .animals import throat
from .synthesis import (
    beats,
    click,
    curve,
    graded,
    mix,
    morph,
    noise,
    resonate,
    sine,
    uniform,
    wander,
)

# Formants in Hz of an adult's vowels; children and voices differ by a scale.
VOWELS = {
    "ah": (730, 1150, 2500),
    "ee": (300, 2250, 2950),
    "oo": (330, 850, 2300),
    "eh": (540, 1800, 2500),
}


def mouth(vowel: str, size: float) -> list[tuple[float, float, float]]:
    """Formants of a vowel as (frequency, bandwidth, gain); `size` scales them."""
    first, second, third = VOWELS[vowel]
    return [
        (first * size, 90, 1.0),
        (second * size, 130, 0.7),
        (third * size, 220, 0.4),
    ]


def baby_cry(rng, samples, attributes, sr):
    """A trembling wail that arches and falls, then a quick rasping breath in."""
    top = graded(rng, attributes["pitch"], 300, 720)
    rough = graded(rng, attributes["roughness"], 0.1, 0.9)
    bend = curve(samples, (0, 0.75), (0.1, 1.0), (0.4, 1.05), (0.78, 0.72), (1, 0.7))
    tremor = sine(rng.uniform(6, 10), samples, sr) * curve(samples, (0, 0.2), (0.6, 1))
    source = throat(rng, top * bend * (1 + 0.03 * tremor), rough, sr)
    size = uniform(rng, 1.15, 1.7)
    opening = curve(samples, (0, 0.2), (0.12, 1), (0.5, 1), (0.78, 0.4))
    wail = morph(source, mouth("eh", size), mouth("ah", 1.15 * size), opening, sr)
    wail *= 1 + 0.35 * tremor
    wail *= curve(
        samples, (0, 0), (0.07, 1), (0.5, 0.9), (0.72, 0.5), (0.79, 0), (1, 0)
    )
    gasp = resonate(noise(rng, samples, sr, 500, 6000), mouth("eh", 1.3 * size), sr)
    gasp *= curve(samples, (0, 0), (0.84, 0), (0.94, 1), (0.97, 0.8), (1, 0))
    return wail / np.std(wail) + rng.uniform(0.05, 0.5) * gasp / np.std(gasp)


def person_sneeze(rng, samples, attributes, sr):
    """Ah ... a breath in that rises; a held moment; then a burst, tchoo."""
    pitch = graded(rng, attributes["pitch"], 130, 420)
    start = rng.uniform(0.42, 0.52)
    linger = rng.uniform(0.08, 0.2)
    size = uniform(rng, 0.9, 1.3)
    breath = noise(rng, samples, sr, 400, 5000)
    rise = throat(rng, pitch * curve(samples, (0, 0.8), (start, 1.5)), 0.6, sr)
    inhale = resonate(0.5 * rise + 0.7 * breath, mouth("ah", size), sr)
    inhale *= curve(
        samples, (0, 0), (0.7 * start, 0.5), (start - 0.1, 0.5), (start - 0.07, 0)
    )
    hiss = noise(rng, samples, sr, uniform(rng, 900, 2200), uniform(rng, 4500, 7500))
    burst = curve(
        samples, (start, 0), (start + 0.02, 1), (start + linger, 0.35), (0.9, 0)
    )
    fall = pitch * curve(samples, (start, 2.0), (start + 0.2, 1.1), (1, 0.8))
    tail = resonate(throat(rng, fall, 0.5, sr), mouth("oo", size), sr)
    tail *= curve(samples, (start + 0.01, 0), (start + 0.08, 1), (0.8, 0.4), (1, 0))
    return uniform(rng, 0.15, 0.6) * inhale + 0.5 * hiss * burst + 1.2 * tail


def laughter(rng, samples, attributes, sr):
    """Ha-ha-ha: breath and vowel in even alternation, sinking and fading."""
    pitch = graded(rng, attributes["pitch"], 130, 480)
    rate = graded(rng, attributes["rate"], 3.8, 6.5)
    size = uniform(rng, 0.85, 1.3)
    fall = curve(samples, (0, 1.25), (0.25, 1.15), (1, 0.75))
    phase = (np.arange(samples) / sr * rate) % 1.0
    pitch = pitch * fall * np.interp(phase, (0, 0.4, 0.9, 1), (1, 1.15, 0.85, 1))
    voiced = np.interp(phase, (0, 0.3, 0.45, 0.75, 1), (0, 0.05, 1, 0.6, 0))
    breathy = np.interp(phase, (0, 0.15, 0.35, 0.5, 1), (0, 1, 0.8, 0.1, 0))
    source = throat(rng, pitch, 0.15, sr) * voiced
    source += 0.4 * noise(rng, samples, sr, 500, 6000) * breathy
    vowel = mouth(str(rng.choice(["ah", "eh"])), size)
    return resonate(source, vowel, sr) * curve(samples, (0, 0.9), (0.3, 1), (1, 0.25))


def cough(rng, samples, attributes, sr):
    """Two explosive bursts: a crack of noise, each with a short voiced tail."""
    pitch = graded(rng, attributes["pitch"], 110, 380)
    rough = graded(rng, attributes["roughness"], 0.8, 2.5)
    second = rng.uniform(0.42, 0.52)
    size = uniform(rng, 0.8, 1.25)
    grains = []
    for level in (1.0, rng.uniform(0.6, 0.9)):
        length = int(0.45 * samples)
        source = throat(rng, pitch * curve(length, (0, 1.3), (1, 0.7)), rough, sr)
        crack = noise(rng, length, sr, 300, 7000) * curve(
            length, (0, 1), (0.3, 0.1), (1, 0)
        )
        wave = resonate(source + 1.5 * crack, mouth("ah", size), sr) + 0.25 * crack
        gate = curve(length, (0, 0), (0.02, 1), (0.25, 0.4), (0.7, 0.08), (1, 0))
        grains.append(level * wave * gate)
    return mix(samples, np.array([0, int(second * samples)]), grains)


def whistling(rng, samples, attributes, sr):
    """Whee-whew: one swoop up, a rest, then a swoop up and all the way down."""
    note = graded(rng, attributes["pitch"], 700, 2300)
    high = uniform(rng, 1.8, 2.6)
    bend = curve(
        samples,
        (0, 1),
        (0.28, high),
        (0.45, high),
        (0.46, 0.95),
        (0.7, 0.9 * high),
        (1, 0.8),
    )
    gate = curve(
        samples,
        *((0, 0), (0.05, 0.8), (0.3, 1), (0.36, 0), (0.47, 0)),
        *((0.53, 1), (0.85, 0.8), (1, 0)),
    )
    breath = 0.08 * noise(rng, samples, sr, note, 2.5 * note)
    return gate * (harmonics_of(note * bend, samples, sr) + breath)


def harmonics_of(pitch, samples, sr):
    """A whistled tone: nearly pure."""
    tone = sine(pitch, samples, sr)
    return tone + 0.12 * (2 * tone**2 - 1)


def snoring(rng, samples, attributes, sr):
    """A fluttering rattle that swells with the breath in, then a soft sigh out."""
    rate = graded(rng, attributes["rate"], 20, 45)
    size = graded(rng, attributes["pitch"], 0.6, 1.8)
    turn = rng.uniform(0.5, 0.62)
    flutter = buzz_pulse(rng, rate, samples, sr)
    palate = [(280 * size, 90, 1.0), (700 * size, 150, 0.8), (1800 * size, 400, 0.5)]
    snore = resonate(flutter, palate, sr)
    snore *= curve(
        samples, (0, 0), (0.3 * turn, 0.5), (0.85 * turn, 1), (turn, 0), (1, 0)
    )
    sigh = noise(rng, samples, sr, 500 * size, 2500 * size, -0.3)
    sigh *= curve(samples, (0, 0), (turn + 0.08, 0), (turn + 0.18, 1), (1, 0))
    return snore / np.std(snore) + rng.uniform(0.15, 0.4) * sigh / np.std(sigh)


def buzz_pulse(rng, rate, samples, sr):
    """Noise let through in short flaps, `rate` a second with a loose period."""
    speed = rate * np.exp(0.12 * wander(rng, samples, sr, 12))
    phase = np.cumsum(speed) / sr % 1.0
    return noise(rng, samples, sr, 80, 5000, -0.4) * np.exp(-6 * phase)


def scream(rng, samples, attributes, sr):
    """A leap upwards, then one long held cry, hard at both edges."""
    top = graded(rng, attributes["pitch"], 550, 1500)
    rough = graded(rng, attributes["roughness"], 0.15, 1.3)
    bend = curve(samples, (0, 0.45), (0.12, 0.95), (0.8, 1.08), (0.92, 1.0), (1, 0.6))
    rasp = 1 + 0.5 * min(rough, 1) * sine(rng.uniform(50, 110), samples, sr)
    size = uniform(rng, 1.0, 1.5)
    wave = resonate(throat(rng, top * bend, rough, sr), mouth("ah", size), sr)
    return wave * rasp * curve(samples, (0, 0), (0.1, 1), (0.88, 1), (1, 0))


def talking(rng, samples, attributes, sr):
    """Syllables: the vowel changes each time, the pitch sinks, hisses fall between."""
    pitch = graded(rng, attributes["pitch"], 85, 300)
    rate = graded(rng, attributes["rate"], 3.0, 5.6)
    size = uniform(rng, 0.85, 1.25)
    tune = np.exp(0.13 * wander(rng, samples, sr, rate / 1.5))
    source = throat(rng, pitch * tune, 0.15, sr)
    onsets = beats(rng, samples, sr, rate, 0.15)
    centres = (onsets + 0.5 * sr / rate) / sr
    clock = np.arange(samples) / sr
    spoken = (rng.random(len(onsets)) > 0.1) * rng.uniform(0.5, 1, len(onsets))
    total = np.zeros(samples)
    vowel = rng.integers(0, len(VOWELS), len(onsets))
    for i, name in enumerate(VOWELS):
        weight = np.interp(clock, centres, (vowel == i).astype(float))
        total += weight * resonate(source, mouth(name, size), sr)
    syllable = np.interp(
        (clock * rate) % 1.0, (0, 0.25, 0.6, 0.9, 1), (0.05, 1, 0.8, 0.1, 0.05)
    )
    total *= syllable * np.interp(clock, centres, spoken)
    hiss = [
        0.35
        * click(rng, sr, 0.08, uniform(rng, 1800, 3500), 7000)
        * (rng.random() < 0.5)
        for _ in onsets
    ]
    return total / (np.std(total) + 1e-9) + mix(samples, onsets, hiss)

"""Sound classes without end: each number is a class that nobody named.

Of a few dozen classes a model remembers each, and need not compare two sounds to tell
whose name it is. Here every number draws a voice of its own from the bricks that all
voices are made of: what sounds, how its pitch bends, and in which rhythm. Within a
class pitch, rate and tone vary as they do in any other.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from functools import lru_cache

import numpy as np

from .sound_class import Attributes, SoundClass
from .synthesis import (
    beats,
    buzz,
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
    uniform,
    wander,
)

INVENTED = "invented "  # a label is this and a number
OWN = {"pitch": ("low", "high"), "rate": ("slow", "fast"), "tone": ("dark", "bright")}
SOURCES = {"tone": 4, "reed": 4, "noise": 5, "bell": 3, "click": 2, "chord": 2}
BENDS = {"flat": 5, "up": 2, "down": 2, "arch": 2, "vibrato": 2, "two": 2}
BENDS |= {"sweeps": 3, "wander": 2}
RHYTHMS = {"held": 4, "pulsing": 4, "gated": 3, "beating": 5, "scattered": 2}
SECOND = 0.35  # share of classes with two voices at once


@lru_cache(maxsize=4096)
def invented_class(number: int) -> SoundClass:
    """The class of that number; the same number gives the same class.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    rng = np.random.default_rng([number, 424_242])
    layers = [Layer(rng)]
    if rng.random() < SECOND:
        layers.append(Layer(rng))
    share = float(rng.uniform(0.2, 0.6))
    least = float(rng.uniform(0.4, 2.5))
    most = min(4.2, least * float(rng.uniform(1.3, 2)))

    def voice(rng, samples, attributes, sr):
        first, *second = (one(rng, samples, attributes, sr) for one in layers)
        return first + share * sum(second)

    label = f"{INVENTED}{number}"
    words = label, label, label
    return SoundClass(label, "invented", *words, True, (least, most), OWN, voice)


def draw(rng: np.random.Generator, shares: dict[str, int]) -> str:
    """One of the keys, as often as they say."""
    weights = np.array(list(shares.values()), float)
    return str(rng.choice(list(shares), p=weights / weights.sum()))


class Layer:
    """What one layer of a class sounds like; each sounding of it varies a little."""

    def __init__(self, rng: np.random.Generator):
        self.source, self.bend = draw(rng, SOURCES), draw(rng, BENDS)
        self.rhythm = draw(rng, RHYTHMS)
        self.pitch, self.pitches = uniform(rng, 60, 2500), uniform(rng, 1.3, 3)
        self.rate, self.rates = uniform(rng, 0.8, 20), uniform(rng, 1.3, 2.5)
        self.height = uniform(rng, 1.15, 3.5)  # of the bend
        self.power, self.count = rng.uniform(0.5, 3.5), int(rng.integers(3, 18))
        self.band, self.slope = uniform(rng, 1.2, 8), rng.uniform(-0.8, 0.3)
        self.ratios = [1.0, *np.sort(rng.uniform(1.2, 6, rng.integers(1, 5)))]
        self.gains = rng.uniform(0.2, 1, len(self.ratios))
        self.fall, self.grain_s = uniform(rng, 0.03, 1.2), uniform(rng, 0.02, 0.35)
        self.second = uniform(rng, 0.6, 1) if rng.random() < 0.3 else 1.0
        self.hiss = uniform(rng, 0.01, 0.5) if rng.random() < 0.4 else 0.0
        self.sharp, self.open = uniform(rng, 1, 8), rng.uniform(0.25, 0.75)
        self.jitter = rng.uniform(0, 0.3)
        self.formants = [
            (uniform(rng, 250, 5000), uniform(rng, 80, 900), rng.uniform(0.3, 1))
            for _ in range(rng.integers(0, 4))
        ]
        ends = rng.uniform(0, 1), rng.uniform(0, 0.8)
        self.swell = (0, 1), (1, 1)
        if rng.random() < 0.5:
            middle = rng.uniform(0.05, 0.4), rng.uniform(0.5, 0.9)
            self.swell = (0, ends[0]), (middle[0], 1), (middle[1], 0.7), (1, ends[1])

    def __call__(
        self, rng: np.random.Generator, samples: int, attributes: Attributes, sr: int
    ) -> np.ndarray:
        spread = self.pitches
        pitch = graded(
            rng, attributes["pitch"], self.pitch / spread, self.pitch * spread
        )
        rate = graded(
            rng, attributes["rate"], self.rate / self.rates, self.rate * self.rates
        )
        bright = graded(rng, attributes["tone"], 0.6, 1.7)
        place = (cycles(rate, samples, sr) + rng.random()) % 1.0  # in its beat
        bend = self.bent(rng, samples, sr, place)
        if self.source in ("bell", "click") or self.rhythm in ("beating", "scattered"):
            wave = self.grains(rng, samples, sr, pitch, rate, bright, bend)
        else:
            wave = self.sound(rng, samples, sr, pitch, bright, bend)
        if self.rhythm == "pulsing":
            wave = wave * (np.exp(-self.sharp * place) + 0.05)
        if self.rhythm == "gated":
            shut = self.open + 0.05
            wave = wave * np.interp(
                place, (0, 0.03, self.open, shut, 1), (0, 1, 1, 0, 0)
            )
        wave = wave * curve(samples, *self.swell)
        return wave / (np.abs(wave).max() + 1e-9)

    def bent(self, rng, samples: int, sr: int, place: np.ndarray) -> np.ndarray:
        """What the pitch is multiplied by, (samples,)."""
        top = self.height * rng.uniform(0.9, 1.1)
        if self.bend == "vibrato":
            return 1 + 0.06 * top * sine(rng.uniform(4, 9), samples, sr)
        if self.bend == "two":
            return np.where(place < 0.5, 1.0, min(top, 1.8))
        if self.bend == "sweeps":
            return top ** np.minimum(place / 0.85, 1)
        if self.bend == "wander":
            return np.exp(0.25 * wander(rng, samples, sr, 3))
        points = {
            "up": ((0, 1), (1, top)),
            "down": ((0, top), (1, 1)),
            "arch": ((0, 1), (0.4, top), (1, 0.8)),
        }
        return curve(samples, *points.get(self.bend, ((0, 1), (1, 1))))

    def grains(self, rng, samples, sr, pitch, rate, bright, bend) -> np.ndarray:
        """Short soundings in a row, every other one perhaps of another pitch."""
        if self.rhythm == "scattered":
            onsets = np.sort(scatter(rng, samples, sr, rate))[:60]
        elif self.rhythm == "held":
            onsets = np.zeros(1)
        else:
            onsets = beats(rng, samples, sr, rate, self.jitter)
        longest = max(self.grain_s, self.fall if self.source == "bell" else 0)
        size = min(samples, max(64, int(longest * sr)))
        bend = np.interp(np.linspace(0, 1, size), np.linspace(0, 1, samples), bend)
        swell = curve(size, (0, 0), (0.05, 1), (0.6, 0.8), (1, 0))
        both = [
            self.sound(rng, size, sr, pitch * times, bright, bend) * swell
            for times in (1.0, self.second)
        ]
        gains = rng.uniform(0.7, 1, len(onsets))
        return mix(samples, onsets, [both[i % 2] * g for i, g in enumerate(gains)])

    def sound(self, rng, samples, sr, pitch, bright, bend) -> np.ndarray:
        """One sounding without its rhythm, through the mouth or body it comes from."""
        wave = self.raw(rng, samples, sr, pitch, bright, bend)
        if self.hiss:
            hiss = noise(rng, samples, sr, min(pitch, 3000), 7000)
            wave = wave + self.hiss * np.abs(wave).max() * hiss
        if self.formants:
            body = [
                (at * rng.uniform(0.93, 1.07), width, gain)
                for at, width, gain in self.formants
            ]
            wave = 0.2 * wave + resonate(wave, body, sr)
        return wave

    def raw(self, rng, samples, sr, pitch, bright, bend) -> np.ndarray:
        """The source."""
        frequency = np.clip(pitch * bend, 20, 7000)
        amplitudes = rolloff(self.count, self.power / bright)
        if self.source == "reed":
            return buzz(frequency, samples, sr)
        if self.source == "noise":
            centre = min(pitch * bright, 5000)
            high = min(centre * self.band, 7800)
            swept = 0.3 + 0.7 * (bend - bend.min()) / (np.ptp(bend) + 1e-6)
            wave = noise(rng, samples, sr, centre / self.band, high, self.slope)
            return wave * swept if self.bend in ("up", "down", "arch") else wave
        if self.source == "bell":
            rings = zip(self.ratios, self.gains, strict=True)
            partials = [
                (min(pitch * ratio, 7500), gain / bright**k, self.fall / (1 + 0.3 * k))
                for k, (ratio, gain) in enumerate(rings)
            ]
            return struck(samples, sr, partials)
        if self.source == "click":
            high = min(pitch * self.band * bright, 7800)
            length = (samples + 1) / sr  # one more than is needed, for it rounds down
            return click(rng, sr, length, min(pitch / 2, 3000), high)[:samples]
        wave = harmonics(frequency, amplitudes, samples, sr)
        if self.source == "chord":
            beside = np.clip(frequency * self.ratios[1], 20, 7000)
            wave = wave + 0.8 * harmonics(beside, amplitudes, samples, sr)
        return wave

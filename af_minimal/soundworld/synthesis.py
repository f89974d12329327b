"""The bricks every SoundWorld voice is made of: curves, tones, noise, knocks, rooms.

All functions are vectorised numpy, waves are float64 (samples,), and every random
choice takes a Generator.
Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve, lfilter

# The first value of every attribute pair: the lower end of what it steers.
LOWER = {
    "low",
    "slow",
    "dark",
    "smooth",
    "sparse",
    "small",
    "short",
    "shallow",
    "steady",
}


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One number, log-uniform in [low, high]; both positive."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def graded(rng: np.random.Generator, value: str, low: float, high: float) -> float:
    """Log-uniform in the lower or the upper third of [low, high], as the word says."""
    # the middle stays free: nobody tells a rate just below it from one just above
    start = 0 if value in LOWER else 2
    position = (start + rng.random()) / 3
    return float(low * (high / low) ** position)


def curve(samples: int, *points: tuple[float, float]) -> np.ndarray:
    """Straight lines through (position in 0..1, value) points -> (samples,)."""
    positions, values = zip(*points, strict=True)
    return np.interp(np.linspace(0, 1, samples), positions, values)


def wander(rng: np.random.Generator, samples: int, sr: int, rate: float) -> np.ndarray:
    """A slow random curve of unit variance that turns about `rate` times a second."""
    knots = max(2, int(samples / sr * rate) + 2)
    grid = np.linspace(0, knots - 1, samples)
    left = np.minimum(grid.astype(int), knots - 2)
    blend = 0.5 - 0.5 * np.cos(np.pi * (grid - left))
    values = rng.standard_normal(knots)
    return values[left] * (1 - blend) + values[left + 1] * blend


def seconds(samples: int, sr: int) -> np.ndarray:
    """Time of every sample in seconds (samples,)."""
    return np.arange(samples) / sr


def cycles(frequency: np.ndarray | float, samples: int, sr: int) -> np.ndarray:
    """Running phase in cycles of `frequency` in Hz (scalar or (samples,))."""
    return np.cumsum(np.broadcast_to(frequency, samples)) / sr


def sine(frequency: np.ndarray | float, samples: int, sr: int) -> np.ndarray:
    """A pure tone with `frequency` in Hz (scalar or (samples,))."""
    return np.sin(2 * np.pi * cycles(frequency, samples, sr))


def harmonics(
    frequency: np.ndarray | float, amplitudes: np.ndarray, samples: int, sr: int
) -> np.ndarray:
    """sum_k amplitudes[k-1] sin(2 pi k phase), without harmonics above Nyquist.

    Uses sin(k x) = 2 cos(x) sin((k-1) x) - sin((k-2) x): one multiply per harmonic.
    """
    phase = 2 * np.pi * (cycles(frequency, samples, sr) % 1.0)
    highest = float(np.max(frequency))
    count = int(np.clip(0.48 * sr / highest, 1, len(amplitudes)))
    before, now, twice_cos = np.zeros(samples), np.sin(phase), 2 * np.cos(phase)
    wave = amplitudes[0] * now
    for amplitude in amplitudes[1:count]:
        before, now = now, twice_cos * now - before
        wave += amplitude * now
    return wave


def rolloff(count: int, power: float) -> np.ndarray:
    """Amplitudes 1 / k^power of the first `count` harmonics."""
    return np.arange(1, count + 1, dtype=float) ** -power


def buzz(frequency: np.ndarray | float, samples: int, sr: int) -> np.ndarray:
    """A sawtooth with softened jumps (polyBLEP), the source of voices and engines."""
    step = np.broadcast_to(frequency, samples) / sr
    phase = np.cumsum(step) % 1.0
    after, until = phase / step, (1.0 - phase) / step
    jump = np.where(after < 1, -((1 - after) ** 2), 0.0)
    jump = np.where(until < 1, (1 - until) ** 2, jump)
    return 2 * phase - 1 - jump


def noise(
    rng: np.random.Generator,
    samples: int,
    sr: int,
    low: float = 20.0,
    high: float = 8000.0,
    slope: float = 0.0,
) -> np.ndarray:
    """Gaussian noise between `low` and `high` Hz, amplitude ~ f^slope, unit RMS."""
    size = next_fast_len(samples, real=True)
    frequency = np.arange(1, size // 2 + 1) * (sr / size)
    below, above = (low / frequency) ** 2, (frequency / high) ** 2
    gain = 1 / ((1 + below * below) * (1 + above * above))
    if slope:
        gain *= (frequency / low) ** slope
    spectrum = rfft(rng.standard_normal(size))
    spectrum[0] = 0
    spectrum[1:] *= gain
    wave = irfft(spectrum, size)[:samples]
    return wave / (np.sqrt(np.mean(wave**2)) + 1e-9)


def resonate(
    wave: np.ndarray, formants: list[tuple[float, float, float]], sr: int
) -> np.ndarray:
    """Parallel resonances (frequency Hz, bandwidth Hz, gain) of unit peak gain."""
    total = np.zeros(len(wave))
    for frequency, bandwidth, gain in formants:
        if frequency < 0.47 * sr:
            radius = np.exp(-np.pi * bandwidth / sr)
            cosine = 2 * radius * np.cos(2 * np.pi * frequency / sr)
            scale = gain * (1 - radius**2) / 2
            total += lfilter([scale, 0, -scale], [1, -cosine, radius**2], wave)
    return total


def darken(wave: np.ndarray, cutoff: float, sr: int) -> np.ndarray:
    """One-pole low-pass at `cutoff` Hz (6 dB per octave)."""
    pole = np.exp(-2 * np.pi * min(cutoff, 0.45 * sr) / sr)
    return lfilter([1 - pole], [1, -pole], wave)


def decay(samples: int, sr: int, seconds_to_60db: float) -> np.ndarray:
    """Exponential envelope that falls by 60 dB in the time given."""
    return np.exp(-6.908 / (seconds_to_60db * sr) * np.arange(samples))


def struck(
    samples: int, sr: int, partials: list[tuple[float, float, float]]
) -> np.ndarray:
    """Decaying sines (frequency Hz, gain, seconds to -60 dB): bells, bars, knocks.

    Partial k is Im(gain z_k^n); as z^(256 i + j) = z^(256 i) z^j, one matrix product.
    """
    frequency, gain, fall = np.array(partials, float).T
    gain = gain * (frequency < 0.47 * sr)
    log_z = -6.908 / (fall * sr) + 2j * np.pi * frequency / sr
    block = 256
    starts = np.arange(0, samples, block)
    coarse = gain * np.exp(np.outer(starts, log_z))
    fine = np.exp(np.outer(log_z, np.arange(block)))
    rings = coarse.real @ fine.imag + coarse.imag @ fine.real
    return rings.ravel()[:samples]


def pluck(
    rng: np.random.Generator, frequency: float, samples: int, sr: int, fall: float
) -> np.ndarray:
    """A plucked string: harmonics that die sooner the higher they are."""
    where = rng.uniform(0.12, 0.4)
    count = int(min(14, 0.47 * sr / frequency))
    partials = [
        (k * frequency, abs(np.sin(np.pi * k * where)) / k, fall / (1 + 0.25 * (k - 1)))
        for k in range(1, count + 1)
    ]
    return struck(samples, sr, partials)


def click(
    rng: np.random.Generator, sr: int, length: float, low: float, high: float
) -> np.ndarray:
    """A dying burst of noise of `length` seconds between `low` and `high` Hz."""
    samples = max(8, int(length * sr))
    return noise(rng, samples, sr, low, high) * decay(samples, sr, length)


def mix(samples: int, onsets: np.ndarray, grains: list[np.ndarray]) -> np.ndarray:
    """Add grain i at sample onsets[i]; what passes the end is cut."""
    total = np.zeros(samples)
    for onset, grain in zip(np.asarray(onsets, int), grains, strict=True):
        if 0 <= onset < samples:
            end = min(samples, onset + len(grain))
            total[onset:end] += grain[: end - onset]
    return total


def train(
    samples: int, onsets: np.ndarray, gains: np.ndarray, grain: np.ndarray
) -> np.ndarray:
    """Copies of one grain, scaled by `gains`, at `onsets` in samples."""
    return mix(samples, onsets, [gain * grain for gain in gains])


def beats(
    rng: np.random.Generator, samples: int, sr: int, rate: float, jitter: float = 0.0
) -> np.ndarray:
    """Onsets in samples, `rate` a second, each off by `jitter` of a period at most."""
    period = sr / rate
    count = int(samples / period) + 1
    regular = (np.arange(count) + 0.15 * rng.random()) * period
    return np.maximum(regular + jitter * period * rng.uniform(-1, 1, count), 0)


def scatter(rng: np.random.Generator, samples: int, sr: int, rate: float) -> np.ndarray:
    """Onsets in samples at random, `rate` a second on average (a Poisson process)."""
    return rng.integers(0, samples, rng.poisson(rate * samples / sr) + 1)


def far_away(rng: np.random.Generator, wave: np.ndarray, sr: int) -> np.ndarray:
    """Distance: dull, and drowned in the echo of the open; same length."""
    size = int(rng.uniform(0.3, 0.7) * sr)
    tail = rng.standard_normal(size) * decay(size, sr, size / sr)
    tail *= rng.uniform(0.8, 1.3) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return darken(fftconvolve(wave, tail)[: len(wave)], uniform(rng, 900, 2000), sr)


def fade_edges(wave: np.ndarray, sr: int) -> np.ndarray:
    """2 ms in and 10 ms out, so that no event clicks."""
    samples = len(wave)
    rise, fall = min(samples, int(0.002 * sr)), min(samples, int(0.01 * sr))
    envelope = np.ones(samples)
    envelope[:rise] = np.linspace(0, 1, rise)
    envelope[samples - fall :] *= np.linspace(1, 0, fall)
    return wave * envelope


def morph(
    wave: np.ndarray,
    before: list[tuple[float, float, float]],
    after: list[tuple[float, float, float]],
    amount: np.ndarray,
    sr: int,
) -> np.ndarray:
    """A mouth that moves: cross-fade two sets of formants, `amount` 0 -> 1."""
    closed, opened = resonate(wave, before, sr), resonate(wave, after, sr)
    return closed + amount * (opened - closed)

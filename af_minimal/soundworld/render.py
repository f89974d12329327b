"""From a score to a waveform: place the sounds, add a room and a background.

Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import oaconvolve

from .score import BACKGROUNDS, Event, Score, find_class

ROOMS = {"dry": (0.0, 0.0), "room": (0.25, 0.35), "hall": (0.9, 0.5)}
# name -> (seconds until the echo is 60 dB down, its strength beside the direct sound)


def render(score: Score, sample_rate: int = 16_000) -> np.ndarray:
    """The sound of a score, float32 (samples,), peaks never above 1.

    Raises ValueError for a class, room or background that does not exist.
    Taught in: notebooks/00_meet_the_model.ipynb
    """
    samples = round(score.duration_s * sample_rate)
    mix = np.zeros(samples, dtype=np.float32)
    levels = []
    for event in score.events:
        # of one class the same draws: what an attribute does not change stays as it is
        rng = np.random.default_rng([score.seed, score.labels.index(event.label)])
        sound = render_event(rng, event, sample_rate)
        levels.append(rms(sound))
        for start, _ in event.occurrences:
            add_at(mix, sound, round(start * sample_rate))
    rng = np.random.default_rng([score.seed, 1_000])
    mix = add_room(rng, mix, score.room, sample_rate)
    if score.background is not None:
        bed = make_background(rng, score.background, samples, sample_rate)
        quietest = min(levels, default=0.1)
        mix += bed * (quietest * 10 ** (-score.snr_db / 20) / max(rms(bed), 1e-9))
    return (mix / max(1.0, float(np.abs(mix).max(initial=0.0)))).astype(np.float32)


def render_event(rng, event: Event, sample_rate: int) -> np.ndarray:
    """One occurrence of an event with its gain, float32 (samples,)."""
    sound_class = find_class(event.label)
    sound = sound_class.synth(rng, event.duration_s, event.attributes, sample_rate)
    return sound * np.float32(10 ** (event.gain_db / 20))


def add_at(mix: np.ndarray, sound: np.ndarray, start: int) -> None:
    """Add a sound to the mix in place; what sticks out at the end is cut."""
    room_left = max(0, len(mix) - start)
    mix[start : start + len(sound)] += sound[:room_left]


def rms(waveform: np.ndarray) -> float:
    """Root mean square level of a waveform."""
    return float(np.sqrt(np.mean(np.square(waveform)))) if len(waveform) else 0.0


def add_room(rng, mix: np.ndarray, room: str, sample_rate: int) -> np.ndarray:
    """Convolve with noise that dies away: h(t) = noise(t) 10^(-3 t / rt60).

    Raises ValueError for a room that is not in `ROOMS`.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    if room not in ROOMS:
        raise ValueError(f"room is {room!r}; choose one of {', '.join(ROOMS)}.")
    rt60, strength = ROOMS[room]
    if strength == 0:
        return mix
    time = np.arange(int(rt60 * sample_rate), dtype=np.float32) / sample_rate
    echo = rng.standard_normal(len(time), dtype=np.float32) * 10 ** (-3 * time / rt60)
    echo *= strength / np.sqrt(np.sum(echo**2))
    return mix + oaconvolve(mix, echo)[: len(mix)].astype(np.float32)


def make_background(rng, name: str, samples: int, sample_rate: int) -> np.ndarray:
    """A bed of sound that no caption names, float32 (samples,).

    Raises ValueError for a name that is not in `BACKGROUNDS`.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    if name not in BACKGROUNDS:
        raise ValueError(
            f"background is {name!r}; choose one of {', '.join(BACKGROUNDS)}."
        )
    if name == "pink noise":
        return shaped_noise(rng, samples, sample_rate, lambda f: (f + 20) ** -0.5)
    if name == "room tone":
        return shaped_noise(rng, samples, sample_rate, lambda f: 1 / (f + 150) ** 2)
    if name == "hum":
        return hum(rng, samples, sample_rate)
    return murmur(rng, samples, sample_rate)


def shaped_noise(rng, samples: int, sample_rate: int, gain) -> np.ndarray:
    """White noise whose spectrum is multiplied by `gain(frequency in Hz)`."""
    size = next_fast_len(samples, real=True)
    spectrum = rfft(rng.standard_normal(size, dtype=np.float32))
    spectrum *= gain(rfftfreq(size, 1 / sample_rate)).astype(np.float32)
    return irfft(spectrum, size)[:samples].astype(np.float32)


def hum(rng, samples: int, sample_rate: int) -> np.ndarray:
    """Mains hum: 50 or 60 Hz with a few weaker overtones and a little hiss."""
    time = np.arange(samples, dtype=np.float32) / sample_rate
    mains = float(rng.choice([50.0, 60.0]))
    tones = [np.sin(2 * np.pi * mains * k * time) / k for k in (1, 2, 3, 5)]
    return sum(tones) + 0.1 * rng.standard_normal(samples, dtype=np.float32)


def murmur(rng, samples: int, sample_rate: int) -> np.ndarray:
    """A far-off crowd: noise in the band of voices whose level wanders slowly."""
    voices = shaped_noise(
        rng, samples, sample_rate, lambda f: np.exp(-(((f - 400) / 250) ** 2))
    )
    sway = shaped_noise(rng, samples, sample_rate, lambda f: f < 3.0)
    return voices * (1 + 0.4 * sway / max(rms(sway), 1e-9))

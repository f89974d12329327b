"""Machines and alarms: tones and bursts told apart by their beat and their glide.

Each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.
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
    noise,
    resonate,
    rolloff,
    sine,
    struck,
    train,
    uniform,
    wander,
)


def speaker(rng, pitch, tone, samples, sr):
    """An alarm's loudspeaker: few harmonics when dark, many when bright."""
    steep = 3.6 / graded(rng, tone, 1.0, 4.5)
    return harmonics(pitch, rolloff(10, steep), samples, sr)


def helicopter(rng, samples, attributes, sr):
    """Rotor chop: noise slapped 8 to 20 times a second over a low throb and a whine."""
    rate = graded(rng, attributes["rate"], 8, 22)
    tone = graded(rng, attributes["tone"], 250, 2200)
    phase = cycles(rate * (1 + 0.02 * wander(rng, samples, sr, 1)), samples, sr) % 1.0
    chop = np.exp(-5 * phase) + uniform(rng, 0.08, 0.35)
    slap = noise(rng, samples, sr, 0.2 * tone, 3 * tone, -0.5) * chop
    throb = harmonics(rate, rolloff(10, 0.7), samples, sr) * uniform(rng, 0.1, 0.5)
    whine = uniform(rng, 0.005, 0.08) * sine(uniform(rng, 500, 3000), samples, sr)
    passing = np.exp(0.35 * wander(rng, samples, sr, 0.7))
    return passing * (slap + throb + whine)


def chainsaw(rng, samples, attributes, sr):
    """A rasping two-stroke buzz that races up under throttle and drops back to idle."""
    pitch = graded(rng, attributes["pitch"], 65, 190)
    rate = graded(rng, attributes["rate"], 0.5, 1.8)
    place = (cycles(rate, samples, sr) + rng.random()) % 1.0
    ratio = uniform(rng, 1.8, 2.6)
    throttle = np.interp(place, (0, 0.15, 0.6, 0.72, 1), (1, ratio, ratio, 1, 1))
    speed = pitch * throttle * (1 + 0.02 * wander(rng, samples, sr, 25))
    raw = buzz(speed, samples, sr) + 0.6 * buzz(speed / 2, samples, sr)
    rasp = noise(rng, samples, sr, 800, 7000) * np.abs(raw) ** 2
    low, high = uniform(rng, 350, 900), uniform(rng, 1300, 4200)
    body = (
        resonate(raw, [(low, 350, 1.0), (high, 1200, 1.2)], sr)
        + uniform(rng, 0.2, 1.0) * rasp
    )
    return (0.25 * raw + body) * (0.35 + 0.4 * (throttle - 1) / (ratio - 1))


def clock_tick(rng, samples, attributes, sr):
    """Tick-tock: very short dry clicks at an even beat, every other one lower."""
    rate = graded(rng, attributes["rate"], 1.8, 5.0)
    tone = graded(rng, attributes["tone"], 900, 4200)
    onsets = beats(rng, samples, sr, rate, 0.01)
    echo = int(uniform(rng, 0.012, 0.06) * sr)
    grains = []
    for shift in (1.0, uniform(rng, 0.7, 0.88)):
        note = tone * shift
        ring = [(note, 0.6, 0.018), (1.7 * note, 0.4, 0.012), (2.9 * note, 0.3, 0.01)]
        tick = struck(echo + int(0.03 * sr), sr, ring)
        snap = click(rng, sr, 0.006, 0.6 * note, 3 * note)
        tick[: len(snap)] += snap
        tick[echo : echo + len(snap)] += uniform(rng, 0.15, 0.8) * snap
        grains.append(tick)
    return mix(samples, onsets, [grains[i % 2] for i in range(len(onsets))])


def siren(rng, samples, attributes, sr):
    """One tone that glides up and down without a break."""
    rate = graded(rng, attributes["rate"], 0.7, 2.0)
    low = graded(rng, attributes["pitch"], 330, 1100)
    height = uniform(rng, 1.6, 2.4)
    place = (cycles(rate, samples, sr) + rng.random()) % 1.0
    glide = 0.5 - 0.5 * np.cos(2 * np.pi * place)
    return speaker(rng, low * height**glide, attributes["tone"], samples, sr)


def ambulance(rng, samples, attributes, sr):
    """Two steady notes in turn, nee-naw: a jump, never a glide."""
    rate = graded(rng, attributes["rate"], 0.9, 2.2)
    low = graded(rng, attributes["pitch"], 330, 1100)
    place = (cycles(rate, samples, sr) + rng.random()) % 1.0
    pitch = np.where(place < 0.5, low, low * uniform(rng, 1.25, 1.5))
    return speaker(rng, pitch, attributes["tone"], samples, sr)


def car_alarm(rng, samples, attributes, sr):
    """Whoop, whoop: upward sweeps, each starting again from the bottom."""
    rate = graded(rng, attributes["rate"], 2.0, 5.0)
    low = graded(rng, attributes["pitch"], 330, 1000)
    place = cycles(rate, samples, sr) % 1.0
    pitch = low * uniform(rng, 2.2, 3.2) ** np.minimum(place / 0.85, 1)
    gate = np.interp(place, (0, 0.04, 0.82, 0.87, 1), (0, 1, 1, 0, 0))
    return speaker(rng, pitch, attributes["tone"], samples, sr) * gate


def toy_laser(rng, samples, attributes, sr):
    """Pew, pew: downward sweeps that plunge fast and die away."""
    rate = graded(rng, attributes["rate"], 2.0, 5.0)
    low = graded(rng, attributes["pitch"], 280, 800)
    place = cycles(rate, samples, sr) % 1.0
    pitch = low * uniform(rng, 3.5, 5.0) ** np.maximum(1 - place / 0.85, 0) ** 1.3
    gate = np.interp(place, (0, 0.02, 0.4, 0.85, 1), (0, 1, 0.7, 0, 0))
    return speaker(rng, pitch, attributes["tone"], samples, sr) * gate


def telephone(rng, samples, attributes, sr):
    """A bell ring of two notes hammered in turn about 20 times a second."""
    tone = graded(rng, attributes["tone"], 0.25, 1.0)
    pitch = graded(rng, attributes["pitch"], 500, 2000)
    rate = rng.uniform(15, 24)
    partials = ((1.0, 1.0), (2.7, 0.5 * tone), (5.2, 0.4 * tone))
    total = np.zeros(samples)
    onsets = beats(rng, samples, sr, rate)
    for side, shift in enumerate((1.0, uniform(rng, 1.15, 1.3))):
        ring = [(pitch * shift * r, g, 0.18) for r, g in partials]
        mine = onsets[side::2]
        total += train(
            samples, mine, np.ones(len(mine)), struck(int(0.2 * sr), sr, ring)
        )
    return total * curve(samples, (0, 1), (0.75, 1), (1, 0.05))


def car_horn(rng, samples, attributes, sr):
    """Two reedy notes a third apart, held dead level from start to stop."""
    pitch = graded(rng, attributes["pitch"], 230, 620)
    steep = 1.6 / graded(rng, attributes["tone"], 1.0, 4.0)
    chord = harmonics(pitch, rolloff(18, steep), samples, sr)
    chord += harmonics(pitch * rng.uniform(1.19, 1.27), rolloff(16, steep), samples, sr)
    return chord * curve(samples, (0, 0), (0.04, 1), (0.93, 1), (1, 0))


def jackhammer(rng, samples, attributes, sr):
    """Hard even blows, each a sharp crack with a steel ring, 7 to 15 a second."""
    rate = graded(rng, attributes["rate"], 7, 15)
    tone = graded(rng, attributes["tone"], 350, 2000)
    steel = [(tone * r, 0.7 / r, 0.05) for r in (1.0, 1.9, 3.1)]
    blow = struck(int(0.06 * sr), sr, steel)
    crack = click(rng, sr, 0.025, 0.4 * tone, 3 * tone)
    blow[: len(crack)] += crack
    onsets = beats(rng, samples, sr, rate, 0.01)
    hiss = 0.03 * noise(rng, samples, sr, 0.5 * tone, 5 * tone)
    return train(samples, onsets, rng.uniform(0.9, 1, len(onsets)), blow) + hiss


def steam_engine(rng, samples, attributes, sr):
    """CHUFF-chuff-chuff-chuff: soft-edged puffs of steam, the first of four louder."""
    rate = graded(rng, attributes["rate"], 2.6, 5.6)
    tone = graded(rng, attributes["tone"], 350, 2800)
    beat = cycles(rate, samples, sr) + rng.integers(4)
    place, which = beat % 1.0, beat.astype(int) % 4
    puff = np.interp(place, (0, 0.15, 0.3, 0.7, 1), (0.02, 1, 0.6, 0.08, 0.02))
    steam = noise(rng, samples, sr, 0.3 * tone, 2.5 * tone, -0.4)
    return steam * puff * np.array([1.0, 0.5, 0.65, 0.5])[which]


def doorbell(rng, samples, attributes, sr):
    """Ding-dong: two chimes, the second lower, each ringing on."""
    pitch = graded(rng, attributes["pitch"], 450, 1600)
    tone = graded(rng, attributes["tone"], 0.1, 0.8)
    second = int(rng.uniform(0.35, 0.45) * samples)
    grains = []
    for note in (pitch, pitch * rng.choice([0.75, 0.794, 0.667])):
        partials = [
            (note, 1.0, 1.3),
            (2 * note, 0.4 * tone, 0.8),
            (3.01 * note, tone, 0.5),
        ]
        grains.append(struck(samples, sr, partials))
    grains[0][second:] *= 0.3
    return mix(samples, np.array([0, second]), grains)


def truck_beeper(rng, samples, attributes, sr):
    """Beep ... beep ...: one level note, as long on as off."""
    pitch = graded(rng, attributes["pitch"], 600, 2600)
    rate = graded(rng, attributes["rate"], 1.2, 2.8)
    place = (cycles(rate, samples, sr) + rng.uniform(0.7, 1)) % 1.0
    gate = np.interp(place, (0, 0.02, 0.5, 0.53, 1), (0, 1, 1, 0, 0))
    return harmonics(pitch, np.array([1.0, 0.1, 0.3]), samples, sr) * gate


def engine_start(rng, samples, attributes, sr):
    """The starter cranks, the motor catches, races up and settles to idle."""
    pitch = graded(rng, attributes["pitch"], 45, 130)
    rate = graded(rng, attributes["rate"], 6, 11)
    catch = rng.uniform(0.38, 0.5)
    crank = 0.5 + 0.5 * sine(rate, samples, sr)
    whine = buzz(pitch * 3.2 * (0.9 + 0.2 * crank), samples, sr) * crank
    bend = curve(samples, (0, 0.6), (catch, 0.7), (catch + 0.15, 2.4), (1, 1.2))
    motor = buzz(pitch * bend, samples, sr) + 0.4 * noise(rng, samples, sr, 60, 900)
    body = [(uniform(rng, 150, 400), 150, 1.0), (uniform(rng, 600, 2000), 500, 0.8)]
    first = curve(samples, (0, 0.6), (catch, 0.6), (catch + 0.03, 0))
    second = curve(samples, (catch, 0), (catch + 0.12, 1), (1, 0.5))
    return resonate(first * whine + second * motor, body, sr) + 0.1 * second * motor

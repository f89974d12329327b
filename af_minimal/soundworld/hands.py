"""People without a voice: what hands and feet do.

Each is `voice(rng, samples, attributes, sample_rate) -> (samples,)`.
Taught in: notebooks/00_meet_the_model.ipynb
"""

import numpy as np

from .synthesis import beats, click, graded, mix, noise, struck, train, uniform, wander


def applause(rng, samples, attributes, sr):
    """Many pairs of hands, each clapping at its own beat and in its own pitch."""
    hands = round(graded(rng, attributes["density"], 6, 24))
    tone = graded(rng, attributes["tone"], 500, 2600)
    total = np.zeros(samples)
    for _ in range(hands):
        onsets = beats(rng, samples, sr, rng.uniform(2.8, 4.8), 0.15)
        onsets = onsets + rng.uniform(0, 0.3) * sr
        pitch = tone * uniform(rng, 0.55, 1.8)
        clap = click(rng, sr, rng.uniform(0.02, 0.05), 0.7 * pitch, 1.5 * pitch)
        total += train(samples, onsets, rng.uniform(0.5, 1, len(onsets)), clap)
    room = noise(rng, samples, sr, 0.6 * tone, 2 * tone) * (0.05 * np.std(total))
    return total + room


def footsteps(rng, samples, attributes, sr):
    """Heel and sole: a thump, a scuff a tenth of a second later, at walking pace."""
    rate = graded(rng, attributes["rate"], 1.3, 2.8)
    tone = graded(rng, attributes["tone"], 110, 600)
    onsets = beats(rng, samples, sr, rate, 0.04)
    gap = int(rng.uniform(0.09, 0.14) * sr)
    grains = []
    for i in range(len(onsets)):
        heel = tone * (1.0 if i % 2 else 1.12)
        step = struck(
            gap + int(0.11 * sr), sr, [(heel, 1.0, 0.1), (2.6 * heel, 0.4, 0.05)]
        )
        scuff = noise(rng, int(0.1 * sr), sr, 3 * tone, 14 * tone)
        scuff *= np.hanning(len(scuff))
        knock = click(rng, sr, 0.03, tone, 8 * tone)
        step[: len(knock)] += 0.35 * knock
        step[gap : gap + len(scuff)] += 0.16 * scuff
        grains.append(step * rng.uniform(0.75, 1))
    return mix(samples, onsets, grains)


def door_knock(rng, samples, attributes, sr):
    """A handful of equal knocks on a hollow panel, then silence."""
    pitch = graded(rng, attributes["pitch"], 110, 700)
    rate = graded(rng, attributes["rate"], 3.8, 7.5)
    onsets = beats(rng, int(0.85 * samples), sr, rate, 0.03)
    panel = [
        (pitch * r, g, 0.1) for r, g in ((1, 1.0), (1.6, 0.6), (2.4, 0.5), (3.9, 0.3))
    ]
    knock = struck(int(0.12 * sr), sr, panel)
    skin = click(rng, sr, 0.015, pitch, 9 * pitch)
    knock[: len(skin)] += 0.4 * skin
    return train(samples, onsets, rng.uniform(0.85, 1, len(onsets)), knock)


def typing(rng, samples, attributes, sr):
    """Runs of light clicks at an uneven pace, each key going down and coming up."""
    rate = graded(rng, attributes["rate"], 6, 12)
    tone = graded(rng, attributes["tone"], 900, 3800)
    onsets = beats(rng, samples, sr, rate, 0.42)
    run = wander(rng, samples, sr, 1.5)[np.minimum(onsets.astype(int), samples - 1)]
    onsets = onsets[run > -0.6]
    total = np.zeros(samples)
    for _ in range(4):
        mine = onsets[rng.random(len(onsets)) < 0.35]
        pitch = tone * uniform(rng, 0.6, 1.7)
        down = click(rng, sr, 0.016, 0.6 * pitch, 2 * pitch)
        total += train(samples, mine, rng.uniform(0.5, 1, len(mine)), down)
        up = mine + rng.uniform(0.05, 0.08) * sr
        total += train(samples, up, rng.uniform(0.15, 0.35, len(mine)), down)
    return total

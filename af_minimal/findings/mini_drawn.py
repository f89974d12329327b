"""What `mini` was asked: letters that change when its weights or a question does.

`numbers.json` keeps them beside the numbers, after the hashes of the weights.
"""

from collections.abc import Sequence

import numpy as np

from ..disk.reports import hash_weights
from ..disk.storage import model_folder
from ..soundworld import languages
from ..soundworld.catalogue import CLASSES, HELD_OUT
from ..soundworld.corpus import HELD_OUT_SEED, Scene, render_scene
from ..soundworld.exam import held_out, render_held_out
from ..soundworld.few_shot import CLASSIFY, DESCRIBE, new_names, render_singles
from ..soundworld.few_shot_exam import SHOTS
from ..soundworld.filters import AF1_THRESHOLD
from ..soundworld.hard_stores import FEW, half_misnamed
from ..soundworld.styles import EXAM_STYLE
from ..soundworld.timbre import CEPSTRA, HOP, N_FFT
from .mini import (
    FIRST,
    PAIRS,
    QUERIES,
    SCENES,
    SHIPPED,
    STORED,
    asked_of_scenes,
    half_wrong,
    two_described,
)
from .toy import digest

SEEDS = range(3)  # whose questions are looked at


def shipped_weights() -> str:
    """The hashes of the shipped weights: other weights, other numbers."""
    return " ".join(hash_weights(model_folder(SHIPPED)).values())


def levels(waves: Sequence[np.ndarray]) -> list[tuple[int, float]]:
    """Samples and root mean square of each sound, to digits that all machines share."""
    power = [np.mean(np.square(wave, dtype=np.float64)) for wave in waves]
    pairs = zip(waves, power, strict=True)
    return [(len(wave), round(float(np.sqrt(p)), 3)) for wave, p in pairs]


def gates_exam() -> str:
    """The weights, how many scenes; letters of the questions and of a sound."""
    asked = [[qa.prompt for qa in asked_of_scenes(seed)[1]] for seed in SEEDS]
    drawn = asked, levels(render_held_out(1, FIRST))
    return f"{shipped_weights()} {SCENES} {digest(drawn)}"


def block_mask_exam() -> str:
    """The weights; letters of the rows and of a sound."""
    drawn = [two_described(seed) for seed in SEEDS], levels(render_held_out(1, FIRST))
    return f"{shipped_weights()} {digest(drawn)}"


def few_shot_exam() -> str:
    """The weights and sizes; letters of names, sounds, captions in a style, lies."""
    sizes = SHOTS, QUERIES, STORED, CEPSTRA, N_FFT, HOP, FEW
    scenes = held_out(len(SEEDS), HELD_OUT_SEED + 1_000_000)
    names = new_names(list(HELD_OUT), 0)
    drawn = [
        (names, half_misnamed(list(names.values()), 0), list(CLASSES)),
        (languages.NAMES, languages.SHOTS, languages.QUERIES),
        (EXAM_STYLE, [EXAM_STYLE.write(scene.score, 0) for scene in scenes]),
        (CLASSIFY, DESCRIBE, single_levels([0, 1])),
    ]
    return f"{shipped_weights()} {sizes} {digest(drawn)}"


def single_levels(seed: list[int]) -> list[tuple[int, float]]:
    """Levels of a sound of each class that training never met."""
    waves, *_ = render_singles({label: label for label in HELD_OUT}, 1, seed)
    return levels(waves)


def filter_exam() -> str:
    """The weights, how many pairs, where the official filter cuts; letters of some."""
    pairs = [half_wrong(seed) for seed in SEEDS]
    sounds = [render_scene(Scene(scores[0]), {}) for scores, *_ in pairs]
    drawn = [texts for _, texts, *_ in pairs], levels(sounds)
    return f"{shipped_weights()} {(PAIRS, AF1_THRESHOLD)} {digest(drawn)}"

"""Audio Flamingo 2's findings: dense features, places, stages, data, and batches.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb, notebooks/20_findings.ipynb
"""

import math
from functools import partial

import numpy as np

from ..systems.curriculum.asked import LONG, SCENES, SKILLS, SOUNDWORLD
from ..systems.long_audio.batching import dynamic_batches, padded_share
from . import toy_skills, toy_stages
from .drawn import runs_made_with, worlds_made_with
from .rows import Claim, Experiment, Numbers
from .toy import digest
from .toy_af2 import (
    COUNT_LENGTH,
    COUNT_TOY,
    COUNTED,
    DEPTH_TOY,
    EVERY,
    LENGTH,
    MOST_TIMES,
    NAMING,
    READING,
    SOUNDING,
    TOY,
    blocks_by_depth,
    counting,
    counts_parts,
    dense_or_pooled,
    runs_parts,
)

ROWS = 4000  # sounds of the padding experiment
SCENES_EACH = {SOUNDWORLD: 300, SKILLS: 300, LONG: 100}
LONGEST, MEDIAN = 400, 20  # vectors of a sound
BATCH = 32  # sounds


def padding(seed: int, rows: int = ROWS, scenes=SCENES_EACH) -> Numbers:
    """T-B7: share of padding in batches drawn at random, and in batches by length.

    Once for log-normal lengths and once for those of the three datasets of `mini2`.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rng, numbers = np.random.default_rng([seed, 54]), {}
    drawn = rng.lognormal(math.log(MEDIAN), 1.0, rows)
    drawn = np.clip(np.ceil(drawn), 1, LONGEST).astype(int).tolist()
    for name, lengths in (
        ("log-normal", drawn),
        ("datasets of mini2", windows_of(seed, scenes)),
    ):
        order = rng.permutation(len(lengths)).tolist()
        blind = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        most = BATCH * max(lengths)
        by_length = dynamic_batches(lengths, most, BATCH)
        numbers[f"{name}: random"] = padded_share(lengths, blind)
        numbers[f"{name}: by length"] = padded_share(lengths, by_length)
    return numbers


def windows_of(seed: int, scenes=SCENES_EACH) -> list[int]:
    """How many windows of 2 s the scenes of `mini2`'s datasets have."""
    return [
        math.ceil(scene.score.duration_s / 2)
        for name, count in scenes.items()
        for scene in SCENES[name](count, count * seed)
    ]


def padding_made_with() -> str:
    """The sizes, and letters that change when other scenes are drawn."""
    return f"{(ROWS, SCENES_EACH, LONGEST, MEDIAN, BATCH)} {digest(windows_of(0))}"


WORLD = (
    toy_stages.FACTS,
    toy_stages.READING,
    toy_stages.LENGTHS,
    toy_stages.SOUNDS,
    toy_stages.SKILLS,
)
RUNS, COUNTS = (partial(runs_made_with, parts) for parts in (runs_parts, counts_parts))
SKILLS_TOLD = toy_skills.TOY, toy_skills.NAMING, toy_skills.EXAM, toy_skills.LARGER
EXPERIMENTS = {
    "AF2 features": Experiment(dense_or_pooled, partial(RUNS, TOY, LENGTH, SOUNDING)),
    "AF2 curriculum": Experiment(
        toy_stages.curriculum, partial(worlds_made_with, toy_stages.TOY, *WORLD)
    ),
    "AF2 data": Experiment(
        toy_skills.skills_or_size, partial(worlds_made_with, *SKILLS_TOLD, *WORLD)
    ),
    "AF2 depth": Experiment(blocks_by_depth, partial(RUNS, DEPTH_TOY, READING, EVERY)),
    "AF2 padding": Experiment(padding, padding_made_with),
    "AF2 counting": Experiment(
        counting,
        partial(COUNTS, COUNT_TOY, NAMING, COUNTED, MOST_TIMES, COUNT_LENGTH),
    ),
}

CLAIMS = [
    Claim(
        id="T-B2",
        claim="A vector for each part of a sound beats one for the whole, and the "
        "commonest answer, by 25 points on order; what it is, both know.",
        paper="MMAU 47.0 % → 69.0 %, one vector of 256 or 64 of 2048",
        experiment="AF2 features",
        ours="order, gained by dense",
        rules=(
            "order, gained by dense >= 0.25",
            "class, dense and pooled apart <= 0.05",
            "class, pooled >= 0.85",
        ),
    ),
    Claim(
        id="T-B2 onset and number",
        claim="A vector for each part beats one for the whole, and the commonest "
        "answer, by 25 points on when a sound comes and how many times.",
        paper="not told apart",
        experiment="AF2 features",
        ours="onset, gained by dense",
        rules=("onset, gained by dense >= 0.25", "count, gained by dense >= 0.25"),
    ),
    Claim(
        id="T-B3",
        claim="Without positions the model cannot tell one order of its windows from "
        "another: the logits are the same (largest change).",
        paper="exact, by construction",
        experiment="AF2 features",
        ours="logits change by shuffling, no positions",
        rules=(
            "logits change by shuffling, no positions <= 1e-5",
            "logits change by shuffling, dense > 1e-2",
        ),
    ),
    Claim(
        id="T-B3 order",
        claim="Without positions, what is first is a guess between the two sounds; "
        "with rotary ones it is known.",
        paper="MMAU 59.1 % → 69.0 %, LongAudioBench 4.3 → 6.4",
        experiment="AF2 features",
        ours="order, dense",
        rules=("order, dense >= 0.85", "order, no positions <= 0.6"),
        chance="order, knowing both sounds",
    ),
    Claim(
        id="T-B4 at once",
        claim="All stages at once, as many steps: 5 points less (mean of what is it, "
        "skills, long).",
        paper="MMAU 58.8 % → 69.0 %",
        experiment="AF2 curriculum",
        ours="all: gained by stages",
        rules=("all: gained by stages >= 0.05",),
    ),
    Claim(
        id="T-B4 long",
        claim="Without the third stage long recordings lose 10 points, and those of "
        "middle length gain or lose at most 5.",
        paper="LongAudioBench 50.2 % → 64.2 %, whose rows do not add up",
        experiment="AF2 curriculum",
        ours="long: gained by stage 3",
        rules=(
            "long: gained by stage 3 >= 0.1",
            "skills: change by stage 3 <= 0.05",
        ),
    ),
    Claim(
        id="T-B4 awake",
        claim="A language model that learns along describes better, and knows less of "
        "what only text has told it.",
        paper="with a fourth stage: AudioCaps 0.58 → 0.62, GTZAN 69.1 % → 74.2 %, MMAU "
        "69.0 % → 64.5 %",
        experiment="AF2 curriculum",
        ours="reasoning: gained asleep",
        rules=(
            "caption: gained asleep < 0",
            "reasoning: gained asleep > 0",
            "reasoning, three stages > chance: reasoning",
        ),
    ),
    Claim(
        id="T-B5",
        claim="A small language model that was asked if the first sound is high or low "
        "answers that better than one twice as wide (3.5 times the weights) that was "
        "not. What a sound is, the small one names as often with such questions as "
        "without; but it always does, and a ceiling hides what they may cost.",
        paper="MMAU: 0.5B with AudioSkills 64.5 %, 3B without 48.6 %; GTZAN, both 3B: "
        "69.1 % with, 68.8 % without",
        experiment="AF2 data",
        ours="skills, small, skills",
        rules=(
            "skills, small, skills > skills, large, no skills",
            "skills, small, skills > chance: skills",
            "class: change by skills <= 0.02",
        ),
        chance="chance: skills",
    ),
    Claim(
        id="T-B6",
        claim="A gated block before every layer is no worse than one before every "
        "third, nor that than one before every sixth (within two standard errors). "
        "The first is better than the last and has learnt more order than a guess "
        f"between two sounds, for which {DEPTH_TOY.steps} steps are few.",
        paper="MMAU 69.0, 65.7 and 61.7 %",
        experiment="AF2 depth",
        ours="every 1",
        rules=(
            "every 3 <= every 1, plus two standard errors",
            "every 6 <= every 3, plus two standard errors",
            "every 6 < every 1",
            "every 1: order > 0.6",
        ),
        chance="chance",
    ),
    Claim(
        id="T-B7",
        claim="Batches of like length hold less padding than those drawn at random: of "
        "log-normal lengths at most 16 %, where those have half or more.",
        paper="58 % → 16 %",
        experiment="AF2 padding",
        ours="log-normal: by length",
        rules=(
            "log-normal: by length <= 0.16",
            "log-normal: random >= 0.5",
            "datasets of mini2: by length < datasets of mini2: random",
        ),
    ),
    Claim(
        id="T-B8",
        claim="It is easiest to count a sound that is named, harder the first one, "
        "hardest the second.",
        paper="three levels of AudioSkills, no number",
        experiment="AF2 counting",
        ours="level 1",
        rules=("level 1 > level 2", "level 2 > level 3"),
        chance="chance",
    ),
]

"""Scenes with many questions each: a sound that was rendered once is asked about often.

Every set is a function of its seed. SoundWorld scenes last as long as `mini` hears,
scenes of AudioSkills up to 24 s, recordings of LongAudio up to a minute.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...soundworld.asking import QA
from ...soundworld.corpus import ask_scene, sample_scene
from ...soundworld.score import Score
from ..audio_skills.asking import Question
from ..audio_skills.generator import SKILLS as ASKS_OF_SKILLS
from ..audio_skills.generator import Balance
from ..audio_skills.scenes import skill_score
from ..audio_skills.solver import verify as verify_skill
from ..long_audio.asking import ASKS as ASKS_OF_LONG
from ..long_audio.bench import SHARES
from ..long_audio.composing import sample_recording
from ..long_audio.solver import verify as verify_long
from .stages import LONG, SKILLS, SOUNDWORLD

ROUNDS = 3  # of questions about one scene, in other wordings
# how often each kind of SoundWorld's questions is drawn; `mini` asks yes or no most of
# the time, and has ten times as long. Here a row must teach more than one word
WEIGHTS = {"caption": 12, "order": 6, "open like": 4, "binary presence": 4}
WEIGHTS |= {"count": 3, "open": 3, "classify": 3}
OTHER_WEIGHT = 1


@dataclass(frozen=True)
class Asked:
    """A scene and questions about it; how often each is drawn is its weight.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    score: Score
    questions: tuple[QA, ...]
    weights: tuple[float, ...]  # one for each question


def soundworld_scenes(count: int, seed: int = 0) -> list[Asked]:
    """The scenes and questions that `mini` has, without real recordings.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    found = []
    for number in range(seed, seed + count):
        scene, rng = sample_scene(number, {}), np.random.default_rng([number, 41])
        drawn = [qa for _ in range(ROUNDS) for qa in ask_scene(scene, rng)]
        asked = list(dict.fromkeys(drawn))  # a round may repeat another to the letter
        kinds = [f"{qa.kind} {qa.topic}".strip() for qa in asked]
        weights = [
            WEIGHTS.get(kind, OTHER_WEIGHT) / kinds.count(kind) for kind in kinds
        ]
        found.append(Asked(scene.score, tuple(asked), tuple(weights)))
    return found


def skill_scenes(count: int, seed: int = 0) -> list[Asked]:
    """Scenes with questions of all skills, every answer of a kind about as often.

    A scene that nothing balanced can be asked about is drawn anew.

    Raises Disagreement when the solver finds another answer.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rng, balance, found = np.random.default_rng([seed, 42]), Balance(), []
    while len(found) < count:
        score, asked = skill_score(rng), []
        for skill, asks in ASKS_OF_SKILLS.items():
            drawn = [q for _ in range(ROUNDS) for ask in asks for q in ask(score, rng)]
            for question in dict.fromkeys(drawn):
                if balance.passes(question):
                    verify_skill(score, question)
                    asked.append(skill_qa(skill, question))
        if asked:
            kinds = [qa.kind for qa in asked]
            weights = tuple(1 / kinds.count(kind) for kind in kinds)
            found.append(Asked(score, tuple(asked), weights))
    return found


def skill_qa(skill: str, question: Question) -> QA:
    """A question of AudioSkills as a prompt and its output; its kind is the skill."""
    task = f"AudioSkills-{skill.title().replace(' ', '')}"
    return QA(task, question.prompt, question.output, skill, question.kind)


def long_scenes(count: int, seed: int = 0) -> list[Asked]:
    """Long recordings, each asked about in all six ways, in the official shares.

    Raises Disagreement when the solver finds another answer.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rng, found = np.random.default_rng([seed, 43]), []
    for _ in range(count):
        recording, asked, weights = sample_recording(rng), [], []
        for kind, ask in ASKS_OF_LONG.items():
            drawn = dict.fromkeys(ask(recording, rng) for _ in range(ROUNDS))
            for question in drawn:
                verify_long(recording.score, question)
                task = f"LongAudio-{kind.title()}"
                asked.append(QA(task, question.prompt, question.output, kind))
                weights.append(SHARES[kind] / len(drawn))
        found.append(Asked(recording.score, tuple(asked), tuple(weights)))
    return found


SCENES: dict[str, Callable[[int, int], list[Asked]]] = {
    SOUNDWORLD: soundworld_scenes,
    SKILLS: skill_scenes,
    LONG: long_scenes,
}

"""Everything that is measured of `mini2`: scenes, skills, long recordings, controls.

Each exam is held out and is taken three times: with its own sound, with noise of the
same length and level, and with the sound of another item. What the last two score, the
question alone has told.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from ...evaluation import GREEDY, exact_match, measure
from ...model import load
from ...official.options import unlettered
from ...soundworld.asking import QA
from ...soundworld.corpus import HELD_OUT_SEED, RATE
from ...soundworld.exam import (
    AUDIOS,
    answer_all,
    exam,
    render_held_out,
    replace_audio,
)
from ...soundworld.features import hear
from ...soundworld.render import render
from ...soundworld.score import Score
from ..audio_skills.blind import mean_chance
from ..audio_skills.generator import SKILLS, skill_questions
from ..long_audio.bench import examine as examine_long
from ..long_audio.bench import long_audio_bench
from .asked import skill_qa

DECODING = GREEDY | {"max_new_tokens": 160}  # of skills and long recordings


def examine(folder: str | Path, scenes: int) -> list[dict]:
    """All sections of a report on a saved model: so many scenes, questions of skills,
    and half as many long recordings.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    model, waves = load(folder), render_held_out(scenes)
    sections = [exam(model, scenes, audio=audio, waves=waves) for audio in AUDIOS]
    sections += [skills_exam(model, scenes, audio) for audio in AUDIOS]
    return sections + [long_exam(model, max(2, scenes // 2), a) for a in AUDIOS]


def skills_exam(model, count: int, audio: str = "own") -> dict:
    """A section of a report: so many held-out questions of AudioSkills.

    Right is who says letter and option; the letter of another option before the right
    words is counted by itself. Chance is one over the number of options.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    items = skill_questions(count, HELD_OUT_SEED)
    questions = [item.question for item in items]
    asked = [skill_qa(question.skill, question) for question in questions]
    answers = answers_to(model, [item.score for item in items], asked, audio)
    truths = [qa.output for qa in asked]
    right = exact_match(answers, truths)
    words = [[unlettered(said) for said in of] for of in (answers, truths)]
    worded = exact_match(*words)
    chance = mean_chance(questions)
    measures = [
        measure("all", right, chance),
        measure("all, whatever the letter", worded, chance),
    ]
    for skill in SKILLS:
        rows = [i for i, question in enumerate(questions) if question.skill == skill]
        if rows:
            chance = mean_chance([questions[i] for i in rows])
            measures.append(measure(skill, [right[i] for i in rows], chance))
    rows = [
        {
            "kind": question.kind,
            "prompt": qa.prompt,
            "answer": said,
            "truth": qa.output,
            "right": ok,
        }
        for question, qa, said, ok in zip(questions, asked, answers, right, strict=True)
    ]
    section = {"name": named("AudioSkills", audio), "decoding": DECODING}
    return section | {"measures": measures, "rows": rows}


def long_exam(model, count: int, audio: str = "own") -> dict:
    """A section of a report: so many held-out questions about long recordings, marked
    by facts; ten times the mean mark, so that 10 is nothing and 100 everything.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    items = long_audio_bench(count)
    asked = [
        QA(f"LongAudio-{q.skill.title()}", q.prompt, q.output, q.skill)
        for q in (item.question for item in items)
    ]
    answers = answers_to(model, [item.score for item in items], asked, audio)
    section = examine_long(items, answers, name=named("LongAudioBench", audio))
    return section | {"decoding": DECODING}


def named(name: str, audio: str) -> str:
    """The name of a section with what was heard in it."""
    return f"{name}, held out" + ("" if audio == "own" else f", hears {audio}")


def answers_to(
    model, scores: Sequence[Score], asked: Sequence[QA], audio: str
) -> list[str]:
    """Greedy answers, each question about its own score or what replaces its sound.

    Raises ValueError for another `audio` than "own", "noise" and "other".
    """
    if audio not in AUDIOS:
        raise ValueError(f"audio is {audio!r}; expected one of {AUDIOS}.")
    features, mask = heard_as(model, scores, audio)
    return answer_all(model, features, mask, list(enumerate(asked)), 32, DECODING)


def heard_as(model, scores: Sequence[Score], audio: str) -> tuple[Tensor, Tensor]:
    """Features (N, W, n, E) and mask (N, W), W the most windows of any score."""
    waves = [render(score, RATE).astype(np.float32) for score in scores]
    features, mask = hear(model.encoder, replace_audio(waves, audio, HELD_OUT_SEED))
    filled = mask.any(0)  # (W,)
    features, mask = features[:, filled], mask[:, filled]
    if audio == "other":
        features, mask = features.roll(1, dims=0), mask.roll(1, dims=0)
    return features, mask

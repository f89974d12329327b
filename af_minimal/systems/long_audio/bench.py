"""LongAudio and LongAudioBench: questions about minutes of sound, and their marks.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...disk.examples import check_pairs
from ...evaluation import measure
from ...soundworld.corpus import HELD_OUT_SEED
from ...soundworld.score import Score
from .asking import ASKS, LongQuestion
from .composing import Recording, sample_recording
from .facts import HIGHEST, LOWEST, mark
from .solver import rule_for, verify

SHARES = {  # of the official bench, in questions
    "captioning": 917,
    "plot": 237,
    "needle": 361,
    "subscene": 176,
    "temporal": 253,
    "general": 485,
}
# what may be said in these answers, and costs if it is not true
COUNTS = {"captioning": ("times",), "subscene": ("times",)}
Judge = Callable[[str, str, str], int]  # question, verified answer, response -> 1-10


@dataclass(frozen=True)
class LongItem:
    """A long recording and one question about it.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    recording: Recording
    question: LongQuestion

    @property
    def score(self) -> Score:
        """The score of the recording."""
        return self.recording.score


def long_questions(
    count: int, seed: int = 0, windows: int = 30, window_s: float = 2.0
) -> list[LongItem]:
    """So many questions of the six kinds in the official shares, each verified.

    Raises Disagreement when the solver finds another answer.
    Official: LongAudio, whose questions a language model writes and checks itself
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rng, total = np.random.default_rng([seed, 33]), sum(SHARES.values())
    items = []
    kinds = [kind for kind in SHARES for _ in range(SHARES[kind])]
    for number in range(count):  # a stride that has no common divisor with the total
        kind = kinds[number * 997 % total]
        recording = sample_recording(rng, windows, window_s)
        question = ASKS[kind](recording, rng)
        verify(recording.score, question)
        items.append(LongItem(recording, question))
    return items


def long_audio_bench(
    count: int, windows: int = 30, window_s: float = 2.0
) -> list[LongItem]:
    """The held-out questions.

    Official: LongAudioBench has 2,429, verified by people
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    return long_questions(count, HELD_OUT_SEED, windows, window_s)


def examine(
    items: Sequence[LongItem],
    responses: Sequence[str],
    judge: Judge | None = None,
    name: str = "LongAudioBench",
) -> dict:
    """A section of a report: ten times the mean mark, of all and of each kind.

    The chance beside each is what one would get by the facts who reads the questions
    and hears nothing (`blind_marks`). Without a `judge` the facts decide here too; one
    that asks an endpoint is `judge.EndpointJudge`.

    Raises ValueError when there is not one response for each item, and Disagreement
    for a question that no rule reads.
    Official: AF2 paper, Table 13; GPT-4o is the judge
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    check_pairs(responses, items)
    marks, guessed = [], [HIGHEST * m for m in blind_marks(items)]
    for item, said in zip(items, responses, strict=True):
        asked = item.question
        given = judge and judge(asked.prompt, asked.output, said)
        marks.append(marked(asked, said) if given is None else given)
    kinds = [item.question.skill for item in items]
    measures = []
    for kind in (None, *(kind for kind in SHARES if kind in kinds)):
        rows = [i for i, k in enumerate(kinds) if kind in (None, k)]
        chance = float(np.mean([guessed[i] for i in rows]))
        values = [HIGHEST * marks[i] for i in rows]
        measures.append(measure(kind or "all", values, chance))
    rows = [
        {
            "kind": item.question.skill,
            "prompt": item.question.prompt,
            "answer": said,
            "truth": item.question.output,
            "mark": given,
        }
        for item, said, given in zip(items, responses, marks, strict=True)
    ]
    return {"name": name, "measures": measures, "rows": rows}


def blind_marks(items: Sequence[LongItem]) -> list[float]:
    """What each item gets from who reads the questions and hears nothing.

    For each form of question the better of two ways: to say the question back, sounds
    that it names and all, or always the same, the true answer that does best at the
    other items of the form. The mean over all such answers is never better.

    Raises Disagreement for a question that no rule reads.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    forms: dict[Callable, list[int]] = {}
    for i, item in enumerate(items):
        forms.setdefault(rule_for(item.question.prompt)[0], []).append(i)
    marks = [0.0] * len(items)
    for places in forms.values():
        asked = [items[i].question for i in places]
        ways = [[marked(q, q.prompt) for q in asked]]
        answers = dict.fromkeys(question.output for question in asked)
        ways += [same_marks(asked, said) for said in answers]
        for i, value in zip(places, max(ways, key=np.mean), strict=True):
            marks[i] = value
    return marks


def same_marks(asked: Sequence[LongQuestion], said: str) -> list[float]:
    """The marks of one answer to all of some questions.

    A question that alone has this answer has betrayed it, and gets the mean of the
    others instead.
    """
    marks = [float(marked(question, said)) for question in asked]
    own = [i for i, question in enumerate(asked) if question.output == said]
    if len(own) == 1:
        (i,) = own
        others = marks[:i] + marks[i + 1 :]
        marks[i] = float(np.mean(others or [LOWEST]))
    return marks


def marked(question: LongQuestion, said: str) -> int:
    """The mark of an answer by the facts."""
    return mark(question.facts, said, COUNTS.get(question.skill, ()))

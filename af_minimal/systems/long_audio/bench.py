"""LongAudio and LongAudioBench: questions about minutes of sound, and their marks.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation import check_pairs, measure
from ...soundworld.corpus import HELD_OUT_SEED
from ...soundworld.score import Score
from .asking import ASKS, LongQuestion
from .composing import Recording, sample_recording
from .facts import HIGHEST, mark
from .solver import verify

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

    The chance beside each is what the answers of other items of the kind would get by
    the facts. Without a `judge` the facts decide here too; one that asks an endpoint is
    `judge.EndpointJudge`.

    Raises ValueError when there is not one response for each item.
    Official: AF2 paper, Table 13; GPT-4o is the judge
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    check_pairs(responses, items)
    marks, guessed = [], [HIGHEST * m for m in shuffled_marks(items)]
    for item, said in zip(items, responses, strict=True):
        asked = item.question
        given = judge and judge(asked.prompt, asked.output, said)
        also = COUNTS.get(asked.skill, ())
        marks.append(mark(asked.facts, said, also) if given is None else given)
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


def shuffled_marks(items: Sequence[LongItem]) -> list[int]:
    """The mark of each item for the true answer of another one of its kind."""
    rng, marks = np.random.default_rng(len(items)), []
    for item in items:
        others = [
            o.question.output
            for o in items
            if o.question.skill == item.question.skill and o is not item
        ]
        said = others[rng.integers(len(others))] if others else ""
        also = COUNTS.get(item.question.skill, ())
        marks.append(mark(item.question.facts, said, also))
    return marks

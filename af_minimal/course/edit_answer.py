"""One answer under every metric: a judge, typical edits, and a box to type in.

CIDEr weighs a word by how rare it is among the references of *all* items, so one answer
alone has none. The judge therefore brings the references of other scenes along.

Taught in: notebooks/11_evaluation.ipynb
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import ipywidgets as widgets
from matplotlib.figure import Figure

from ..evaluation import caption_scores, exact_match, normalise
from ..soundworld import Event, Score, caption_is_right, captions
from ..soundworld.catalogue import CLASSES
from ..soundworld.scenes import SHORTEST_PAUSE_S
from .figures_evaluation import metric_picture
from .widgets.keys import Panel
from .widgets.still import with_picture

COLUMNS = ("metric", "best", "yours")


@dataclass(frozen=True)
class Judge:
    """All metrics of any answer about one scene.

    Args:
        score: the scene.
        others: scenes whose captions say how common a word is.

    Taught in: notebooks/11_evaluation.ipynb
    """

    score: Score
    others: Sequence[Score]

    @cached_property
    def references(self) -> list[str]:
        """The true captions of the scene in all wordings, the plainest first."""
        return captions(self.score)

    @cached_property
    def best(self) -> dict[str, float]:
        """All metrics of the plainest true caption."""
        return self(self.references[0])

    def __call__(self, answer: str) -> dict[str, float]:
        """Metric -> value; those of events and exact match are 0 or 1."""
        if not normalise(answer):
            answer = "?"  # the libraries cannot score nothing; no reference says this
        words = caption_scores([answer], [self.references])
        match = any(exact_match([answer] * len(self.references), self.references))
        return {
            "exact match": float(match),
            "BLEU-4": words["BLEU-4"],
            "ROUGE-L": words["ROUGE-L"],
            "CIDEr": self.cider(answer),
            "right sounds": float(caption_is_right(answer, self.score)),
            "and counts": float(caption_is_right(answer, self.score, counts=True)),
        }

    def cider(self, answer: str) -> float:
        """CIDEr-D of this answer, with word weights from all scenes."""
        from pycocoevalcap.cider.cider import Cider

        true = [self.references, *map(captions, self.others)]
        told = [answer, *(texts[0] for texts in true[1:])]
        scorer = Cider()
        _, each = scorer.compute_score(
            {i: [normalise(t) for t in texts] for i, texts in enumerate(true)},
            {i: [normalise(t)] for i, t in enumerate(told)},
        )
        return float(each[0])


def in_a_row(score: Score, *events: Event) -> Score:
    """The scene with these events instead, one after the other."""
    clock, placed = 0.0, []
    for event in events:
        placed.append(replace(event, onset_s=clock))
        clock += event.total_s + SHORTEST_PAUSE_S
    return replace(score, events=tuple(placed), duration_s=clock)


def edits(score: Score) -> dict[str, str]:
    """What was changed -> the answer, of a scene with two sounds in a row.

    Raises ValueError for any other scene.

    Taught in: notebooks/11_evaluation.ipynb
    """
    if len(score.events) != 2 or len(score.groups) != 2:
        raise ValueError(
            f"The scene has {len(score.events)} sounds in {len(score.groups)} groups; "
            "two sounds in a row are expected."
        )
    first, second = score.events

    def say(*events: Event) -> str:
        return captions(in_a_row(score, *events))[0]

    absent = next(label for label in CLASSES if label not in score.labels)
    other = Event(absent, 0.0, 0.5)
    said = captions(score)
    return {
        "untouched": said[0],
        "another wording": said[-1],
        "order swapped": say(second, first),
        "second sound wrong": say(first, other),
        "second sound missing": say(first),
        "one sound too many": say(first, second, other),
        "count wrong": say(replace(first, repeats=first.repeats + 1), second),
        "words backwards": " ".join(normalise(said[0]).split()[::-1]) + ".",
        "denied": "it is not true that " + said[0],
        "says little": "you can hear a sound.",
    }


def compare(judge: Judge, answer: str) -> list[dict]:
    """Rows for a table: each metric of the true caption, and of an answer.

    Taught in: notebooks/11_evaluation.ipynb
    """
    best, yours = judge.best, judge(answer)
    values = zip(best, best.values(), yours.values(), strict=True)
    return [dict(zip(COLUMNS, row, strict=True)) for row in values]


class EditWidget(Panel):
    """A box with an answer in it; all metrics follow what is typed.

    Taught in: notebooks/11_evaluation.ipynb
    """

    def __init__(self, judge: Judge, answer: str | None = None):
        self.judge = judge
        self.answer = widgets.Textarea(
            judge.references[0] if answer is None else answer,
            description="answer",
            layout=widgets.Layout(width="95%", height="4em"),
        )
        self.table = widgets.HTML()
        self.answer.observe(self._score, names="value")
        self._score()
        truth = widgets.HTML("truth: " + html.escape(judge.references[0]))
        super().__init__([truth, self.answer, self.table])
        with_picture(
            self, self.figure(), "Metrics of the truth and of an edited answer"
        )

    def figure(self) -> Figure:
        """Both answers, and what every metric says of them."""
        rows = compare(self.judge, self.answer.value)
        values = {name: {r["metric"]: r[name] for r in rows} for name in COLUMNS[1:]}
        told = f"best: {self.judge.references[0]}\nyours: {self.answer.value}"
        return metric_picture(values, told.replace("$", r"\$"), ylabel="answer")

    def _score(self, change=None) -> None:
        rows = compare(self.judge, self.answer.value)
        cells = [[r["metric"], f"{r['best']:.2f}", f"{r['yours']:.2f}"] for r in rows]
        body = "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
            for row in [[f"<b>{name}</b>" for name in COLUMNS], *cells]
        )
        self.table.value = f"<table>{body}</table>"

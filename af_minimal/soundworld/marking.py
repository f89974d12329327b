"""Answers of the held-out exam, marked: which line of the table, right or wrong.

Taught in: notebooks/11_evaluation.ipynb
"""

from ..evaluation import exact_match, f1, labels_in, majority, measure
from ..official.options import option_match, read_options
from .caption_measures import caption_measures
from .captions import caption_is_right, captions
from .catalogue import CLASSES
from .corpus import Scene
from .questions import QA

LABELS = list(CLASSES)
CHOICE = {("open", "attribute"): 0.5, ("open", "why"): 0.5}  # "low or high pitched?"
KINDS = {  # line of the table -> does a row belong to it?
    "caption": lambda row: row["kind"] == "caption",
    "caption, 1 event": lambda row: row["kind"] == "caption" and row["events"] == 1,
    "caption, 2 events": lambda row: row["kind"] == "caption" and row["events"] == 2,
    "caption, 3 events": lambda row: row["kind"] == "caption" and row["events"] == 3,
    "caption, no overlap": lambda row: row["kind"] == "caption" and not overlaps(row),
    "caption, overlap": lambda row: row["kind"] == "caption" and overlaps(row),
    "yes or no": lambda row: row["kind"] == "binary",
    "yes or no, is it there?": lambda row: row["topic"] == "presence",
    "yes or no, what is it like?": lambda row: asks(row, "binary", "attribute"),
    "yes or no, which is first?": lambda row: row["topic"] == "order",
    "count": lambda row: row["kind"] == "count",
    "count, how many times": lambda row: row["kind"] == "count" and counts_times(row),
    "open": lambda row: asks(row, "open", ""),
    "open, this or that?": lambda row: asks(row, "open", "attribute"),
    "open, is it, and why?": lambda row: asks(row, "open", "why"),
    "open, all that it is like": lambda row: asks(row, "open", "like"),
    "order": lambda row: row["kind"] == "order",
    "tags": lambda row: row["kind"] == "tags",
    "classify": lambda row: row["kind"] == "classify",
    "classify, six options": lambda row: row["kind"] == "classify_options",
}


def mark(seed: int, scene: Scene, qa: QA, answer: str) -> dict:
    """One row of the report: what was asked, said and true, and whether it is right."""
    if qa.kind == "caption":
        right = caption_is_right(answer, scene.score)
    elif qa.kind == "tags":  # in any order
        right = set(labels_in(answer, LABELS)) == set(scene.score.labels)
    else:
        right = exact_match([answer], [qa.output])[0]
    row = {
        "scene": seed,
        "events": len(scene.score.events),
        "kind": qa.kind,
        "topic": qa.topic,
        "task": qa.task,
        "prompt": qa.prompt,
        "answer": answer,
        "truth": qa.output,
        "right": right,
    }
    if qa.kind == "caption":
        row["references"] = captions(scene.score)[:3]
    return row


def asks(row: dict, kind: str, topic: str) -> bool:
    """Whether a row is a question of this kind about this topic."""
    return row["kind"] == kind and row["topic"] == topic


def overlaps(row: dict) -> bool:
    """Whether two sounds of the scene are heard together, as its plain caption says."""
    return " while " in row["references"][0]


def counts_times(row: dict) -> bool:
    """How often one sound is heard, rather than how many kinds of sound there are."""
    return "times" in row["prompt"]


def summarise(rows: list[dict]) -> list[dict]:
    """The lines of the table: share right by kind of question, then caption metrics.

    Questions with options are marked twice: the answer is the true option, to the word;
    or it names that option and no other.
    """
    measures = []
    for name, belongs in KINDS.items():
        chosen = [row for row in rows if belongs(row)]
        if chosen:
            chance = None if name.startswith("caption") else guessing(chosen)
            right, about = [[row[k] for row in chosen] for k in ("right", "scene")]
            measures.append(measure(name, right, chance, about=about))
            if name == "classify, six options":
                measures.append(by_options(f"{name}, one named", chosen))
            if name == "tags":
                values = [f1_of_tags(row) for row in chosen]
                measures.append(measure("tags, F1", values, about=about))
    captioned = [row for row in rows if row["kind"] == "caption"]
    return measures + caption_measures(captioned, "caption, {}")


def guessing(rows: list[dict]) -> float:
    """What who hears nothing scores, knowing the kind of each question and its choices.

    It takes one of the choices where the prompt has some, else the commonest answer.
    """
    parts: dict[tuple[str, str, bool], list[dict]] = {}
    for row in rows:
        times = row["kind"] == "count" and counts_times(row)
        parts.setdefault((row["kind"], row["topic"], times), []).append(row)
    right = 0.0
    for (*asked, _), part in parts.items():
        if asked[0] == "classify_options":
            right += sum(1 / len(read_options(row["prompt"])) for row in part)
        else:
            common = majority([row["truth"] for row in part])
            right += len(part) * max(common, CHOICE.get(tuple(asked), 0.0))
    return right / len(rows)


def by_options(name: str, rows: list[dict]) -> dict:
    """A line for answers that name the right one of the options in their prompt."""
    options = [read_options(row["prompt"]) for row in rows]
    answers, truths = [[row[k] for row in rows] for k in ("answer", "truth")]
    right, about = option_match(answers, truths, options), [r["scene"] for r in rows]
    return measure(name, right, guessing(rows), about=about)


def f1_of_tags(row: dict) -> float:
    """F1 of the labels that one answer names against those of its scene."""
    named = (labels_in(row[key], LABELS) for key in ("truth", "answer"))
    true, said = ([label in some for label in LABELS] for some in named)
    return f1([true], [said], "samples")

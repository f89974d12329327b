"""Every notebook's exercises: how many, what stands over them, what a stub does.

Stubs and checks are taken out of the stored notebooks and run; nothing else is.
"""

import ast
import json
import re
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import test_course
from test_repository import NOTEBOOKS, ROOT

import af_minimal
from af_minimal import soundworld
from af_minimal.course import (
    checks,
    checks_dialogue,
    checks_retrieval,
    figures_attention,
)

LEAST = 3  # exercises of a notebook
TAUGHT = [path for path in NOTEBOOKS if path.stem[:2] != "00"]  # 00 only plays
HEADER = re.compile(
    r"Difficulty (?:●○○|●●○|●●●) · Importance (?:●○○|●●○|●●●) · \d+ min"
)
CHECKED = re.compile(r"(\w+) = check\.(\w+)\((\w+)\)")
SEEN = re.compile(r"yours: +(.*)\n *reference: +(.*)")
PLANTED = dict(test_course.PLANTED)
for file in sorted((ROOT / "tests").glob("test_checks_*.py")):
    module = import_module(file.stem)
    PLANTED |= getattr(module, "PLANTED", None) or module.WRONG

each_taught = pytest.mark.parametrize("path", TAUGHT, ids=lambda path: path.stem)
# from 12 on most are about the official code and data, not about the small model
SMALL = [p for p in NOTEBOOKS if int(p.stem[:2]) < 12 or "20" in p.stem]
each_small = pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)


@cache
def cells_of(path) -> list[SimpleNamespace]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        SimpleNamespace(
            kind=c["cell_type"], text="".join(c["source"]), shown=bool(c.get("outputs"))
        )
        for c in cells
    ]


def imports(path) -> str:
    """The import statements of a notebook, in order."""
    found = []
    for cell in cells_of(path):
        if cell.kind == "code" and not cell.text.startswith("%%"):
            kinds = ast.Import | ast.ImportFrom
            nodes = [n for n in ast.parse(cell.text).body if isinstance(n, kinds)]
            found += map(ast.unparse, nodes)
    return "\n".join(found)


def exercises(path) -> list[tuple[str, str, str]]:
    """(header, stub, name of the check) of each exercise, in order."""
    found, header, stub = [], None, None
    for cell in cells_of(path):
        if cell.kind == "markdown" and "Difficulty" in cell.text:
            header, stub = cell.text, None
        if cell.kind == "code" and "raise NotImplementedError" in cell.text:
            stub = cell.text
        match = CHECKED.search(cell.text) if cell.kind == "code" else None
        if match and stub:
            assert match[1] == match[3], f"{match[0]}: your name goes in and comes out"
            found.append((header, stub, match[0]))
            header, stub = None, None
    return found


@each_taught
def test_a_notebook_has_three_exercises_or_more(path):
    found = exercises(path)
    assert len(found) >= LEAST
    headers = [header for header, _, _ in found]
    assert all(header and HEADER.search(header.replace("**", "")) for header in headers)
    stubs = sum("raise NotImplementedError" in c.text for c in cells_of(path))
    assert stubs == len(found), "a stub without a header, or without a check"


@each_taught
def test_every_exercise_has_a_hint_and_a_way_to_its_solution(path):
    text = "\n".join(cell.text for cell in cells_of(path))
    for _, _, line in exercises(path):
        name = CHECKED.match(line)[2]
        assert f'check.reveal("{name}")' in text, f"say how to see {name}"
    folded = text.count("<summary>Hint") + text.count("hint</summary>")
    assert folded >= len(exercises(path))


@each_taught
def test_an_unsolved_stub_goes_on_and_is_an_error_when_strict(
    path, monkeypatch, capsys
):
    names = {}
    exec(imports(path), names)
    for _, stub, line in exercises(path):
        mine, name, _ = CHECKED.match(line).groups()
        exec(f"{stub}\n{line}", names)
        assert names[mine] is checks.EVERY[name].reference
        assert "not solved yet" in capsys.readouterr().out
        with monkeypatch.context() as strict:
            strict.setenv("AF_STRICT", "1")
            with pytest.raises(checks.WrongAnswer, match=f"{name}: not solved yet"):
                exec(f"{stub}\n{line}", names)


def run_cell(number: str, part: str, names: dict) -> dict:
    """The names after the code cell of a notebook that holds `part` has run."""
    (path,) = (path for path in NOTEBOOKS if path.stem.startswith(number))
    (cell,) = (c for c in cells_of(path) if c.kind == "code" and part in c.text)
    exec(cell.text, names)
    return names


DOG = soundworld.Event("dog bark", 1.0, 0.5, repeats=2, gap_s=0.5)
BELL = soundworld.Event("church bell", 5.0, 2.0)
RIGHT = soundworld.Score(9.5, (DOG, BELL))


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (RIGHT, ""),
        (None, "a soundworld.Score"),
        (replace(RIGHT, duration_s=8.0), "a scene of 9.5 s"),
        (replace(RIGHT, events=(replace(DOG, repeats=3), BELL)), "a dog barks two"),
        (replace(RIGHT, events=(DOG,)), "a dog barks two"),
        (replace(RIGHT, events=(DOG, replace(BELL, onset_s=0.0))), "in this order"),
        (replace(RIGHT, events=(DOG, replace(BELL, onset_s=2.0))), "the last bark"),
        (replace(RIGHT, events=(replace(DOG, gap_s=0.0), BELL)), "a gap between"),
    ],
)
def test_a_scene_that_was_not_asked_for_is_told(score, said, capsys):
    names = {"soundworld": soundworld, "af": af_minimal, "my_score": lambda: score}
    names |= {"model": SimpleNamespace(ask=lambda *_: ""), "question": ""}
    mine = run_cell("00", "mine = my_score()", names)["mine"]
    printed = capsys.readouterr().out
    assert (mine is score) == (not said)
    assert ("✗" in printed) == bool(said) and said in printed
    assert ("Yours has:" in printed) == (score is not None and bool(said))


class StoreOfTwo:
    """The store of notebook 09, so far as its exercises ask."""

    embeddings, files = np.eye(2, dtype=np.float32), ["a.wav", "b.wav"]

    def __len__(self):
        return 2

    def nearest(self, query, k=4):
        return [1], [0.0]


def test_lists_that_a_check_takes_are_used_in_the_next_cell(monkeypatch):
    def as_lists(answer):
        return lambda *given: tuple(x.tolist() for x in answer(*given))

    names = {"np": np, "check": checks_retrieval, "store": StoreOfTwo(), "shelf": [0]}
    names["my_other_files"] = lambda *given: (
        *checks_retrieval.first_of_each_file(*given),
    )
    names["my_nearest"] = as_lists(checks_retrieval.nearest_places)
    assert not checks_retrieval.nearest.first_problem(names["my_nearest"])
    assert run_cell("09", "no own file", names)["by_hand"] == [1]
    monkeypatch.setattr(figures_attention, "show", lambda *_: None)
    read = as_lists(checks_dialogue.tokens_with_and_without_cache)
    assert not checks_dialogue.tokens_read.first_problem(read)
    run_cell("10", "[25] * 15", {"np": np, "my_tokens_read": read})


def test_every_check_has_two_planted_mistakes():
    asked = {
        CHECKED.match(line)[2] for path in TAUGHT for _, _, line in exercises(path)
    }
    assert asked == set(checks.EVERY) == set(PLANTED)
    assert all(len(mistakes) >= 2 for mistakes in PLANTED.values())


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_answer_is_seen_to_differ(name):
    for number, mistake in enumerate(PLANTED[name]):
        said = checks.EVERY[name].first_problem(mistake)
        both = SEEN.search(said)
        assert both and both[1] != both[2], f"{number}: {said}"
        assert " at 0x" not in said, "an address in memory tells nothing"


KNOWN = [(name, known) for name, check in checks.EVERY.items() for known in check.known]


@pytest.mark.parametrize(("name", "mistake"), KNOWN)
def test_a_known_mistake_is_explained(name, mistake):
    check = checks.EVERY[name]
    assert check.first_problem(mistake).endswith(f"likely:    {check.known[mistake]}")


PREDICT = "**Predict"
ANSWER = "<details><summary>Answer</summary>"
SUMMARY = "## What you can now do"
# in each notebook: how its table or its lines call a success, and the control to it
CONTROLS = {
    "00": ("their own clip", "a wrong clip"),
    "01": ("10_000", "1_000"),
    "02": ("trained here", "shuffled pairs"),
    "03": ("with it", "without the transformer"),
    "04": ('"own"', "another's"),
    "05": ("isolated:", "official:"),
    "06": ("hears it", "hears another"),
    "07": ('"right"', "another clip"),
    "08": ('"own"', '"another"'),
    "09": ("similar", "random"),
    "10": ("remembers", "hears noise"),
    "11": ("hears the scenes", "hears noise"),
    "20": ("new names added", "AF1's recipe alone"),
}
FAILURE = re.compile(
    r"^(#+ |\*\*).*(Where it fails|What it cannot do|What does not)", re.M
)
CAUSE = re.compile(r"\b([Bb]ecause|[Ww]hy|[Cc]auses?|[Rr]easons?)\b")


def lesson(path) -> list[SimpleNamespace]:
    """The cells of a notebook up to its summary; the quiz behind it is no lesson."""
    cells = cells_of(path)
    return cells[: next(i for i, c in enumerate(cells) if SUMMARY in c.text) + 1]


def result_of(cells: list, place: int) -> int | None:
    """The first code cell with a stored output after a place, in the same section."""
    for i in range(place + 1, len(cells)):
        if cells[i].shown:
            return i
        if cells[i].kind == "markdown" and (
            PREDICT in cells[i].text or re.search(r"^## ", cells[i].text, re.M)
        ):
            return None
    return None


def is_answered_after(cells: list, result: int) -> bool:
    """Whether the next words after a result begin with a folded answer, or soon do."""
    said = next((c.text for c in cells[result + 1 :] if c.kind == "markdown"), "")
    return ANSWER in re.split(r"^#+ |\*\*Predict", said, flags=re.M)[0]


@each_small
def test_what_is_predicted_is_shown_after_it_and_then_explained(path):
    cells, answered = lesson(path), 0
    asked = [
        i for i, c in enumerate(cells) if c.kind == "markdown" and PREDICT in c.text
    ]
    for place in asked:
        result = result_of(cells, place)
        assert result, f"nothing is shown after: {cells[place].text[-200:]}"
        given = ANSWER in cells[place].text.split(PREDICT)[-1]
        answered += not given and is_answered_after(cells, result)
    assert answered >= 2, "fold the answer behind the result of two predictions"


@each_small
def test_a_control_stands_beside_its_success(path):
    cells, names = lesson(path), CONTROLS[path.stem[:2]]
    told = [
        i
        for i, c in enumerate(cells)
        if c.kind == "markdown" and i and re.search(r"\b[Cc]ontrols?\b", c.text)
    ]
    both = [
        i for i, c in enumerate(cells) if c.shown and all(n in c.text for n in names)
    ]
    assert any(-1 <= i - place <= 2 for place in told for i in both), names


def section_from(cells: list, place: int, start: int) -> list[SimpleNamespace]:
    """The cells from a heading to the next one, words outside it cut off."""
    part = [SimpleNamespace(**vars(cells[place]) | {"text": cells[place].text[start:]})]
    for cell in cells[place + 1 :]:
        end = re.search(r"^## ", cell.text, re.M) if cell.kind == "markdown" else None
        text = cell.text[: end.start()] if end else cell.text
        part.append(SimpleNamespace(**vars(cell) | {"text": text}))
        if end:
            break
    return part


@each_small
def test_a_failure_of_the_model_is_shown_and_its_cause_is_named(path):
    cells, found = lesson(path), 0
    for place, cell in enumerate(cells):
        match = FAILURE.search(cell.text) if cell.kind == "markdown" else None
        if match and place:
            part = section_from(cells, place, match.start())
            shown = next((i for i, c in enumerate(part) if c.shown), None)
            assert shown, f"show the failure: {match[0]}"
            said = [c.text for c in part[shown:] if c.kind == "markdown"]
            assert CAUSE.search(" ".join(said)), f"say why, after it: {match[0]}"
            found += 1
    assert found

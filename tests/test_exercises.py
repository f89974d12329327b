"""Every notebook's exercises: how many, what stands over them, what a stub does.

Stubs and checks are taken out of the stored notebooks and run; nothing else is.
"""

import ast
import json
import re
from functools import cache
from importlib import import_module
from types import SimpleNamespace

import pytest
import test_course
from test_repository import NOTEBOOKS, ROOT

from af_minimal.course import checks

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


FAILURE = re.compile(
    r"^(#+ |\*\*).*(Where it fails|What it cannot do|What does not)", re.M
)


def shown_after(cells: list, place: int, cells_on: int) -> int | None:
    """The first cell with a stored output among the next few, or None."""
    near = range(place + 1, min(place + 1 + cells_on, len(cells)))
    return next((i for i in near if cells[i].shown), None)


@each_small
def test_what_is_predicted_is_shown_after_it_and_then_explained(path):
    cells, folded = cells_of(path), 0
    asked = [i for i, cell in enumerate(cells) if "**Predict" in cell.text]
    assert len(asked) >= 2
    for place in asked:
        result = shown_after(cells, place, 5)
        assert result, f"nothing is shown after: {cells[place].text[-200:]}"
        answers = [cells[place].text.split("**Predict")[-1]]
        answers += [cell.text for cell in cells[result + 1 : result + 4]]
        folded += any("<details>" in answer for answer in answers)
    assert folded, "fold the answer to one prediction at least: <details>"


@each_small
def test_a_control_stands_beside_its_success(path):
    cells = cells_of(path)
    named = [
        i
        for i, cell in enumerate(cells)
        if cell.kind == "markdown" and re.search(r"\b[Cc]ontrols?\b", cell.text)
    ]
    assert any(shown_after(cells, i - 3, 6) for i in named), "show it where it is named"


@each_small
def test_a_failure_of_the_model_is_shown_and_its_cause_is_named(path):
    cells = cells_of(path)
    places = [i for i, cell in enumerate(cells) if FAILURE.search(cell.text)]
    assert places
    for place in places:
        part = [cells[place]]
        for cell in cells[place + 1 :]:
            if cell.text.startswith("## "):
                break
            part.append(cell)
        assert any(cell.shown for cell in part), "show the failure"
        text = " ".join(cell.text for cell in part)
        assert re.search(r"\b[Bb]ecause\b|\b[Ww]hy\b|\b[Cc]auses?\b|reasons?\b", text)

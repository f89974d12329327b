"""What TUTOR.md plans with: words, exercises, routes, and the time a notebook runs."""

import re
import sys

import nbformat
import pytest
from test_repository import NOTEBOOKS, ROOT

sys.path.insert(0, str(ROOT / "docs"))

import timings  # noqa: E402

PROSE = "## One\nTwo **three** [four](http://five.six). $$7 + 8$$\n```python\nnine\n```"
TITLES = ["First, of all", "1 · One", "2. Two", "3 · Three", "12 · Twelve"]
ROUTES = timings.routes_of((ROOT / "TUTOR.md").read_text(encoding="utf-8"))
STOPS = [s for stops in ROUTES.values() for s in stops if s.number]


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


def taken(stop):
    """The row of a route, of a notebook that was not run."""
    path = next(p for p in NOTEBOOKS if p.name.startswith(f"{stop.number}_"))
    text = timings.text_of(nbformat.read(path, as_version=4))
    return timings.row_of_route(
        stop, {stop.number: (timings.Row("", None, 0, 0), text)}
    )


def test_words_are_those_that_are_read():
    code = nbformat.v4.new_code_cell("not = 'prose'")
    prose = nbformat.v4.new_markdown_cell(PROSE)
    assert timings.prose_words(timings.text_of(notebook_of(code, prose))) == 4
    assert timings.prose_words(timings.text_of(notebook_of(code))) == 0
    assert timings.prose_words("<b>one</b> is $x > 0$, two < three\n> four") == 5


def test_minutes_of_exercises_are_read_by_title():
    head = "### Exercise{}\nDifficulty ●●○ · Importance ●●● · {} min\n\nDo it.\n\n"
    text = head.format(" A: one", 5) + head.format(": a cut", 10)
    assert timings.exercise_minutes(text) == {"A: one": 5, "a cut": 10}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_exercises_with_minutes(path):
    text = timings.text_of(nbformat.read(path, as_version=4))
    minutes = timings.exercise_minutes(text)
    assert sum(minutes.values()) >= 10
    assert len(minutes) == text.count("\nDifficulty ●"), "an exercise is not counted"


@pytest.mark.parametrize(
    "plan, places",
    [
        ("all, the exercise as a demonstration", [0, 1, 2, 3, 4]),
        ('up to "Two", exercise "First" (8 min)', [0, 1, 2]),
        ("sections 1 to 2 and 12, exercise 3 (8 min)", [1, 2, 4]),
        ('"first", "Three"', [0, 3]),
    ],
)
def test_a_plan_names_sections(plan, places):
    assert timings.read_together(plan, TITLES) == [TITLES[i] for i in places]


def test_a_plan_names_exercises():
    titles = ["A: a head", "B: a block", "the cosine"]
    plan = 'all, exercises A and "The cosine" (20 min)'
    assert timings.done_together(plan, titles) == ["the cosine", "A: a head"]
    assert timings.done_together("all, the exercise as a demonstration", titles) == []
    with pytest.raises(ValueError, match='"C", which 0 titles hold'):
        timings.done_together("all, exercise C (1 min)", titles)
    with pytest.raises(ValueError, match='"four", which 0 titles'):
        timings.read_together('"Four"', TITLES)


def test_routes_of_tutor_take_the_minutes_that_their_names_promise():
    assert list(ROUTES) == ["60 minutes", "180 minutes"]
    for name, stops in ROUTES.items():
        assert f"{sum(stop.room for stop in stops)} minutes" == name


@pytest.mark.parametrize("stop", STOPS, ids=lambda s: f"{s.number} in {s.room} min")
def test_what_tutor_says_of_a_notebook_is_what_is_counted(stop):
    row = taken(stop)
    written = sum(map(int, re.findall(r"\((\d+) min\)", stop.plan)))
    assert row.exercises == written, "TUTOR.md has other minutes than the exercises"
    left = stop.room - row.exercises - row.words / timings.WORDS_A_MINUTE
    assert left > 0, "reading and exercises take longer than TUTOR.md plans"


def test_sums_in_the_text_of_tutor_are_those_of_the_command():
    text = " ".join((ROOT / "TUTOR.md").read_text(encoding="utf-8").split())
    sums = re.findall(r"(\d+)(?: minutes)? of reading and (\d+) of exercises", text)
    assert len(sums) == len(ROUTES)
    for (reading, exercises), stops in zip(sums, ROUTES.values(), strict=True):
        rows = [taken(stop) for stop in stops if stop.number]
        counted = sum(row.words for row in rows) / timings.WORDS_A_MINUTE
        assert abs(counted - int(reading)) <= 2, f"{counted:.0f} minutes of reading"
        assert sum(row.exercises for row in rows) == int(exercises)


def test_rows_add_up():
    rows = [timings.Row("a", 1.0, 200, 5, 10), timings.Row("b", 2.0, 400, 0, 5)]
    assert timings.table("t", rows).splitlines()[-1].split() == (
        ["sum", "3", "600", "3.0", "5", "15", "7.0"]
    )
    rows = [timings.Row("a", None, 200, 5), timings.Row("b", None, 400, 0)]
    assert timings.table("t", rows).splitlines()[-1].split() == (
        ["sum", "-", "600", "3.0", "5"]
    )


def test_a_notebook_is_run_and_its_errors_are_told(tmp_path):
    good = notebook_of(nbformat.v4.new_code_cell("x = 1 + 1"))
    assert timings.run_seconds(good, tmp_path) > 0
    bad = notebook_of(nbformat.v4.new_code_cell("1 / 0"))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        timings.run_seconds(bad, tmp_path)


@pytest.mark.parametrize("options", [[], ["--no-run"]])
def test_nothing_is_saved(options, tmp_path, monkeypatch, capsys):
    path = tmp_path / "98_small.ipynb"
    cells = [
        nbformat.v4.new_code_cell("print(1)"),
        nbformat.v4.new_markdown_cell(PROSE),
    ]
    nbformat.write(notebook_of(*cells), path)
    before = path.read_bytes()
    monkeypatch.setattr(sys, "argv", ["timings.py", *options, str(path)])
    timings.main()
    assert path.read_bytes() == before
    head, row, _ = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "notebook"
    name, run, words, *_ = row.split()
    assert (name, words) == ("98_small", "4")
    assert (run == "-") == bool(options)

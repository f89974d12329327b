"""What TUTOR.md plans with: words, exercises, and the time a notebook runs."""

import importlib.util

import nbformat
import pytest
from test_repository import NOTEBOOKS, ROOT

spec = importlib.util.spec_from_file_location("timings", ROOT / "docs" / "timings.py")
timings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(timings)
PROSE = "## One\nTwo **three** [four](http://five.six). $$7 + 8$$\n```python\nnine\n```"


def notebook_of(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


def test_words_are_those_that_are_read():
    code = nbformat.v4.new_code_cell("not = 'prose'")
    assert timings.prose_words(notebook_of(nbformat.v4.new_markdown_cell(PROSE))) == 4
    assert timings.prose_words(notebook_of(code)) == 0


def test_minutes_of_exercises_add_up():
    head = "### Exercise {}\nDifficulty ●●○ · Importance ●●● · {} min\n\nDo it."
    cells = [nbformat.v4.new_markdown_cell(head.format(n, n)) for n in (5, 10)]
    assert timings.exercise_minutes(notebook_of(*cells)) == 15


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_exercises_with_minutes(path):
    assert timings.exercise_minutes(nbformat.read(path, as_version=4)) >= 10


def test_a_notebook_is_run_and_its_errors_are_told(tmp_path):
    good = notebook_of(nbformat.v4.new_code_cell("x = 1 + 1"))
    assert timings.run_seconds(good, tmp_path) > 0
    bad = notebook_of(nbformat.v4.new_code_cell("1 / 0"))
    with pytest.raises(Exception, match="ZeroDivisionError"):
        timings.run_seconds(bad, tmp_path)

"""Stored notebooks: run from top to bottom, with outputs, without audio, small."""

import json
import re

import pytest
from conftest import ROOT

from af_minimal.course import clean

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_BYTES = 1_000_000
MAX_WORDS = 35  # in a sentence
NOT_PROSE = re.compile(
    r"```.*?```|\$\$.*?\$\$|\$[^$]*\$|<[^>]+>|\]\([^)]*\)|`[^`]*`", re.DOTALL
)
BLOCK = re.compile(r"\n\s*\n|\n\s*(?:[-*]|\d+\.)\s")
SENTENCE = re.compile(r"(?<=[.!?:;])[\s*]+")

pytestmark = pytest.mark.skipif(not PATHS, reason="no notebook is written yet")
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def read(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path) -> list[dict]:
    cells = [c for c in read(path)["cells"] if c["cell_type"] == "code"]
    return [c for c in cells if clean.text_of(c["source"]).strip()]


def sentences(text: str) -> list[str]:
    """Sentences of markdown, without tables, headings, code, formulas, addresses."""
    blocks = BLOCK.split(NOT_PROSE.sub(" ", text))
    prose = (b for b in blocks if "|" not in b and not b.lstrip().startswith("#"))
    return [s for block in prose for s in SENTENCE.split(block)]


@each_notebook
def test_sentences_are_short(path):
    cells = [c for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    said = [s for c in cells for s in sentences(clean.text_of(c["source"]))]
    counted = {s: len(re.findall(r"\b[\w'-]+\b", s)) for s in said}
    assert not [s for s, words in counted.items() if words > MAX_WORDS], "cut it in two"


@each_notebook
def test_is_small(path):
    assert path.stat().st_size <= MAX_BYTES


@each_notebook
def test_stores_no_audio_and_no_widget_state(path):
    notebook = read(path)
    assert clean.audio_outputs(notebook) == [], "run: make clean-nb"
    assert "widgets" not in notebook["metadata"], "run: make clean-nb"
    assert clean.WIDGET not in json.dumps(notebook), "run: make clean-nb"
    timed = [c for c in code_cells(path) if "execution" in c["metadata"]]
    assert not timed, "run: make clean-nb"


@each_notebook
def test_was_run_from_the_top(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run: make notebooks"


@each_notebook
def test_shows_outputs_and_no_unexpected_error(path):
    cells = code_cells(path)
    assert sum(bool(cell["outputs"]) for cell in cells) >= len(cells) / 3
    for cell in cells:
        tagged = "raises-exception" in cell["metadata"].get("tags", [])
        for output in cell["outputs"]:
            assert tagged or output["output_type"] != "error", output.get("evalue")


@each_notebook
def test_runs_on_any_python_kernel(path):
    assert read(path)["metadata"]["kernelspec"]["name"] == "python3"


@each_notebook
def test_code_cells_are_short(path):
    for cell in code_cells(path):
        lines = clean.text_of(cell["source"]).splitlines()
        assert len(lines) <= 25, f"{len(lines)} lines from: {lines[0]}"

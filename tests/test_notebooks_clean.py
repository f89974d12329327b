"""Stored notebooks: run from top to bottom, with outputs, without audio, small."""

import json
import re
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs"))
from timings import NOT_PROSE  # noqa: E402

from af_minimal.course import clean  # noqa: E402

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_BYTES = 1_000_000
MAX_WORDS = 35  # in a sentence
CODE = re.compile(r"`[^`]*`")  # in a line
NO_SENTENCE = re.compile(r"^\s*[|#].*$", re.MULTILINE)  # rows of tables, headings
BLOCK = re.compile(r"\n\s*\n|\n\s*(?:[-*]|\d+\.)\s")
SENTENCE = re.compile(r"(?<=[.!?])[\"')*_]*\s+")  # a colon or semicolon ends none
SEEN = re.compile(
    r"\b(pictures?|figures?|curves?|lines?|bars?|rows?|columns?|cells?|boxe?s?|dots?|"
    r"bright|dark|blue|orange|gr[ae]y|white|diagonal|stripes?|blocks?|staircase|"
    r"histograms?|waveform|bursts?|parabola|map)\b",
    re.IGNORECASE,
)

pytestmark = pytest.mark.skipif(not PATHS, reason="no notebook is written yet")
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)


def read(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(path) -> list[dict]:
    cells = [c for c in read(path)["cells"] if c["cell_type"] == "code"]
    return [c for c in cells if clean.text_of(c["source"]).strip()]


def sentences(text: str) -> list[str]:
    """Sentences of markdown, without tables, headings, code, formulas, addresses."""
    blocks = BLOCK.split(NO_SENTENCE.sub("\n", CODE.sub(" ", NOT_PROSE.sub(" ", text))))
    return [s for block in blocks for s in SENTENCE.split(block)]


def is_too_long(sentence: str) -> bool:
    return len(re.findall(r"\b[\w'’-]+\b", sentence)) > MAX_WORDS


def test_long_sentences_are_found():
    words = " ".join(["word"] * MAX_WORDS)
    short = [
        f"{words}.",
        f"- {words}.\n- {words}.",
        f"# {words}\n{words}.",
        f"| {words}",
    ]
    short += [
        f"{words} `x y`.",
        f"{words} $a b$.",
        f"{words}](a b).",
        f"{words}. {words}.",
    ]
    long = [
        f"{words} more.",
        f"{words}; more.",
        f"**{words}: more.**",
        f"x\n\n{words} y.",
    ]
    assert not any(is_too_long(s) for text in short for s in sentences(text))
    assert all(any(map(is_too_long, sentences(text))) for text in long)


@each_notebook
def test_sentences_are_short(path):
    cells = [c for c in read(path)["cells"] if c["cell_type"] == "markdown"]
    said = [s for c in cells for s in sentences(clean.text_of(c["source"]))]
    assert not [s for s in said if is_too_long(s)], "cut it in two"


def has_picture(cell: dict) -> bool:
    shown = [output.get("data", {}) for output in cell.get("outputs", [])]
    html = "".join(clean.text_of(data.get("text/html", "")) for data in shown)
    images = any(key.startswith("image/") for data in shown for key in data)
    return images or "<img" in html or "<svg" in html


@each_notebook
def test_words_beside_a_picture_say_what_to_see(path):
    cells = read(path)["cells"]
    words = [
        clean.text_of(c["source"]) if c["cell_type"] == "markdown" else None
        for c in cells
    ]
    for i in filter(lambda i: has_picture(cells[i]), range(len(cells))):
        before = next((w for w in reversed(words[:i]) if w), "")
        after = next((w for w in words[i:] if w), "")
        # near it: the end of the words before, and what follows up to a new section
        near = before[-600:] + "\n" + re.split(r"^#", after, flags=re.MULTILINE)[0]
        assert SEEN.search(near), clean.text_of(cells[i]["source"])


@each_notebook
def test_is_small(path):
    assert path.stat().st_size <= MAX_BYTES


@each_notebook
def test_stores_no_audio_and_no_widget_state(path):
    notebook = read(path)
    assert clean.problems(notebook) == [], "run: make clean-nb"
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

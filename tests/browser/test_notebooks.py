"""Every notebook in JupyterLab: run it, listen to it, move everything on it."""

import pytest
from playwright.sync_api import Error

from af_minimal.course.clean import PRESS

from . import lab
from .conftest import ROOT
from .controls import try_all
from .screen import photograph, play_by_key, play_first

pytestmark = pytest.mark.browser

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN_S = 1800  # two idle cores need 90 s for the longest; a busy machine may wait

BROKEN = """() => [...document.querySelectorAll('.jp-Notebook img')]
  .filter(e => e.complete && e.src && !e.naturalWidth).map(e => e.src)"""


def look_through(page, more=lambda page, tried: []) -> list[str]:
    """Everything that is wrong with the notebook on this page, once it has run.

    `more(page, tried)` gives what else is.
    """
    lab.wait_drawn(page)
    tried = try_all(page)
    print(f"\n{page.title()}: {tried}")
    wrong = tried.silent + more(page, tried)
    try:
        play_by_key(page)
        if not play_first(page) and page.query_selector("audio"):
            wrong.append("no player has a sound")
    except Error as error:  # the rest of the page is worth a look still
        wrong.append(f"a player does not play: {error}")
    wrong += page.evaluate("() => window.callbackErrors")
    return wrong + [f"broken picture {src[:60]}" for src in page.evaluate(BROKEN)]


def run_and_look(page, shot, *more) -> None:
    """Run the notebook, try all it offers, photograph it; fail with what is wrong."""
    try:
        wrong = lab.run_all(page, RUN_S) or look_through(page, *more)
        photograph(page, shot)  # a failure, too, is worth a picture
        assert not wrong, "\n".join(wrong)
    finally:
        lab.close_notebook(page)


def name_of(path) -> str:
    """The name of a test; one with something to press ends on -widget."""
    return path.stem + "-widget" * (PRESS in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", PATHS, ids=name_of)
def test_notebook_in_jupyterlab(page, jupyterlab, shots, path):
    lab.open_notebook(page, jupyterlab, f"notebooks/{path.name}")
    run_and_look(page, shots / f"{path.stem[:2]}.png")

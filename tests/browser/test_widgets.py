"""Each widget of the course in a notebook of its own making, in JupyterLab."""

import nbformat
import pytest

from . import lab
from .controls import try_all
from .test_notebooks import RUN_S, run_and_look

pytestmark = pytest.mark.browser

FIRST = """
import af_minimal as af
from af_minimal.course import teach, widgets

model = af.load("mini")
files = list(widgets.sample_clips().values())
clip = af.load_audio(files[0])
"""
NEIGHBOURS = """
shelf = [af.data.Example(f, "classify this sound.", f.stem) for f in files[:6]]
store = af.Datastore.build(shelf[1:], model.encoder)
widgets.neighbours(store, shelf[0].audio, model)
"""
GATES = """
rows = [row for step in (0, 10, 20) for row in widgets.gate_rows(step, model)]
widgets.gates([row | {"attn": row["attn"] * row["step"] / 20} for row in rows])
"""
# one line per widget; a new one is added here and nowhere else
WIDGETS = {
    "ask": "widgets.ask_widget(model)",
    "attention": "widgets.attention(model, clip, 'what do you hear?')",
    "gates": GATES,
    "listen": "widgets.listen(clip)",
    "mask_explorer": "widgets.mask_explorer(model)",
    "neighbours": NEIGHBOURS,
    "record": "widgets.record(2)",
    "scene_mixer": "widgets.scene_mixer(model)",
    "teach": "teach.TeachWidget(model)",
}
# a slider that draws, one that does nothing, and a callback that breaks
SLIDERS = """
import ipywidgets as w

def draw(change):
    words.value = f"now {change['new']}"

def fail(change):
    raise ValueError("a callback broke")

words = w.Label()
live, dead = w.IntSlider(description="a"), w.IntSlider(description="b")
box = w.Checkbox(False, description="c")
live.observe(draw, "value")
box.observe(fail, "value")
w.VBox([live, dead, box, words])
"""


def write_notebook(path, *sources: str) -> None:
    """A notebook of code cells that starts its kernel without asking which."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


@pytest.mark.parametrize("name", WIDGETS)
def test_widget(page, jupyterlab, folder, shots, name):
    path = folder / f"widget_{name}.ipynb"
    write_notebook(path, FIRST, WIDGETS[name])
    lab.open_notebook(page, jupyterlab, path.name)
    run_and_look(page, shots / f"{path.stem}.png")


def test_every_widget_in_notebook_7(page, notebook7, folder, shots):
    """One notebook for all of them: a kernel that loads the model once."""
    write_notebook(folder / "widgets.ipynb", FIRST, *WIDGETS.values())
    lab.open_notebook(page, notebook7, "widgets.ipynb", "notebook")
    run_and_look(page, shots / "notebook7.png")


def test_a_dead_slider_and_a_broken_callback_are_found(page, jupyterlab, folder):
    """The other tests would pass on anything if these went unseen."""
    write_notebook(folder / "sliders.ipynb", SLIDERS)
    lab.open_notebook(page, jupyterlab, "sliders.ipynb")
    assert lab.run_all(page, RUN_S) == []
    lab.wait_drawn(page)
    moved, silent = try_all(page)
    assert moved.startswith("3 controls")
    assert silent == ["checkbox 'c' changes nothing", "slider 'b' changes nothing"]
    assert "a callback broke" in "".join(page.evaluate("() => window.callbackErrors"))
    lab.close_notebook(page)


def test_an_error_in_a_cell_is_found(page, jupyterlab, folder):
    write_notebook(folder / "error.ipynb", "1 + 1", "1 / 0", "2 + 2")
    lab.open_notebook(page, jupyterlab, "error.ipynb")
    assert lab.run_all(page, RUN_S) == ["cell 1: ZeroDivisionError: division by zero"]
    lab.close_notebook(page)

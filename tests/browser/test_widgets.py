"""Each widget of the course in a notebook of its own making, in JupyterLab."""

import re

import nbformat
import numpy as np
import pytest
import soundfile

from . import lab
from .controls import Tried, try_all
from .screen import CUT_OFF, NAMELESS
from .test_notebooks import RUN_S, run_and_look

pytestmark = pytest.mark.browser

FIRST = """
import numpy as np
import af_minimal as af
from af_minimal.course import edit_answer, teach, widgets

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
MAP = """
weights = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3, 4))
widgets.attention_widget(weights, list("abcd"), range(5))
"""
EDIT = """
draws = [np.random.default_rng(seed) for seed in range(9)]
scenes = [af.soundworld.sample_score(rng, events=(2, 2)) for rng in draws]
edit_answer.EditWidget(edit_answer.Judge(scenes[0], scenes[1:]))
"""
# A line per widget; a new one is added here and nowhere else. The numbers: how many
# controls it has at least, and how many of them change something without a button.
WIDGETS = {
    "ask": ("widgets.ask_widget(model)", 5, 4),
    "attention": ("widgets.attention(model, clip, 'what do you hear?')", 7, 5),
    "attention_map": (MAP, 3, 3),
    "edit": (EDIT, 1, 1),
    "gates": (GATES, 1, 1),
    "listen": ("widgets.listen(clip)", 1, 1),
    "mask_explorer": ("widgets.mask_explorer(model)", 2, 2),
    "neighbours": (NEIGHBOURS, 5, 5),
    "record": ("widgets.record(2)", 2, 2),
    "scene_mixer": ("widgets.scene_mixer(model)", 18, 12),
    "teach": ("teach.TeachWidget(model)", 6, 2),
}
# what is said of two seconds from the microphone; the file before it is longer
RECORDED = re.compile(r"^[12]\.\d+ s at \d+ Hz, largest sample")
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
# a button that says of itself that it was pressed, and does nothing else
BUTTON = """
button = w.Button(description="press")
button.on_click(lambda _: setattr(button, "description", "pressed"))
w.VBox([button])
"""


def write_notebook(path, *sources: str) -> None:
    """A notebook of code cells that starts its kernel without asking which."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def too_few(tried: Tried, least: int, live: int) -> list[str]:
    """A line when fewer controls were found, or fewer did something by themselves."""
    alive = tried.moved - tried.fed
    if tried.moved >= least and alive >= live:
        return []
    return [f"{tried}; {least} were expected, {live} of them alive"]


@pytest.mark.parametrize("name", WIDGETS)
def test_widget(page, jupyterlab, folder, shots, name):
    source, *numbers = WIDGETS[name]

    def more(page, tried):
        if name == "record":
            page.get_by_text(RECORDED).wait_for()
        return too_few(tried, *numbers) + page.evaluate(NAMELESS)

    path = folder / f"widget_{name}.ipynb"
    write_notebook(path, FIRST, source)
    lab.open_notebook(page, jupyterlab, path.name)
    run_and_look(page, shots / f"{path.stem}.png", more)


def test_every_widget_in_notebook_7(page, notebook7, folder, shots):
    """One notebook for all of them: a kernel that loads the model once."""
    sources, *numbers = zip(*WIDGETS.values(), strict=True)
    write_notebook(folder / "widgets.ipynb", FIRST, *sources)
    lab.open_notebook(page, notebook7, "widgets.ipynb", "notebook")
    all_of_them = [sum(column) for column in numbers]

    def more(page, tried):
        return too_few(tried, *all_of_them) + page.evaluate(NAMELESS)

    run_and_look(page, shots / "notebook7.png", more)


# a recorder that cannot begin, and the streams that were opened for it
NO_RECORDER = """
window.streams = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async what => {
  const stream = await open(what);
  window.streams.push(stream);
  return stream;
};
window.MediaRecorder = class { constructor() { throw new Error("no codec"); } };
"""
STILL_ON = """() => window.streams.flatMap(s => s.getTracks())
  .filter(track => track.readyState !== 'ended').length"""


def test_a_narrow_page_a_broken_recorder_and_a_long_file(
    page, jupyterlab, folder, tmp_path
):
    page.add_init_script(NO_RECORDER)
    wide = ("record", "teach", "attention_map", "neighbours", "ask")
    write_notebook(folder / "wide.ipynb", FIRST, *(WIDGETS[n][0] for n in wide))
    lab.open_notebook(page, jupyterlab, "wide.ipynb")
    assert lab.run_all(page, RUN_S) == []
    lab.wait_drawn(page)
    page.set_viewport_size({"width": 700, "height": 1400})
    page.wait_for_timeout(2000)  # the page takes its new width
    assert page.evaluate(CUT_OFF) == []
    page.set_viewport_size({"width": 1200, "height": 1400})

    page.locator(".af-microphone button").first.click()
    page.get_by_text("Recording failed (Error: no codec)").first.wait_for()
    assert page.evaluate("() => window.streams.length") == 1
    assert page.evaluate(STILL_ON) == 0

    long = tmp_path / "long.wav"  # over the 10 MB that a server lets through by itself
    soundfile.write(long, np.zeros((44_100 * 75, 2)), 44_100)
    assert long.stat().st_size > 12_000_000
    page.on("filechooser", lambda chooser: chooser.set_files(long))
    page.locator(".jp-CodeCell").last.locator(".widget-upload").click()
    page.get_by_text("long.wav: press Ask.").wait_for()
    ask = page.get_by_role("button", name="Ask").last
    ask.focus()
    page.keyboard.press("Space")
    page.get_by_text("s were heard)").wait_for()
    # it slept meanwhile, which takes the focus away
    page.wait_for_function(
        "e => e === document.activeElement", arg=ask.element_handle()
    )
    lab.close_notebook(page)


def test_a_cursor_obeys_all_arrows_and_one_button(page, jupyterlab, folder):
    write_notebook(folder / "cursor.ipynb", FIRST, WIDGETS["listen"][0])
    lab.open_notebook(page, jupyterlab, "cursor.ipynb")
    assert lab.run_all(page, RUN_S) == []
    lab.wait_drawn(page)
    picture = page.locator(".af-listen-picture")
    picture.click(button="right", position={"x": 400, "y": 50})
    page.keyboard.press("Escape")  # the menu
    picture.focus()
    seen = [picture.get_attribute("aria-valuenow")]
    for key in ("ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
        seen.append(picture.get_attribute("aria-valuenow"))
    assert seen == ["0.00", "0.50", "1.00", "0.50", "0.00"]
    lab.close_notebook(page)


def test_a_dead_slider_and_a_broken_callback_are_found(page, jupyterlab, folder):
    """The other tests would pass on anything if these went unseen."""
    write_notebook(folder / "sliders.ipynb", SLIDERS, BUTTON)
    lab.open_notebook(page, jupyterlab, "sliders.ipynb")
    assert lab.run_all(page, RUN_S) == []
    lab.wait_drawn(page)
    tried = try_all(page)
    assert tried.moved == 4
    dead = "checkbox 'c'", "slider 'b'", "button 'press'"
    assert tried.silent == [f"{name} changes nothing" for name in dead]
    assert "a callback broke" in "".join(page.evaluate("() => window.callbackErrors"))
    lab.close_notebook(page)


def test_an_error_in_a_cell_is_found(page, jupyterlab, folder):
    write_notebook(folder / "error.ipynb", "1 + 1", "1 / 0", "2 + 2")
    lab.open_notebook(page, jupyterlab, "error.ipynb")
    assert lab.run_all(page, RUN_S) == ["cell 1: ZeroDivisionError: division by zero"]
    lab.close_notebook(page)

"""Figures that can be read: by all eyes, at any length, with nothing left out."""

import sys
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from af_minimal.audio import Clip, log_mel
from af_minimal.config import AudioConfig, EncoderConfig
from af_minimal.course import (
    figures_attention,
    figures_clap,
    figures_compa,
    figures_dialogue,
    figures_evaluation,
    figures_findings,
    figures_retrieval,
    figures_skills,
    figures_text,
    figures_training,
    picture,
    viz,
    waves,
)
from af_minimal.course.figures_listening import LONGEST_TITLE, as_title, sound_picture
from af_minimal.course.widgets import compose, new_event

RATE = 16_000
READABLE = 4.5  # contrast of words, by the rules for web pages


def noise(seconds, level=0.1):
    wave = np.random.default_rng(0).normal(0, level, round(seconds * RATE))
    return Clip(wave.clip(-1, 1).astype(np.float32), RATE)


@pytest.fixture
def draw(monkeypatch):
    """Call a function that shows a figure, and get that figure."""

    def drawn(function, *arguments) -> Figure:
        found = []
        for place in (sys.modules[function.__module__], viz):
            keep = monkeypatch.setattr
            keep(place, "show", lambda figure, _: found.append(figure), raising=False)
        function(*arguments)
        return found[0]

    return drawn


# levels and lengths


def test_silence_is_dark_and_a_sound_keeps_its_colours():
    figure = viz.new_figure(rows=2)
    silent, loud = figure.axes
    viz.mel(Clip(np.zeros(RATE, np.float32), RATE), ax=silent)
    viz.mel(noise(1), ax=loud)
    for axes, brightest in ((silent, 0.0), (loud, 1.0)):
        image = axes.images[0]
        assert image.norm(image.get_array()).max() == brightest
    top = log_mel(torch.from_numpy(noise(1).waveform), EncoderConfig()).max().item()
    assert loud.images[0].get_clim() == pytest.approx((top - 80, top))


def test_a_clip_of_a_minute_is_drawn_sample_by_sample():
    clip = noise(60)
    seconds, wave = waves.outline(clip)
    assert wave is clip.waveform and seconds[-1] == pytest.approx(60, abs=1e-4)
    frames = np.ones((waves.COLUMNS, 2))
    assert waves.loudest_frames(frames) is frames


def test_a_longer_clip_keeps_its_extremes_where_they_are():
    clip = noise(150)
    clip.waveform[[0, 1_234_567, -1]] = (-0.9, 0.95, -0.8)
    seconds, wave = waves.outline(clip)
    assert len(seconds) == len(wave) == 2 * waves.COLUMNS
    assert (wave.min(), wave.max(), wave[-2]) == pytest.approx((-0.9, 0.95, -0.8))
    assert seconds[wave.argmax()] == pytest.approx(1_234_567 / RATE, abs=0.02)
    assert np.all(np.diff(seconds) >= 0) and 149.9 < seconds[-1] < 150


def test_the_picture_of_a_long_clip_has_no_more_points_than_can_be_seen(draw):
    clip = noise(150)
    figures = [sound_picture(clip), draw(viz.clip_card, clip)]
    figures.append(draw(viz.window_strip, clip, AudioConfig()))
    for figure in figures:
        lines = [line for axes in figure.axes for line in axes.lines]
        assert max(len(line.get_xdata()) for line in lines) == 2 * waves.COLUMNS
    mel = sound_picture(clip).axes[1].images[0].get_array()
    assert mel.shape[1] == waves.COLUMNS
    assert sound_picture(noise(2)).axes[1].images[0].get_array().shape[1] < 1000


def test_a_long_name_keeps_its_beginning_and_its_end():
    name = "a recording of my desk " * 5 + "(copy 3).wav"
    title = as_title(name)
    assert len(title) <= LONGEST_TITLE and " … " in title
    assert title.startswith("a recording") and title.endswith("(copy 3).wav")
    assert as_title("$5.wav") == r"\$5.wav"


def test_a_number_beside_a_negative_bar_stands_off_the_names():
    names = ["1: dog bark", "2: a description that is long, and longer", "3: rain"]
    for cosines in ([0.9, 0.5, -0.2], [-0.1, -0.5, -0.9], [0.9, 0.5, 0.1]):
        figure = figures_retrieval.neighbour_bars(names, cosines, [True] * 3)
        figure.draw_without_rendering()
        axes = figure.axes[0]
        edges = [text.get_window_extent().x0 for text in axes.texts]
        assert min(edges) > axes.get_window_extent().x0
    assert axes.get_xlim()[0] == 0  # of cosines that are all positive


# nothing is left out


def test_every_curve_and_every_panel_is_drawn(draw):
    names = [f"run {i}" for i in range(7)]
    figure = draw(figures_attention.curves, dict.fromkeys(names, [1, 2]), "x", "y")
    assert [line.get_label() for line in figure.axes[0].lines] == names
    figure = draw(figures_text.count_bars, dict.fromkeys(names[:3], [1, 2]))
    assert [len(axes.patches) for axes in figure.axes] == [2, 2, 2]


# no hue alone


def looks(lines):
    return [(x.get_marker(), x.get_linestyle()) for x in lines]


def test_lines_and_bars_repeat_after_twenty():
    for styles in (picture.line_styles(), picture.bar_styles()):
        first = [tuple(style.values()) for style in islice(styles, 21)]
        assert len(set(first)) == 20 and first[20] == first[0]


def measures(count):
    row = {"score": 0.5, "low": 0.4, "high": 0.8, "chance": 0.2, "n": 9}
    return [row | {"measure": str(i)} for i in range(count)]


LOG = [{"step": i, "loss": 1.0} for i in range(20)]
LINES = {
    figures_training.compare_losses: (dict.fromkeys("abcd", LOG),),
    figures_training.lr_curves: (dict.fromkeys("abcd", [0.5] * 20), 10),
    figures_retrieval.accuracy_against_k: (dict.fromkeys("abcd", {0: 0.1, 4: 0.9}),),
    figures_evaluation.interval_chart: (dict.fromkeys("abcd", measures(3)),),
    figures_dialogue.turn_chart: (dict.fromkeys("abcd", measures(3)),),
}


@pytest.mark.parametrize("function", LINES, ids=lambda function: function.__name__)
def test_lines_differ_without_their_hues(draw, function):
    lines = draw(function, *LINES[function]).axes[0].lines
    assert len(set(looks(lines[:4]))) == 4


BARS = {
    figures_retrieval.kinds_of_answers: ({"case": dict.fromkeys("abcd", 2)},),
    figures_compa.score_bars: (dict.fromkeys("abcd", {"s": 0.5}), {"s": 0.2}),
}


@pytest.mark.parametrize("function", BARS, ids=lambda function: function.__name__)
def test_bars_differ_without_their_hues(draw, function):
    bars = draw(function, *BARS[function]).axes[0].patches
    assert len({bar.get_hatch() for bar in bars}) == len(bars) == 4


def test_a_bound_has_the_mark_of_its_line(draw):
    shares = {0: 0.1, 4: 0.9}
    lines = {"a": shares, "b": shares}
    figure = draw(figures_retrieval.accuracy_against_k, lines, {"b": shares})
    assert looks(figure.axes[0].lines) == [("o", "-"), ("s", "-"), ("s", "--")]


def test_verdicts_have_marks_of_their_own(draw):
    rows = [
        {"id": str(v), "holds": v, "range": (0, 1), "ours": [0.5], "chance": None}
        for v in (True, False, None)
    ]
    lines = draw(figures_findings.seed_chart, rows).axes[0].lines
    marks = [line.get_marker() for line in lines if line.get_marker() != "None"]
    assert marks == ["o", "X", "s"] * 2  # of the seeds, then of the legend


# contrast


def test_contrast_is_that_of_the_rules_for_web_pages():
    assert picture.contrast("white", "black") == pytest.approx(21)
    assert picture.contrast("#D55E00", "white") == pytest.approx(3.87, abs=0.01)
    assert picture.ink_on("white") == "black" and picture.ink_on("black") == "white"


def test_words_on_a_face_can_be_read(draw):
    tokens = ["<audio>", "what", "dog"]
    figure = draw(figures_text.label_picture, tokens, [-100, -100, 5])
    faces = [(t.get_color(), t.get_bbox_patch()) for t in figure.axes[0].texts]
    assert all(face.get_alpha() is None for _, face in faces)
    hues = [(ink, face.get_facecolor()[:3]) for ink, face in faces]
    hues += [(picture.ink_on(hue), hue) for hue in picture.HUES]
    assert min(picture.contrast(*pair) for pair in hues) >= READABLE


def test_words_on_white_can_be_read(draw):
    scene = compose([new_event("dog bark", 0.5)])
    row = {"low": 1, "score": 2, "high": 3, "chance": 0}
    heat = np.ones((1, 2))
    columns = {"maps": {"a": heat}, "words": ["w"], "columns": ["x", "y"]}
    shown = [
        draw(figures_retrieval.shares_of_examples, *columns.values()),
        draw(figures_skills.lanes, scene, "", (), {"here": 2.0}),
        draw(figures_skills.marks_against_windows, {1: row}, {"af1": 1}),
        draw(viz.attention_map, heat, ["w"], range(2)),
        figures_retrieval.names_taught({"dax": 2}),
        figures_retrieval.neighbour_bars(["1: rain"], [0.5], [True]),
        figures_attention.answer_map(heat, ["w"], range(2), [0, 0], ["the clip"]),
    ]
    for figure in shown:
        for axes in figure.axes:
            words = [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels()]
            for text in words:
                assert picture.contrast(text.get_color(), "white") >= READABLE


def test_a_bar_over_a_bright_cell_has_a_dark_edge(draw):
    event = SimpleNamespace(label="rain", onset_s=0.5, end_s=1.5)
    values = np.ones((1, 4))
    figure = draw(figures_clap.labels_over_time, values, ["rain"], 0.5, [event])
    (bar,) = figure.axes[0].lines
    viz.png(figure)  # the edge is wider than the bar, and drawn below it
    (edge,) = bar.get_path_effects()
    assert edge._gc["foreground"] == "black" and edge._gc["linewidth"] > 3

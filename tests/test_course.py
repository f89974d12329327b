"""Figures, widgets, exercise checks and the set-up cell."""

import ast
import importlib
import io
import json
import os
import re
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import pictured
from matplotlib import rc_context
from PIL import Image

from af_minimal import audio, xattn
from af_minimal.audio import Clip
from af_minimal.config import PRESETS, AudioConfig
from af_minimal.course import (
    checks,
    clean,
    differences,
    figures_training,
    fonts,
    mistakes,
    setup,
    teach,
    viz,
    widgets,
)
from af_minimal.course.picture import BOXES
from af_minimal.data import Example


@pytest.fixture
def clip():
    times = np.arange(48_000) / 16_000
    return Clip(0.3 * np.sin(2 * np.pi * 440 * times).astype(np.float32), 16_000)


# figures


def draw_all(clip):
    tokens = ["</s>", "<audio>", "what", "?"]
    mask = np.tri(4, 6, dtype=bool)
    viz.mel(clip)
    viz.clip_card(clip, "a tone")
    viz.window_strip(clip, AudioConfig())
    viz.mask_grid(torch.from_numpy(mask), tokens, windows_per_audio=3)
    viz.attention_map(torch.rand(4, 6), tokens, np.arange(6) * 0.5)
    viz.gate_curve([0.1, 0.2], [0.3, 0.1])
    viz.loss_curve([3.0, 2.0, 1.5], reference=1.0)
    viz.architecture("encoder")


def test_figures_have_ink_alt_text_and_one_width(clip, shown):
    draw_all(clip)
    assert len(shown) == 8
    for pixels, alt in shown:
        assert pixels[..., :3].std() > 5
        assert len(alt) > 15
        assert pixels.shape[1] == viz.SIZE[0] * viz.DPI


def test_time_axes_say_seconds_and_axes_given_are_used(clip, shown):
    figure = viz.new_figure()
    viz.mel(clip, ax=figure.axes[0])
    assert figure.axes[0].get_xlabel() == "time (s)"
    assert figure.axes[0].get_xlim() == (0, clip.duration_s)
    assert shown == []  # the caller shows figures of their own


def test_window_strip_says_how_many_windows_are_real(clip):
    figure = viz.new_figure()
    viz.window_strip(clip, AudioConfig(), ax=figure.axes[0])
    assert "3 windows hear the clip, 13 are empty" in figure.axes[0].get_title()


def test_window_strip_draws_a_positive_sample_upwards():
    wave = np.zeros(16_000, dtype=np.float32)
    wave[100] = 1
    figure = viz.new_figure()
    viz.window_strip(Clip(wave, 16_000), AudioConfig(), ax=figure.axes[0])
    drawn = figure.axes[0].transData.transform(figure.axes[0].lines[0].get_xydata())
    assert drawn[100, 1] > drawn[99, 1] + 1


@pytest.mark.parametrize("others", [("No Such Font", "STIXGeneral"), ("No Such Font",)])
def test_fonts_of_other_scripts_are_asked_for_where_they_are(monkeypatch, others):
    monkeypatch.setattr(fonts, "OTHERS", others)
    with rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        fonts.set_style()
        assert fonts.rcParams["font.family"] == [fonts.USUAL, *others[1:]]
        figure = viz.new_figure()
        figure.axes[0].set_title("a name")
        assert len(viz.png(figure)) > 1000


def test_mask_grid_colours_what_may_be_heard():
    mask = np.array([[True, False], [True, True]])
    figure = viz.new_figure()
    viz.mask_grid(mask, ["a", "b"], ax=figure.axes[0])
    colours = figure.axes[0].images[0].get_array()
    blue = np.isclose(colours, viz.to_rgb(viz.AUDIO)).all(axis=-1)
    np.testing.assert_array_equal(blue, mask)


def test_grids_refuse_the_wrong_number_of_tokens():
    with pytest.raises(ValueError, match=r"\(1, 2, 2\).*one row per token"):
        viz.mask_grid(np.ones((1, 2, 2), bool), ["a", "b"])


def test_loss_curve_reads_a_training_log():
    figure = viz.new_figure()
    log = [{"step": s, "loss": float(s)} for s in (10, 11, 12, 13)]
    viz.loss_curve(log, smooth=2, ax=figure.axes[0])
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [11, 12, 13])
    np.testing.assert_allclose(line.get_ydata(), [10.5, 11.5, 12.5])


def test_a_loss_of_one_step_is_seen_and_of_none_refused():
    figure = viz.new_figure()
    for log in ([3.0], [3.0, 2.0]):
        viz.loss_curve(log, ax=figure.axes[0])
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o", "None"]
    with pytest.raises(ValueError, match="The log is empty"):
        viz.loss_curve([])


def test_attention_map_counts_the_windows(shown):
    for wrong in (range(5), range(7)):
        with pytest.raises(
            ValueError, match=rf"6 columns .* {len(wrong)} window_times"
        ):
            viz.attention_map(np.ones((2, 6)), ["a", "b"], wrong)
        with pytest.raises(
            ValueError, match=rf"6 columns .* {len(wrong)} window_times"
        ):
            widgets.AttentionWidget(np.ones((1, 1, 2, 6)), ["a", "b"], wrong)
    viz.attention_map(np.ones((2, 6)), ["a", "b"], range(6))
    assert len(shown) == 1


def test_only_the_highlighted_box_is_filled():
    figure = viz.new_figure()
    viz.draw_architecture(figure.axes[0], "windows")
    filled = [p.get_facecolor()[:3] != (1, 1, 1) for p in figure.axes[0].patches]
    assert filled[: len(BOXES)] == [name == "windows" for name in BOXES]
    with pytest.raises(ValueError, match="no box 'decoder'"):
        viz.architecture("decoder")


def test_generation_table_escapes_and_marks(monkeypatch):
    tables = []
    monkeypatch.setattr("IPython.display.display", lambda t: tables.append(t.data))
    viz.generation_table([{"answer": "<b>", "score": 0.5, "right": True}], "right")
    assert "&lt;b&gt;" in tables[0] and "0.500" in tables[0] and "✓" in tables[0]


# checks


def off_by_one(samples, config):
    return audio.num_windows(samples, config) + 1


def unlimited(samples, config):
    return max(1, 1 + -(-(samples - config.window) // config.hop))


def no_mask(waveform, config):
    return audio.cut_windows(waveform, config)[0]


def all_real(waveform, config):
    windows, mask = audio.cut_windows(waveform, config)
    return windows, np.ones_like(mask)


def keeps_what_is_too_long(waveform, config):
    needed = 1 + max(0, -(-(len(waveform) - config.window) // config.hop))
    return audio.cut_windows(
        waveform, replace(config, max_windows=max(needed, config.max_windows))
    )


def learns_all_in_an_answer(ids, pad, audio, sep, eoc, eos):
    """Padding and <audio> too; right where they stand outside an answer."""
    nothing = -1  # no token has this id
    return checks.build_labels.reference(ids, nothing, nothing, sep, eoc, eos)


def halves(positions, width):
    table = checks.sinusoidal_table.reference(positions, width)
    return torch.cat([table[..., ::2], table[..., 1::2]], dim=-1)


def no_batch_axis(positions, width):
    return checks.sinusoidal_table.reference(positions, width)[0]


def where_heard(y, x, mask):
    """A mistake of the gates alone must treat deaf positions as it should."""
    return torch.where(mask.any(dim=-1, keepdim=True), y, x)


class NoTanh(xattn.GatedCrossAttentionBlock):
    def forward(self, x, audio, mask):
        y = x + self.attn_gate * self.attn(x, audio, mask)
        return where_heard(y + self.ff_gate * self.ff(y), x, mask)


class SwappedGates(xattn.GatedCrossAttentionBlock):
    def forward(self, x, audio, mask):
        y = x + self.ff_gate.tanh() * self.attn(x, audio, mask)
        return where_heard(y + self.attn_gate.tanh() * self.ff(y), x, mask)


class OneGateForBoth(xattn.GatedCrossAttentionBlock):
    def forward(self, x, audio, mask):
        y = x + self.attn_gate.tanh() * self.attn(x, audio, mask)
        return where_heard(y + self.attn_gate.tanh() * self.ff(y), x, mask)


class NoResidual(xattn.GatedCrossAttentionBlock):
    def forward(self, x, audio, mask):
        return super().forward(x, audio, mask) - x


PLANTED = {
    "num_windows": (off_by_one, unlimited),
    "cut_windows": (no_mask, all_real, keeps_what_is_too_long),
    "contrastive_loss": tuple(mistakes.CONTRASTIVE_LOSS),
    "sinusoidal_table": (halves, no_batch_axis),
    "text_to_audio_mask": tuple(mistakes.TEXT_TO_AUDIO_MASK),
    "gated_block": (NoTanh, NoResidual, SwappedGates, OneGateForBoth),
    "build_labels": (*mistakes.BUILD_LABELS, learns_all_in_an_answer),
}


def test_every_check_has_planted_wrong_answers():
    assert set(PLANTED) == set(checks.CHECKS)
    for name, check in checks.CHECKS.items():
        assert getattr(checks, name) is check
        assert len(PLANTED[name]) >= 2


@pytest.mark.parametrize("name", checks.CHECKS)
def test_check_accepts_the_package_function(name, capsys):
    check = checks.CHECKS[name]
    copy = partial(check.reference)
    assert check(copy) is copy
    assert capsys.readouterr().out.startswith("✓")
    assert check(check.reference) is check.reference  # as after a wrong answer
    assert "✓" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "wrong"), [(n, w) for n, ws in PLANTED.items() for w in ws]
)
def test_check_rejects_planted_wrong_answers(name, wrong, capsys, monkeypatch):
    check = checks.CHECKS[name]
    assert check(wrong) is check.reference
    said = capsys.readouterr().out
    assert said.startswith("✗") and "yours:" in said and "reference:" in said
    monkeypatch.setenv("AF_STRICT", "1")
    with pytest.raises(checks.WrongAnswer, match=name):
        check(wrong)


def test_an_unsolved_stub_lets_the_notebook_go_on(capsys):
    def stub(samples, config):
        raise NotImplementedError

    assert checks.num_windows(stub) is audio.num_windows
    assert "not solved yet" in capsys.readouterr().out


def test_errors_and_missing_returns_are_named(capsys):
    checks.num_windows(lambda samples, config: 1 / 0)
    checks.num_windows(lambda samples, config: None)
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said and "`return` missing" in said


def test_a_right_number_with_one_axis_more_is_told_by_its_shape():
    loss = checks.contrastive_loss
    said = loss.first_problem(lambda *given: loss.reference(*given).reshape(1))
    assert said.startswith("the shape is (1,), expected ().")
    assert "yours:     Tensor(1,)" in said


def test_a_likely_mistake_gives_the_same_in_every_case():
    def off_by_one(ids, mask, token, per):
        count = (ids == token).cumsum(1).unsqueeze(-1) + 1
        return (torch.arange(mask.shape[1]) // per < count) & mask.unsqueeze(1)

    def raises_later(ids, mask, token, per):
        if ids[0, 0] == 1:
            raise IndexError
        return off_by_one(ids, mask, token, per)

    for wrong in (off_by_one, raises_later):
        said = checks.text_to_audio_mask.first_problem(wrong)
        assert said and "likely" not in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w, m: (w.astype(np.float64), m), "1: the type is float64, expected fl"),
        (lambda w, m: (torch.from_numpy(w), m), "1: a Tensor came; a numpy array of f"),
        (lambda w, m: (w, m.tolist()), "2: a list of 4 came; a numpy array of bool"),
        (lambda w, m: (w, m.astype(int)), "2: the type is int64, expected bool."),
    ],
)
def test_windows_of_another_type_are_refused(change, said):
    check = checks.cut_windows
    told = check.first_problem(lambda *given: change(*check.reference(*given)))
    assert told.startswith("returned thing " + said)


def test_what_is_no_truth_is_told():
    for wrong, shown in (([], "[]"), (1, "1"), (np.array([True]), "ndarray(1,)")):
        said = differences.difference(wrong, True)
        assert said.startswith(f"got {shown}") and "True or False is expected" in said
    assert differences.difference(np.bool_(True), True) == ""
    assert "expected 1" in differences.difference(torch.tensor(False), True)


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (np.array(["a", "b"]), "ndarray(2,) ['a', 'b']"),
        (np.array([10**400], dtype=object), "ndarray(1,) [1000"),
        (10**400, "1000"),
        (10**5000, "int, too long to print"),
    ],
    ids=["words", "object", "huge", "unprintable"],
)
def test_what_is_no_number_is_told(wrong, shown):
    said = checks.num_windows.first_problem(lambda *given: wrong)
    assert "numbers were expected" in said and f"yours:     {shown}" in said
    assert differences.difference(wrong, "a dog").startswith(f"got {shown}")


def test_dicts_are_compared_by_their_keys():
    def batch(**changes):
        return {"a": torch.zeros(2), "labels": torch.ones(2)} | changes

    assert differences.difference(batch(), batch()) == ""
    wrong = batch(labels=torch.tensor([1.0, 3.0]))
    said = differences.difference(wrong, batch())
    assert said.startswith("'labels': got 3 at [1]")
    assert differences.difference([batch(), wrong], [batch(), batch()]) == (
        f"dict 2 of the list: {said}"
    )
    shown = differences.brief_pair([batch(), wrong], [batch(), batch()])
    assert shown == ("Tensor(2,) [1 3]", "Tensor(2,) [1 1]")


def test_writing_into_the_arguments_does_not_spoil_the_reference(capsys):
    def writes(waveform, config):
        waveform[:] = 0
        return audio.cut_windows(waveform, config)

    assert checks.cut_windows(writes) is audio.cut_windows
    assert "differ" in capsys.readouterr().out


def test_reveal_shows_the_package_source(monkeypatch):
    codes = []
    monkeypatch.setattr("IPython.display.display", lambda c: codes.append(c.data))
    checks.reveal("num_windows")
    assert codes[0].startswith("def num_windows")
    with pytest.raises(ValueError, match="No exercise is called 'windows'"):
        checks.reveal("windows")


# widgets


def uploaded(name, content):
    now = datetime.now(UTC)
    file = {"name": name, "type": "", "size": len(content), "last_modified": now}
    return (file | {"content": memoryview(content)},)


class Parrot:
    """A model that answers with what it was given."""

    config = PRESETS["mini"]

    def ask(self, clip, question):
        return f"{question} {clip.duration_s:.1f} s"


def test_ask_widget_chooses_uploads_and_asks(tmp_path, clip):
    for name, seconds in (("dog_bark", 1), ("rain", 2)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(seconds * 16_000), 16_000)
    box = widgets.ask_widget(Parrot(), folder=tmp_path)
    assert box.sound.options == ("dog bark", "rain")
    assert pictured(box)[1].startswith("dog bark")  # for readers on the web
    box.sound.value = "rain"
    box.question.value = "how long?"
    box.button.click()
    assert box.answer.value == "how long? 2.0 s"
    box.upload.value = uploaded("mine.wav", widgets.wav_bytes(clip))
    assert box.sound.value is None and box.answer.value == "mine.wav: press Ask."
    box.button.click()
    assert box.answer.value == "how long? 3.0 s"


def test_ask_widget_explains_a_bad_upload(tmp_path):
    soundfile.write(tmp_path / "rain.wav", np.zeros(16_000), 16_000)
    box = widgets.ask_widget(Parrot(), folder=tmp_path)
    box.upload.value = uploaded("notes.txt", b"not sound")
    assert "notes.txt cannot be decoded" in box.answer.value
    # and the sound before it is not asked about, nor named, nor played
    assert box.clip is None and box.sound.value is None and box.audio.value == b""
    box.button.click()
    assert box.answer.value.endswith("choose another sound.")
    with pytest.raises(FileNotFoundError, match="no sound file"):
        widgets.ask_widget(Parrot(), folder=tmp_path / "empty")


def test_ask_widget_takes_the_same_file_twice(tmp_path, clip):
    soundfile.write(tmp_path / "rain.wav", np.zeros(16_000), 16_000)
    box, mine = widgets.ask_widget(Parrot(), folder=tmp_path), widgets.wav_bytes(clip)
    file = uploaded("mine.wav", mine)
    for _ in range(2):
        box.upload.value = file
        assert box.clip.duration_s == 3 and box.upload.value == ()
        box.sound.value = "rain"
        assert box.clip.duration_s == 1


def test_ask_widget_explains_a_broken_file_of_its_folder(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "rain.wav", np.zeros(16_000), 16_000)
    box = widgets.ask_widget(Parrot(), folder=tmp_path)  # the broken one comes first
    assert "broken.wav cannot be decoded" in box.answer.value
    box.sound.value = "rain"
    box.button.click()
    assert box.answer.value.endswith("1.0 s")
    box.sound.value = "empty"
    assert "is empty (0 bytes)" in box.answer.value and box.audio.value == b""
    box.button.click()  # not about the rain that was heard before
    assert box.answer.value.endswith("choose another sound.")


def test_ask_widget_says_what_was_not_heard(tmp_path):
    audio_config = Parrot.config.audio
    longest, rate = audio_config.max_samples, audio_config.sample_rate
    for name, samples in (("all", longest), ("more", longest + rate)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(samples), rate)
    box = widgets.ask_widget(Parrot(), folder=tmp_path)
    box.button.click()
    assert "only the first" not in box.answer.value
    box.sound.value = "more"
    box.button.click()
    told = f" (only the first {audio_config.max_s:g} s were heard)"
    assert box.answer.value.endswith(told)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_an_upload_is_read_as_its_file_is(tmp_path, rate):
    path, noise = tmp_path / "loud.wav", np.random.default_rng(0)
    frames = noise.uniform(-3, 3, (rate, 2)).astype(np.float32)
    soundfile.write(path, frames, rate, subtype="FLOAT")
    mine = widgets.decode(path.read_bytes(), "loud.wav")
    theirs = audio.load_audio(path, sample_rate=None)
    np.testing.assert_array_equal(mine.waveform, theirs.waveform)
    assert mine.sample_rate == rate and mine.path is None
    with pytest.raises(ValueError, match=r"^loud\.wav is cut off"):
        widgets.decode(path.read_bytes()[:-900], "loud.wav")


def test_attention_widget_redraws_for_layer_and_head():
    weights = np.random.default_rng(0).dirichlet(np.ones(5), (2, 3, 4))
    browser = widgets.attention_widget(weights, list("abcd"), range(5))
    first = browser.image.value
    pixels, alt = pictured(browser)  # for readers on the web
    assert "mean of all heads" in alt
    np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(first))))
    browser.mean.value = False
    browser.head.value = 2
    assert browser.image.value != first
    np.testing.assert_array_equal(browser.chosen()[0], weights[1, 2])
    with pytest.raises(ValueError, match=r"\(layers, H, T, L\)"):
        widgets.AttentionWidget(weights[0], list("abcd"), range(5))


def test_player_keeps_a_soft_clip_soft(clip):
    quiet = Clip(clip.waveform * 0.01, clip.sample_rate)
    samples, rate = soundfile.read(io.BytesIO(widgets.player(quiet).data))
    assert rate == 16_000 and np.abs(samples).max() < 0.01


# the cleaner


def stored(data):
    return {
        "metadata": {"widgets": {"state": 1}},
        "cells": [{"cell_type": "code", "outputs": [{"data": data}]}],
    }


def test_clean_takes_out_players_and_keeps_figures(tmp_path, clip, capsys):
    path = tmp_path / "lesson.ipynb"
    html = ["<p>before</p>\n", widgets.player(clip)._repr_html_()]
    path.write_text(json.dumps(stored({"text/html": html, "image/png": "aGk="})))
    assert path.stat().st_size > 100_000
    assert clean.main(["--check", str(path)]) == 1
    said = capsys.readouterr().out
    assert "cells [0] store audio" in said and "metadata.widgets holds" in said
    clean.main([str(path)])
    cleaned = json.loads(path.read_text())
    data = cleaned["cells"][0]["outputs"][0]["data"]
    assert data["image/png"] == "aGk="
    assert "before" in data["text/html"] and clean.LISTEN in data["text/html"]
    assert not re.search("base64", path.read_text())
    assert "widgets" not in cleaned["metadata"]
    assert clean.main(["--check", str(path)]) == 0


def test_clean_replaces_raw_audio_outputs():
    notebook = clean.strip_audio(stored({"audio/wav": "UklGRg=="}))
    data = notebook["cells"][0]["outputs"][0]["data"]
    assert data == {"text/html": clean.LISTEN}


def test_clean_replaces_widgets_and_drops_progress_bars():
    bar = {clean.WIDGET: {"model_id": "1"}, "text/plain": "  0%|     | 0/3"}
    box = {clean.WIDGET: {"model_id": "2"}, "text/plain": "AskWidget(children=(...))"}
    notebook = stored(bar)
    notebook["cells"][0]["outputs"].append({"data": box})
    assert "cells [0] show widgets" in clean.problems(notebook)
    (output,) = clean.strip_widgets(notebook)["cells"][0]["outputs"]
    assert clean.problems(notebook) == []
    assert output["data"] == {"text/plain": clean.PRESS}
    assert "widgets" not in notebook["metadata"]


def test_clean_keeps_the_picture_of_a_widget():
    live = {clean.WIDGET: {"model_id": "1"}, "image/png": "aGk=", "text/plain": "Box()"}
    picture, words = clean.strip_widgets(stored(live))["cells"][0]["outputs"]
    assert (
        picture["data"]["image/png"] == "aGk=" and clean.WIDGET not in picture["data"]
    )
    assert words["data"] == {"text/plain": clean.PRESS}
    again = {"metadata": {}, "cells": [{"outputs": [picture, words]}]}
    assert clean.strip_widgets(again)["cells"][0]["outputs"] == [picture, words]


# set-up


@pytest.fixture
def an_open_hub(monkeypatch):
    """The hub's client where nobody has shut it, and two threads; put back behind."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield constants
    torch.set_num_threads(threads)


def test_notebook_setup_shuts_the_hub_and_takes_one_thread(an_open_hub):
    setup.notebook_setup()
    assert an_open_hub.HF_HUB_OFFLINE is True
    assert os.environ["HF_HUB_OFFLINE"] == "1" and torch.get_num_threads() == 1


def test_a_notebook_may_open_the_hub_and_take_threads(an_open_hub):
    setup.notebook_setup()
    setup.notebook_setup(offline=False, threads=2)
    assert an_open_hub.HF_HUB_OFFLINE is False
    assert os.environ["HF_HUB_OFFLINE"] == "0" and torch.get_num_threads() == 2


def test_notebook_setup_repeats_random_numbers():
    setup.notebook_setup(seed=3)
    first = torch.rand(3), np.random.rand(3)  # noqa: NPY002
    setup.notebook_setup(seed=3)
    torch.testing.assert_close(torch.rand(3), first[0], rtol=0, atol=0)
    np.testing.assert_array_equal(np.random.rand(3), first[1])  # noqa: NPY002


def test_show_explains_what_has_no_source():
    with pytest.raises(TypeError, match="has no source to show"):
        setup.show(3)


def test_what_is_revealed_is_code(monkeypatch):
    """Of all notebooks' exercises, also those that no other test has imported."""
    for path in Path(checks.__file__).parent.glob("checks_*.py"):
        importlib.import_module(f"af_minimal.course.{path.stem}")
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    for exercise in checks.EVERY.values():
        checks.reveal(exercise)
        ast.parse(shown[-1].data)
    assert len(shown) > 50


def test_a_list_will_do_where_a_tuple_is_expected():
    check = checks.EVERY["cut_windows"]
    assert check.first_problem(lambda *given: list(check.reference(*given))) == ""


def test_an_error_of_torch_is_not_an_exercise_left_undone():
    check = checks.EVERY["num_windows"]

    def with_text(*given):
        raise NotImplementedError('"softmax" not implemented for Long')

    assert "it raised NotImplementedError" in check.first_problem(with_text)


def test_bfloat16_and_lists_of_tensors_are_compared():
    ours = torch.tensor([1.0, 2.0], dtype=torch.bfloat16, requires_grad=True)
    assert differences.difference(ours, np.array([1.0, 2.0])) == ""
    assert differences.difference(list(ours.unbind()), np.array([1.0, 2.0])) == ""


def test_short_runs_are_drawn_as_they_are(shown, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        figures_training, "show", lambda figure, _: drawn.append(figure)
    )
    runs = {str(i): [{"loss": 4.0}] * 5 for i in range(5)}  # more than there are hues
    figures_training.compare_losses(runs, smooth=10)
    lines = drawn[0].axes[0].get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [[4.0]] * 5
    viz.loss_curve(torch.tensor([3.0, 2.0]), smooth=8)
    assert len(shown) == 1


@pytest.mark.parametrize("name", ["..", "", "."])
def test_a_name_that_leaves_its_folder_is_refused(tmp_path, clip, name):
    with pytest.raises(ValueError, match="leaves"):
        teach.write_folders(tmp_path / "in", [Example(clip, "", name)])
    assert not list(tmp_path.rglob("*.wav"))

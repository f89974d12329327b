"""Widgets that show a model at work: attention, masks, gates, neighbours."""

import copy
import io
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import ipywidgets
import numpy as np
import pytest
import soundfile
import tiny_flamingo
import torch
from conftest import pictured
from PIL import Image

from af_minimal.audio import Clip
from af_minimal.course import edit_answer, teach, widgets
from af_minimal.course.widgets.answer_words import group_words
from af_minimal.course.widgets.mask_explorer import MOST_TOKENS
from af_minimal.data import Example
from af_minimal.disk import checkpoints
from af_minimal.generation import encode
from af_minimal.model import load
from af_minimal.prompts import inference_text
from af_minimal.retrieval import Datastore
from af_minimal.stages import StageConfig
from af_minimal.training import train
from af_minimal.xattn import text_to_audio_mask

RATE, ASKED, SAID = 16_000, "what is it?", "a dog barks, xyz."


def tone(seconds, pitch=440):
    times = np.arange(int(seconds * RATE)) / RATE
    return Clip(0.3 * np.sin(2 * np.pi * pitch * times).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def hearing(student):
    """The student with open gates: what it says depends on what it hears."""
    model = copy.deepcopy(student)  # other tests share the student
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(1.0)
        block.ff_gate.data.fill_(1.0)
    return model


@pytest.fixture(scope="module")
def examples():
    return [
        Example(tone(0.4 + 0.1 * i, 200 + 150 * i), ASKED, f"a tone {i}.")
        for i in range(4)
    ]


@pytest.fixture(scope="module")
def heard(hearing, examples):
    """What a model listens to that is made to say SAID."""

    def say(ids, *args, **kwargs):
        said = hearing.tokenizer(SAID, return_tensors="pt").input_ids
        return torch.cat([ids, said], dim=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hearing, "generate", say, raising=False)
        return widgets.answer_attention(hearing, tone(1.0), ASKED, examples[:2])


def seconds_of(player):
    samples, rate = soundfile.read(io.BytesIO(player.value))
    return samples, len(samples) / rate


# attention: the data


def test_answer_attention_answers_as_ask_does(hearing, examples):
    clip, shots = tone(1.0), examples[:2]
    heard = widgets.answer_attention(hearing, clip, ASKED, shots, max_new_tokens=4)
    said = hearing.ask(clip, ASKED, examples=shots, max_new_tokens=4)
    assert heard.answer == said
    assert "".join(heard.words) == "".join(said.split())


def test_answer_attention_is_the_row_that_chose_each_token(hearing, heard):
    shots = [(ASKED, "a tone 0."), (ASKED, "a tone 1.")]
    prompt = inference_text(ASKED, None, shots)
    asked, said = (hearing.tokenizer(text).input_ids for text in (prompt, SAID))
    features, mask = encode(hearing, [list(heard.clips)])
    ids = torch.tensor([asked + said])
    with torch.no_grad():
        out = hearing(ids, None, features, mask, need_weights=True)
    rows = torch.cat(out.audio_weights)[..., mask[0]]  # (layers, H, T, L)
    places = [p for _, p in group_words(hearing.tokenizer, said)]
    expected = [rows[:, :, len(asked) - 1 + np.array(p)].mean(2) for p in places]
    assert heard.answer == SAID and heard.words == tuple(SAID.split())
    np.testing.assert_allclose(heard.weights, torch.stack(expected, 2), atol=1e-6)
    np.testing.assert_allclose(heard.weights.sum(-1), 1, atol=1e-5)
    assert np.ptp(heard.weights, axis=2).max() > 1e-6  # rows of words differ


def test_answer_attention_keeps_real_windows_of_every_audio(hearing, heard):
    config = hearing.config.audio
    hop = config.hop / config.sample_rate
    for number, clip in enumerate(heard.clips):
        own = heard.window_times[heard.audio_of_window == number]
        np.testing.assert_allclose(own, np.arange(len(own)) * hop)
        assert own[-1] < clip.duration_s <= own[-1] + config.window_s + 1e-6
    assert heard.names == ("example 1: a tone 0.", "example 2: a tone 1.", "the clip")
    assert heard.weights.shape[-1] == len(heard.window_times)


def test_words_are_tokens_up_to_the_next_space(hearing):
    text = "a dog barks 12 times, then it rains."
    ids = hearing.tokenizer(text).input_ids
    groups = group_words(hearing.tokenizer, [*ids, hearing.config.eoc_token_id])
    assert [word for word, _ in groups] == text.split()
    assert [i for _, places in groups for i in places] == list(range(len(ids)))


def test_stretch_ends_with_the_sound():
    weights = np.zeros((1, 1, 1, 3))
    heard = widgets.AnswerAttention(
        "x", ("x",), weights, np.array([0, 0, 0.5]), np.array([0, 1, 1]),
        (tone(5.0), tone(1.25)), ("example 1", "the clip"), 2.0,
    )  # fmt: skip
    assert heard.stretch(np.array([0.6, 0.2, 0.2])) == (0, 0.0, 2.0)
    assert heard.stretch(np.array([0.2, 0.2, 0.6])) == (1, 0.5, 1.25)


# attention: the widget


def test_a_word_button_plays_its_stretch_and_moves_the_frame(heard):
    browser = widgets.AnswerWidget(heard)
    assert [b.description for b in browser.buttons] == list(heard.words)
    assert len(heard.words) > 1
    pictures, labels = [], []
    for number, button in enumerate(browser.buttons):
        button.click()
        assert browser.word == number
        assert [b.button_style for b in browser.buttons].index("warning") == number
        view = heard.weights[-1].mean(0)[number]
        clip, start, end = heard.stretch(view)
        samples, seconds = seconds_of(browser.player)
        assert seconds == pytest.approx(end - start, abs=1e-3)
        cut = heard.clips[clip].waveform[round(start * RATE) :][: len(samples)]
        np.testing.assert_allclose(samples, cut, atol=1e-3)
        assert f"{start:.1f} to {end:.1f} s of {heard.names[clip]}" in (
            browser.label.value
        )
        pictures.append(browser.image.value)
        labels.append(browser.label.value)
    assert len(set(pictures)) == len(pictures) == len(heard.words)


def test_sliders_change_the_picture_and_make_no_noise(heard):
    browser = widgets.AnswerWidget(heard)
    first = browser.image.value
    browser.layer.value = 0
    second = browser.image.value
    browser.head.value = 1
    assert not browser.mean.value  # one head was asked for
    third = browser.image.value
    assert len({first, second, third}) == 3
    browser.mean.value = True
    assert browser.image.value == second
    assert not browser.player.autoplay


def test_a_click_asks_the_player_to_play_even_the_same_stretch(heard):
    browser, events = widgets.AnswerWidget(heard), []
    browser.player.observe(
        lambda c: events.append((browser.player.autoplay, bool(c["new"]))), "value"
    )
    browser.buttons[browser.word].click()
    assert events == [(True, False), (True, True)]


def test_attention_asks_and_draws_the_first_view(hearing, examples):
    browser = widgets.attention(hearing, tone(1.0), ASKED, examples[:1])
    assert browser.heard.answer in browser.answer.value
    pixels, alt = pictured(browser)
    assert browser.heard.answer in alt
    view = np.asarray(Image.open(io.BytesIO(browser.image.value)))
    np.testing.assert_array_equal(pixels, view)
    with pytest.raises(ValueError, match="<audio>"):
        widgets.attention(hearing, tone(1.0), "what <audio>?")


def test_an_empty_answer_is_a_sentence(heard):
    nothing = replace(heard, answer="", words=(), weights=heard.weights[:, :, :0])
    browser = widgets.AnswerWidget(nothing)
    browser.layer.value = 0
    assert "said nothing" in browser.label.value and browser.image.value == b""


def test_the_map_names_every_sound_in_seconds(heard):
    figure = widgets.AnswerWidget(heard).figure()
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.texts] == list(heard.names)
    assert "(s)" in axes.get_xlabel()
    assert [t.get_text() for t in axes.get_yticklabels()] == list(heard.words)
    drawn = np.concatenate([image.get_array() for image in axes.images], axis=1)
    np.testing.assert_allclose(drawn, heard.weights[-1].mean(0))


# mask explorer

PROMPT = "hi <audio>what?<SEP>a dog<audio>what?"


def test_who_hears_follows_the_three_rules(hearing):
    tokens, masks = widgets.who_hears(hearing.tokenizer, PROMPT, 3)
    ids = hearing.tokenizer(PROMPT, return_tensors="pt").input_ids
    real = torch.ones(1, 6, dtype=torch.bool)
    token = hearing.config.audio_token_id
    ours = text_to_audio_mask(ids, real, token, 3)[0]
    np.testing.assert_array_equal(masks["Audio Flamingo"], ours)
    first, second = (ids[0] == token).nonzero().flatten().tolist()
    assert len(tokens) == len(ids[0]) and tokens[first] == tokens[second] == "<audio>"
    counts = {name: mask.sum(1).tolist() for name, mask in masks.items()}
    between, after = second - first, len(tokens) - second
    assert counts["Audio Flamingo"] == [3] * second + [6] * after
    pytorch = [0] * first + [3] * between + [6] * after
    assert counts["all so far, none before"] == pytorch
    assert counts["latest only"] == [0] * first + [3] * (between + after)
    assert masks["latest only"][-1].tolist() == [False] * 3 + [True] * 3


def test_mask_explorer_follows_text_and_slider(hearing):
    explorer = widgets.mask_explorer(hearing, PROMPT)
    assert PROMPT in pictured(explorer)[1]
    pictures = {explorer.image.value}
    explorer.windows.value = 2
    pictures.add(explorer.image.value)
    explorer.text.value = PROMPT + "<audio>"
    pictures.add(explorer.image.value)
    assert len(pictures) == 3
    titles = [axes.get_title() for axes in explorer.figure().axes]
    assert titles == ["latest only", "all so far, none before", "Audio Flamingo"]
    tokens, masks = explorer.masks()
    rows = np.any([m != masks["Audio Flamingo"] for m in masks.values()], axis=0)
    assert f"{len(tokens)} tokens" in explorer.label.value
    assert f"disagree about {rows.any(1).sum()}." in explorer.label.value


def test_mask_explorer_explains_wrong_text(hearing):
    explorer = widgets.mask_explorer(hearing.tokenizer, PROMPT, 1, static=False)
    for text, said in {
        "": "The text is empty",
        "   ": "The text is empty",
        "a dog barks": "There is no &lt;audio&gt;",
        "<audio>" * 10: "10 audios",
        "<audio>" + "," * MOST_TOKENS: "Shorten it",
    }.items():
        explorer.text.value = text
        assert said in explorer.label.value
        assert explorer.image.layout.display == "none"
    explorer.text.value = PROMPT  # and it recovers
    assert explorer.image.layout.display is None
    assert "tokens" in explorer.label.value


def test_masks_need_a_tokenizer_that_knows_audio(hearing):
    with pytest.raises(ValueError, match="no tokenizer"):
        widgets.mask_explorer(tiny_flamingo.tiny())
    with pytest.raises(ValueError, match="windows_per_audio is 0"):
        widgets.who_hears(hearing.tokenizer, PROMPT, 0)


# gates


def test_gate_rows_are_behind_their_tanh():
    model = tiny_flamingo.tiny(gates=0.5)
    model.gated_blocks[1].ff_gate.data.fill_(-2.0)
    rows = widgets.gate_rows(7, model)
    assert [(row["step"], row["layer"]) for row in rows] == [(7, 0), (7, 1)]
    assert rows[0]["attn"] == pytest.approx(np.tanh(0.5))
    assert rows[1]["ff"] == pytest.approx(np.tanh(-2.0))
    assert widgets.gate_rows(7, model.state_dict()) == rows
    with pytest.raises(ValueError, match="no gates in the weights of step 3"):
        widgets.gate_rows(3, {"weight": torch.ones(1)})


def test_a_recorder_sees_the_gates_open_while_a_model_trains(tmp_path):
    model, batch = tiny_flamingo.tiny(gates=0.0), tiny_flamingo.batch()
    batch["labels"] = batch["input_ids"]
    watch = widgets.GateRecorder(model, lambda step: [batch], every=2)
    config = StageConfig("pretrain", steps=4, lr=1e-2, warmup=1)
    train(model, watch, config, tmp_path, progress=False)
    history = widgets.gate_history([*watch.history, *widgets.gate_rows(4, model)])
    assert [row["step"] for row in history] == [0, 0, 2, 2, 4, 4]
    sizes = [abs(row["attn"]) for row in history if row["layer"] == 1]
    assert sizes[0] == 0 < sizes[1] < sizes[2]
    last = [row for row in history if row["step"] == 4]
    assert widgets.gate_history(tmp_path) == last  # the checkpoint that is kept


def test_a_finished_run_shows_its_gates_over_training(tmp_path):
    model, batch = tiny_flamingo.tiny(gates=0.0), tiny_flamingo.batch()
    batch["labels"] = batch["input_ids"]
    config = StageConfig("pretrain", 6, 1e-2, warmup=1, checkpoint_every=2)
    train(model, lambda step: [batch], config, tmp_path, progress=False)
    assert len(list(tmp_path.glob("step-*"))) == 1  # the weights are kept once
    history = widgets.gate_history(tmp_path)
    assert [row["step"] for row in history] == [2, 2, 4, 4, 6, 6]
    assert history[-2:] == widgets.gate_rows(6, model)
    assert len({row["attn"] for row in history if row["layer"] == 1}) == 3
    train(model, lambda step: [batch], config, tmp_path, resume=True, progress=False)
    assert widgets.gate_history(tmp_path) == history


def test_gate_history_reads_every_checkpoint_that_is_kept(tmp_path):
    models = {step: tiny_flamingo.tiny(gates=step / 100) for step in (100, 20)}
    for step, model in models.items():
        optimizer = torch.optim.AdamW(model.parameters())
        checkpoints.save(tmp_path / str(step), model, optimizer, step, [])
        folder = checkpoints.newest(tmp_path / str(step))
        folder.rename(tmp_path / folder.name)
    history = widgets.gate_history(tmp_path)
    assert history == widgets.gate_history(list(models.items()))
    assert [row["step"] for row in history] == [20, 20, 100, 100]


def test_gate_history_says_what_it_needs(tmp_path):
    with pytest.raises(FileNotFoundError, match="pass `out` of train"):
        widgets.gate_history(tmp_path)
    (tmp_path / "sft").mkdir()
    (tmp_path / "sft" / "latest.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"its stages \['sft'\]"):
        widgets.gate_history(str(tmp_path))
    with pytest.raises(ValueError, match="training log keeps losses"):
        widgets.gate_history([{"step": 0, "loss": 1.0}])
    for wrong in ([], 3):
        with pytest.raises(ValueError, match="expected a folder"):
            widgets.gate_history(wrong)
    with pytest.raises(ValueError, match="every is 0"):
        widgets.GateRecorder(None, None, every=0)


def test_gates_widget_follows_its_slider():
    run = [(step, tiny_flamingo.tiny(gates=step / 50)) for step in (0, 10, 20)]
    browser = widgets.gates(run)
    assert "to step 20" in pictured(browser)[1] and browser.step.value == 20
    assert browser.step.options == (0, 10, 20)
    pictures, words = {browser.image.value}, {browser.label.value}
    for step in (10, 0):
        browser.step.value = step
        pictures.add(browser.image.value)
        words.add(browser.label.value)
        assert browser.figure().axes[1].get_title() == f"after {step} steps"
        drawn = browser.figure().axes[1].lines[0].get_ydata()
        np.testing.assert_allclose(drawn, np.tanh(step / 50), atol=1e-6)
    assert len(pictures) == len(words) == 3


# neighbours


class Parrot:
    """A model that says which examples came before the question."""

    def ask(self, clip, question, examples=()):
        if "<" in question:
            raise ValueError(f"{question} is no question")
        return f"{question} {[example.output for example in examples]}"


@pytest.fixture(scope="module")
def store(hearing, examples):
    return Datastore.build(examples, hearing.encoder)


def test_retrieved_rows_are_those_of_the_store(store):
    clip = tone(1.0, 300)
    rows = widgets.retrieved(store, clip, 3)
    assert [row["example"] for row in rows] == store.neighbours(clip, 3)
    assert [row["similarity"] for row in rows] == store.nearest(clip, 3)[1]
    with pytest.raises(ValueError, match="k is 0"):
        widgets.retrieved(store, clip, 0)


def test_checkboxes_change_prompt_answer_and_picture(store):
    clip = tone(1.0, 300)
    browser = widgets.neighbours(store, clip, Parrot(), k=3)
    assert "3 neighbours" in pictured(browser)[1]
    names = [example.output for example in store.neighbours(clip, 3)]
    assert browser.alone == f"{ASKED} []" and browser.told == f"{ASKED} {names}"
    states = {(browser.image.value, browser.answer.value)}
    for number, check in enumerate(browser.checks):
        check.value = False
        left = names[number + 1 :]
        assert [example.output for example in browser.examples] == left
        assert browser.told == f"{ASKED} {left}"
        states.add((browser.image.value, browser.answer.value))
    assert len({picture for picture, _ in states}) == 4
    assert len({words for _, words in states}) == 4
    assert "with 0 examples" in browser.answer.value
    browser.checks[1].value = True
    assert browser.told == f"{ASKED} {[names[1]]}"
    assert "with 1 example<" in browser.answer.value


def test_a_real_model_answers_with_the_toggled_examples(store, hearing):
    clip = tone(1.0, 300)
    browser = widgets.neighbours(store, clip, hearing, k=2, static=False)
    browser.checks[0].value = False
    second = store.neighbours(clip, 2)[1:]
    assert browser.told == hearing.ask(clip, ASKED, examples=second)
    assert browser.alone == hearing.ask(clip, ASKED)


def test_each_neighbour_has_a_player_and_its_words(store):
    clip = tone(1.0, 300)
    browser = widgets.neighbours(store, clip, k=2, static=False)
    rows = widgets.retrieved(store, clip, 2)
    for line, row in zip(browser.children[1:3], rows, strict=True):
        check, words, player = line.children
        assert check in browser.checks and row["output"] in words.value
        assert f"{row['similarity']:.2f}" in words.value
        samples, _ = seconds_of(player)
        np.testing.assert_allclose(samples, row["example"].audio.waveform, atol=1e-3)
    assert "Pass model=" in browser.answer.value
    before = browser.image.value
    browser.checks[0].value = False
    assert browser.image.value != before


def test_neighbours_explain_wrong_questions_and_an_empty_store(store, hearing):
    browser = widgets.neighbours(store, tone(1.0), Parrot(), k=1, static=False)
    browser.question.value = "how <loud>?"
    assert "how &lt;loud&gt;? is no question" in browser.answer.value
    browser.question.value = " "
    assert "The question is empty" in browser.answer.value
    browser.question.value = "how loud?"
    assert browser.alone == "how loud? []"
    clip = tone(0.5)
    alone = Datastore.build([Example(clip, ASKED, "a tone.")], hearing.encoder)
    with pytest.warns(UserWarning, match="the store has 0 other"):
        browser = widgets.neighbours(alone, clip, Parrot())
    assert "no other sound" in browser.answer.value


def test_answer_attention_of_dense_features_adds_up_over_windows():
    """`mini2` hears several vectors of a window; each window has the mass of all."""
    clip = tone(4.0)
    heard = widgets.answer_attention(load("mini2"), clip, ASKED, max_new_tokens=3)
    assert heard.weights.shape[-1] == len(heard.window_times)
    np.testing.assert_allclose(heard.weights.sum(-1), 1, atol=1e-4)


# what all of them share


class Failing:
    """A model that notes what the box says while it listens, and then fails."""

    config = load("mini").config

    def __init__(self, encoder=None):
        self.encoder, self.box, self.error, self.seen = encoder, None, None, []

    def ask(self, clip, question, **options):
        if self.box:
            busy = [b.disabled for b in (getattr(self.box, "button", None),) if b]
            self.seen.append((self.box.answer.value, *busy))
        if self.error:
            raise self.error
        return "a <dog>."


def wav(seconds):
    content = memoryview(widgets.wav_bytes(tone(seconds)))
    return {"name": "a.wav", "type": "", "size": len(content), "content": content}


@pytest.fixture
def asking(store):
    """Name -> a box with a model that can fail, and what makes it ask."""
    models = [Failing(store.encoder) for _ in range(4)]
    ask, mixer = widgets.ask_widget(models[0]), widgets.scene_mixer(models[1])
    taught, near = (
        teach.TeachWidget(models[2]),
        widgets.neighbours(store, tone(1.0), models[3], k=2),
    )
    taught.query.value = (wav(1.0) | {"last_modified": datetime.now(UTC)},)
    for model, box in zip(models, (ask, mixer, taught, near), strict=True):
        model.box = box
    return {
        "ask": (ask, ask.button.click),
        "mixer": (mixer, mixer.button.click),
        "teach": (taught, taught.button.click),
        "neighbours": (near, lambda: setattr(near.question, "value", "how loud?")),
    }


@pytest.mark.parametrize("error", [MemoryError("no room"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["ask", "mixer", "teach", "neighbours"])
def test_no_error_leaves_a_box_listening(asking, name, error):
    box, ask = asking[name]
    box.model.error = error
    with suppress(type(error)):  # Jupyter logs it, unless it is an interrupt
        ask()
    told = f"{type(error).__name__}: {error}".rstrip(": ")
    assert box.answer.value == told
    button = [] if name == "neighbours" else [True]
    assert box.model.seen == [("listening ...", *button)]
    if button:  # so long only
        assert not box.button.disabled
        box.model.error = None
        ask()
        assert "a &lt;dog&gt;." in box.answer.value


def test_teaching_too_says_what_broke(store, monkeypatch):
    box = teach.TeachWidget(Failing(store.encoder))
    box.name.value = "dax"
    box.sounds.value = (wav(1.0) | {"last_modified": datetime.now(UTC)},)
    monkeypatch.setattr(teach, "clean", lambda name: 1 / 0)
    box.teach.click()  # Jupyter logs the error
    assert box.known.value.startswith("ZeroDivisionError") and not box.teach.disabled
    monkeypatch.undo()
    box.teach.click()
    assert box.known.value == "taught: dax (1)"


@pytest.fixture
def panels(asking, heard, hearing):
    """One of each panel."""
    weights = np.ones((2, 3, 4, 5))
    run = [(step, tiny_flamingo.tiny(gates=step / 50)) for step in (0, 10)]
    scene = widgets.compose([widgets.new_event("dog bark")])
    return [
        *(box for box, _ in asking.values()),
        widgets.AnswerWidget(heard),
        widgets.attention_widget(weights, list("abcd"), range(5)),
        widgets.gates(run),
        widgets.mask_explorer(hearing, PROMPT),
        widgets.record(),
        edit_answer.EditWidget(edit_answer.Judge(scene, [scene])),
    ]


def inside(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)


def test_rows_and_words_wrap_in_a_narrow_notebook(panels):
    assert all(isinstance(panel, widgets.Panel) for panel in panels)
    parts = [part for panel in panels for part in inside(panel)]
    assert not [part for part in parts if isinstance(part, ipywidgets.Label)]
    rows = [part for part in parts if isinstance(part, ipywidgets.HBox)]
    assert len(rows) > 10
    assert {part.layout.flex_flow for part in rows} == {"row wrap"}


def test_every_upload_says_how_much_it_takes(panels):
    beside = [
        [child.value for child in part.children if isinstance(child, ipywidgets.HTML)]
        for panel in panels
        for part in inside(panel)
        if any(
            isinstance(c, ipywidgets.FileUpload) for c in getattr(part, "children", ())
        )
    ]
    assert len(beside) == 4
    assert all("up to 10 MB" in words[0] for words in beside)


def test_a_panel_says_its_picture_in_words(panels):
    pictured = [panel for panel in panels if hasattr(panel, "image")]
    assert len(pictured) == 5
    for panel in pictured:
        assert panel.own_keys is panel.children[-1] and len(panel.own_keys.alt) > 20
    explorer, browser = pictured[-1], pictured[-2]
    explorer.text.value = "<audio>what?"
    assert explorer.own_keys.alt.endswith("of the prompt: <audio>what?")
    browser.step.value = 0
    assert browser.own_keys.alt.endswith("to step 0")


def test_a_checkbox_says_what_it_does(asking):
    box, _ = asking["neighbours"]
    assert [check.description for check in box.checks] == ["1: use", "2: use"]


def test_the_truth_is_scored_once(monkeypatch):
    scored, scene = [], widgets.compose([widgets.new_event("dog bark")])
    plain = edit_answer.caption_scores
    monkeypatch.setattr(
        edit_answer, "caption_scores", lambda *a: scored.append(a[0]) or plain(*a)
    )
    judge = edit_answer.Judge(scene, [scene])
    rows = [edit_answer.compare(judge, answer) for answer in ("a cat.", "a dog.")]
    assert scored == [[judge.references[0]], ["a cat."], ["a dog."]]
    assert [row["best"] for row in rows[0]] == list(judge.best.values())

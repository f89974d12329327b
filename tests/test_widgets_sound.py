"""The widgets one listens with: listen, record and the scene mixer."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import traitlets
from conftest import pictured
from PIL import Image

from af_minimal.audio import Clip, hear
from af_minimal.config import AudioConfig
from af_minimal.course import widgets
from af_minimal.course.widgets import composing
from af_minimal.course.widgets.scene_mixer import NEW, NOTHING
from af_minimal.soundworld import CLASSES, HELD_OUT, caption_is_right, render

RATE = 16_000


def tone(seconds, rate=RATE, level=0.3):
    times = np.arange(round(seconds * rate)) / rate
    return Clip((level * np.sin(2 * np.pi * 440 * times)).astype(np.float32), rate)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))


def uploaded(name, content):
    now = datetime.now(UTC)
    file = {"name": name, "type": "", "size": len(content), "last_modified": now}
    return (file | {"content": memoryview(content)},)


# windows


@pytest.mark.parametrize("seconds", [0.5, 2.0, 3.3, 9.5])
def test_heard_windows_are_those_that_the_model_cuts(seconds):
    clip, config = tone(seconds), AudioConfig()
    ones = Clip(np.ones_like(clip.waveform), RATE)
    windows, mask = hear(ones, config)
    rows = widgets.heard_windows(clip, config)
    share = [row["real_share"] for row in rows]
    np.testing.assert_allclose(share, windows.mean(axis=1), atol=1e-6)
    assert [s > 0 for s in share] == mask.tolist()
    assert [row["start_s"] for row in rows[:3]] == [0, 0.5, 1.0]
    assert all(row["end_s"] - row["start_s"] == 2.0 for row in rows)


def test_heard_windows_counts_seconds_whatever_the_rate():
    assert widgets.heard_windows(tone(3.3, 8_000)) == widgets.heard_windows(tone(3.3))


def test_what_is_too_long_is_heard_up_to_the_last_window():
    rows = widgets.heard_windows(tone(14), AudioConfig(max_windows=4))
    assert [row["real_share"] for row in rows] == [1, 1, 1, 1]
    assert rows[-1]["end_s"] == 3.5


# listen


def test_listen_takes_the_path_of_a_file_too(tmp_path):
    clip = tone(1)
    soundfile.write(tmp_path / "tone.wav", clip.waveform, clip.sample_rate)
    player = widgets.listen(tmp_path / "tone.wav", static=False)
    assert player.duration_s == clip.duration_s


def test_listen_has_sound_picture_and_the_place_of_its_axis():
    box = widgets.listen(tone(3), title="a tone")
    assert pictured(box)[1] == "Waveform, log-mel picture and windows. a tone"
    samples, rate = soundfile.read(io.BytesIO(box.wav))
    assert rate == RATE and len(samples) == 3 * RATE
    assert np.abs(samples).max() == pytest.approx(0.3, abs=1e-3)
    assert box.duration_s == box.span_s == 3 and box.hop_s == 0.5
    assert box.windows == widgets.heard_windows(tone(3))
    assert "a tone, 3.0 s" in box.label and "space plays" in box.label


def test_the_cursor_would_stand_on_the_time_axis():
    box = widgets.ListenWidget(tone(3))
    picture = pixels(box.picture)
    wave = picture[60:100].mean(axis=2)  # only spines are dark from top to bottom
    spines = np.flatnonzero(wave.max(axis=0) < 200)
    edges = np.array([[box.left], [box.right]]) * picture.shape[1]
    assert abs(spines[0] - edges[0]) <= 2
    assert np.abs(spines - edges).min(axis=0).max() <= 2
    mel = picture[200:280]  # dark blue up to the right edge, white after it
    end = round(box.right * picture.shape[1])
    assert mel[:, end - 4].mean() < 150 and mel[:, end + 4].mean() > 250


def test_a_short_clip_leaves_the_axis_longer_than_the_sound():
    box = widgets.ListenWidget(tone(3.3))
    assert box.duration_s == 3.3 and box.span_s == 3.5
    assert "4 of 16 windows hear it; grey is padding" in axes_titles(box)
    assert "4 windows; nothing after 3.5 s is heard (grey)" in axes_titles(
        widgets.ListenWidget(tone(5), AudioConfig(max_windows=4))
    )


def axes_titles(box):
    return [axes.get_title() for axes in box.figure.axes]


def test_position_and_playing_are_set_from_python_and_stay_inside():
    box = widgets.listen(tone(3), static=False)
    box.at_s, box.playing = 1.5, True
    assert box.get_state(["at_s", "playing"]) == {"at_s": 1.5, "playing": True}
    box.at_s = 99.0
    assert box.at_s == 3.0
    box.at_s = -1.0
    assert box.at_s == 0.0
    with pytest.raises(traitlets.TraitError, match="seconds from 0 to 3"):
        box.at_s = float("nan")


def test_hearing_another_clip_starts_from_its_beginning():
    box = widgets.listen(tone(3), static=False)
    before, box.at_s, box.playing = box.picture, 2.0, True
    box.hear(tone(1), "short")
    assert (box.at_s, box.playing, box.duration_s) == (0.0, False, 1.0)
    assert box.picture != before and box.label.startswith("short, 1.0 s")


def test_a_clip_too_short_for_a_picture_changes_nothing():
    box = widgets.listen(tone(3), static=False)
    with pytest.raises(ValueError, match="needs more than 256"):
        box.hear(tone(0.01))
    assert box.duration_s == 3 and box.clip.duration_s == 3


# record


def test_clip_from_samples_keeps_the_samples():
    clip = widgets.clip_from_samples(memoryview(tone(1).waveform.tobytes()), RATE)
    np.testing.assert_array_equal(clip.waveform, tone(1).waveform)
    assert clip.sample_rate == RATE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\0" * 4001, "4001 bytes; float32 samples take 4"),
        (np.zeros(800, "<f4").tobytes(), "lasts 0.050 s; at least 0.1 s"),
        (np.full(RATE, np.nan, "<f4").tobytes(), "NaN or infinite"),
        (np.full(RATE, 9, "<f4").tobytes(), "largest sample is 9"),
    ],
)
def test_clip_from_samples_says_what_is_wrong(content, said):
    with pytest.raises(ValueError, match=said):
        widgets.clip_from_samples(content, RATE)


def arrive(microphone, clip):
    """What the browser sends after a recording."""
    state = {"rate": clip.sample_rate, "content": memoryview(clip.waveform.tobytes())}
    microphone.set_state(state)


def test_a_recording_becomes_a_clip_to_hear_and_a_call():
    box, heard = widgets.record(seconds=2), []
    box.on_clip(heard.append)
    assert box.clip is None and box.microphone.seconds == 2
    arrive(box.microphone, tone(1.5))
    assert box.clip is heard[0] and box.clip.duration_s == 1.5
    assert "1.50 s at 16000 Hz, largest sample 0.30" in box.message.value
    (player,) = box.heard.children
    assert player.duration_s == 1.5
    arrive(box.microphone, tone(1))
    assert len(heard) == 2 and player.duration_s == 1


def test_a_page_shows_how_a_recording_will_be_drawn(monkeypatch):
    pixels, alt = pictured(widgets.record())
    assert pixels[..., :3].std() > 5 and "your own sound" in alt
    module = import_module("af_minimal.course.widgets.record")
    monkeypatch.setattr(module, "sample_clips", dict)
    assert "image/png" not in widgets.record()._repr_mimebundle_()


def test_the_rate_of_the_browser_is_kept():
    box = widgets.record()
    arrive(box.microphone, tone(1, 48_000))
    assert box.clip.sample_rate == 48_000 and box.clip.duration_s == 1


def test_upload_stands_beside_the_microphone():
    box = widgets.record()
    box.upload.value = uploaded("notes.txt", b"no sound")
    assert box.clip is None and "notes.txt cannot be decoded" in box.message.value
    box.upload.value = uploaded("mine.wav", widgets.wav_bytes(tone(2)))
    assert box.clip.duration_s == 2 and "mine.wav" in box.heard.children[0].label


@pytest.mark.parametrize("make", [widgets.record, lambda: widgets.ask_widget(Parrot())])
def test_a_file_too_short_is_told_in_seconds(make):
    box = make()
    box.upload.value = uploaded("slip.wav", widgets.wav_bytes(tone(0.01)))
    said = (getattr(box, "message", None) or box.answer).value
    assert said.startswith("slip.wav lasts 0.010 s; at least 0.02 s are needed.")
    assert box.clip is None
    box.upload.value = uploaded("click.wav", widgets.wav_bytes(tone(0.02)))
    assert box.clip.duration_s == 0.02


def test_a_long_file_is_said_to_be_read():
    box, said = widgets.record(), []
    box.message.observe(lambda change: said.append(change["new"]), "value")
    box.upload.value = uploaded("mine.wav", widgets.wav_bytes(tone(1)))
    assert said[0] == "reading mine.wav ..." and said[-1].startswith("1.00 s at")


def test_the_same_file_is_taken_twice():
    box, file = widgets.record(), uploaded("mine.wav", widgets.wav_bytes(tone(2)))
    for level in (0.1, 0.2):  # no two recordings are equal
        box.upload.value = file
        assert box.clip.duration_s == 2 and box.upload.value == ()
        arrive(box.microphone, tone(1, level=level))
        assert box.clip.duration_s == 1
    assert box.message.value.startswith("1.00 s")


def test_what_cannot_be_a_recording_is_said_and_mended_by_the_next():
    box = widgets.record()
    box.microphone.content = b"\0" * 7
    assert box.clip is None and "7 bytes" in box.microphone.error
    arrive(box.microphone, tone(1))
    assert box.clip.duration_s == 1 and box.microphone.error == ""


def test_an_error_of_the_caller_is_text_too():
    def refuse(clip):
        raise ValueError("too loud for me")

    box = widgets.record()
    box.on_clip(refuse)
    arrive(box.microphone, tone(1))
    assert box.microphone.error == "too loud for me"


def test_silence_asks_whether_the_microphone_is_muted():
    box = widgets.record()
    arrive(box.microphone, tone(1, level=0))
    assert "muted" in box.message.value and box.clip.duration_s == 1


@pytest.mark.parametrize("seconds", [0, -1, 61, float("nan")])
def test_record_refuses_lengths_that_cannot_be(seconds):
    with pytest.raises(ValueError, match="0.1 to 60 seconds"):
        widgets.record(seconds)


def test_recordings_are_not_sent_back_to_the_browser():
    assert widgets.Microphone.content.metadata["echo_update"] is False


# compose and describe


def bark(onset_s=0.5, **changes):
    return replace(widgets.new_event("dog bark"), onset_s=onset_s, **changes)


@pytest.mark.parametrize("label", [*CLASSES, *HELD_OUT])
def test_every_sound_can_be_in_a_scene_and_is_described_truly(label):
    score = widgets.compose([widgets.new_event(label, 1.0)])
    assert all(caption_is_right(c, score) for c in widgets.describe(score)["captions"])
    assert set(score.events[0].attributes) == set(
        (CLASSES.get(label) or HELD_OUT[label]).attributes
    )


def test_compose_puts_the_sounds_in_order_of_time():
    later, earlier = widgets.new_event("rain", 5.0), bark(1.0)
    score = widgets.compose([later, earlier], "hum", 12.0, "hall", seed=3)
    assert score.labels == ["dog bark", "rain"]
    assert (score.background, score.snr_db, score.room) == ("hum", 12.0, "hall")
    assert score.duration_s == AudioConfig().max_s
    assert len(render(score)) == AudioConfig().max_samples
    assert widgets.compose([], duration_s=3).duration_s == 3


def test_describe_answers_from_the_score():
    event = widgets.new_event("cow moo", 4.0, attributes={"pitch": "high"})
    score = widgets.compose([bark(repeats=3, gap_s=0.4), event])
    told = widgets.describe(score)
    assert told == widgets.describe(score)
    assert told["captions"][0] == "a dog barks three times, then a cow moos."
    assert "high pitched" in told["captions"][-1]
    outputs = {q.kind: q.output for q in told["questions"]}
    assert outputs["order"] == "dog bark, cow moo"


@pytest.mark.parametrize(
    ("events", "options", "said"),
    [
        ([bark(), bark(3.0)], {}, "dog bark is in the scene twice"),
        ([bark(9.3)], {}, "Start it between 0 and 9.1 s"),
        ([bark(-0.1)], {}, "Start it between 0 and"),
        ([bark(0, repeats=9, gap_s=1.0)], {}, "Let it be heard fewer times"),
        ([bark()], {"duration_s": 12}, "lasts 12 s; the model hears 9.5 s"),
        ([bark()], {"duration_s": 0}, "more than 0"),
        ([bark()] * 4, {}, "4 sounds came; a scene has 3 at most"),
    ],
)
def test_compose_refuses_what_leaves_doubt(events, options, said):
    with pytest.raises(ValueError, match=said):
        widgets.compose(events, **options)


def test_two_sounds_may_overlap_and_three_may_not():
    rain, siren = widgets.new_event("rain", 1.0), widgets.new_event("siren", 2.0)
    two = widgets.compose([bark(1.5), rain])
    assert " while " in widgets.describe(two)["captions"][0]
    with pytest.raises(ValueError, match="rain, dog bark, siren overlap"):
        widgets.compose([bark(1.5), rain, siren])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"label": "unicorn"}, "no sound class 'unicorn'"),
        ({"label": "rain", "repeats": 2}, "rain can be heard 1 to 1 times"),
        ({"label": "dog bark", "repeats": 5}, "1 to 4 times"),
        ({"label": "dog bark", "gain_db": 3}, "-18 to 0 dB"),
        ({"label": "dog bark", "attributes": {"pitch": "blue"}}, "pitch 'blue'"),
        ({"label": "rain", "attributes": {"colour": "red"}}, "colour 'red'"),
    ],
)
def test_new_event_refuses_what_cannot_be(arguments, said):
    with pytest.raises(ValueError, match=said):
        widgets.new_event(**arguments)


# the mixer


class Parrot:
    """A model that answers with what it was given."""

    config = SimpleNamespace(audio=AudioConfig())

    def ask(self, clip, question):
        if not question:
            raise ValueError("Type a question <first>.")
        return f"{question} {clip.duration_s:.1f} s"


@pytest.fixture
def mixer():
    return widgets.scene_mixer(Parrot(), static=False)


def test_the_first_scene_is_drawn_also_as_a_figure():
    box = widgets.scene_mixer()
    assert pictured(box)[1] == "Scene: a dog barks, then a church bell tolls."
    assert "a dog barks, then a church bell tolls." in box.words.value
    assert box.asking not in box.children  # nobody to ask
    assert box.listen in box.children


def test_a_mixer_starts_with_the_sounds_asked_for():
    box = widgets.scene_mixer(start=[("gong", 2.0)], static=False)
    assert box.score.labels == ["gong"] and first(box).family.value == NEW
    with pytest.raises(ValueError, match="gong would sound from 9.0"):
        widgets.scene_mixer(start=[("gong", 9.0)], static=False)


def first(box):
    return box.cards[0]


CHANGES = {
    "sound": lambda box: setattr(first(box).sound, "value", "cat meow"),
    "attribute": lambda box: setattr(first(box).attribute, "value", ("pitch", "high")),
    "gain": lambda box: setattr(first(box).gain, "value", -12),
    "repeats": lambda box: setattr(first(box).repeats, "value", 2),
    "onset": lambda box: setattr(first(box).onset, "value", 6.0),
    "family": lambda box: setattr(first(box).family, "value", "people"),
    "third sound": lambda box: setattr(box.cards[2].family, "value", NEW),
    "background": lambda box: setattr(box.background, "value", "murmur"),
    "room": lambda box: setattr(box.room, "value", "hall"),
    "no sound": lambda box: setattr(first(box).family, "value", NOTHING),
}


def test_every_control_changes_scene_sound_and_picture(mixer):
    for name, change in CHANGES.items():
        score, wav, picture = mixer.score, mixer.listen.wav, mixer.listen.picture
        change(mixer)
        assert mixer.problem.value == "" and mixer.score != score, name
        assert mixer.listen.wav != wav and mixer.listen.picture != picture, name
        assert mixer.truth == widgets.describe(mixer.score), name
        assert mixer.truth["captions"][0] in mixer.words.value, name


def test_noise_level_counts_only_with_a_background(mixer):
    assert mixer.snr.layout.display == "none"
    mixer.background.value = "pink noise"
    assert mixer.snr.layout.display is None
    soft = mixer.listen.wav
    mixer.snr.value = 0
    assert mixer.score.snr_db == 0 and mixer.listen.wav != soft


def test_a_card_shows_only_what_its_sound_has(mixer):
    card = mixer.cards[2]
    assert card.controls.layout.display == "none" and card.event() is None
    card.family.value = "weather, water and fire"
    assert card.controls.layout.display is None
    assert card.sound.value == "rain" and mixer.score.labels[-1] == "rain"
    assert card.repeats.layout.display == "none"  # rain cannot be counted
    assert ("density: dense", ("density", "dense")) in card.attribute.options
    assert card.attribute.label == "as it comes" and mixer.background.label == "none"
    card.family.value = NEW
    assert list(card.sound.options) == list(HELD_OUT)


def test_changing_a_counted_sound_into_rain_counts_no_more(mixer):
    first(mixer).repeats.value = 3
    first(mixer).family.value = "weather, water and fire"
    assert mixer.problem.value == "" and mixer.score.events[0].repeats == 1


def test_an_impossible_scene_is_said_and_the_old_one_stays(mixer):
    score, wav = mixer.score, mixer.listen.wav
    mixer.cards[1].onset.value = 9.4
    assert "church bell would sound from 9.4 to" in mixer.problem.value
    assert mixer.score is score and mixer.listen.wav == wav and mixer.button.disabled
    mixer.cards[1].onset.value = 3.0
    assert mixer.problem.value == "" and not mixer.button.disabled
    mixer.cards[1].family.value, mixer.cards[1].sound.value = "animals", "dog bark"
    assert "dog bark is in the scene twice" in mixer.problem.value


def test_silence_is_a_scene_too(mixer):
    for card in mixer.cards:
        card.family.value = NOTHING
    assert mixer.problem.value == "" and mixer.score.events == ()
    assert "nothing is heard." in mixer.words.value


def test_the_answer_stands_beside_the_truth(mixer):
    asked = mixer.truth["questions"][4]
    mixer.choice.value = asked.prompt
    assert mixer.question.value == asked.prompt
    mixer.button.click()
    assert f"{asked.prompt} 9.5 s" in mixer.answer.value
    assert f">{asked.output}<" in mixer.answer.value
    mixer.question.value = "is it <b>loud</b>?"
    mixer.button.click()
    assert (
        "&lt;b&gt;loud" in mixer.answer.value and "use your ears" in mixer.answer.value
    )
    mixer.question.value = ""
    mixer.button.click()
    assert mixer.answer.value == "Type a question &lt;first&gt;."


def test_another_scene_takes_the_old_answer_away(mixer):
    mixer.button.click()
    assert mixer.answer.value
    first(mixer).sound.value = "cow moo"
    assert mixer.answer.value == ""
    prompts = [q.prompt for q in mixer.truth["questions"]]
    assert [prompt for _, prompt in mixer.choice.options] == prompts
    assert mixer.question.value == prompts[0]


def test_options_below_a_question_reach_the_model(mixer):
    mixer.cards[1].family.value = NOTHING
    (asked,) = [q for q in mixer.truth["questions"] if q.kind == "classify_options"]
    mixer.choice.value = asked.prompt
    mixer.button.click()
    assert "<br>OPTIONS:<br>" in mixer.answer.value


def test_gains_of_the_slider_are_those_that_new_event_takes(mixer):
    slider = first(mixer).gain
    assert (slider.min, slider.max) == (composing.QUIETEST_DB, 0)
    assert first(mixer).repeats.max == composing.MOST_REPEATS


# asking about a recording


def test_ask_widget_hears_the_microphone(tmp_path):
    soundfile.write(tmp_path / "rain.wav", np.zeros(RATE), RATE)
    box = widgets.ask_widget(Parrot(), question="how long?", folder=tmp_path)
    arrive(box.microphone, tone(3))
    assert box.sound.value is None and box.clip.duration_s == 3
    assert box.answer.value == "Your recording: press Ask."
    box.button.click()
    assert box.answer.value == "how long? 3.0 s"
    box.sound.value = "rain"
    box.button.click()
    assert box.answer.value == "how long? 1.0 s"

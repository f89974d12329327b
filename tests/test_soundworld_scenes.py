"""SoundWorld scenes: what is drawn fits, survives JSON and renders the same."""

import time

import numpy as np
import pytest

from af_minimal.soundworld import CLASSES, Event, Score, render, sample_score
from af_minimal.soundworld.render import ROOMS, rms
from af_minimal.soundworld.score import BACKGROUNDS

BARKS = Event("dog bark", 1.0, 0.4, repeats=3, gap_s=0.5)
RAIN = Event("rain", 5.0, 3.0)
SCENE = Score(9.5, (BARKS, RAIN), seed=7)


def scores(count: int, **settings) -> list[Score]:
    rng = np.random.default_rng(0)
    return [sample_score(rng, **settings) for _ in range(count)]


@pytest.mark.parametrize("difficulty", ["easy", "medium", "hard"])
def test_sampled_scenes_fit_and_are_ordered(difficulty):
    for score in scores(300, difficulty=difficulty):
        onsets = [event.onset_s for event in score.events]
        assert onsets == sorted(onsets) and onsets[0] >= 0
        assert max(event.end_s for event in score.events) <= score.duration_s + 1e-3
        assert len(set(score.labels)) == len(score.labels)


def test_sounds_in_a_row_have_a_pause_between_them():
    for score in scores(300):
        for before, after in zip(score.groups, score.groups[1:], strict=False):
            pause = after[0].onset_s - max(event.end_s for event in before)
            assert pause >= 0.4 - 5e-3


def test_repeats_can_be_counted():
    repeated = [e for s in scores(400) for e in s.events if e.repeats > 1]
    assert {e.repeats for e in repeated} == {2, 3, 4}
    for event in repeated:
        assert not CLASSES[event.label].continuous
        assert event.gap_s >= 0.35 and event.duration_s + event.gap_s >= 0.7


def test_overlaps_are_drawn_in_the_share_asked_for_and_can_both_be_heard():
    many = [s for s in scores(600) if len(s.events) > 1]
    overlapping = [s for s in many if len(s.groups) < len(s.events)]
    assert 0.18 < len(overlapping) / len(many) < 0.32
    for score in overlapping:
        long, short = next(g for g in score.groups if len(g) > 1)
        assert long.onset_s <= short.onset_s and short.end_s <= long.end_s + 5e-3
        assert CLASSES[long.label].continuous or CLASSES[short.label].continuous


def test_easy_scenes_have_nothing_in_the_way():
    for score in scores(100, difficulty="easy"):
        assert score.background is None and score.room == "dry"
        assert len(score.groups) == len(score.events)
        assert {event.gain_db for event in score.events} == {0.0}


def test_short_scenes_work():
    short = scores(300, duration_s=2.0, events=(1, 2))
    assert {len(score.events) for score in short} == {1, 2}
    assert all(e.end_s <= 2.0 + 1e-3 for s in short for e in s.events)


def test_every_class_is_drawn():
    assert {label for score in scores(1500) for label in score.labels} == set(CLASSES)


def test_json_round_trip_is_exact():
    for score in scores(50):
        assert Score.from_json(score.to_json()) == score


def test_groups_tell_a_row_from_an_overlap():
    assert SCENE.groups == [(BARKS,), (RAIN,)]
    together = Score(9.5, (RAIN, Event("dog bark", 6.0, 0.4)))
    assert [len(group) for group in together.groups] == [2]


def test_crop_recounts_and_drops():
    cut = SCENE.crop(1.8, 5.2)  # the first bark and all but 0.2 s of rain are outside
    assert cut.labels == ["dog bark"] and cut.events[0].repeats == 2
    assert cut.events[0].occurrences[0] == pytest.approx((0.1, 0.5))
    assert SCENE.crop(0.0, 9.5).events[1] == RAIN
    assert SCENE.crop(3.5, 4.5).events == ()
    assert SCENE.crop(4.0, 6.0).events[0].duration_s == pytest.approx(1.0)


def test_a_short_cut_does_not_tell_how_fast_it_was():
    rain = Event("rain", 1.0, 4.0, {"density": "dense", "distance": "far"})
    score = Score(6.0, (rain,))
    assert score.crop(0.0, 1.6).events[0].attributes == {"distance": "far"}
    assert "density" in score.crop(0.0, 3.0).events[0].attributes


def test_crops_stay_inside():
    rng = np.random.default_rng(1)
    for score in scores(300):
        start = float(rng.uniform(0, 7.4))
        for event in score.crop(start, start + 2.0).events:
            assert event.onset_s >= 0 and event.end_s <= 2.0 + 1e-6
            assert event.duration_s >= min(0.25, event.duration_s) and event.gap_s >= 0


def test_impossible_wishes_are_refused():
    with pytest.raises(ValueError, match="difficulty"):
        sample_score(np.random.default_rng(0), difficulty="insane")
    with pytest.raises(ValueError, match="fewer events"):
        sample_score(np.random.default_rng(0), events=(3, 3), duration_s=0.5)
    with pytest.raises(ValueError, match="crop"):
        SCENE.crop(3.0, 20.0)
    with pytest.raises(ValueError, match="unicorn"):
        render(Score(1.0, (Event("unicorn", 0.0, 0.5),)))
    with pytest.raises(ValueError, match="room"):
        render(Score(1.0, (), room="cave"))
    with pytest.raises(ValueError, match="background"):
        render(Score(1.0, (), background="traffic"))


def test_same_score_same_samples_and_no_clipping():
    for score in scores(20):
        wave = render(score)
        assert wave.dtype == np.float32 and wave.shape == (9.5 * 16_000,)
        assert np.isfinite(wave).all() and 0 < np.abs(wave).max() <= 1
        assert np.array_equal(wave, render(Score.from_json(score.to_json())))


def test_sounds_are_where_the_score_says():
    wave, rate = render(SCENE), 16_000
    for start, end in BARKS.occurrences + RAIN.occurrences:
        assert rms(wave[round(start * rate) : round(end * rate)]) > 0.005
    assert rms(wave[:rate]) == rms(wave[round(3.7 * rate) : 5 * rate]) == 0


def test_a_changed_event_leaves_the_others_alone():
    wave = render(SCENE)
    other = render(Score(9.5, (BARKS, Event("bee buzz", 5.0, 3.0)), seed=7))
    assert np.array_equal(wave[: 4 * 16_000], other[: 4 * 16_000])
    assert not np.array_equal(wave, other)


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_background_has_the_level_asked_for(name):
    loud = {"loudness": "loud", "distance": "near"}
    rain = Event("rain", 0.0, 2.0, attributes=loud, gain_db=-9.0)
    alone = render(Score(6.0, (rain,), seed=3))
    bedded = render(Score(6.0, (rain,), background=name, snr_db=12.0, seed=3))
    bed = rms(bedded - alone)
    assert 20 * np.log10(rms(alone[:32_000]) / bed) == pytest.approx(12.0, abs=0.1)


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "dry"])
def test_rooms_leave_a_tail(room):
    bark = Event("dog bark", 0.5, 0.4)
    wave = render(Score(3.0, (bark,), room=room))
    tail = rms(wave[15_000:16_000])
    assert 0 < tail and rms(wave[40_000:]) < 0.05 * tail


def test_rendering_is_much_faster_than_real_time():
    drawn = scores(15)
    for score in drawn[:5]:
        render(score)
    started = time.process_time()
    for score in drawn:
        render(score)
    assert 15 * 9.5 / (time.process_time() - started) > 50  # 100 on an idle core

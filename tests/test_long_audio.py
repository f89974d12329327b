"""Long recordings, their questions, marks of answers, and batches of like length."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from af_minimal.soundworld.captions import captions, heard_events
from af_minimal.soundworld.score import find_class
from af_minimal.systems.audio_skills.generator import write_items
from af_minimal.systems.audio_skills.rules import PLACES
from af_minimal.systems.audio_skills.timeline import Disagreement
from af_minimal.systems.long_audio.asking import ASKS
from af_minimal.systems.long_audio.batching import (
    buckets,
    dynamic_batches,
    epoch_batches,
    padded_share,
)
from af_minimal.systems.long_audio.bench import (
    SHARES,
    blind_marks,
    examine,
    long_questions,
)
from af_minimal.systems.long_audio.composing import sample_recording
from af_minimal.systems.long_audio.facts import mark, read_facts, recall_precision
from af_minimal.systems.long_audio.solver import solve, verify


@pytest.fixture(scope="module")
def items():
    return long_questions(120, seed=3)


# recordings


def test_recordings_fit_their_windows_and_are_the_same_for_a_seed():
    for seed in range(60):
        recording = sample_recording(np.random.default_rng(seed))
        score = recording.score
        assert score.duration_s <= 60 and score.events[-1].end_s <= score.duration_s
        assert len(recording.parts) >= 3
        assert len(set(score.labels)) == len(score.labels) == len(score.groups)
        assert sum((p.labels for p in recording.parts), ()) == tuple(score.labels)
        # nobody could tell where a sound is that stands where two places meet
        assert sum(recording.needle in p.labels[1:-1] for p in recording.parts) == 1
    assert recording == sample_recording(np.random.default_rng(59))


def test_too_few_windows_are_refused():
    with pytest.raises(ValueError, match="three need"):
        sample_recording(np.random.default_rng(0), windows=12)


# questions


def test_the_six_kinds_come_in_the_official_shares(items):
    kinds = [item.question.skill for item in items]
    for kind, count in SHARES.items():
        share = count / sum(SHARES.values())
        assert abs(kinds.count(kind) / len(kinds) - share) < 0.03


@pytest.mark.parametrize("kind", ASKS)
def test_facts_words_and_solver_agree_and_each_fault_is_seen(kind):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        recording = sample_recording(rng)
        question = ASKS[kind](recording, rng)
        verify(recording.score, question)
        other = ("heard", "gong")
        with pytest.raises(Disagreement, match="the facts"):
            verify(recording.score, replace(question, facts=question.facts | {other}))
        lacking = frozenset(list(question.facts)[1:])
        with pytest.raises(Disagreement, match="the facts"):
            verify(recording.score, replace(question, facts=lacking))
        with pytest.raises(Disagreement, match="the words"):
            verify(recording.score, replace(question, output="the end."))


def test_an_answer_of_another_recording_is_seen(items):
    plots = [item for item in items if item.question.skill == "plot"]
    with pytest.raises(Disagreement, match=r"the facts .* lack \[\("):
        verify(plots[0].score, plots[1].question)


def test_a_sound_of_no_place_at_a_border_is_nowhere(items):
    score, needle = items[0].score, items[0].recording.needle
    strange = next(event for event in score.events if event.label == needle)
    others = [event for event in score.events if event is not strange]
    last = replace(strange, onset_s=others[-1].end_s + 1)
    moved = replace(score, events=(*others, last), duration_s=last.end_s)
    with pytest.raises(Disagreement, match="nobody can tell at what place"):
        solve(moved, f"at what place is the {needle} heard?")
    seconds = [math.ceil(event.onset_s + 0.01) for event in score.events]
    inside = [s for s, e in zip(seconds, score.events, strict=True) if s < e.end_s]
    with pytest.raises(Disagreement, match="across a border"):
        solve(score, f"what is heard between 0 and {inside[0]} seconds?")


def test_questions_that_nobody_can_read_are_refused(items):
    question = replace(items[0].question, prompt="what is the time?")
    with pytest.raises(Disagreement, match="0 rules"):
        verify(items[0].score, question)


# facts and marks


def test_facts_are_read_from_words():
    facts = read_facts("First, on a farm, a rooster crows twice. Then a dog barks.")
    assert ("heard", "rooster") in facts and ("then", "rooster", "dog bark") in facts
    assert ("in", "on a farm", "dog bark") in facts  # one stays until one leaves
    assert ("times", "rooster", 2) in facts and ("place", "on a farm") in facts
    assert read_facts("Yes, 3 of them.") == {("says", "yes"), ("number", "3")}
    assert read_facts("") == frozenset()
    assert ("then", "rain", "dog bark") in read_facts("a dog barks after rain falls.")


def test_what_is_denied_is_not_said():
    assert read_facts("there is no doorbell.") == frozenset()
    assert read_facts("it is heard not on a farm.") == frozenset()
    assert read_facts("there is no rooster, a dog barks.") == {("heard", "dog bark")}
    assert read_facts("it is not a rooster but a dog barks.") == {("heard", "dog bark")}
    assert read_facts("No, a dog barks.") == {("says", "no"), ("heard", "dog bark")}
    assert read_facts("a dog barks, no rooster.") == {("heard", "dog bark")}
    assert ("heard", "doorbell") not in read_facts("no doorbell rings.")
    assert read_facts("yes and no.") == frozenset()


def test_marks_go_from_1_to_10():
    truth = read_facts("a dog barks, then rain falls.")
    assert mark(truth, "first a dog barks, later rain falls.") == 10
    assert mark(truth, "") == mark(truth, "how nice.") == 1
    assert mark(truth, "rain falls, then a dog barks.") == 7  # 2 of 3, and 1 made up
    assert recall_precision(truth, "a dog barks.") == (1 / 3, 1.0)
    assert recall_precision(truth, "a dog barks, then a cat meows.") == (1 / 3, 1 / 3)


def test_a_count_that_nobody_asked_for_must_be_true():
    truth, said = read_facts("a dog barks."), "a dog barks four times."
    assert mark(truth, said) == 10 and mark(truth, said, ["times"]) < 8


def test_where_a_sound_is_cannot_be_known_without_the_recording():
    rng = np.random.default_rng(3)
    for _ in range(60):
        recording = sample_recording(rng, 30)
        asked = ASKS["general"](recording, rng)
        if asked.output.rstrip(".") in PLACES:
            assert recording.needle in heard_events(asked.prompt)


def test_paraphrases_of_the_truth_get_full_marks(items):
    found = 0
    for item in items:
        if item.question.skill == "captioning":
            parts = item.recording.parts
            crops = [
                item.score.crop(p.start_s, min(p.end_s, item.score.duration_s))
                for p in parts
            ]
            said = " ".join(captions(crop)[1] for crop in crops)
            found += 1
            assert mark(item.question.facts, said) == 10
    assert found


def test_the_bench_tells_truth_from_the_truth_of_others_and_from_nothing(items):
    truth = [item.question.output for item in items]
    perfect, silent = examine(items, truth), examine(items, [""] * len(items))
    for row in perfect["measures"]:
        assert row["score"] == 100 and row["chance"] < 75, row
    assert silent["measures"][0]["score"] == 10
    assert perfect["measures"][0]["chance"] < 50
    assert [m["measure"] for m in perfect["measures"]] == ["all", *SHARES]
    with pytest.raises(ValueError, match="119 answers and 120 truths"):
        examine(items, truth[1:])


def test_chance_is_what_one_gets_who_reads_and_does_not_hear():
    items = long_questions(240, seed=5)
    marks = blind_marks(items)
    assert marks == blind_marks(items)
    for item, mark_of_it in zip(items, marks, strict=True):
        asked = item.question
        if asked.skill == "needle":  # the question names one of the three sounds
            named = find_class(item.recording.needle).clause
            assert mark_of_it >= mark(asked.facts, f"{named}.") > 1
    binary = [i for i, item in enumerate(items) if is_binary(item)]
    says = [items[i].question.output for i in binary]
    commoner = max(says.count("yes."), says.count("no.")) / len(says)
    assert np.mean([marks[i] for i in binary]) == pytest.approx(1 + 9 * commoner)


def test_chance_is_never_below_the_answers_of_others(items):
    plots = [item for item in items if item.question.skill == "plot"]
    mixed = [
        mark(one.question.facts, other.question.output)
        for one in plots
        for other in plots
        if one is not other
    ]
    assert np.mean(blind_marks(plots)) >= np.mean(mixed) > 1


def test_an_answer_betrays_nothing_of_the_item_it_is_from(items):
    (plot, *_) = [item for item in items if item.question.skill == "plot"]
    assert blind_marks([plot]) == [1]


def is_binary(item) -> bool:
    return item.question.output in ("yes.", "no.")


def test_another_judge_may_mark(items):
    asked = []

    def judge(question, answer, response):
        asked.append((question, answer, response))
        return 6

    section = examine(items[:3], ["a", "b", "c"], judge)
    assert section["measures"][0]["score"] == 60
    first = items[0].question
    assert asked[0] == (first.prompt, first.output, "a")


def test_recordings_go_out_as_flac_and_an_official_manifest(items, tmp_path):
    (example,) = write_items(tmp_path, items[:1], "test", "LongAudio")
    (path,) = tmp_path.glob("LongAudio-*/test.json")
    manifest = json.loads(path.read_text())
    assert manifest["data"]["0"]["duration"] == items[0].score.duration_s
    assert example.output == manifest["data"]["0"]["output"]


# batches


def test_every_row_is_in_one_batch_within_its_limits():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 500).tolist()
    batches = dynamic_batches(lengths, 400, 16, 4)
    assert sorted(sum(batches, [])) == list(range(500))
    for batch in batches:
        assert len(batch) <= 16
        assert len(batch) * max(lengths[i] for i in batch) <= 400
    rows = [len(batch) for batch in batches]
    assert sum(n % 4 != 0 for n in rows[:-2]) == 0 and max(rows) == 16


def test_batches_by_hand():
    assert dynamic_batches([3, 1, 2, 3, 1], 6, 10, 2) == [[1, 4], [2, 0], [3]]
    assert dynamic_batches([1] * 5, 100, 2) == [[0, 1], [2, 3], [4]]
    assert dynamic_batches([], 10, 10) == []
    assert dynamic_batches([5], 5, 1) == [[0]]
    assert padded_share([3, 1, 2, 3, 1], [[1, 4], [2, 0], [3]]) == pytest.approx(1 / 11)
    assert padded_share([], []) == 0


@pytest.mark.parametrize("limits", [(4, 8, 1), (0, 8, 1), (9, 0, 1), (9, 8, 0)])
def test_limits_that_cannot_be_kept_are_refused(limits):
    with pytest.raises(ValueError, match="give whole numbers"):
        dynamic_batches([5], *limits)


def test_like_lengths_leave_less_padding_than_any_lengths():
    rng = np.random.default_rng(0)
    lengths = np.ceil(40 * np.exp(rng.standard_normal(2000))).astype(int).tolist()
    batches = dynamic_batches(lengths, 8 * max(lengths), 32, 2)
    order = rng.permutation(2000).tolist()
    at_random = [order[i : i + 32] for i in range(0, 2000, 32)]
    assert padded_share(lengths, batches) < 0.1 < 0.7 < padded_share(lengths, at_random)


def test_buckets_blend_each_dataset_by_its_weight():
    datasets = {"a": [1, 2, 9, 10], "b, c": [3] * 10}
    assert buckets(datasets, (2, 9)) == {
        "a, up to 2": [0, 1],
        "a, up to 9": [2],
        "a, longer": [3],
        "b, c, up to 9": list(range(10)),
    }
    weights = {"a": 2.0, "b, c": 0.5}
    first, again, later = (
        epoch_batches(datasets, weights, (2, 9), 40, 8, epoch=e) for e in (0, 0, 1)
    )
    assert first == again and first != later
    rows = [row for batch in first for row in batch]
    assert sum(name == "a" for name, _ in rows) == 8
    assert sum(name == "b, c" for name, _ in rows) == 5
    assert all(rows.count(("a", i)) == 2 for i in range(4))
    both = rows + [row for batch in later for row in batch]
    assert all(both.count(("b, c", i)) == 1 for i in range(10))

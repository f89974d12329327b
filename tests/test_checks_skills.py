"""Exercises and figures of notebook 15: references pass, planted mistakes do not."""

import numpy as np
import pytest
from planted import assert_rejects

from af_minimal.course import checks_skills as check
from af_minimal.course import figures_skills as figures
from af_minimal.course.figures_compa import score_bars
from af_minimal.evaluation import measure
from af_minimal.systems.audio_skills.scenes import skill_score
from af_minimal.systems.long_audio.composing import sample_recording
from af_minimal.systems.long_audio.facts import read_facts


def third_of(heard, said, options, seconds) -> bool:
    return int(seconds // (heard.duration_s / 3)) == options.index(said)


def begins_there(heard, said, options, label):
    return third_of(heard, said, options, heard.of(label)[0].start_s)


def middle_is_there(heard, said, options, label):
    (one,) = heard.of(label)
    return third_of(heard, said, options, (one.start_s + one.end_s) / 2)


def ends_there(heard, said, options, label):
    return third_of(heard, said, options, heard.of(label)[0].end_s)


def all_or_nothing(questions):
    return [
        float(len(q.options[q.answer]) == max(map(len, q.options))) for q in questions
    ]


def first_of_the_longest(questions):
    return [
        float(max(range(len(q.options)), key=lambda i: len(q.options[i])) == q.answer)
        for q in questions
    ]


def mean_credit(questions):
    return float(np.mean(check.longest_option.reference(questions)))


def every_kind_counts(truth, text):
    told = read_facts(text)
    right = len(told & truth)
    return right / len(truth), right / len(told) if told else 0.0


def turned_round(truth, text):
    return check.recall_precision.reference(truth, text)[::-1]


def silence_is_precise(truth, text):
    recall, precision = check.recall_precision.reference(truth, text)
    return recall, precision or 1.0


def alone(lengths, max_tokens, max_sentences, multiple=1):
    return [[int(i)] for i in np.argsort(lengths, kind="stable")]


def unsorted(lengths, max_tokens, max_sentences, multiple=1):
    order = np.argsort(lengths, kind="stable").tolist()
    back = {place: i for i, place in enumerate(order)}
    found = check.dynamic_batches.reference(
        sorted(lengths), max_tokens, max_sentences, multiple
    )
    return [[back[i] for i in batch] for batch in found]


def without_multiple(lengths, max_tokens, max_sentences, multiple=1):
    return check.dynamic_batches.reference(lengths, max_tokens, max_sentences, 1)


def padding_is_free(lengths, max_tokens, max_sentences, multiple=1):
    batches, waiting, total = [], [], 0
    for place in np.argsort(lengths, kind="stable").tolist():
        over = total + lengths[place] > max_tokens
        if waiting and (over or len(waiting) == max_sentences):
            batches.append(waiting)
            waiting, total = [], 0
        waiting.append(place)
        total += lengths[place]
    return batches + [waiting] * bool(waiting)


def leaves_once(lengths, max_tokens, max_sentences, multiple=1):
    """`if` in place of `while`: what still does not fit stays."""
    batches, waiting = [], []
    for place in np.argsort(lengths, kind="stable").tolist():
        full = len(waiting) == max_sentences
        if waiting and (full or (len(waiting) + 1) * lengths[place] > max_tokens):
            leave = len(waiting) - len(waiting) % multiple or len(waiting)
            batches.append(waiting[:leave])
            waiting = waiting[leave:]
        waiting.append(place)
    while waiting:
        leave = len(waiting) - len(waiting) % multiple or len(waiting)
        batches.append(waiting[:leave])
        waiting = waiting[leave:]
    return batches


def with_much_grace(heard, said, options, label):
    third = heard.duration_s / 3
    (one,), low = heard.of(label), options.index(said) * third
    return low - 0.01 <= one.start_s and one.end_s <= low + third + 0.01


def begins_with_grace(grace):
    """Right about the end, and with this much grace before the start of a third."""

    def within(heard, said, options, label):
        third = heard.duration_s / 3
        (one,), low = heard.of(label), options.index(said) * third
        return low - grace <= one.start_s and one.end_s <= low + third + 1e-6

    return within


def begins_when_rounded(heard, said, options, label):
    third = heard.duration_s / 3
    (one,), at = heard.of(label), options.index(said)
    return round(one.start_s / third, 1) >= at and one.end_s <= (at + 1) * third + 1e-6


def ends_with_some_grace(heard, said, options, label):
    third = heard.duration_s / 3
    (one,), low = heard.of(label), options.index(said) * third
    return low - 1e-6 <= one.start_s and one.end_s <= low + third + 9e-4


def whole_seconds(heard, said, options, label):
    third = heard.duration_s // 3
    (one,), low = heard.of(label), options.index(said) * third
    return low - 1e-6 <= one.start_s and one.end_s <= low + third + 1e-6


def without_grace(heard, said, options, label):
    third = heard.duration_s / 3
    (one,), at = heard.of(label), options.index(said)
    return at * third <= one.start_s and one.end_s <= (at + 1) * third


PLANTED = {
    "in_third": (
        begins_there,
        middle_is_there,
        ends_there,
        without_grace,
        with_much_grace,
        begins_with_grace(0.39),
        begins_with_grace(9e-4),
        begins_when_rounded,
        ends_with_some_grace,
        whole_seconds,
    ),
    "longest_option": (all_or_nothing, first_of_the_longest, mean_credit),
    "recall_precision": (every_kind_counts, turned_round, silence_is_precise),
    "dynamic_batches": (
        alone,
        unsorted,
        without_multiple,
        padding_is_free,
        leaves_once,
    ),
}


def test_every_check_has_planted_wrong_answers():
    assert set(PLANTED) == set(check.SKILLS)


@pytest.mark.parametrize("name", check.SKILLS)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.SKILLS[name], PLANTED[name])


def test_scenes_and_recordings_are_drawn_in_lanes(shown):
    figures.lanes(skill_score(np.random.default_rng(1081)), "a scene")
    recording = sample_recording(np.random.default_rng(39))
    figures.lanes(recording.score, "a walk", recording.parts, {"3 windows": 6})
    assert "cat meow, water splash" in shown[0][1] and "dog bark" in shown[1][1]


def test_padding_and_marks_are_drawn(shown):
    figures.padding([1, 2, 9], {"at random": [[0, 2], [1]], "sorted": [[0, 1], [2]]})
    marks = {w: measure("all", [10.0 * w, 10.0], 20.0) for w in (1, 3, 9)}
    figures.marks_against_windows(marks, {"stage 1": 3})
    assert "at random, sorted" in shown[0][1] and "[1, 3, 9]" in shown[1][1]


def test_bars_take_other_names_of_axes(shown):
    row = {"3 windows": 0.9}
    score_bars({"all": row}, {"3 windows": 1 / 3}, "length", "share right")
    assert "all" in shown[0][1]

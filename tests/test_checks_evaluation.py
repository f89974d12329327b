"""The exercises of notebook 11, the answer that readers edit, and the figures."""

import numpy as np
import pytest
from conftest import pictured
from matplotlib.figure import Figure
from planted import assert_rejects
from pycocoevalcap.rouge.rouge import Rouge
from sklearn.metrics import average_precision_score

from af_minimal.course import checks_evaluation as check
from af_minimal.course import edit_answer
from af_minimal.course import figures_evaluation as figures
from af_minimal.evaluation import bootstrap_ci, caption_scores, measure
from af_minimal.soundworld import Event, Score, caption_is_right, captions, sample_score


def shared_words(answer, reference):
    common = len(set(answer) & set(reference))
    p, r = common / len(answer), common / len(reference)
    return (1 + 1.2**2) * p * r / (r + 1.2**2 * p) if common else 0.0


def plain_f1(answer, reference):
    beta, check.BETA = check.BETA, 1.0
    try:
        return check.longest_common_f(answer, reference)
    finally:
        check.BETA = beta


def without_a_gap(answer, reference):
    """The longest run of words in one piece: others may not stand between."""
    runs = [answer[i:j] for j in range(len(answer) + 1) for i in range(j)]
    inside = [r for r in runs if " ".join(r) in " ".join(reference)]
    common = max(map(len, inside), default=0)
    p, r = common / len(answer), common / len(reference)
    return (1 + 1.2**2) * p * r / (r + 1.2**2 * p) if common else 0.0


def found_twice(answer, reference):
    """One more than the cell above or to the left, in place of the one of both."""
    longest = np.zeros((len(answer) + 1, len(reference) + 1))
    for i, said in enumerate(answer, start=1):
        for j, true in enumerate(reference, start=1):
            before = max(longest[i - 1, j], longest[i, j - 1])
            longest[i, j] = before + (said == true)
    p, r = longest[-1, -1] / len(answer), longest[-1, -1] / len(reference)
    return (1 + 1.2**2) * p * r / (r + 1.2**2 * p) if p else 0.0


def at_the_last_true(truth, scores):
    hits = np.asarray(truth)[np.argsort(-np.asarray(scores))]
    return float(hits[: hits.sum()].mean())


def worst_first(truth, scores):
    return check.ranked_precision(truth, -np.asarray(scores))


def precision_everywhere(truth, scores):
    hits = np.asarray(truth)[np.argsort(-np.asarray(scores))]
    return float((hits.cumsum() / np.arange(1, len(hits) + 1)).mean())


def of_values(values, picks):
    return tuple(float(q) for q in np.percentile(values, [2.5, 97.5]))


def ninety_per_cent(values, picks):
    means = np.asarray(values)[picks].mean(axis=1)
    return tuple(float(q) for q in np.percentile(means, [5, 95]))


WRONG = {
    "rouge_l": [shared_words, plain_f1, without_a_gap, found_twice],
    "average_precision": [worst_first, precision_everywhere, at_the_last_true],
    "interval": [of_values, ninety_per_cent],
}


@pytest.mark.parametrize("name", check.EVALUATION)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.EVALUATION[name], WRONG[name])


def test_references_are_what_the_libraries_compute():
    for answer, reference in check.rouge_l.make_cases():
        found = Rouge().calc_score([" ".join(answer)], [" ".join(reference)])
        assert check.longest_common_f(answer, reference) == pytest.approx(found)
    for truth, scores in check.average_precision.make_cases():
        found = average_precision_score(truth, scores)
        assert check.ranked_precision(truth, scores) == pytest.approx(found)
    values = (np.random.default_rng(0).random(100) < 0.7).astype(float)
    picks = np.random.default_rng(1).integers(100, size=(4000, 100))
    found = check.percentile_interval(values, picks)
    assert found == pytest.approx(bootstrap_ci(values), abs=0.02)


# the answer that readers edit


@pytest.fixture
def judge():
    events = Event("baby cry", 0.5, 0.5, repeats=2, gap_s=0.5), Event("rain", 4.0, 3.0)
    rng = np.random.default_rng(0)
    return edit_answer.Judge(Score(9.5, events), [sample_score(rng) for _ in range(20)])


def test_judge_scores_the_truth_best_and_says_what_is_wrong(judge):
    changed = edit_answer.edits(judge.score)
    best, swapped = judge(changed["untouched"]), judge(changed["order swapped"])
    assert best["exact match"] == best["right sounds"] == best["and counts"] == 1
    assert swapped["right sounds"] == 0 and swapped["CIDEr"] > 0.5 * best["CIDEr"]
    counted = judge(changed["count wrong"])
    assert counted["right sounds"] == 1 and counted["and counts"] == 0
    right = {n for n, a in changed.items() if caption_is_right(a, judge.score)}
    assert right == {"untouched", "another wording", "count wrong", "denied"}
    assert max(judge("").values()) < 1e-3


def test_cider_of_the_judge_is_that_of_the_package(judge):
    references = [judge.references, *map(captions, judge.others)]
    perfect = [texts[0] for texts in references]
    spoilt = ["rain falls.", *perfect[1:]]
    gap = [caption_scores(said, references)["CIDEr"] for said in (perfect, spoilt)]
    lost = judge.cider(perfect[0]) - judge.cider("rain falls.")
    assert lost == pytest.approx((gap[0] - gap[1]) * len(references))


def test_edits_want_two_sounds_in_a_row(judge):
    with pytest.raises(ValueError, match="two sounds in a row"):
        edit_answer.edits(Score(9.5, judge.score.events[:1]))


def test_the_table_follows_what_is_typed(judge):
    box = edit_answer.EditWidget(judge)
    first = box.table.value
    assert pictured(box)[0][..., :3].std() > 5  # for readers on the web
    box.answer.value = "rain falls."
    assert box.table.value != first and "CIDEr" in box.table.value
    rows = edit_answer.compare(judge, "rain falls.")
    assert [tuple(row) for row in rows] == [edit_answer.COLUMNS] * len(rows)


def test_figures_are_drawn(monkeypatch, judge):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: shown.append(figure))
    changed = edit_answer.edits(judge.score)
    figures.metric_grid({name: judge(text) for name, text in changed.items()})
    right = [measure("a", [1, 0, 1], 0.5), measure("b", [1])]
    figures.interval_chart({"own": right, "noise": right})
    assert len(shown) == 2 and all(isinstance(f, Figure) for f in shown)

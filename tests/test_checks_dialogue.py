"""The exercises of notebook 10: the reference passes, likely mistakes do not."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from planted import assert_rejects

from af_minimal.chat import Chat, Turn
from af_minimal.course import checks_dialogue as check
from af_minimal.course import figures_dialogue as figures
from af_minimal.evaluation import measure
from af_minimal.soundworld import sample_score
from af_minimal.soundworld.dialogues import after, before


def whole_start(cached, wanted):
    pairs = zip(cached, wanted, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), len(cached))


def equal_places(cached, wanted):
    return sum(a == b for a, b in zip(cached, wanted[:-1], strict=False))


def read_with_own_answer(questions, answers):
    return np.array(questions), np.cumsum(questions) + np.cumsum(answers)


def read_without_answers(questions, answers):
    return np.array(questions), np.cumsum(questions)


def edges_are_unclear(groups, it):
    here = next(i for i, group in enumerate(groups) if it in group)
    places = (here - 1, here + 1)
    clear = [0 <= i < len(groups) and len(groups[i]) == 1 for i in places]
    return [len(groups[here]) == 1 and c for c in clear]


def only_neighbours_count(groups, it):
    here = next(i for i, group in enumerate(groups) if it in group)
    beside = [groups[i] if 0 <= i < len(groups) else [] for i in (here - 1, here + 1)]
    return [len(group) < 2 for group in beside]


WRONG = {
    "reused_tokens": [whole_start, equal_places, lambda a, b: min(len(a), len(b) - 1)],
    "tokens_read": [read_with_own_answer, read_without_answers],
    "may_be_asked": [edges_are_unclear, only_neighbours_count],
    "caught_and_lost": [
        lambda bad, dropped: ((bad & dropped).sum() / dropped.sum(), 0.25),
        lambda bad, dropped: ((bad & dropped).mean(), (~bad & dropped).mean()),
    ],
}


@pytest.mark.parametrize("name", check.DIALOGUE)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.DIALOGUE[name], WRONG[name])


def test_reused_tokens_is_what_a_chat_keeps():
    for cached, wanted in check.reused_tokens.make_cases():
        chat = object.__new__(Chat)
        chat._read, chat._cache = cached, SimpleNamespace(crop=lambda count: None)
        assert chat._keep_prefix(wanted) == check.common_start(cached, wanted)


def test_may_be_asked_is_what_the_dialogues_ask():
    rng = np.random.default_rng(0)
    for _ in range(100):
        score = sample_score(rng, difficulty="crowded")
        groups = [[event.label for event in group] for group in score.groups]
        for event in score.events:
            asked = [
                follow(score, event, rng) is not None for follow in (before, after)
            ]
            assert check.clear_neighbours(groups, event.label) == asked


def test_figures_are_drawn(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: shown.append(figure))
    figures.turn_costs([Turn("a", "b", 30, 0, 0.1), Turn("c", "d", 20, 35, 0.1)])
    right = [measure("turn 1", [1, 0, 1]), measure("turn 2", [1]), measure("3", [])]
    figures.turn_chart({"own": right, "noise": right})
    cuts = {"AF1": 0.3, "ours": 0.1}
    figures.similarity_bars({"good": [0.1, 0.5], "bad": [0.0, 0.2]}, cuts)
    assert len(shown) == 3 and all(isinstance(f, Figure) for f in shown)
    (line,) = shown[1].axes[0].containers[:1]
    assert len(line[0].get_xdata()) == 2  # a turn that nobody took is left out

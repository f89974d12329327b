"""Audio Flamingo 2's findings: every rule names what is measured, streams are true."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from af_minimal.findings import af1, af2, compa, toy_skills, toy_stages
from af_minimal.findings import toy_af2 as toys
from af_minimal.findings.rows import holds, is_true
from af_minimal.findings.toy_stream import (
    NAMES,
    Toy,
    batches_of,
    draw_stream,
    spread,
    toy_model,
    toy_tokenizer,
)

TINY = Toy(steps=2, scenes=40, examined=30, width=32, tokens=400)
MEASURES = {
    "AF2 features": lambda seed: toys.dense_or_pooled(seed, TINY),
    "AF2 curriculum": lambda seed: toy_stages.curriculum(seed, TINY),
    "AF2 data": lambda seed: toy_skills.skills_or_size(seed, TINY, 2),
    "AF2 depth": lambda seed: toys.blocks_by_depth(seed, replace(TINY, layers=6), 2),
    "AF2 padding": lambda seed: af2.padding(
        seed, 400, dict.fromkeys(af2.SCENES_EACH, 3)
    ),
    "AF2 counting": lambda seed: toys.counting(seed, TINY, 2),
}


@pytest.fixture(autouse=True)
def little_reading(monkeypatch):
    monkeypatch.setattr(toy_stages, "READING", 2)
    monkeypatch.setattr(toy_stages, "FACTS", 2)


def test_every_claim_has_an_experiment_and_every_experiment_a_claim():
    assert {claim.experiment for claim in af2.CLAIMS} == set(af2.EXPERIMENTS)
    assert set(MEASURES) == set(af2.EXPERIMENTS)


def test_no_id_and_no_experiment_is_taken_twice():
    ids = [claim.id for claim in (*af1.CLAIMS, *compa.CLAIMS, *af2.CLAIMS)]
    assert len(set(ids)) == len(ids)
    assert not set(af2.EXPERIMENTS) & (set(af1.EXPERIMENTS) | set(compa.EXPERIMENTS))


@pytest.mark.parametrize("name", MEASURES)
def test_rules_name_what_is_measured(name):
    numbers = MEASURES[name](0)
    for claim in af2.CLAIMS:
        if claim.experiment == name:
            assert claim.ours in numbers
            assert claim.chance is None or claim.chance in numbers
            for rule in claim.rules:
                is_true(rule, numbers)  # raises when it names something else


def judged(id: str, numbers: dict) -> bool:
    (claim,) = [claim for claim in af2.CLAIMS if claim.id == id]
    return holds(claim, [numbers])


def test_dense_features_must_beat_one_vector_and_a_guess():
    sure = {f"{kind}, {way}": 1.0 for kind in toys.KINDS for way in ("dense", "pooled")}
    alike = {"class, dense": 1.0, "class, pooled": 1.0}
    guess = {f"{kind}, chance": 0.4 for kind in toys.KINDS}
    for dense, pooled, holding in (
        (0.4, 0.0, False),
        (0.7, 0.5, False),
        (0.7, 0, True),
    ):
        found = dict.fromkeys(sure, dense) | guess | alike
        found |= {f"{kind}, pooled": pooled for kind in toys.KINDS}
        found |= toys.gains(found)
        for id in ("T-B2", "T-B2 onset and number"):
            assert judged(id, found) == holding, (id, dense, pooled)
    worse = found | {"class, dense": 0.9}
    assert not judged("T-B2", worse | toys.gains(worse))


def test_depth_is_not_judged_before_order_is_learnt():
    names = [f"every {i}, plus two standard errors" for i in (1, 3)]
    found = {"every 1": 0.6, "every 3": 0.5, "every 6": 0.4} | dict.fromkeys(names, 0.7)
    assert judged("T-B6", found | {"every 1: order": 0.9})
    assert not judged("T-B6", found | {"every 1: order": 0.5})


def test_runs_never_touch_and_stay_inside():
    rng = np.random.default_rng(0)
    for _ in range(200):
        runs = toys.draw_runs(rng, toys.LENGTH)
        assert sum(lasts for _, _, lasts in runs) == toys.SOUNDING
        for (_, start, lasts), (_, later, _) in zip(runs, runs[1:], strict=False):
            assert start + lasts < later
        _, start, lasts = runs[-1]
        assert runs[0][1] >= 0 and start + lasts <= toys.LENGTH
    assert spread(rng, [1, 1], 3) == [0, 2]


def test_the_mean_of_a_scene_is_the_same_in_any_order():
    stream = draw_stream(0, 0, 5, toys.draw_runs, toys.ask_runs, toys.LENGTH)
    turned = replace(stream, heard=[h.flip(0) for h in stream.heard])
    for one, other in zip(stream.pooled().heard, turned.pooled().heard, strict=True):
        torch.testing.assert_close(one, other)
        assert one.shape[0] == 1


def test_what_is_asked_is_true_of_the_runs():
    runs = [(3, 0, 1), (3, 2, 1), (3, 5, 2)]
    asked = {q.kind: q.output for q in toys.ask_runs(runs, toys.LENGTH)}
    assert asked == {"class": NAMES[3], "count": "three"}
    runs = [(1, 0, 2), (4, 3, 2)]
    assert [q.output for q in toys.ask_runs(runs, toys.LENGTH)] == [NAMES[1]]
    runs = [(1, 0, 1), (1, 2, 1), (4, 5, 1), (2, 7, 1), (2, 9, 1), (2, 11, 1)]
    caption, named, *others = toys.ask_counts(runs, toys.COUNT_LENGTH)
    assert caption.output == f"{NAMES[1]}, then {NAMES[4]}, then {NAMES[2]}"
    assert NAMES[4] in named.prompt and named.output == "one"  # 1 + 4 + 2 = 1 mod 3
    assert [q.output for q in others] == ["two", "one"]


def test_skills_of_a_row_are_true_and_each_has_answers_of_its_own_sort():
    rng, said = np.random.default_rng(0), {}
    for _ in range(200):
        for name, length in toy_stages.LENGTHS.items():
            runs = toy_stages.draw_row(rng, length, toy_stages.SOUNDS[name])
            assert all(
                start + lasts < later
                for (_, start, lasts, _), (_, later, *_) in zip(
                    runs, runs[1:], strict=False
                )
            )
            assert runs[-1][1] + runs[-1][2] <= length
            kinds = ("first", "pitch", "count")
            for q in toy_stages.ask_row(runs, length, kinds):
                said.setdefault(q.kind, set()).add(q.output)
    runs = [(3, 0, 3, False), (5, 4, 1, True)]
    told = [q.output for q in toy_stages.ask_row(runs, 12, ("first", "pitch", "count"))]
    assert told == [NAMES[3], "low", "two"]
    every = [answer for answers in said.values() for answer in answers]
    assert len(every) == len(set(every))


def test_a_high_run_is_heard_and_changes_no_other():
    scenes = {
        high: draw_stream(
            0, 0, 1, lambda rng, n, high=high: [(2, 1, 2, high)], lambda r, n: [], 6
        ).heard[0]
        for high in (False, True)
    }
    changed = (scenes[True] - scenes[False]).abs().amax(1) > 0.1  # (L,)
    assert changed.tolist() == [False, True, True, False, False, False]


def test_a_caption_is_scored_by_names_at_their_place(monkeypatch):
    said = [("ba, then ko", "ba, then ko"), ("ba", "ba, then ko, then da")]
    monkeypatch.setattr(toy_stages, "answers", lambda *given: said)
    assert toy_stages.captioning(None, None) == pytest.approx((1 + 1 / 3) / 2)


def test_stages_of_the_curriculum_do_not_end_at_a_rate_of_zero():
    steady = toy_stages.TOY.stage("pretrain", 0)
    assert steady.schedule == "constant" and steady.steps == toy_stages.TOY.steps
    assert Toy().stage("pretrain", 0).schedule == "cosine"


def test_a_kind_that_is_never_told_is_not_in_the_training_by_ear():
    worlds = toy_stages.Worlds(0, TINY)
    told = worlds.stream("short", "class", "kind")
    kinds = {q.kind for scene in told.asked for q in scene.questions}
    assert kinds == {"class", "kind"}
    exam = worlds.stream("short", "class", "kind", part=1)
    assert any("never" in q.kind for scene in exam.asked for q in scene.questions)
    read = {q.output for scene in worlds.text["facts"].asked for q in scene.questions}
    assert set(toy_stages.KINDS) <= read


def test_a_model_without_positions_hears_a_set():
    stream = draw_stream(0, 0, 30, toys.draw_runs, toys.ask_runs, toys.LENGTH)
    tokenizer = toy_tokenizer({"toy": stream})
    assert len(tokenizer(" ".join(NAMES)).input_ids) < 3 * len(NAMES)
    changes = {}
    for positions in ("none", "rotary"):
        toy = replace(TINY, positions=positions)
        model = toy_model(0, toy, tokenizer, toys.LENGTH).eval()
        for block in model.gated_blocks:
            block.attn_gate.data.fill_(1.0)
        changes[positions] = toys.change_by_shuffling(model, stream, 0)
    assert changes["none"] < 1e-9 and changes["rotary"] > 1e-4


def test_a_reader_hears_nothing_and_learns_every_token():
    stream = draw_stream(0, 0, 20, toys.draw_runs, toys.ask_runs, toys.LENGTH)
    tokenizer = toy_tokenizer({"toy": stream})
    (read,) = batches_of({"toy": stream}, tokenizer, TINY, 0, hear=False)(0)
    (heard,) = batches_of({"toy": stream}, tokenizer, TINY, 0)(0)
    assert "audio_features" not in read and "audio_features" in heard
    assert (read["labels"] != -100).sum() > (heard["labels"] != -100).sum()


def test_of_two_options_the_likelier_one_is_chosen():
    worlds = toy_stages.Worlds(0, TINY)
    exam = worlds.stream("skills", "pitch", part=1)
    model = toy_model(0, TINY, worlds.tokenizer, toy_stages.LENGTHS["long"]).eval()
    share = toy_skills.choose(model, exam, "pitch")  # gates are closed: always the same
    high = sum(s.questions[0].output == "high" for s in exam.asked) / len(exam.asked)
    assert share in (pytest.approx(high), pytest.approx(1 - high))

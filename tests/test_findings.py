"""Findings: rules judge, results survive, and the exact ones are exact."""

import json
import time
from copy import deepcopy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from af_minimal import __main__ as cli
from af_minimal.findings import mini, mini_drawn, toy_few_shot
from af_minimal.findings import run as run_module
from af_minimal.findings.af1 import CLAIMS, EXPERIMENTS
from af_minimal.findings.rows import (
    Claim,
    Experiment,
    holds,
    is_true,
    make_row,
    needs,
    page,
    summary,
    write_findings,
)
from af_minimal.findings.run import (
    PROCESSOR,
    chosen,
    measure,
    run,
    time_taken,
    write_rows,
)
from af_minimal.findings.toy import (
    NAMES,
    batches_of,
    teach,
    toy_model,
    toy_tokenizer,
)
from af_minimal.findings.toy_few_shot import (
    CURVE,
    RECIPES,
    TOY,
    FewShotWorld,
    Recipe,
    ToyEpisodes,
    few_shot_by_recipe,
    learn_all_answers,
)
from af_minimal.findings.toy_order import TOY as ORDER_TOY
from af_minimal.findings.toy_order import OrderWorld, averaged, windows_or_one_vector
from af_minimal.tokenizer import special_ids

CLAIM = Claim(
    id="T-X1",
    claim="More is better.",
    paper="10 % → 20 %",
    experiment="made up",
    ours="more",
    rules=("less < more", "more >= 0.5"),
    chance="chance",
)


def numbers(more: float, less: float = 0.1) -> dict:
    return {"more": more, "less": less, "chance": 0.25}


# rules


def test_a_rule_is_executed_as_it_is_printed():
    found = {"4 similar": 0.5, "no example": 0.0}
    assert is_true("no example < 4 similar", found)
    assert is_true("4 similar >= 0.5", found) and not is_true("4 similar > 0.5", found)
    assert is_true("no example <= 1e-6", found)
    assert not is_true("4 similar < 0.5", found)


def test_what_is_no_number_makes_every_rule_false():
    for compare in ("<", "<=", ">", ">="):
        assert not is_true(f"x {compare} 0", {"x": float("nan")})


def test_a_rule_that_names_nothing_measured_is_an_error():
    with pytest.raises(ValueError, match="'y'; measured were: x"):
        is_true("x < y", {"x": 1.0})
    with pytest.raises(ValueError, match="cannot be read|is not"):
        is_true("x is small", {"x": 1.0})


def test_a_failing_result_does_not_hold():
    good = [numbers(0.8), numbers(0.6), numbers(0.5)]
    assert holds(CLAIM, good)
    assert not holds(CLAIM, [*good[:2], numbers(0.49)])  # one seed is enough
    assert not holds(CLAIM, [*good[:2], numbers(0.9, less=0.95)])
    assert not holds(CLAIM, [])


def test_a_row_has_one_number_a_seed():
    row = make_row(CLAIM, [numbers(0.8), numbers(0.6), numbers(0.4)], seeds=3)
    assert row["ours"] == [0.8, 0.6, 0.4]
    assert row["mean"] == pytest.approx(0.6)
    assert (row["range"], row["chance"], row["holds"]) == ([0.4, 0.8], 0.25, False)
    unfinished = make_row(CLAIM, [numbers(0.8)], seeds=3)
    assert unfinished["holds"] is None and "not measured" in summary([unfinished])


def test_the_page_marks_what_does_not_hold(tmp_path):
    rows = [
        make_row(CLAIM, [numbers(0.8)] * 3, 3),
        make_row(replace(CLAIM, id="T-X2", experiment="b"), [numbers(0.3)] * 3, 3),
        make_row(replace(CLAIM, id="T-X3", experiment="c"), [], 3),
    ]
    write_findings(tmp_path, rows)
    text = (tmp_path / "README.md").read_text()
    assert (
        "| T-X1 | More is better. | 10 % → 20 % | more: 0.8 (0.8 to 0.8) | 0.25 | yes |"
        in text
    )
    assert "0.3 (0.3 to 0.3) | 0.25 | **no** |" in text
    assert (
        "| T-X3 | More is better. | 10 % → 20 % | more: not measured yet |  | – |"
        in text
    )
    assert "- `more >= 0.5`: true of 0 of 3 seeds" in text
    assert json.loads((tmp_path / "findings.json").read_text()) == rows
    assert {f.name for f in tmp_path.iterdir()} == {"README.md", "findings.json"}


def test_the_page_has_each_measurement_once():
    claims = [CLAIM, replace(CLAIM, id="T-X2", rules=("less < 0.5",))]
    claims.append(replace(CLAIM, id="T-X3", experiment="another"))
    said = page([make_row(claim, [numbers(0.8)] * 3, 3) for claim in claims])
    assert said.count("| more | 0.8 | 0.8 | 0.8 |") == 2  # two experiments
    shared, other = said.split("### Made up")[1].split("### Another")
    assert "**T-X1**" in shared and "**T-X2**" in shared and "**T-X3**" in other
    assert "- `less < 0.5`: true of 3 of 3 seeds" in shared


# running


class Made:
    """An experiment that remembers which seeds it was asked for."""

    def __init__(self, key="one"):
        self.seeds, self.key = [], key

    def __call__(self, seed):
        self.seeds.append(seed)
        return numbers(0.5 + 0.1 * seed)

    def experiments(self):
        return {"made up": Experiment(self, lambda: self.key)}


def test_nothing_is_measured_twice(tmp_path):
    made = Made()
    rows = run([CLAIM], made.experiments(), tmp_path, seeds=2, workers=1)
    assert made.seeds == [0, 1] and rows[0]["holds"] is True
    rows = run([CLAIM], made.experiments(), tmp_path, seeds=3, workers=1)
    assert made.seeds == [0, 1, 2] and rows[0]["ours"] == [0.5, 0.6, 0.7]
    run([CLAIM], made.experiments(), tmp_path, seeds=1, again=True, workers=1)
    assert made.seeds == [0, 1, 2, 0]


def test_numbers_of_other_weights_are_not_ours(tmp_path):
    made = Made("old weights")
    run([CLAIM], made.experiments(), tmp_path, seeds=1, workers=1)
    made.key = "new weights"
    run([CLAIM], made.experiments(), tmp_path, seeds=1, workers=1)
    assert made.seeds == [0, 0]


def test_a_seed_that_lacks_a_number_is_measured_again(tmp_path):
    made = Made()
    run([CLAIM], made.experiments(), tmp_path, seeds=2, workers=1)
    told = json.loads((tmp_path / "numbers.json").read_text())
    told["made up"]["seeds"]["1"]["numbers"]["new"] = 0.7
    (tmp_path / "numbers.json").write_text(json.dumps(told))
    claim = replace(CLAIM, rules=("less < new",), ours="more")
    measured = lambda seed: made(seed) | {"new": 0.9}  # noqa: E731
    experiments = {"made up": Experiment(measured, lambda: "one")}
    rows = run([CLAIM, claim], experiments, tmp_path, seeds=2, workers=1)
    assert made.seeds == [0, 1, 0] and [row["holds"] for row in rows] == [True, True]
    assert [numbers["new"] for numbers in rows[1]["numbers"]] == [0.9, 0.7]
    # what another finding needs stops nobody who asks for this one
    made = Made()
    other = replace(CLAIM, id="T-Y1", experiment="other", ours="unheard of")
    experiments |= {"other": Experiment(made, lambda: "x")}
    stored = json.loads((tmp_path / "numbers.json").read_text())
    old = {"made_with": "x", "seeds": {"0": {"numbers": {"more": 1}, "seconds": 1}}}
    (tmp_path / "numbers.json").write_text(json.dumps(stored | {"other": old}))
    claims = [CLAIM, claim, other]
    rows = run(claims, experiments, tmp_path, 2, only=["T-X"], workers=1)
    assert [row["holds"] for row in rows] == [True, True, None] and not made.seeds


def test_a_claim_needs_what_it_shows_and_what_its_rules_name():
    claim = replace(CLAIM, rules=("a, b < c", "more >= 1e-6"), ours="d")
    assert needs(claim) == {"a, b", "c", "more", "d", "chance"}
    assert needs(replace(claim, chance=None)) == {"a, b", "c", "more", "d"}
    with pytest.raises(ValueError, match="is not `one < other`"):
        needs(replace(claim, rules=("more is much",)))


def test_other_examples_are_other_numbers():
    made = mini_drawn.few_shot_exam()
    assert made.startswith(mini_drawn.shipped_weights()) and str(mini.SHOTS) in made


def test_the_page_says_how_long_each_paper_took(tmp_path):
    claims = [
        CLAIM,
        replace(CLAIM, id="T-Y1"),
        replace(CLAIM, id="T-Y2", experiment="o"),
    ]
    seeds = {str(i): {"numbers": numbers(0.8), "seconds": 90.0} for i in range(2)}
    last = {"numbers": numbers(0.8), PROCESSOR: 120.0}
    known = {"made up": {"seeds": seeds}, "o": {"seeds": {"0": last}}}
    told = "3 measurements took 5 minutes of one thread: 3 for T-X, 2 for T-Y."
    clocked = f"{told} 2 of them were timed by the clock, beside other work."
    assert time_taken(claims, known) == clocked
    for seed in seeds.values():
        seed[PROCESSOR] = seed.pop("seconds")
    assert time_taken(claims, known) == told
    assert time_taken(claims, {"made up": {"seeds": {}}}) == ""
    write_rows(tmp_path, claims, known, 2)
    assert told in (tmp_path / "README.md").read_text()


def test_a_beginning_chooses_all_that_begin_so():
    ids = ["T-X1", "T-X1 toy, more", "T-X10", "T-Y1"]
    claims = [replace(CLAIM, id=id) for id in ids]
    for asked, found in (
        ("T-X", ids[:3]),
        ("T-X1", ids[:2]),
        ("T-X1 toy", ids[1:2]),
        ("T-X10", ids[2:3]),
    ):
        assert [claim.id for claim in chosen(claims, [asked])] == found
    for asked in ("T-Z", "T-X2", "X1"):
        with pytest.raises(ValueError, match=f"no finding '{asked}'; there are: T-X1;"):
            chosen(claims, [asked])


def test_a_run_that_is_killed_keeps_what_it_has(tmp_path):
    made = Made()

    def fails_at_one(seed):
        if seed == 1:
            raise KeyboardInterrupt
        return made(seed)

    broken = {"made up": Experiment(fails_at_one, lambda: "one")}
    with pytest.raises(KeyboardInterrupt):
        run([CLAIM], broken, tmp_path, workers=1)
    (row,) = json.loads((tmp_path / "findings.json").read_text())
    assert row["ours"] == [0.5] and row["holds"] is None
    rows = run([CLAIM], made.experiments(), tmp_path, workers=1)
    assert made.seeds == [0, 1, 2] and rows[0]["holds"] is True


def test_measuring_again_keeps_each_seed_until_its_new_number_is_there(tmp_path):
    made = Made()
    run([CLAIM], made.experiments(), tmp_path, seeds=3, workers=1)

    def fails_at_one(seed):
        if seed == 1:
            raise KeyboardInterrupt
        return numbers(0.9)

    broken = {"made up": Experiment(fails_at_one, lambda: "one")}
    with pytest.raises(KeyboardInterrupt):
        run([CLAIM], broken, tmp_path, seeds=2, again=True, workers=1)
    (row,) = json.loads((tmp_path / "findings.json").read_text())
    assert row["ours"] == [0.9, 0.6, 0.7]  # the third was not asked for
    stored = json.loads((tmp_path / "numbers.json").read_text())["made up"]["seeds"]
    assert [seed["numbers"]["more"] for seed in stored.values()] == row["ours"]


def test_a_run_that_measures_nothing_leaves_the_page_as_it_was(tmp_path):
    made = Made()
    run([CLAIM], made.experiments(), tmp_path, workers=1)
    before = (tmp_path / "README.md").read_text()

    def fails(seed):
        raise KeyboardInterrupt

    for again, key in ((True, "one"), (False, "two")):
        broken = {"made up": Experiment(fails, lambda key=key: key)}
        with pytest.raises(KeyboardInterrupt):
            run([CLAIM], broken, tmp_path, again=again, workers=1)
        assert (tmp_path / "README.md").read_text() == before


def test_measuring_gives_the_threads_back_and_counts_no_waiting():
    threads = torch.get_num_threads()

    def waits(seed):
        assert torch.get_num_threads() == 1
        time.sleep(0.5)
        return numbers(seed)

    def fails(seed):
        raise KeyboardInterrupt

    torch.set_num_threads(2)
    try:
        _, seconds = measure(Experiment(waits, str), 0)
        assert seconds < 0.4 and torch.get_num_threads() == 2
        with pytest.raises(KeyboardInterrupt):
            measure(Experiment(fails, str), 0)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_one_finding_can_be_asked_for(tmp_path):
    made, other = Made(), Made()
    claims = [CLAIM, replace(CLAIM, id="T-X12", experiment="other")]
    experiments = made.experiments() | {"other": Experiment(other, lambda: "x")}
    rows = run(claims, experiments, tmp_path, only=["T-X1"], workers=1)
    assert made.seeds == [0, 1, 2] and other.seeds == []
    assert [row["holds"] for row in rows] == [True, None]
    with pytest.raises(ValueError, match="no finding 'T-Y'; there are: T-X1; T-X12"):
        run(claims, experiments, tmp_path, only=["T-Y"], workers=1)


def test_processes_measure_as_well(tmp_path):
    seed_itself = partial(dict.fromkeys, ("more", "less", "chance"))
    experiments = {"made up": Experiment(seed_itself, str)}
    rows = run([CLAIM], experiments, tmp_path, seeds=2, workers=2)
    assert rows[0]["ours"] == [0, 1] and rows[0]["holds"] is False


def test_the_command_hands_everything_on(monkeypatch, tmp_path, capsys):
    called = []

    def fake(*args):
        called.append(args)
        return [make_row(CLAIM, [numbers(0.3)], 1)]

    monkeypatch.setattr(run_module, "run", fake)
    out = str(tmp_path)
    assert cli.main(["findings", "--out", out, "--seeds", "1", "--only", "T-F1"]) == 0
    assert called[0][3:] == (1, ["T-F1"], False, 2)
    assert "T-X1  does not hold  0.3 (0.3 to 0.3)" in capsys.readouterr().out


# the paper's table


def test_every_finding_of_the_paper_has_a_row():
    ids = [claim.id for claim in CLAIMS]
    assert len(set(ids)) == len(ids)
    assert {f"T-F{i}" for i in range(1, 9)} <= set(ids)
    assert {claim.experiment for claim in CLAIMS} == set(EXPERIMENTS)


# exact findings, with a tiny model


@pytest.fixture
def heard(student):
    """The student with open gates, so that there is something to close."""
    model = deepcopy(student)
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(0.7)
        block.ff_gate.data.fill_(0.7)
    return model


def test_closed_gates_are_the_bare_language_model(heard):
    before = {name: value.clone() for name, value in heard.state_dict().items()}
    found = mini.gates_closed(0, heard)
    for name, value in heard.state_dict().items():  # its gates are open again
        assert torch.equal(value, before[name]), name
    assert found["gates closed"] < 1e-6 < found["gates as trained"]
    assert judged("T-F1", found)


def test_a_gate_that_is_ajar_is_noticed():
    assert not judged("T-F1", {"gates closed": 2e-6, "gates as trained": 1.0})
    assert not judged("T-F1", {"gates closed": 0.0, "gates as trained": 0.0})


def test_no_gradient_reaches_a_later_audio(heard):
    found = mini.block_mask(0, heard)
    assert judged("T-F5", found)
    leak = "the same of answer 1 at audio 2, audios not isolated (official AF1)"
    assert found[leak] > 0
    later = "gradient of answer 1's loss at audio 2"
    assert not judged("T-F5", found | {later: 1e-12})


def judged(id: str, found: dict) -> bool:
    (claim,) = [claim for claim in CLAIMS if claim.id == id]
    return holds(claim, [found])


# few-shot and filter numbers


def answered(measure: str, examples: list[str], truth: str, right: bool) -> dict:
    row = {"measure": measure, "examples": examples, "truth": truth, "right": right}
    return row | {"bound": truth in examples}


def test_few_shot_numbers_carry_bound_and_purity():
    rows = [answered("unseen names, no example", [], n, False) for n in "ab"]
    for shots, seen in ((1, "a"), (4, "abbb"), (8, "aaaabbbb")):
        name = f"unseen names, {shots} similar"
        rows += [answered(name, [*seen], "a", True), answered(name, [*seen], "b", True)]
    rows += [answered("known names, no example", [], n, True) for n in "ab"]
    for kind in ("of other classes", "with wrong names"):
        name = f"known names, 4 similar {kind}"
        rows += [answered(name, [*"cccc"], n, n == "a") for n in "ab"]
    for language, right in (("German", True), ("Greek", False)):
        name = f"named in {language}, 4 similar"
        rows += [answered(name, [*"xxxx"], "x", said) for said in (True, right)]
    found = mini.few_shot_numbers(rows)
    assert found["unseen names, chance"] == 0.5
    assert found["unseen names, 4 similar: purity"] == 0.5
    assert found["unseen names, 1 similar: bound"] == 0.5
    assert found["most above the bound"] == 0.5  # "b" was not among the examples
    assert not judged("T-F3", found)
    assert found["named in other languages, lowest"] == 0.5
    assert judged("T-F2 other languages", found)
    assert found["share kept, other classes"] == 0.5 and not judged("T-F4", found)


def test_a_filter_is_compared_with_chance():
    rng, planted = np.random.default_rng(0), np.arange(40) < 20
    sharp = mini.filter_numbers(np.where(planted, 0.1, 0.9), planted, rng)
    assert sharp["dropped by similarity"] == 1 and judged("T-F7", sharp)
    assert sharp["dropped below AF1's cosine of 0.3"] == 1
    deceived = mini.filter_numbers(np.where(planted, 0.9, 0.1), planted, rng)
    assert deceived["dropped by similarity"] == 0 and not judged("T-F7", deceived)


# the toy world

SMALL = replace(TOY, steps=2, batch=4)


@pytest.fixture(scope="module")
def world():
    return FewShotWorld(0)


def test_names_are_spelled_letter_by_letter():
    tokenizer = toy_tokenizer()
    for name in NAMES:
        assert len(tokenizer(name).input_ids) == 3, name
    assert len(tokenizer("\nanswer:").input_ids) == 3


def test_unseen_classes_stay_unseen(world):
    unseen = set(world.unseen_store.outputs)
    assert not unseen & set(world.train_store.outputs + world.fresh)
    episodes = ToyEpisodes(world, Recipe(new_names=0.5, wrong=0.5))
    said = {
        n for i in range(200) for n in episodes(np.random.default_rng(i), 5).outputs
    }
    assert not unseen & said


def test_episodes_follow_their_recipe(world):
    rng = np.random.default_rng(0)
    names = ToyEpisodes(world, Recipe()).names
    for recipe in (Recipe(), Recipe(new_names=1), Recipe(wrong=1)):
        episodes = ToyEpisodes(world, recipe)
        for _ in range(20):
            episode = episodes(rng, 5)
            truth = [names[place] for place in episode.places]
            assert len(set(episode.places)) == 5
            if recipe.new_names:
                assert not set(episode.outputs) & set(world.known_asked.outputs)
                seen = [n in truth[:i] for i, n in enumerate(truth)]
                assert episode.learn == seen
            else:
                assert episode.outputs == truth and all(episode.learn)
            assert not (recipe.wrong and truth[-1] in truth[:-1])


def test_the_last_answer_alone_can_be_learnt(world):
    tokenizer, found = toy_tokenizer(), []
    for all_answers in (True, False):
        episodes = ToyEpisodes(world, Recipe(all_answers=all_answers))
        found.append(batches_of(episodes, tokenizer, SMALL, 0)(1)[0])
    every, last = found
    assert torch.equal(every["input_ids"], last["input_ids"])
    learnt, last_learnt = every["labels"] != -100, last["labels"] != -100
    shots = (every["input_ids"] == special_ids(tokenizer)["audio"]).sum(1) - 1
    assert (shots > 0).all() and (last_learnt <= learnt).all()
    # three letters and <|endofchunk|> of each example
    assert torch.equal((learnt.sum(1) - last_learnt.sum(1)), 4 * shots)


def test_a_toy_step_changes_the_weights(world):
    model = toy_model(0, TOY, toy_tokenizer())
    before = model.lm.get_input_embeddings().weight.clone()
    log = teach(model, ToyEpisodes(world, Recipe()), SMALL, 0)
    assert len(log) == 2 and not torch.equal(
        before, model.lm.get_input_embeddings().weight
    )


def test_toy_experiments_measure_what_their_claims_need(monkeypatch):
    monkeypatch.setattr(toy_few_shot, "EXAMINED", 1)
    found = {
        "toy, AF1's recipe alone": few_shot_by_recipe(0, Recipe(), SMALL),
        "toy losses": learn_all_answers(0, replace(CURVE, steps=1, batch=2), points=2),
        "toy order": windows_or_one_vector(
            0, replace(ORDER_TOY, steps=2, batch=4), (20, 10)
        ),
    }
    for name in RECIPES:
        found[f"toy, {name}"] = found["toy, AF1's recipe alone"]
    for claim in CLAIMS:
        if claim.experiment in found:
            row = make_row(claim, [found[claim.experiment]], 1)
            assert row["holds"] is False, claim.id  # two steps teach nothing
            assert page([row])


def test_the_mean_of_windows_knows_no_order():
    world = OrderWorld(0, 0, 30)
    world.features = world.features[:, [0, 0, 0, 0, 7, 7, 7, 7]]  # (N, W, E)
    turned = deepcopy(world)
    turned.features = turned.features.flip(1)
    averaged(world)
    averaged(turned)
    assert world.features.shape[1] == 1
    torch.testing.assert_close(world.features, turned.features)


def test_questions_of_order_are_answered_from_the_scene():
    world = OrderWorld(0, 0, 50)
    for row in world.answers:
        assert sorted([row["first"], row["second"]]) == row["both"].split(", ")
    assert any(row["first"] > row["second"] for row in world.answers)
    episode = world(np.random.default_rng(0), 1)
    assert episode.outputs[0] in world.answers[episode.places[0]].values()

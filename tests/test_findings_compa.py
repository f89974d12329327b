"""CompA's findings: every rule names what is measured, and nothing is heard before."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from af_minimal.findings import af1, compa
from af_minimal.findings import compa_towers as towers
from af_minimal.findings.rows import is_true
from af_minimal.systems.compa.expressions import Sound, positives
from af_minimal.systems.compa.training import draw_batch, draw_order

TINY = towers.Setting(labels=4, steps=4, batch=4, clips=4, asked=4, triplets=1)

MEASURES = {
    "CompA order": lambda seed: towers.order_by_loss(seed, TINY),
    "CompA regimes": lambda seed: towers.regimes(seed, TINY, TINY),
    "CompA positions": lambda seed: towers.small_positions(
        seed, replace(TINY, positions=0.1)
    ),
    "CompA attributes": lambda seed: towers.attributes(seed, TINY),
    "CompA stages": lambda seed: towers.stages(seed, TINY),
}


def test_every_claim_has_an_experiment_and_every_experiment_a_claim():
    assert {claim.experiment for claim in compa.CLAIMS} == set(compa.EXPERIMENTS)
    assert set(MEASURES) == set(compa.EXPERIMENTS)


def test_no_id_and_no_experiment_is_taken_twice():
    ids = [claim.id for claim in (*af1.CLAIMS, *compa.CLAIMS)]
    assert len(set(ids)) == len(ids)
    assert not set(af1.EXPERIMENTS) & set(compa.EXPERIMENTS)


@pytest.mark.parametrize("name", MEASURES)
def test_rules_name_what_is_measured(name):
    numbers = MEASURES[name](0)
    for claim in compa.CLAIMS:
        if claim.experiment == name:
            assert claim.ours in numbers
            assert claim.chance is None or claim.chance in numbers
            for rule in claim.rules:
                is_true(rule, numbers)  # raises when it names something else


def test_questions_are_about_pairs_that_training_never_had():
    world = towers.World(0, replace(TINY, labels=6))
    trained = {frozenset(pair) for pair in world.trained}
    for one in world.order() + world.attribute():
        asked = one.expressions[0]
        assert frozenset((asked.left.label, asked.right.label)) not in trained
    assert len(world.clips()) == TINY.clips


def claim_of(id: str) -> str:
    (claim,) = [claim for claim in compa.CLAIMS if claim.id == id]
    return claim.claim


def test_a_claim_says_where_the_toy_is_another_world_than_the_paper():
    world, rng = towers.World(0, towers.SETTING), np.random.default_rng(0)
    draw = partial(draw_order, pairs=world.trained)
    batch = draw_batch(rng, draw, world.setting.batch)
    parts = [positives(expression)[1:] for expression in batch]
    single = [p.label for own in parts for p in own if isinstance(p, Sound)]
    extra = len(batch) + sum(map(len, parts))  # each is also said in other words
    shared = [label for label in single if single.count(label) > 1]
    assert len(single) > extra / 2 and len(shared) > 0.9 * len(single)
    assert "single sounds" in claim_of("T-A6") and "say nothing" in claim_of("T-A6")
    assert "AF-CLAP's loss" in claim_of("T-A5")


def test_numbers_belong_to_a_setting():
    made = {name: e.made_with() for name, e in compa.EXPERIMENTS.items()}
    assert "steps=1500" in made["CompA order"]
    assert "positions=0.1" in made["CompA positions"]

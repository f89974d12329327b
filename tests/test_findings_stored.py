"""The stored findings are of this code: numbers, verdicts and page belong together."""

import json
from pathlib import Path

import pytest

from af_minimal.findings import af1, af2, compa
from af_minimal.findings.run import read_numbers, write_rows
from af_minimal.soundworld.episode_batches import EpisodeBatches

STORED = Path(__file__).parents[1] / "findings"
CLAIMS = [*af1.CLAIMS, *compa.CLAIMS, *af2.CLAIMS]
EXPERIMENTS = af1.EXPERIMENTS | compa.EXPERIMENTS | af2.EXPERIMENTS
SEEDS = 3


@pytest.fixture(scope="module")
def numbers():
    return json.loads((STORED / "numbers.json").read_text())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_stored_was_measured_with_what_there_is(name, numbers):
    made = EXPERIMENTS[name].made_with()
    assert numbers[name]["made_with"] == made, (
        f"the numbers of {name!r} are of other weights, sizes or draws: `make findings`"
    )
    assert {str(seed) for seed in range(SEEDS)} <= numbers[name]["seeds"].keys()


def test_the_page_is_what_the_numbers_make_of_it(numbers, tmp_path):
    known = {}
    for name, experiment in EXPERIMENTS.items():
        # verdicts are compared here, and who measured them in the test above
        made = numbers[name] | {"made_with": experiment.made_with()}
        known[name] = made
    (tmp_path / "numbers.json").write_text(json.dumps(known))
    known = read_numbers(tmp_path, EXPERIMENTS, CLAIMS)
    write_rows(tmp_path, CLAIMS, known, SEEDS)
    for name in ("findings.json", "README.md"):
        assert (tmp_path / name).read_text() == (STORED / name).read_text(), name


def test_padding_is_what_is_stored_of_it(numbers):
    stored = numbers["AF2 padding"]["seeds"]["0"]["numbers"]
    assert af2.padding(0) == pytest.approx(stored)


def test_other_episodes_are_other_numbers(monkeypatch):
    made = EXPERIMENTS["toy, new names added"].made_with()
    monkeypatch.setattr(EpisodeBatches, "PATIENCE", 0)
    assert EXPERIMENTS["toy, new names added"].made_with() != made


def test_other_scenes_are_other_numbers(monkeypatch):
    made = EXPERIMENTS["AF2 padding"].made_with()
    scenes = dict(af2.SCENES)
    monkeypatch.setattr(
        af2,
        "SCENES",
        scenes | {af2.LONG: lambda n, seed: scenes[af2.LONG](n, seed + 1)},
    )
    assert EXPERIMENTS["AF2 padding"].made_with() != made

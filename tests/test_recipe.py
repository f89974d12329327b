"""How `mini` is made: the contrastive batches, and the chain of stages in the small."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from af_minimal.audio import Clip
from af_minimal.config import PRESETS
from af_minimal.model import load
from af_minimal.soundworld import clap_batches, recipe

SCENES, STEPS = 4, 2
SILENCE = Clip.from_array(np.zeros(16_000, dtype=np.float32), 16_000)


@pytest.fixture(scope="module")
def words():
    """Stands in for the towers: keeps the sentences as they are."""
    return SimpleNamespace(tokenize=lambda texts: {"texts": texts})


def test_the_same_step_gives_the_same_batch(words):
    batches = clap_batches.ClapBatches(words, {}, size=8)
    first, again, other = batches(3)[0], batches(3)[0], batches(4)[0]
    assert first["texts"] == again["texts"] != other["texts"]
    assert torch.equal(first["windows"], again["windows"])
    assert first["windows"].shape == (8, 32_000) and len(first["texts"]) == 8


def test_twins_differ_in_one_word_and_in_sound():
    rng = np.random.default_rng(0)
    for _ in range(20):
        one, other = clap_batches.twins(rng)
        assert one.labels == other.labels and one.twin != other.twin
        assert one.twin.split()[0] == other.twin.split()[0]  # the same attribute
        assert not set(one.texts) & set(other.texts)
        assert not np.array_equal(one.samples, other.samples)
        assert np.isfinite(one.samples).all() and len(one.samples) == 32_000


def test_no_sentence_of_a_batch_is_true_of_another_window():
    silent = np.zeros(4)
    dog, rain = ("dog bark",), ("rain",)
    low = clap_batches.Window(silent, ["low"], dog, "pitch low")
    high = clap_batches.Window(silent, ["high"], dog, "pitch high")
    plain = clap_batches.Window(silent, ["a dog"], dog)
    rainy = clap_batches.Window(silent, ["rain"], rain)
    assert clap_batches.different([low, high], []) == [low, high]
    assert clap_batches.different([rainy, rainy, plain], [low, high]) == [rainy]
    assert clap_batches.different([low, high], [plain]) == []


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """All stages of a tiny run, two steps each."""
    run = recipe.Run(
        tmp_path_factory.mktemp("run"),
        PRESETS["tiny"],
        scenes=SCENES,
        steps=STEPS,
        batch=4,
        workers=0,
    )
    recipe.run_all(run)
    return run


@pytest.mark.parametrize("folder", ["model-pretrain", "model"])
def test_every_stage_leaves_a_model_that_answers(run, folder):
    model = load(run.out / folder)
    assert model.config.audio_width == PRESETS["tiny"].audio_width
    assert isinstance(model.ask(SILENCE, "what is it?", max_new_tokens=2), str)


def test_what_is_done_is_not_done_again(run, monkeypatch):
    monkeypatch.setattr(recipe.ClapBatches, "__call__", None)
    before = {p: p.stat().st_mtime_ns for p in (run.out / "features").iterdir()}
    assert len(recipe.run_stage(run, "clap")) == STEPS
    assert len(recipe.run_stage(run, "sft")) == STEPS
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_the_control_without_pretraining_has_its_own_folder(run):
    kept = (run.out / "model" / "model.safetensors").read_bytes()
    recipe.run_stage(replace(run, skip_pretrain=True), "sft")
    alone = (run.out / "model-sft-alone" / "model.safetensors").read_bytes()
    assert alone != kept
    assert (run.out / "model" / "model.safetensors").read_bytes() == kept

"""Episodes whose answer is the likest example, and heads that are told so."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from af_minimal.config import PRESETS
from af_minimal.model import load
from af_minimal.soundworld import guidance, recipe
from af_minimal.soundworld import learn_to_compare as to_compare
from af_minimal.soundworld.comparing import (
    EACH,
    Comparing,
    invented_scene,
    invented_sound,
    unit,
)
from af_minimal.soundworld.invented import INVENTED, invented_class
from af_minimal.soundworld.run import Run

CLASSES, OF_EACH = 12, 6


def test_a_number_is_a_class_of_its_own():
    one, again, other = (invented_sound(n) for n in (40 * EACH, 40 * EACH, 41 * EACH))
    assert np.array_equal(one, again) and np.abs(one).max() > 0.01
    assert invented_scene(40 * EACH).score.labels == [f"{INVENTED}40"]
    assert invented_scene(40 * EACH + EACH - 1).score.labels == [f"{INVENTED}40"]
    shortest = min(len(one), len(other))
    assert not np.array_equal(one[:shortest], other[:shortest])
    for number in range(30):
        wave = invented_sound(number * EACH)
        assert np.isfinite(wave).all() and np.abs(wave).max() > 1e-3, number
        assert invented_class(number).label == f"{INVENTED}{number}"


@pytest.fixture(scope="module")
def mapped():
    """Points (72, 8) of twelve classes that lie apart, a third of them known."""
    rng = np.random.default_rng(0)
    means = 3 * rng.standard_normal((CLASSES, 1, 8))
    return (means + 0.5 * rng.standard_normal((CLASSES, OF_EACH, 8))).reshape(-1, 8)


def by_class():
    names = ["dog bark", "rain", "gong", "wind"]
    names += [f"{INVENTED}{n}" for n in range(CLASSES - len(names))]
    return {k: range(i * OF_EACH, (i + 1) * OF_EACH) for i, k in enumerate(names)}


FAR = np.full((1, 8), 1e-3)


def test_the_likest_bears_the_right_name(mapped):
    draw = Comparing(by_class(), mapped, FAR)
    right, minority = [], []
    for seed in range(150):
        episode = draw(np.random.default_rng(seed), 6)
        assert len(episode.places) == len(episode.blends) == len(episode.outputs)
        points = unit(draw.between(episode.places, episode.blends))
        likest = int((points[:-1] @ points[-1]).argmax())
        right.append(episode.outputs[likest] == episode.outputs[-1])
        shown = episode.outputs[:-1]
        minority.append(2 * shown.count(episode.outputs[-1]) <= len(shown))
        for i, name in enumerate(episode.outputs):
            assert episode.learn[i] == (name in episode.outputs[:i])
        assert episode.outputs == episode.rightful and not set(shown) & {"dog bark"}
    assert np.mean(right) > 0.95 and np.mean(minority) > 0.3


def test_what_is_like_a_class_of_the_exam_is_left_out(mapped):
    own = list(by_class()).index(f"{INVENTED}3")
    exam = mapped[own * OF_EACH : (own + 1) * OF_EACH].mean(0, keepdims=True)
    draw = Comparing(by_class(), mapped, exam)
    shunned = set(range(own * OF_EACH, (own + 1) * OF_EACH))
    for seed in range(60):
        episode = draw(np.random.default_rng(seed), 4)
        heard = {*episode.places, *(b[0] for b in episode.blends if b)}
        assert not heard & shunned
    with pytest.raises(ValueError, match="Give more scenes"):
        Comparing({"rain": range(2)}, mapped, exam)


def test_heads_and_readings_are_drawn_to_the_map(student):
    torch.manual_seed(0)
    attention = guidance.looking_back(student)[0]
    width, sep = student.config.lm["hidden_size"], 5
    ids = torch.tensor([[9, sep, 1, 2, 9, sep, 3, 4, 9, sep, 1, 2]])  # (1, T)
    hidden = torch.randn(1, ids.shape[1], width)
    names, points = torch.tensor([[0, 1, 0]]), torch.eye(3)[[0, 1, 0]][None]
    read = [torch.nn.Linear(width, 3) for _ in range(2)]
    told = attention, hidden, ids, names, sep, points, read
    optimizer = torch.optim.Adam([*attention.parameters(), *read[0].parameters()], 0.01)
    kept = {k: v.clone() for k, v in attention.state_dict().items()}
    lost = []
    for _ in range(60):
        lost.append(guidance.likeness_lost(*told))
        optimizer.zero_grad()
        lost[-1].backward()
        optimizer.step()
    seen = guidance.looks(attention, hidden, ids, 3, sep).exp()
    attention.load_state_dict(kept)  # the fixture is everybody's
    assert lost[-1] < 0.6 * lost[0]
    assert (seen[0, 2, :, 0] > seen[0, 2, :, 1]).all()  # the third is like the first
    assert (guidance.mapped(Deaf(), *sounds(), names) == points).all()


class Deaf:
    """An ear that reads the map's numbers off the features."""

    def liken(self, features, mask):
        return features[:, 0]


def sounds():
    return torch.eye(3)[[0, 1, 0]].repeat_interleave(2, 0)[None], torch.ones(1, 6)


def test_a_finished_model_learns_to_compare(tmp_path, student):
    run = Run(tmp_path, PRESETS["mini"], scenes=300, steps=2, batch=8, workers=0)
    with pytest.raises(ValueError, match="--start-from mini"):
        replace(run, compare=True)
    run = replace(run, compare=True, start_from="mini", seed=8_400_000)
    config = run.stage("sft")
    assert (config.steps, config.lr, config.accumulation) == (2, 2.5e-4, 3)
    assert len(recipe.run_stage(run, "sft")) == 2
    assert len(recipe.run_stage(replace(run, steps=3), "sft", resume=True)) == 3
    model, before = load(tmp_path / "model"), load("mini")
    assert model.state_dict().keys() == before.state_dict().keys()  # no readings
    changed = model.get_input_embeddings().weight - before.get_input_embeddings().weight
    assert changed.abs().max() > 0
    student.save_pretrained(tmp_path / "deaf")
    with pytest.raises(ValueError, match="has no map"):
        to_compare.teacher_of(replace(run, start_from=tmp_path / "deaf"))

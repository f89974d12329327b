"""What sounds are compared by: fitted to classes, kept with the model, forgotten."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_flamingo import config_of

import af_minimal as af
from af_minimal.config import PRESETS
from af_minimal.encoders import build_encoder
from af_minimal.findings.neighbours import share_right
from af_minimal.model import AudioFlamingo
from af_minimal.soundworld import likeness
from af_minimal.soundworld.catalogue import HELD_OUT
from af_minimal.soundworld.few_shot import single_sounds
from af_minimal.soundworld.likeness import fit_likeness, forget_likeness

CLASSES, EACH, WINDOWS = 40, 6, 3


def encoder():
    torch.manual_seed(0)
    wide = replace(PRESETS["tiny"].encoder, width=64)
    return build_encoder(wide, PRESETS["tiny"].audio).eval()


def sounds(seed: int, width: int, classes: int = CLASSES):
    """Features that differ more within a class, along eight axes, than between any."""
    rng = np.random.default_rng(seed)
    centre = 0.3 * rng.standard_normal((classes, 1, 1, width))
    own = 0.1 * rng.standard_normal((classes, EACH, 1, width))
    own[..., :8] += rng.standard_normal((classes, EACH, 1, 8))
    noise = 0.02 * rng.standard_normal((classes, EACH, WINDOWS, width))
    features = torch.tensor(1 + centre + own + noise, dtype=torch.float32)
    mask = torch.ones(classes * EACH, WINDOWS, dtype=torch.bool)
    mask[::3, -1] = False
    by_class = {f"class {i}": range(i * EACH, (i + 1) * EACH) for i in range(classes)}
    return features.flatten(0, 1), mask, by_class


def right(vectors: torch.Tensor) -> float:
    """How often the nearest other sound is of the same class."""
    near = (vectors @ vectors.T).fill_diagonal_(-2).argmax(1)
    return float((near // EACH == torch.arange(len(vectors)) // EACH).float().mean())


def spread(points: torch.Tensor) -> torch.Tensor:
    """Variances within classes along their axes: (K, N, C) -> (C,)."""
    off = (points - points.mean(1, keepdim=True)).flatten(0, 1)
    return torch.linalg.eigvalsh(off.T @ off / len(off))


def test_new_classes_are_told_apart_by_what_the_known_ones_taught():
    ear = encoder()
    known, new = sounds(1, ear.width), sounds(2, ear.width)
    plain = torch.nn.functional.normalize(new[0].mean(1), dim=-1)
    fit_likeness(ear, *known)
    with torch.no_grad():
        vectors = ear.liken(*new[:2])
    assert vectors.shape == (CLASSES * EACH, CLASSES - 1) == (240, ear.config.alike)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(len(vectors)), atol=1e-5)
    assert right(vectors) > 0.95 > 0.85 > right(plain)


def test_within_classes_all_directions_vary_alike():
    ear = encoder()
    features, mask, by_class = sounds(1, ear.width)
    fit_likeness(ear, features, mask, by_class)
    weight = mask.unsqueeze(-1)
    mean = (features * weight).sum(1) / weight.sum(1)
    with torch.no_grad():
        z = ear.alike(mean).unflatten(0, (CLASSES, EACH))
    before, after = spread(mean.unflatten(0, (CLASSES, EACH))), spread(z)
    assert before.max() > 50 * before.min()
    assert after.max() < 1.01 and after.max() < 5 * after.min()
    assert torch.allclose(z.mean((0, 1)), torch.zeros(CLASSES - 1), atol=1e-3)


def test_what_has_no_class_or_stands_alone_teaches_nothing():
    ear, other = encoder(), encoder()
    features, mask, by_class = sounds(1, ear.width)
    fit_likeness(ear, features, mask, by_class)
    more = torch.cat([features, 9 * torch.randn(3, WINDOWS, ear.width)])
    real = torch.cat([mask, torch.ones(3, WINDOWS, dtype=torch.bool)])
    fit_likeness(other, more, real, by_class | {"alone": [len(features)]})
    assert torch.allclose(ear.alike.weight, other.alike.weight, atol=1e-5)


@pytest.mark.parametrize(
    "classes, each",
    [(likeness.FEWEST_CLASSES - 1, EACH), (CLASSES, 2), (2 * CLASSES, 1)],
)
def test_of_too_few_sounds_none_is_fitted(classes, each):
    ear = encoder()
    features, mask, by_class = sounds(1, ear.width, 2 * CLASSES)
    few = {label: at[:each] for label, at in list(by_class.items())[:classes]}
    joint = ear.pool(features, mask)
    assert fit_likeness(ear, features, mask, by_class) and ear.alike is not None
    assert not fit_likeness(ear, features, mask, few)
    assert ear.alike is None and ear.config.alike == 0
    assert torch.equal(ear.liken(features, mask), joint)


def test_sounds_that_do_not_differ_teach_nothing():
    ear = encoder()
    features, mask, by_class = sounds(1, ear.width)
    assert not fit_likeness(ear, torch.ones_like(features), mask, by_class)


def test_the_joint_space_stays_what_it_was():
    ear = encoder()
    features, mask, by_class = sounds(1, ear.width)
    before = ear.pool(features, mask)
    fit_likeness(ear, features, mask, by_class)
    assert torch.equal(ear.pool(features, mask), before)


def test_it_is_saved_and_loaded_with_the_model(tmp_path):
    model = AudioFlamingo(config_of())
    model.encoder = encoder()
    features, mask, by_class = sounds(1, model.encoder.width)
    fit_likeness(model.encoder, features, mask, by_class)
    model.config = replace(model.config, encoder=model.encoder.config)
    model.save_pretrained(tmp_path)
    again = af.load(tmp_path).encoder
    with torch.no_grad():
        one, other = (e.liken(features, mask) for e in (model.encoder, again))
    assert torch.equal(one, other)
    forget_likeness(again)
    assert again.alike is None


def test_what_ships_finds_kinds_it_never_heard():
    """Neighbours under the shipped map are of the same kind oftener than without."""
    mini, named = af.load("mini"), {label: label for label in HELD_OUT}
    store = single_sounds(mini, named, 4, [51, 1])
    asked = single_sounds(mini, named, 8, [51, 2])
    joint, alike = (
        share_right(mini.encoder, space, asked, store) for space in ("pool", "liken")
    )
    assert alike >= max(0.93, joint)

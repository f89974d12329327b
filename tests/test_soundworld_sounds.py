"""SoundWorld's sounds: reproducible, varied, named without ambiguity, and fast."""

import re
import time

import numpy as np
import pytest

from af_minimal.soundworld.catalogue import CLASSES, FAMILIES, HELD_OUT
from af_minimal.soundworld.names import nonsense_name

EVERYTHING = CLASSES | HELD_OUT
REAL_TEN = (
    "dog bark",
    "rain",
    "sea waves",
    "baby cry",
    "clock tick",
    "person sneeze",
    "helicopter",
    "chainsaw",
    "rooster",
    "fire crackling",
)


def test_the_catalogue_is_large_enough_and_spans_five_families():
    assert len(CLASSES) >= 44
    assert len(HELD_OUT) >= 8
    assert not set(CLASSES) & set(HELD_OUT)
    assert {c.family for c in CLASSES.values()} == set(FAMILIES)
    assert len(FAMILIES) == 5
    assert set(REAL_TEN) <= set(CLASSES)


@pytest.mark.parametrize("label", EVERYTHING)
def test_every_class_has_words_and_attributes(label):
    sound = EVERYTHING[label]
    assert sound.label == label == label.lower()
    assert len(set(sound.phrases)) == 3
    assert len(sound.attributes) >= 3
    assert all(len(set(v)) in (2, 3) for v in sound.attributes.values())
    least, most = sound.duration_s
    assert 0.2 < least < most <= 5.0
    assert sound.continuous == (most > 2.5)


def test_no_phrase_hides_inside_another_class():
    for one in EVERYTHING.values():
        for other in EVERYTHING.values():
            if one is other:
                continue
            for theirs in (*other.phrases, other.label):
                for ours in (*one.phrases, one.label):
                    assert not re.search(rf"\b{re.escape(ours)}\b", theirs)
            assert not set(one.phrases) & set(other.phrases)
            assert not any(p in q for p in one.phrases for q in other.phrases)


@pytest.mark.parametrize("label", EVERYTHING)
def test_sounds_are_reproducible_bounded_and_as_long_as_asked(label):
    sound = EVERYTHING[label]
    for sample_rate in (16000, 22050):
        for duration in (0.3, 1.234):
            first = sound.synth(np.random.default_rng(7), duration, None, sample_rate)
            again = sound.synth(np.random.default_rng(7), duration, None, sample_rate)
            np.testing.assert_array_equal(first, again)
            assert first.dtype == np.float32
            assert first.shape == (round(duration * sample_rate),)
            assert np.isfinite(first).all()
            assert 0.03 < np.abs(first).max() <= 1.0


@pytest.mark.parametrize("label", EVERYTHING)
def test_two_clips_of_a_class_differ_even_with_equal_attributes(label):
    sound = EVERYTHING[label]
    attributes = {name: values[0] for name, values in sound.attributes.items()}
    one = sound.synth(np.random.default_rng(0), 1.0, attributes)
    two = sound.synth(np.random.default_rng(1), 1.0, attributes)
    similarity = np.dot(one, two) / (np.linalg.norm(one) * np.linalg.norm(two))
    assert abs(similarity) < 0.9


@pytest.mark.parametrize("label", EVERYTHING)
def test_every_other_attribute_value_changes_the_samples(label):
    sound = EVERYTHING[label]
    for name, values in sound.attributes.items():
        if name == "length":  # steers the duration, not the voice
            continue
        base = {k: v[0] for k, v in sound.attributes.items()}
        one = sound.synth(np.random.default_rng(3), 1.0, base)
        two = sound.synth(np.random.default_rng(3), 1.0, base | {name: values[-1]})
        assert not np.allclose(one, two, atol=1e-3), name


def centre_of_gravity(wave: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(wave)) ** 2
    return float(np.sum(np.arange(len(power)) * power) / np.sum(power))


@pytest.mark.parametrize("label", ["dog bark", "siren", "piano", "rain", "wind"])
def test_high_and_bright_really_lie_higher(label):
    sound = CLASSES[label]
    name = "pitch" if "pitch" in sound.attributes else "tone"
    lower, upper = sound.attributes[name]
    fixed = {"loudness": "loud", "distance": "near"}
    low, high = (
        [
            centre_of_gravity(
                sound.synth(np.random.default_rng(s), 1.0, fixed | {name: v})
            )
            for s in range(6)
        ]
        for v in (lower, upper)
    )
    assert np.mean(high) > 1.2 * np.mean(low)


def test_loudness_and_length_are_heard():
    dog = CLASSES["dog bark"]
    rng = np.random.default_rng(0)
    soft = dog.synth(rng, 0.4, {"loudness": "soft", "distance": "near"})
    loud = dog.synth(rng, 0.4, {"loudness": "loud", "distance": "near"})
    assert np.abs(loud).max() > 1.9 * np.abs(soft).max()
    shorts = [dog.sample_duration(rng, {"length": "short"}) for _ in range(20)]
    longs = [dog.sample_duration(rng, {"length": "long"}) for _ in range(20)]
    assert max(shorts) <= min(longs)


def test_unknown_attributes_are_refused_with_the_choices():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no attribute 'colour'"):
        CLASSES["dog bark"].synth(rng, 0.5, {"colour": "red"})
    with pytest.raises(ValueError, match="cannot be 'purple'"):
        CLASSES["dog bark"].synth(rng, 0.5, {"pitch": "purple"})


def test_nonsense_names_are_new_words():
    vocabulary = " ".join(" ".join((c.label, *c.phrases)) for c in EVERYTHING.values())
    names = {nonsense_name(np.random.default_rng(s)) for s in range(200)}
    assert len(names) > 150
    assert all(re.fullmatch(r"([a-z][aeiou]){3}", name) for name in names)
    assert not any(name in vocabulary for name in names)


def test_sounds_render_much_faster_than_they_play():
    rng = np.random.default_rng(0)
    start = time.process_time()
    for sound in CLASSES.values():
        sound.synth(rng, 1.0)
    assert len(CLASSES) / (time.process_time() - start) > 50

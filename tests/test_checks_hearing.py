"""Exercises of notebooks 01 and 02: the reference passes, likely mistakes do not."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from planted import assert_rejects

from af_minimal.course import checks
from af_minimal.course import checks_hearing as check


def divides_silence(waveform):
    with np.errstate(invalid="ignore"):
        return waveform / np.abs(waveform).max()


def bare_labels(clap, sounds, labels):
    return sounds @ clap.embed_text(labels).T


def shares(clap, sounds, labels):
    return check.zero_shot.reference(clap, sounds, labels).softmax(-1)


def counts_padding(encoder, features, mask):
    return check.pool.reference(encoder, features, torch.ones_like(mask))


def too_short(encoder, features, mask):  # the mean of unit vectors is no unit vector
    joint = F.normalize(encoder.projection(features), dim=-1)
    weight = mask.unsqueeze(-1).float()
    return (joint * weight).sum(1) / weight.sum(1).clamp(min=1)


def divides_by_nothing(encoder, features, mask):
    joint = F.normalize(encoder.projection(features), dim=-1)
    rows = [row[real].mean(0) for row, real in zip(joint, mask, strict=True)]
    return F.normalize(torch.stack(rows), dim=-1)


WRONG = {
    "peak_normalise": [divides_silence, lambda w: w / max(w.max(), 1e-9), lambda w: w],
    "zero_shot": [bare_labels, shares],
    "pool": [counts_padding, too_short, divides_by_nothing],
}


@pytest.mark.parametrize("name", check.HEARING)
def test_reference_passes_and_mistakes_do_not(name, capsys):
    exercise = check.HEARING[name]
    mine = partial(exercise.reference)
    assert exercise(mine) is mine
    assert capsys.readouterr().out.startswith("✓")
    assert len(WRONG[name]) >= 2
    for wrong in WRONG[name]:
        assert exercise(wrong) is exercise.reference
        assert "reference:" in capsys.readouterr().out


HOPS = {
    "its overlap": lambda config: config.overlap,
    "half a window": lambda config: config.window // 2,
    "a whole window": lambda config: config.window,
}


def windows_with(hop_of, samples, config):
    needed = 1 + -(-max(0, samples - config.window) // hop_of(config))
    return min(config.max_windows, needed)


def cut_with(hop_of, waveform, config):
    windows = np.zeros((config.max_windows, config.window), np.float32)
    mask = np.arange(len(windows)) < windows_with(hop_of, len(waveform), config)
    for i in np.flatnonzero(mask):
        piece = waveform[i * hop_of(config) :][: config.window]
        windows[i, : len(piece)] = piece
    return windows, mask


@pytest.mark.parametrize("name", ["num_windows", "cut_windows"])
def test_a_window_comes_a_hop_later(name):
    exercise = checks.EVERY[name]
    answer = {"num_windows": windows_with, "cut_windows": cut_with}[name]
    assert not exercise.first_problem(partial(answer, lambda config: config.hop))
    assert_rejects(exercise, [partial(answer, hop) for hop in HOPS.values()])


def test_cases_are_shown_in_a_few_words(capsys):
    check.pool(counts_padding)
    case = next(x for x in capsys.readouterr().out.splitlines() if "case:" in x)
    assert "AudioEncoder" in case and len(case) < 250

"""Exercises of notebooks 01 and 02: the reference passes, likely mistakes do not."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

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


def test_cases_are_shown_in_a_few_words(capsys):
    check.pool(counts_padding)
    case = next(x for x in capsys.readouterr().out.splitlines() if "case:" in x)
    assert "AudioEncoder" in case and len(case) < 250

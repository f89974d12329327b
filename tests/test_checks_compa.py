"""Exercises and figures of notebook 14: references pass, planted mistakes do not."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from planted import assert_rejects

from af_minimal.audio import Clip
from af_minimal.course import checks_compa as check
from af_minimal.course import figures_compa as figures


def ties_win(similar):
    own = similar.diagonal()
    text = bool((own[None, :] >= similar).all())
    audio = bool((own[:, None] >= similar).all())
    return text, audio, text and audio


def best_by_argmax(similar):
    """A tie is won by who comes first."""
    own = torch.arange(len(similar))
    text, audio = (bool((similar.argmax(d) == own).all()) for d in (0, 1))
    return text, audio, text and audio


def two_are_enough(similar):
    text, audio, _ = check.compa_scores.reference(similar[:2, :2])
    return text, audio, text and audio


def sides_exchanged(similar):
    return check.compa_scores.reference(similar.T)


def no_rival_anywhere(similar):
    """Group compares with all that is wrong, not with its own row and column."""
    text, audio, _ = check.compa_scores.reference(similar)
    wrong = similar[~torch.eye(len(similar), dtype=torch.bool)]
    return text, audio, bool(similar.diagonal().min() > wrong.max())


def mean_of_both(similar):
    text, audio, _ = check.compa_scores.reference(similar)
    return text, audio, text or audio


def seen_by_all(audio, text, hard, s):
    everything = torch.cat([text, hard.flatten(0, 1)])  # (B + B * K, C)
    logits, target = s * audio @ everything.T, torch.arange(len(audio))
    back = F.cross_entropy((s * audio @ text.T).T, target)
    return (F.cross_entropy(logits, target) + back) / 2


def audio_to_text_alone(audio, text, hard, s):
    wrong = s * torch.einsum("ic,ikc->ik", audio, hard)
    logits = torch.cat([s * audio @ text.T, wrong], 1)
    return F.cross_entropy(logits, torch.arange(len(audio)))


def without_hard(audio, text, hard, s):
    return check.hard_negative_loss.reference(audio, text, hard[:, :0], s)


def released(logits, visible):
    return (logits * torch.where(visible, 1.0, -1e5)).log_softmax(-1)


def zero_for_hidden(logits, visible):
    return (logits * visible).log_softmax(-1)


def shares_hidden_too_late(logits, visible):
    return logits.log_softmax(-1).masked_fill(~visible, -torch.inf)


def mean_of_logs(audio, positives, negatives, s):
    right = s * torch.einsum("jmc,ic->ijm", positives, audio)
    wrong = s * torch.einsum("irc,ic->ir", negatives, audio)
    total = torch.cat([right.flatten(1), wrong], 1).logsumexp(1)
    own = right[torch.arange(len(audio)), torch.arange(len(audio))]  # (B, M)
    return (total - own.mean(1)).mean()


def negatives_forgotten(audio, positives, negatives, s):
    return check.af_clap_loss.reference(audio, positives, negatives[:, :0], s)


def texts_exchanged(audio, positives, negatives, s):
    return check.af_clap_loss.reference(audio, positives.flip(0), negatives, s)


PLANTED = {
    "compa_scores": (
        ties_win,
        sides_exchanged,
        mean_of_both,
        best_by_argmax,
        two_are_enough,
        no_rival_anywhere,
    ),
    "hard_negative_loss": (seen_by_all, audio_to_text_alone, without_hard),
    "log_shares": (released, zero_for_hidden, shares_hidden_too_late),
    "af_clap_loss": (mean_of_logs, negatives_forgotten, texts_exchanged),
}


def test_every_check_has_planted_wrong_answers():
    assert set(PLANTED) == set(check.COMPA)


@pytest.mark.parametrize("name", check.COMPA)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.COMPA[name], PLANTED[name])


def test_scores_are_drawn_beside_chance(shown):
    row = {"text": 0.3, "audio": 0.1, "group": 0.05}
    figures.score_bars({"one": row, "two": row}, {"text": 0.25, "group": 1 / 6})
    (_, alt) = shown[0]
    assert "one, two" in alt
    with pytest.raises(ValueError, match="one lack one of text, other"):
        figures.score_bars({"one": row}, {"text": 0.25, "other": 0.5})


def test_clips_are_drawn_above_each_other(shown):
    clip = Clip(
        np.random.default_rng(0).uniform(-1, 1, 8000).astype(np.float32), 16_000
    )
    figures.clips_above([clip, clip], ["a then b", "b then a"])
    assert "a then b; b then a" in shown[0][1]

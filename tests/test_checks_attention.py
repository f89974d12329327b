"""The exercises of notebooks 03 to 05: the reference passes, likely mistakes do not."""

import pytest
import torch
from matplotlib.figure import Figure
from planted import assert_rejects

from af_minimal.audio_transformer import SelfAttention
from af_minimal.course import checks
from af_minimal.course import checks_attention as check
from af_minimal.course import figures_attention as figures


def reshaped(x, heads):
    return x.reshape(x.shape[0], heads, x.shape[1], -1)


def unmasked(audio_mask, per):
    audio = torch.arange(audio_mask.shape[1]) // per
    return (audio == audio[:, None]).expand(len(audio_mask), -1, -1)


def uniform_when_deaf(q, k, v, mask):
    scores = (q @ k.T / q.shape[-1] ** 0.5).masked_fill(~mask, -1e9)
    return scores.softmax(-1) @ v


def values_first(attn, audio):
    return check.keys_values.reference(attn, audio).flip(1)


def heads_before_halves(attn, audio):
    kv = attn.to_kv(audio).unflatten(-1, (attn.heads, 2, -1))
    return kv.permute(0, 3, 2, 1, 4)


WRONG = {
    "rotated_heads": list(check.rotated_heads.known),
    "keys_values": [values_first, heads_before_halves],
    "cached_mask": list(check.cached_mask.known),
    "split_heads": [reshaped, lambda x, h: x.unflatten(-1, (-1, h)).transpose(1, 2)],
    "own_audio": [unmasked, lambda m, per: m.unsqueeze(1).expand(-1, m.shape[1], -1)],
    "one_head": [
        uniform_when_deaf,
        lambda q, k, v, m: (q @ k.T).softmax(-1).masked_fill(~m, 0) @ v,
    ],
    "latest_only": [
        lambda ids, m, a, w: check.text_to_audio_mask.reference(ids, m, a, w),
        lambda ids, m, a, w: check.latest_only_mask(ids, torch.ones_like(m), a, w),
    ],
}


@pytest.mark.parametrize("name", check.ATTENTION)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.ATTENTION[name], WRONG[name])


def audios_for_windows(rule):
    """Their numbers changed places: W audios of A windows each, for A of W."""
    return lambda ids, mask, token, per: rule(ids, mask, token, mask.shape[1] // per)


@pytest.mark.parametrize("name", ["latest_only", "text_to_audio_mask"])
def test_windows_are_no_audios(name):
    exercise = checks.EVERY[name]
    assert_rejects(
        exercise,
        [
            audios_for_windows(exercise.reference),
            lambda ids, mask, token, per: exercise.reference(ids, mask, token, 2),
        ],
    )


def test_no_turn_at_all_is_no_turn_of_the_wrong_axis():
    turns = check.rotated_heads
    said = turns.first_problem(lambda x, heads, *_: check.split_into_heads(x, heads))
    assert said and "likely" not in said


def test_split_heads_is_what_the_package_does():
    x = torch.randn(2, 5, 8)
    torch.testing.assert_close(
        check.split_into_heads(x, 4), SelfAttention(8, 4, 0.0)._split(x)
    )


def test_turned_scores_depend_on_the_distance_alone():
    q, k = torch.randn(2, 1, 8).expand(-1, 6, 8)
    scores = check.turn_by_position(q) @ check.turn_by_position(k).T  # (S, S)
    for apart in (-2, 0, 1):
        along = scores.diagonal(apart)
        torch.testing.assert_close(along, along[:1].expand_as(along))
    assert (scores[0, 0] - scores[0, 3]).abs() > 1e-3


def test_figures_are_drawn(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, alt: shown.append(figure))
    figures.position_table(torch.randn(6, 4))
    figures.squares({"a": torch.eye(4), "b": torch.ones(4, 4)}, "x", "y", edge=2)
    figures.squares({"a": torch.eye(4)}, "x", "y", log=True)
    figures.mask_panels({"a": torch.eye(4), "b": torch.eye(4)}, list("abcd"), 2)
    figures.curves({"a": [1, 2, 3]}, "step", "loss", reference=("chance", 2.0))
    assert len(shown) == 5 and all(isinstance(f, Figure) for f in shown)

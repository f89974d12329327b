"""The exercises of notebook 13: the reference passes, likely mistakes do not."""

import pytest
import torch
from planted import assert_rejects

from af_minimal.audio_transformer import RotaryPositions
from af_minimal.course import checks_af2 as check
from af_minimal.course.checks_attention import turn_by_position
from af_minimal.encoders import in_one_row


def turned_last(x, turned):
    rest = x.shape[-1] - turned
    return torch.cat([x[..., :rest], turn_by_position(x[..., rest:])], dim=-1)


def speeds_of_the_whole_head(x, turned):  # R for K in the angle is a wrong pitch
    K, half = x.shape[-1], turned // 2
    angle = torch.arange(x.shape[-2])[:, None] * 4096.0 ** (-torch.arange(half) * 2 / K)
    a, b, rest = x.split([half, half, K - turned], dim=-1)
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], dim=-1)


def neighbours_paired(x, turned):
    out = x.clone()
    pairs = torch.cat([x[..., 0:turned:2], x[..., 1:turned:2]], dim=-1)
    a, b = turn_by_position(pairs).chunk(2, dim=-1)
    out[..., 0:turned:2], out[..., 1:turned:2] = a, b
    return out


def counted_from_one(x, turned):
    shifted = torch.cat([x[..., :1, :], x], dim=-2)
    return check.turn_part(shifted, turned)[..., 1:, :]


WRONG = {
    "partial_rotary": [
        lambda x, turned: turn_by_position(x),
        turned_last,
        speeds_of_the_whole_head,
        neighbours_paired,
        counted_from_one,
    ],
    "dense_mask": [
        lambda mask, n: mask.repeat(1, n),
        lambda mask, n: torch.ones(len(mask), mask.shape[1] * n, dtype=torch.bool),
        lambda mask, n: mask.unsqueeze(-1).expand(-1, -1, n),
    ],
    "attention_scores": [
        lambda text, audio: (text**2 + text * audio, (text + audio) ** 2),
        lambda text, audio: check.count_scores(text, audio)[::-1],
        lambda text, audio: (
            text * (text + 1) // 2 + text * audio,
            text * (text + 1) // 2 + text * audio,
        ),
    ],
}


@pytest.mark.parametrize("name", check.AF2)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.AF2[name], WRONG[name])


@pytest.mark.parametrize("K, turned", [(32, 32), (64, 32), (96, 48)])
def test_partial_rotary_is_what_the_package_does(K, turned):
    x = torch.randn(2, 3, 7, K)
    torch.testing.assert_close(check.turn_part(x, turned), RotaryPositions(K)(x))


def test_the_mask_of_vectors_is_what_the_package_does():
    mask = torch.tensor([[True, True, False]])
    _, package = in_one_row(torch.zeros(1, 3, 4, 2), mask)
    assert torch.equal(check.mask_of_vectors(mask, 4), package)

"""The losses of CompA and AF-CLAP against vectors computed by hand in numpy."""

import math

import pytest
import torch
from torch.testing import assert_close

from af_minimal.clap import contrastive_loss
from af_minimal.systems.compa.losses import (
    NEGATIVE,
    POSITIVE,
    PRIMARY,
    af_clap_loss,
    hard_negative_loss,
    modular_directions,
    modular_loss,
    visible_texts,
    with_negatives,
)

SCALE = torch.tensor(10.0)
C = math.sqrt(0.19)
TEXT = torch.eye(4)[:3]
AUDIO = torch.tensor([[0.8, 0.6, 0, 0], [0, 0.8, 0.6, 0], [0.6, 0, 0.8, 0]])
HARD = torch.tensor(
    [
        [[0.6, 0.8, 0, 0], [0.6, 0, 0, 0.8]],
        [[0, 0.6, 0.8, 0], [0, 0.6, 0, 0.8]],
        [[0.8, 0, 0.6, 0], [0, 0, 0.6, 0.8]],
    ]
)
MORE = torch.tensor([[0.9, C, 0, 0], [0, 0.9, 0, C], [0, 0, 0.9, C]])


def modular_case():
    """Positives for sounds 0 and 2, one negative for each."""
    texts = torch.cat([TEXT, MORE[[0, 2]], HARD[:, 0]])
    owner = torch.tensor([0, 1, 2, 0, 2, 0, 1, 2])
    kind = torch.tensor([PRIMARY] * 3 + [POSITIVE] * 2 + [NEGATIVE] * 3)
    return AUDIO, texts, owner, kind, SCALE


def equals(value, expected):
    assert_close(float(value), expected, atol=2e-6, rtol=0)


def test_vanilla_loss_of_the_vectors():
    equals(contrastive_loss(AUDIO, TEXT, SCALE), 0.127223)
    none = torch.zeros(3, 0, 4)
    equals(hard_negative_loss(AUDIO, TEXT, none, SCALE), 0.127223)


def test_hard_negatives_count_in_audio_to_text_only():
    to_text, to_audio = modular_directions(AUDIO, *with_negatives(TEXT, HARD), SCALE)
    equals(to_text, 1.813108)
    equals(to_audio, 0.127223)
    equals(hard_negative_loss(AUDIO, TEXT, HARD, SCALE), 0.970165)


def test_hard_negatives_are_the_formula_of_the_paper():
    to_text = SCALE * AUDIO @ TEXT.T
    wrong = SCALE * torch.einsum("ic,ikc->ik", AUDIO, HARD)
    by_hand = torch.cat([to_text, wrong], 1).logsumexp(1) - to_text.diagonal()
    both = by_hand.mean() + torch.nn.functional.cross_entropy(
        to_text.T, torch.arange(3)
    )
    assert_close(hard_negative_loss(AUDIO, TEXT, HARD, SCALE), both / 2)


def test_modular_loss_of_the_vectors():
    to_text, to_audio = modular_directions(*modular_case())
    equals(to_text, 1.893482)
    equals(to_audio, 0.109814)
    equals(modular_loss(*modular_case()), 1.001648)


def test_right_sentences_compete_in_the_modular_loss():
    copies = torch.cat([TEXT, TEXT, TEXT])
    owner = torch.arange(3).repeat(3)
    kind = torch.tensor([PRIMARY] * 3 + [POSITIVE] * 6)
    to_text, _ = modular_directions(TEXT, copies, owner, kind, torch.tensor(1e4))
    equals(to_text, math.log(3))


def test_af_clap_loss_of_the_vectors():
    positives = torch.stack([TEXT, MORE], 1)  # (B, M, C)
    twice = torch.cat([HARD, HARD], 1)  # (B, M * N, C)
    equals(af_clap_loss(AUDIO, positives, twice, SCALE), 1.685254)
    none = torch.zeros(3, 0, 4)
    equals(af_clap_loss(AUDIO, TEXT[:, None], none, SCALE), 0.127223)


def test_one_good_positive_is_enough_for_af_clap():
    useless = -TEXT
    with_useless = torch.stack([TEXT, useless], 1)
    none = torch.zeros(3, 0, 4)
    alone = af_clap_loss(AUDIO, TEXT[:, None], none, SCALE)
    assert_close(
        af_clap_loss(AUDIO, with_useless, none, SCALE), alone, atol=1e-3, rtol=0
    )


def test_a_sound_sees_its_own_texts_and_the_primary_ones():
    _, _, owner, kind, _ = modular_case()
    assert visible_texts(owner, kind, 3).long().tolist() == [
        [1, 1, 1, 1, 0, 1, 0, 0],
        [1, 1, 1, 0, 0, 0, 1, 0],
        [1, 1, 1, 0, 1, 0, 0, 1],
    ]


def test_texts_of_others_have_no_gradient_from_a_sound():
    audio, texts, owner, kind, scale = modular_case()
    texts = texts.clone().requires_grad_()
    to_text, _ = modular_directions(audio, texts, owner, kind, scale)
    to_text.backward()
    assert torch.isfinite(texts.grad).all()
    # the positive of sound 2 is moved along sound 2 and nothing else
    moved = texts.grad[4] / audio[2]
    assert_close(moved[0], moved[2])


def released_mask(audio, texts, owner, kind, scale):
    """Audio to text as released: what may not be seen is multiplied by -100,000."""
    logits = scale * audio @ texts.T
    factor = torch.where(visible_texts(owner, kind, len(audio)), 1.0, -1e5)
    return torch.nn.functional.cross_entropy(logits * factor, owner[kind == PRIMARY])


def test_the_released_mask_lets_a_negative_cosine_win():
    right = modular_directions(AUDIO, *with_negatives(TEXT, HARD), SCALE)[0]
    # with cosines of zero or more, nobody notices (zero itself stays zero)
    quiet = released_mask(AUDIO, *with_negatives(TEXT, HARD), SCALE)
    assert_close(quiet, right, atol=1e-4, rtol=0)
    far = HARD.clone()
    far[1, 0] = torch.tensor([-0.2, 0.6, math.sqrt(0.6), 0.0])  # from sound 0: 0.2
    far[2, 0] = torch.tensor([0.0, -0.2, 0.6, math.sqrt(0.6)])  # from sound 0: -0.12
    texts = with_negatives(TEXT, far)
    assert modular_directions(AUDIO, *texts, SCALE)[0] < 3
    # -0.12 of somebody else's sentence has become a logit of 120,000
    wrong = released_mask(AUDIO, *texts, SCALE)
    assert wrong > 1e4
    # and it does not move the sound away from its own wrong sentences at all
    audio = AUDIO.clone().requires_grad_()
    released_mask(audio, *texts, SCALE).backward()
    pulled = audio.grad[0] / audio.grad[0].norm()
    assert (pulled @ (far[2, 0] / far[2, 0].norm())).abs() > 0.99


def test_what_does_not_fit_is_said():
    audio, texts, owner, kind, scale = modular_case()
    with pytest.raises(ValueError, match="8 sentences, 7 owners"):
        modular_loss(audio, texts, owner[:7], kind, scale)
    with pytest.raises(ValueError, match=r"\[0, 1, 1\] primary"):
        kind = kind.clone()
        kind[0] = POSITIVE
        modular_loss(audio, texts, owner, kind, scale)
    with pytest.raises(ValueError, match="3 sounds came with positives of 2"):
        af_clap_loss(AUDIO, TEXT[:2, None], HARD, SCALE)

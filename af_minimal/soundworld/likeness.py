"""What makes two sounds alike: a map of features that forgets how one kind varies.

The joint space of sounds and sentences must tell a soft bell from a loud one, for its
captions do. Whoever looks for another bell had better not hear the difference. So
neighbours are found in a space of their own, fitted to sounds of known classes:

    W = mean of (x - m)(x - m)^t, x the mean feature of a sound, m that of its class
    z = V^t L^t (x - mean of all m), L L^t = (W + a little)^-1, V the axes between the m

In z classes vary, on average, about equally in every direction. Sounds of classes that
nobody met are told apart as well: kinds vary in like ways. Speaker recognition
knows the first half as within-class covariance normalisation (Hatch, Kajarekar and
Stolcke 2006, Interspeech). Audio Flamingo compares in the joint space.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..encoders import AudioEncoder, in_one_row
from ..towers import masked_mean

FEWEST = 2  # sounds of a class; of one alone nobody knows how it varies
FEWEST_CLASSES, FEWEST_SOUNDS = 30, 150  # fewer make a map worse than the joint space
SHRINK = 0.1  # of the mean variance, added to each, for directions seldom seen


def fit_likeness(
    encoder: AudioEncoder,
    features: Tensor,
    mask: Tensor,
    by_class: Mapping[str, Sequence[int]],
) -> bool:
    """Give an encoder the map by which `liken` compares sounds; say whether it has one.

    Args:
        features: (N, L, E) or dense (N, L, n, E), of N sounds.
        mask: (N, L), True = real window.
        by_class: label -> places of its sounds, as `episodes.single_sounds` gives.

    Of fewer than `FEWEST_CLASSES` classes or `FEWEST_SOUNDS` sounds, or of sounds that
    do not differ, nothing is learnt, and the encoder compares as without a map. The
    config of a model that has this encoder must be told, before it is saved:
    `model.config = replace(model.config, encoder=encoder.config)`.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    forget_likeness(encoder)
    classes = [at for at in by_class.values() if len(at) >= FEWEST]
    if len(classes) < FEWEST_CLASSES or sum(map(len, classes)) < FEWEST_SOUNDS:
        return False
    x = masked_mean(*in_one_row(features.float(), mask)).double()  # (N, E)
    means = torch.stack([x[at].mean(0) for at in classes])  # (K, E)
    off = torch.cat([x[at] - m for at, m in zip(classes, means, strict=True)])
    within = off.T @ off / len(off)  # (E, E)
    if not within.any():
        return False
    within.diagonal().add_(SHRINK * within.diagonal().mean())
    whiten = torch.linalg.cholesky(torch.linalg.inv(within))  # (E, E)
    centre = means.mean(0)
    axes = torch.linalg.svd((means - centre) @ whiten, full_matrices=False).Vh
    axes = axes[: len(classes) - 1]  # K points span no more
    encoder.config = replace(encoder.config, alike=len(axes))
    encoder.alike = nn.Linear(len(centre), len(axes)).to(next(encoder.parameters()))
    with torch.no_grad():
        encoder.alike.weight.copy_((whiten @ axes.T).T)
        encoder.alike.bias.copy_(-centre @ whiten @ axes.T)
    encoder.alike.requires_grad_(False)  # no stage trains it
    return True


def take_likeness(encoder: AudioEncoder, other: AudioEncoder) -> None:
    """Give an encoder the map of another that hears the same features, or none."""
    encoder.alike = other.alike
    encoder.config = replace(encoder.config, alike=other.config.alike)


def forget_likeness(encoder: AudioEncoder) -> None:
    """Let an encoder compare sounds in its joint space again.

    As after `fit_likeness`, the config of a model that has it must be told.
    """
    encoder.alike, encoder.config = None, replace(encoder.config, alike=0)

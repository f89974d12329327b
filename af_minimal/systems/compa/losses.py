"""Contrastive losses that hear order: hard negatives, modular, AF-CLAP.

Two sentences with the same words seldom meet in one batch, so the usual loss never asks
which sound comes first. These losses bring the wrong sentence along, for its own sound
alone.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor

PRIMARY, POSITIVE, NEGATIVE = 0, 1, 2  # kinds of sentences


def visible_texts(owner: Tensor, kind: Tensor, audios: int) -> Tensor:
    """Which sentences stand in the denominator of each sound: bool (B, T).

    A sound sees its own sentences and the primary ones of all others.

    Args:
        owner: (T,) the sound that each sentence belongs to.
        kind: (T,) PRIMARY, POSITIVE or NEGATIVE.
        audios: B.

    Official: CompA `src-stage3/laion_clap/clap_module/loss.py`, as the paper prints it
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    return own_texts(owner, audios) | (kind == PRIMARY)


def own_texts(owner: Tensor, audios: int) -> Tensor:
    """Which sentences are each sound's own: bool (B, T)."""
    return owner == torch.arange(audios, device=owner.device)[:, None]


def modular_directions(
    audio_embeds: Tensor,
    text_embeds: Tensor,
    owner: Tensor,
    kind: Tensor,
    logit_scale: Tensor,
) -> tuple[Tensor, Tensor]:
    """Audio to text and text to audio, before they are averaged.

        audio to text: mean over i of the mean over its right t of -log softmax_i(t)
        text to audio: mean over right t of -log softmax over sounds, at its own

    softmax_i runs over `visible_texts` of sound i; right are primary and positive ones.

    Args:
        audio_embeds: (B, C), unit norm.
        text_embeds: (T, C), unit norm; each sound has one primary sentence.
        owner, kind: (T,), as for `visible_texts`.
        logit_scale: scalar, the inverse temperature s.

    Raises:
        ValueError: when sentences, owners and kinds are not equally many, or a sound
            has not exactly one primary sentence.

    Official: CompA `src-stage3/laion_clap/clap_module/loss.py: ClipLoss`
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    _check_texts(len(audio_embeds), len(text_embeds), owner, kind)
    logits = logit_scale * audio_embeds @ text_embeds.T  # (B, T)
    visible = visible_texts(owner, kind, len(audio_embeds))  # (B, T)
    surprise = -log_shares(logits, visible)  # (B, T)
    said = kind != NEGATIVE  # (T,)
    right = own_texts(owner, len(logits)) & said  # (B, T)
    per_audio = surprise.masked_fill(~right, 0.0).sum(-1) / right.sum(-1)  # (B,)
    return per_audio.mean(), F.cross_entropy(logits.T[said], owner[said])


def log_shares(logits: Tensor, visible: Tensor) -> Tensor:
    """Log-softmax over what is visible alone; the rest has no share, so -inf.

    The released code multiplies the rest by -100,000: a negative cosine then becomes
    the largest logit of all.

    Args:
        logits: (B, T).
        visible: bool (B, T), at least one True in a row.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    return logits.masked_fill(~visible, -torch.inf).log_softmax(-1)


def _check_texts(audios: int, texts: int, owner: Tensor, kind: Tensor) -> None:
    if not texts == len(owner) == len(kind):
        raise ValueError(
            f"{texts} sentences, {len(owner)} owners and {len(kind)} kinds came; each "
            "sentence needs one of both."
        )
    primary = torch.bincount(owner[kind == PRIMARY], minlength=audios)
    if len(primary) != audios or (primary != 1).any():
        raise ValueError(
            f"the {audios} sounds have {primary.tolist()} primary sentences; each "
            "needs exactly one, the others are POSITIVE or NEGATIVE."
        )


def modular_loss(
    audio_embeds: Tensor,
    text_embeds: Tensor,
    owner: Tensor,
    kind: Tensor,
    logit_scale: Tensor,
) -> Tensor:
    """The mean of the two directions of `modular_directions`.

    The right sentences of a sound compete with each other: with P of them beside the
    primary one, the first direction cannot fall below log(1 + P).

    Official: CompA `src-stage3/laion_clap/clap_module/loss.py: ClipLoss`
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    directions = modular_directions(audio_embeds, text_embeds, owner, kind, logit_scale)
    return sum(directions) / 2


def hard_negative_loss(
    audio_embeds: Tensor, text_embeds: Tensor, hard: Tensor, logit_scale: Tensor
) -> Tensor:
    """The contrastive loss with K more wrong sentences in each sound's own row.

        audio to text of i: -s a_i.t_i + log(sum_j e^(s a_i.t_j) + sum_k e^(s a_i.h_ik))

    Text to audio stays as it was. It is the modular loss without extra positives.

    Args:
        audio_embeds, text_embeds: (B, C), unit norm, row i belongs to row i.
        hard: (B, K, C), unit norm, sentences that are wrong of sound i.
        logit_scale: scalar, the inverse temperature s.

    Official: CompA `src-stage2/laion_clap/clap_module/loss.py: ClipLoss`
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    flat = with_negatives(text_embeds, hard)
    return modular_loss(audio_embeds, *flat, logit_scale)


def with_negatives(text_embeds: Tensor, hard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sentences (B + B * K, C), their owners and kinds, from (B, C) and (B, K, C)."""
    sounds = torch.arange(len(text_embeds), device=text_embeds.device)
    owner = torch.cat([sounds, sounds.repeat_interleave(hard.shape[1])])
    kind = torch.full_like(owner, NEGATIVE)
    kind[: len(sounds)] = PRIMARY
    return torch.cat([text_embeds, hard.flatten(0, 1)]), owner, kind


def af_clap_loss(
    audio_embeds: Tensor, positives: Tensor, negatives: Tensor, logit_scale: Tensor
) -> Tensor:
    """AF-CLAP: many right sentences and many wrong ones, summed inside the logarithm.

        S(j, i) = sum over m of e^(s p_jm . a_i)
        N(i) = sum over r of e^(s n_ir . a_i)
        loss = mean over i of -log(S(i, i) / (N(i) + sum over j of S(j, i)))

    Audio to text only. One good positive is enough, where `modular_loss` wants all.

    Args:
        audio_embeds: (B, C), unit norm.
        positives: (B, M, C), unit norm, M right sentences of each sound.
        negatives: (B, R, C), unit norm, its wrong ones; R = 0 leaves them out.
        logit_scale: scalar, the inverse temperature s.

    Raises:
        ValueError: when the three do not tell of the same number of sounds.

    Official: none is released; Audio Flamingo 2, section 3.1
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    if not len(audio_embeds) == len(positives) == len(negatives):
        raise ValueError(
            f"{len(audio_embeds)} sounds came with positives of {len(positives)} and "
            f"negatives of {len(negatives)}; each sound needs its own of both."
        )
    right = logit_scale * torch.einsum("jmc,ic->ijm", positives, audio_embeds)
    right = right.logsumexp(-1)  # (B, B): sound i, sentences of j
    wrong = logit_scale * torch.einsum("irc,ic->ir", negatives, audio_embeds)  # (B, R)
    everything = torch.cat([right, wrong], dim=1).logsumexp(-1)  # (B,)
    return (everything - right.diagonal()).mean()

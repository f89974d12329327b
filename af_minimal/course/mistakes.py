"""Mistakes that many make in an exercise, each with what is wrong with it.

A check that sees an answer give the same as one of them adds its sentence. The checks
say where yours differs; these say why. Official code has made some of them.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..prompts import IGNORE
from ..xattn import text_to_audio_mask


def _from_sound_to_text_only(audio: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    return F.cross_entropy(scale * audio @ text.T, torch.arange(len(audio)))


def _without_scale(audio: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    logits, target = audio @ text.T, torch.arange(len(audio))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


CONTRASTIVE_LOSS = {
    _from_sound_to_text_only: "each sound looks for its text, but no text for its "
    "sound: the mean of both directions is missing.",
    _without_scale: "the cosines are not multiplied by `logit_scale`: without it even "
    "a perfect pair has a large loss.",
}


def _latest_only(ids: Tensor, mask: Tensor, token: int, per: int) -> Tensor:
    count = (ids == token).cumsum(1).unsqueeze(-1)  # (B, T, 1)
    owner = torch.arange(mask.shape[1]) // per + 1  # (L,)
    return (owner == count) & mask.unsqueeze(1)


def _hears_padding(ids: Tensor, mask: Tensor, token: int, per: int) -> Tensor:
    return text_to_audio_mask(ids, torch.ones_like(mask), token, per)


def _hears_the_future(ids: Tensor, mask: Tensor, token: int, per: int) -> Tensor:
    return mask.unsqueeze(1).expand(-1, ids.shape[1], -1)


def _deaf_before_the_first(ids: Tensor, mask: Tensor, token: int, per: int) -> Tensor:
    count = (ids == token).cumsum(1).unsqueeze(-1)  # (B, T, 1)
    return (torch.arange(mask.shape[1]) // per < count) & mask.unsqueeze(1)


TEXT_TO_AUDIO_MASK = {
    _latest_only: "your text hears the latest audio alone, which is Flamingo's rule; "
    "here it hears every audio so far.",
    _hears_padding: "padded windows are heard too: `audio_mask` has no effect.",
    _hears_the_future: "every position hears all audio, also what comes after it: "
    "count the <audio> tokens up to each position.",
    _deaf_before_the_first: "what stands before the first <audio> hears nothing; here "
    "it hears the first audio.",
}


def _first_rows(ids: Tensor, mask: Tensor, token: int, per: int, last: int) -> Tensor:
    return text_to_audio_mask(ids, mask, token, per)[:, :last]


def _counts_new_only(
    ids: Tensor, mask: Tensor, token: int, per: int, last: int
) -> Tensor:
    return text_to_audio_mask(ids[:, -last:], mask, token, per)


def _last_hears_padding(
    ids: Tensor, mask: Tensor, token: int, per: int, last: int
) -> Tensor:
    return text_to_audio_mask(ids, torch.ones_like(mask), token, per, last)


CACHED_MASK = {
    _first_rows: "you keep the first rows; the new tokens stand at the end. The "
    "official code does the same while it decodes with a cache.",
    _counts_new_only: "you count <audio> among the new tokens only: those before them "
    "are in the cache, but they still say what may be heard.",
    _last_hears_padding: "padded windows are heard too: `audio_mask` has no effect.",
}


def _learns_all(
    ids: Tensor, pad: int, audio: int, sep: int, eoc: int, eos: int
) -> Tensor:
    return ids.masked_fill((ids == pad) | (ids == audio), IGNORE)


def _learns_from_the_first_sep_on(
    ids: Tensor, pad: int, audio: int, sep: int, eoc: int, eos: int
) -> Tensor:
    after = (ids == sep).cumsum(1) - (ids == sep).long() > 0  # (B, T)
    return _learns_all(ids, pad, audio, sep, eoc, eos).masked_fill(~after, IGNORE)


BUILD_LABELS = {
    _learns_all: "the question is learnt too; only answers are, from behind a <SEP> up "
    "to its <|endofchunk|>.",
    _learns_from_the_first_sep_on: "everything behind the first <SEP> is learnt, the "
    "second question with it: an answer ends on its <|endofchunk|>.",
}

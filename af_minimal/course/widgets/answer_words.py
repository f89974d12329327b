"""Where every word of an answer listened: the data under the widget `attention`.

Taught in: notebooks/00_meet_the_model.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...audio import Clip
from ...generation import as_clip, check_can_answer, decoding, encode
from ...prompts import inference_text
from .. import viz


@dataclass(frozen=True)
class AnswerAttention:
    """An answer, and where every word of it listened.

    L counts the real windows of all sounds, examples first; padding is left out.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    answer: str
    words: tuple[str, ...]  # of the answer
    weights: np.ndarray  # (layers, H, words, L), mean over the tokens of a word
    window_times: np.ndarray  # (L,) seconds into its own sound
    audio_of_window: np.ndarray  # (L,) numbers of the sounds, from 0
    clips: tuple[Clip, ...]  # the sounds: those of the examples, then the clip
    names: tuple[str, ...]  # of the sounds
    window_s: float  # seconds one window lasts

    def stretch(self, row: np.ndarray) -> tuple[int, float, float]:
        """Number, start and end (s) of the brightest window of a row (L,)."""
        place = int(np.argmax(row))
        number, start = int(self.audio_of_window[place]), self.window_times[place]
        end = min(start + self.window_s, self.clips[number].duration_s)
        return number, float(start), float(end)


def answer_attention(
    model, clip, question: str, examples: Sequence = (), max_new_tokens: int = 64
) -> AnswerAttention:
    """Answer as `model.ask` does, and keep what every word of the answer listened to.

    Args:
        clip: a Clip, a path or an Example.
        examples: demonstrations (`data.Example`), heard before the clip.

    Raises ValueError as `model.ask` does.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    check_can_answer(model)
    config, W = model.config.audio, model.config.windows_per_audio
    clips = [as_clip(sound, config.sample_rate) for sound in (*examples, clip)]
    text = inference_text(question, None, [(e.prompt, e.output) for e in examples])
    features, mask = encode(model, [clips])  # (1, L, E), (1, L)
    new, weights = _answer(model, text, features, mask, max_new_tokens)
    (real,) = np.nonzero(mask[0].cpu().numpy())  # (L,) places of the real windows
    groups = group_words(model.tokenizer, new)
    rows = [weights[:, :, places].mean(axis=2) for _, places in groups]
    weights = np.stack(rows, axis=2) if rows else weights[:, :, :0]
    return AnswerAttention(
        answer=model.tokenizer.decode(new, skip_special_tokens=True).strip(),
        words=tuple(word for word, _ in groups),
        weights=weights[..., real],
        window_times=real % W * config.hop / config.sample_rate,
        audio_of_window=real // W,
        clips=tuple(clips),
        names=tuple(f"example {i}: {e.output}" for i, e in enumerate(examples, 1))
        + ("the clip",),
        window_s=config.window_s,
    )


@torch.no_grad()
def _answer(model, text, features, mask, most: int) -> tuple[list[int], np.ndarray]:
    """New token ids, and what the positions that chose them heard (layers, H, new, L).

    A token is chosen at the position before it.
    """
    device = model.get_input_embeddings().weight.device
    asked = model.tokenizer(text, return_tensors="pt").input_ids.to(device)  # (1, T)
    settings = decoding(model, max_new_tokens=most)
    said = model.generate(asked, torch.ones_like(asked), features, mask, **settings)
    # generation keeps no weights, so the whole text is read once more
    heard = model(said, None, features, mask, need_weights=True).audio_weights
    length = asked.shape[1]
    weights = torch.cat(heard)[:, :, length - 1 : -1]  # (layers, H, new, L * n)
    # dense features: a window's share is that of all its vectors
    weights = weights.unflatten(-1, (mask.shape[1], -1)).sum(-1)  # (layers, H, new, L)
    return said[0, length:].tolist(), viz.to_numpy(weights)


def group_words(tokenizer, ids: Sequence[int]) -> list[tuple[str, list[int]]]:
    """Token ids merged into words: (word, places of its tokens), no special tokens.

    A token that begins with a space begins a word, as in every byte-level BPE.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    special, groups = set(tokenizer.all_special_ids), []
    for place, token in enumerate(ids):
        if token in special:
            continue
        if not groups or tokenizer.decode([token])[:1].isspace():
            groups.append([])
        groups[-1].append(place)
    words = [tokenizer.decode([ids[i] for i in places]).strip() for places in groups]
    return [pair for pair in zip(words, groups, strict=True) if pair[0]]

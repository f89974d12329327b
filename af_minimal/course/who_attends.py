"""What chose each token of a few-shot answer: sounds that were heard, names read."""

import torch
from torch import Tensor

from ..language_model import AudioContext
from ..model import AudioFlamingo
from ..prompts import build_labels
from ..tokenizer import special_ids
from ..xattn import text_to_audio_mask


@torch.no_grad()
def heard_and_read(
    model: AudioFlamingo, input_ids: Tensor, features: Tensor, audio_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Attention of one prompt, to windows (blocks, H, T, L) and text (layers, H, T, T).

    `model.forward(need_weights=True)` returns the first; the second is the language
    model's own. Arguments as of `forward`, with one row each.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    token, windows = model.config.audio_token_id, model.config.windows_per_audio
    audio = model.audio_transformer(features, audio_mask, windows)  # (1, L, E)
    mask = text_to_audio_mask(input_ids, audio_mask, token, windows)  # (1, T, L)
    context = AudioContext(mask, audio, weights=[])
    usual = model.lm.config._attn_implementation
    model.lm.set_attn_implementation("eager")  # the others keep no weights
    try:
        out = model.lm(
            input_ids=input_ids, audio=context, output_attentions=True, use_cache=False
        )
    finally:
        model.lm.set_attn_implementation(usual)
    return torch.cat(context.weights), torch.cat(out.attentions)


def answer_tokens(model: AudioFlamingo, input_ids: Tensor) -> Tensor:
    """Which tokens are the answer about which audio: (1, T) -> float (T, A), 0 or 1.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    ids = special_ids(model.tokenizer)
    said = build_labels(input_ids, **ids)[0] != -100  # (T,)
    said &= (input_ids[0] != ids["eoc"]) & (input_ids[0] != ids["eos"])
    audio = (input_ids[0] == ids["audio"]).cumsum(0)  # (T,) counted from 1
    numbers = torch.arange(1, int(audio[-1]) + 1)  # (A,)
    return (said[:, None] & (audio[:, None] == numbers)).float()  # (T, A)

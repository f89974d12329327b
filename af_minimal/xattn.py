"""Gated cross-attention: how text hears audio, and which audio it may hear.

A gated block stands before a decoder layer of the language model. Its queries come from
the text, its keys and values from the audio. Two scalar gates start at zero, so on the
first day of training the model is the language model it grew from, to the bit.

Taught in: notebooks/04_gated_cross_attention.ipynb and 05_who_may_hear_what.ipynb
"""

import torch
from torch import Tensor, nn


def text_to_audio_mask(
    input_ids: Tensor,
    audio_mask: Tensor,
    audio_token_id: int,
    tokens_per_audio: int,
    last: int | None = None,
) -> Tensor:
    """Who may hear what: bool (B, T, L), True = text position may hear audio token.

    With c(t) the number of `<audio>` tokens at positions <= t, position t hears the
    real audio tokens among the first max(c(t), 1) * tokens_per_audio. So `<audio>`
    hears its own audio, text hears all audios so far, and what stands before the first
    `<audio>` hears the first audio. A row without any `<audio>` hears nothing.
    An `<audio>` with no audio left to give changes nothing.

    Args:
        input_ids: (B, T), all ids so far, also when only the last are decoded.
        audio_mask: bool (B, L), True = real.
        tokens_per_audio: audio tokens each audio brings, W * n.
        last: keep only the rows of the last so many positions (decoding with a cache).

    Official: foundation/src/helpers.py MaskedCrossAttention (there in Python loops)
    Taught in: notebooks/05_who_may_hear_what.ipynb
    """
    count = (input_ids == audio_token_id).cumsum(dim=1)  # (B, T)
    heard = count.clamp(min=1) * (count[:, -1:] > 0)  # (B, T) audios each hears
    if last is not None:
        heard = heard[:, -last:]  # (B, last)
    audio = torch.arange(audio_mask.shape[1], device=input_ids.device)  # (L,)
    audio = audio // tokens_per_audio  # (L,) the audio each token belongs to
    return (audio < heard.unsqueeze(-1)) & audio_mask.bool().unsqueeze(1)  # (B, T, L)


class MaskedCrossAttention(nn.Module):
    """Text looks at audio: softmax(q k^T / sqrt(K)) v, with q = LayerNorm(x) W_q.

    The audio is not normalised again. A position with nothing to hear gets zeros.

    Official: foundation/src/helpers.py MaskedCrossAttention
    Taught in: notebooks/04_gated_cross_attention.ipynb
    """

    def __init__(
        self, width: int, audio_width: int, heads: int = 8, head_width: int = 64
    ):
        super().__init__()
        inner = heads * head_width
        self.heads, self.scale = heads, head_width**-0.5
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(audio_width, 2 * inner, bias=False)  # keys first
        self.to_out = nn.Linear(inner, width, bias=False)

    def keys_values(self, audio: Tensor) -> Tensor:
        """Keys and values of the audio: (B, L, E) -> (B, 2, H, L, K)."""
        kv = self.to_kv(audio)  # (B, L, 2*H*K)
        return kv.unflatten(-1, (2, self.heads, -1)).permute(0, 2, 3, 1, 4)

    def forward(
        self,
        x: Tensor,
        audio: Tensor | None,
        mask: Tensor,
        keys_values: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """What each text position takes from the audio.

        Args:
            x: text (B, T, D).
            audio: audio tokens (B, L, E); not needed when `keys_values` are given.
            mask: bool (B, T, L) of `text_to_audio_mask`.
            keys_values: (B, 2, H, L, K), computed once before generation.
            need_weights: also return the attention weights (B, H, T, L).

        Returns:
            (B, T, D), before the gate; or that and the weights.

        Taught in: notebooks/04_gated_cross_attention.ipynb
        """
        if keys_values is None:
            keys_values = self.keys_values(audio)
        k, v = keys_values.unbind(1)  # (B, H, L, K) each
        q = self.to_q(self.norm(x)) * self.scale  # (B, T, H*K)
        q = q.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, T, K)
        scores = q @ k.transpose(-2, -1)  # (B, H, T, L)
        hidden = ~mask.unsqueeze(1)  # (B, 1, T, L)
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        # the second fill empties rows with nothing to hear, where softmax is uniform
        weights = scores.softmax(dim=-1).masked_fill(hidden, 0.0)  # (B, H, T, L)
        a = (weights @ v).transpose(1, 2).flatten(2)  # (B, T, H*K)
        a = self.to_out(a)  # (B, T, D)
        return (a, weights) if need_weights else a


class GatedCrossAttentionBlock(nn.Module):
    """x = x + tanh(attn_gate) * attn(x, audio);  x = x + tanh(ff_gate) * ff(x).

    A position with nothing to hear leaves the block as it came, so without audio the
    model is the bare language model to the bit. (The official code lets such a position
    attend uniformly over all windows, padded ones too.)

    Official: foundation/src/helpers.py GatedCrossAttentionBlock
    Taught in: notebooks/04_gated_cross_attention.ipynb
    """

    def __init__(
        self,
        width: int,
        audio_width: int,
        heads: int = 8,
        head_width: int = 64,
        ff_mult: int = 4,
    ):
        super().__init__()
        self.attn = MaskedCrossAttention(width, audio_width, heads, head_width)
        self.attn_gate = nn.Parameter(torch.zeros(1))
        self.ff = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, ff_mult * width, bias=False),
            nn.GELU(),
            nn.Linear(ff_mult * width, width, bias=False),
        )
        self.ff_gate = nn.Parameter(torch.zeros(1))

    def forward(
        self,
        x: Tensor,
        audio: Tensor | None,
        mask: Tensor,
        keys_values: Tensor | None = None,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """(B, T, D) -> (B, T, D); arguments as in `MaskedCrossAttention.forward`."""
        a, weights = self.attn(x, audio, mask, keys_values, need_weights=True)
        y = x + self.attn_gate.tanh() * a  # (B, T, D)
        y = y + self.ff_gate.tanh() * self.ff(y)
        hears = mask.any(dim=-1, keepdim=True)  # (B, T, 1)
        y = torch.where(hears, y, x)  # (B, T, D)
        return (y, weights) if need_weights else y

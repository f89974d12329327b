"""The audio transformer: windows of one audio learn about each other.

An encoder hears each window alone. A few transformer layers mix the windows, so that
"first a dog, then a bell" can be told from "first a bell, then a dog". The layers are
post-norm, as in 2017: add, then normalise. Module names are the official ones.

Taught in: notebooks/03_audio_transformer.ipynb and 13_af2.ipynb
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-6  # of every LayerNorm here; the gated blocks and OPT use 1e-5


def sinusoidal_table(positions: int, width: int) -> Tensor:
    """Sinusoidal positions (1, positions, E): sin on even columns, cos on odd ones.

    angle(p, j) = p / 10000^(2 * floor(j / 2) / E)

    Official: foundation/src/helpers.py PositionalEncoding
    Taught in: notebooks/03_audio_transformer.ipynb
    """
    p = torch.arange(positions, dtype=torch.float64).unsqueeze(1)  # (P, 1)
    j = torch.arange(width)  # (E,)
    angle = p / 10_000 ** (2 * (j // 2) / width)  # (P, E)
    table = torch.where(j % 2 == 0, angle.sin(), angle.cos())
    return table.float().unsqueeze(0)  # (1, P, E)


class PositionEncoding(nn.Module):
    """Adds a row of the sinusoidal table to every window.

    The table is saved and loaded with the weights: official checkpoints hold it rounded
    to bfloat16, and one computed afresh would not be the trained one.

    Taught in: notebooks/03_audio_transformer.ipynb
    """

    def __init__(self, positions: int, width: int):
        super().__init__()
        self.register_buffer("pos_table", sinusoidal_table(positions, width))

    def forward(self, x: Tensor) -> Tensor:
        """(N, S, E) -> (N, S, E)."""
        return x + self.pos_table[:, : x.shape[1]].to(x.dtype)


class RotaryPositions(nn.Module):
    """Turns pairs of numbers of queries and keys by angles that grow with the position.

    angle(p, i) = p / 4096^(2 * i / R);  (a, b) -> (a cos - b sin, b cos + a sin)

    Of the first R = max(K / 2, 32) numbers, i is paired with i + R / 2; the others stay
    as they are. Scores then know how far apart two tokens stand, and no more.

    Official: inference_HF_pretrained/src/helpers.py, rotary embedding (AF2)
    Taught in: notebooks/13_af2.ipynb
    """

    def __init__(self, head_width: int):
        super().__init__()
        R = max(head_width // 2, 32)
        inv_freq = 4096.0 ** -(torch.arange(0.0, R, 2, dtype=torch.float32) / R)
        self.register_buffer("inv_freq", inv_freq)  # (R / 2,)

    def forward(self, x: Tensor) -> Tensor:
        """Queries or keys (N, H, S, K) -> (N, H, S, K)."""
        p = torch.arange(x.shape[-2], device=x.device).float()  # (S,)
        angle = torch.outer(p, self.inv_freq.float())  # (S, R / 2)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        half = len(self.inv_freq)
        a, b, rest = x.split([half, half, x.shape[-1] - 2 * half], dim=-1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], dim=-1)


class SelfAttention(nn.Module):
    """Multi-head self-attention, residual, LayerNorm.

    a = softmax(q k^T / sqrt(K)) v;  x = LayerNorm(a W_o + x)

    Official: foundation/src/helpers.py MultiHeadAttention
    Taught in: notebooks/03_audio_transformer.ipynb
    """

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.w_qs = nn.Linear(width, width, bias=False)
        self.w_ks = nn.Linear(width, width, bias=False)
        self.w_vs = nn.Linear(width, width, bias=False)
        self.fc = nn.Linear(width, width, bias=False)
        self.layer_norm = nn.LayerNorm(width, eps=EPS)
        self.dropout = nn.Dropout(dropout)  # on attention probabilities

    def forward(
        self, x: Tensor, mask: Tensor | None, rotate: nn.Module | None = None
    ) -> Tensor:
        """(N, S, E) with mask bool (N, 1, 1, S) or None -> (N, S, E).

        `rotate` gives queries and keys their positions.
        """
        q, k, v = (self._split(w(x)) for w in (self.w_qs, self.w_ks, self.w_vs))
        if rotate is not None:
            q, k = rotate(q), rotate(k)
        bias = None
        if mask is not None:
            # the smallest number, not -inf: a row with nothing real stays finite
            least = q.new_tensor(torch.finfo(q.dtype).min)  # of q's own precision
            bias = torch.where(mask, torch.zeros_like(least), least)  # (N, 1, 1, S)
        p = self.dropout.p if self.dropout.training else 0.0
        # in blocks: the (S, S) weights of 1,920 tokens are never held at once
        a = F.scaled_dot_product_attention(q, k, v, bias, p)  # (N, H, S, K)
        a = a.transpose(1, 2).flatten(2)  # (N, S, E)
        return self.layer_norm(self.fc(a) + x)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (N, H, S, K)


class FeedForward(nn.Module):
    """x = LayerNorm(W2 relu(W1 x + b1) + b2 + x).

    Official: foundation/src/helpers.py PositionwiseFeedForward
    Taught in: notebooks/03_audio_transformer.ipynb
    """

    def __init__(self, width: int, inner: int):
        super().__init__()
        self.w_1 = nn.Linear(width, inner)
        self.w_2 = nn.Linear(inner, width)
        self.layer_norm = nn.LayerNorm(width, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(N, S, E) -> (N, S, E)."""
        return self.layer_norm(self.w_2(F.relu(self.w_1(x))) + x)


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward.

    Official: foundation/src/helpers.py EncoderLayer
    Taught in: notebooks/03_audio_transformer.ipynb
    """

    def __init__(self, width: int, heads: int, inner: int, dropout: float):
        super().__init__()
        self.slf_attn = SelfAttention(width, heads, dropout)
        self.pos_ffn = FeedForward(width, inner)

    def forward(
        self, x: Tensor, mask: Tensor | None, rotate: nn.Module | None = None
    ) -> Tensor:
        """(N, S, E) -> (N, S, E)."""
        return self.pos_ffn(self.slf_attn(x, mask, rotate))


class AudioTransformer(nn.Module):
    """Scale by sqrt(E), add positions, normalise, then a stack of post-norm layers.

    Positions run on from audio to audio: nothing else tells the text which audio it
    hears. `kind` says which: a "sinusoidal" table is added (AF1); "rotary" ones turn
    queries and keys in every layer (AF2); "none" leaves a set without order.

    `isolate_audios` says who may look at whom:

    - True (`mini`): a window looks at the real windows of its own audio only.
    - False (official AF1): no mask at all. Windows of every audio of the prompt, and
      padding, look at each other. Published weights were trained so and need it.

    AF2 takes a row for one audio: there True hides nothing but padding.

    Official: foundation/src/helpers.py TransformerEncoder
    Taught in: notebooks/03_audio_transformer.ipynb
    """

    def __init__(
        self,
        width: int,
        layers: int,
        heads: int,
        inner: int,
        positions: int,
        dropout: float = 0.1,
        isolate_audios: bool = False,
        kind: str = "sinusoidal",
    ):
        super().__init__()
        self.width, self.positions = width, positions
        self.isolate_audios, self.kind = isolate_audios, kind
        if kind == "sinusoidal":
            self.position_enc = PositionEncoding(positions, width)
        elif kind == "rotary":
            self.position_enc = RotaryPositions(width // heads)
        self.layer_norm = nn.LayerNorm(width, eps=EPS)
        self.layer_stack = nn.ModuleList(
            EncoderLayer(width, heads, inner, dropout) for _ in range(layers)
        )

    def forward(self, x: Tensor, audio_mask: Tensor, tokens_per_audio: int) -> Tensor:
        """Let windows look at each other.

        Args:
            x: encoder features (B, L, E).
            audio_mask: bool (B, L), True = real window.
            tokens_per_audio: audio tokens each audio brings, W * n.

        Returns (B, L, E); finite everywhere, also where no window is real.

        Raises:
            ValueError: when E, L or the table of positions do not fit together.

        Taught in: notebooks/03_audio_transformer.ipynb
        """
        B, L, E = x.shape
        self._check(L, E, tokens_per_audio)
        x = x * math.sqrt(E)
        if self.kind == "sinusoidal":
            x = self.position_enc(x)
        rotate = self.position_enc if self.kind == "rotary" else None
        x, mask = self.layer_norm(x), None
        if self.isolate_audios:
            x = x.reshape(-1, tokens_per_audio, E)  # (B*A, W*n, E)
            mask = audio_mask.reshape(-1, 1, 1, tokens_per_audio)  # (B*A, 1, 1, W*n)
        for layer in self.layer_stack:
            x = layer(x, mask, rotate)
        return x.reshape(B, L, E)  # (B, L, E)

    def _check(self, L: int, E: int, tokens_per_audio: int) -> None:
        if E != self.width:
            raise ValueError(
                f"audio features are {E} wide; the audio transformer expects "
                f"{self.width}. Use the encoder this model was trained with."
            )
        if L % tokens_per_audio:
            raise ValueError(
                f"L = {L} audio tokens are not a multiple of {tokens_per_audio}, what "
                "each audio brings. Pad every audio to the same number of windows."
            )
        if self.kind == "sinusoidal" and L > self.positions:
            raise ValueError(
                f"{L} audio tokens stand in one row, but the table has "
                f"{self.positions} positions. Give fewer audios, or raise "
                "max_positions in the config before training."
            )

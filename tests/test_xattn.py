"""The block mask against slow loops, and the attention that obeys it."""

import torch
from tiny_flamingo import AUDIO, E, W

from af_minimal.xattn import (
    GatedCrossAttentionBlock,
    MaskedCrossAttention,
    text_to_audio_mask,
)


def loop_mask(ids, audio_mask, per_audio):
    """The rule of the docstring, in slow loops."""
    mask = torch.zeros(*ids.shape, audio_mask.shape[1], dtype=torch.bool)
    for b, row in enumerate(ids.tolist()):
        for t in range(len(row)):
            if AUDIO in row:
                end = max(row[: t + 1].count(AUDIO), 1) * per_audio
                mask[b, t, :end] = audio_mask[b, :end]
    return mask


def test_mask_equals_the_loops():
    g = torch.Generator().manual_seed(0)
    ids = torch.randint(95, 103, (16, 30), generator=g)
    ids[3] = 5  # no <audio> at all
    real = torch.rand(16, 3 * W, generator=g) < 0.7
    assert (ids == AUDIO).sum(1).max() > 3  # more <audio> than audios
    mask = text_to_audio_mask(ids, real, AUDIO, W)
    assert torch.equal(mask, loop_mask(ids, real, W))
    assert not mask[3].any()
    last = text_to_audio_mask(ids, real, AUDIO, W, last=2)
    assert torch.equal(last, mask[:, -2:])


def test_attention_weights_live_where_the_mask_is():
    torch.manual_seed(0)
    attn = MaskedCrossAttention(64, E)
    x, audio = torch.randn(2, 5, 64), torch.randn(2, 2 * W, E)
    mask = torch.rand(2, 5, 2 * W) < 0.5
    mask[0, 0] = False
    out, weights = attn(x, audio, mask, need_weights=True)
    assert weights.shape == (2, 8, 5, 2 * W)
    assert not weights[~mask.unsqueeze(1).expand_as(weights)].any()
    sums = mask.any(-1).float().unsqueeze(1).expand(2, 8, 5)
    torch.testing.assert_close(weights.sum(-1), sums)
    assert not out[0, 0].any()
    torch.testing.assert_close(attn(x, None, mask, attn.keys_values(audio)), out)


def test_attention_equals_torch_attention():
    torch.manual_seed(0)
    attn = MaskedCrossAttention(64, E)
    x, audio = torch.randn(2, 5, 64), torch.randn(2, W, E)
    mask = torch.rand(2, 5, W) < 0.6
    mask[..., 0] = True
    k, v = attn.keys_values(audio).unbind(1)
    q = attn.to_q(attn.norm(x)).view(2, 5, 8, 64).transpose(1, 2)
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask[:, None])
    theirs = attn.to_out(theirs.transpose(1, 2).flatten(2))
    torch.testing.assert_close(attn(x, audio, mask), theirs)


def test_a_new_block_is_the_identity():
    torch.manual_seed(0)
    block = GatedCrossAttentionBlock(64, E)
    assert block.attn_gate.shape == block.ff_gate.shape == (1,)
    x = torch.randn(2, 5, 64)
    mask = torch.ones(2, 5, W, dtype=torch.bool)
    assert torch.equal(block(x, torch.randn(2, W, E), mask), x)
    assert sorted(block.state_dict()) == sorted(
        ["attn_gate", "ff_gate", "ff.0.weight", "ff.0.bias", "ff.1.weight"]
        + ["ff.3.weight", "attn.norm.weight", "attn.norm.bias", "attn.to_q.weight"]
        + ["attn.to_kv.weight", "attn.to_out.weight"]
    )

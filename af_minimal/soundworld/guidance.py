"""Where to look, told while it is learnt: attention as a part of the loss.

To name a sound from examples, three things must come together: at the place of an
answer the gated blocks hear the sound that the answer is about; the place keeps what
it heard; and the last answer looks back at the answers to sounds like its own. Each is
of no use without the others, so none of them has a gradient to begin with. Here some
heads are told, and the rest of the model finds out what it is good for.

    loss = cross-entropy - weight * (log of the mass on one's own sound
                                     + log of the mass on answers that bear the name)

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..language_model import decoder_layers
from ..scale.processes import learnt, share

WEIGHT = 0.3
LOOK_BACK = 2  # heads of the last two layers that look for the name
HEAR = 3  # heads of all gated blocks but the last that hear their own sound
FLOOR = 1e-4  # below the log


def guide(model, sep: int, weight: float = WEIGHT) -> list:
    """Add what heads ought to look at to the loss of batches that tell `names`.

    `names` (B, A) says of each audio which name is rightly its own, -1 where there is
    none. All other batches are left alone.

    Args:
        model: an AudioFlamingo of the AF1 kind, over OPT.
        sep: id of `<SEP>`, behind which an answer begins.

    Returns:
        the hooks; `remove()` of each ends the guidance.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    kept: dict = {}

    def before(module, args, batch):
        kept.clear()
        batch = dict(batch)
        if (names := batch.pop("names", None)) is not None:
            kept.update(names=names, ids=batch["input_ids"], lost=[])
        return args, batch

    # each loss is taken in its layer's turn, when divided weights are whole
    def hear(attention, args, out):
        if kept:
            mass = own_sound(out[1], kept["ids"], kept["names"], sep)
            kept["lost"].append(surprise(mass) / len(blocks))

    def look_back(attention, args, said, out):
        if kept:
            hidden = args[0] if args else said["hidden_states"]
            mass = name_mass(attention, hidden, kept["ids"], kept["names"], sep)
            kept["lost"].append(surprise(mass) / len(layers))

    def after(module, args, batch, out):
        if kept and out.loss is not None:
            # training weighs a process's loss by its labels; this is weighed already.
            # Without a row it has none: its loss is dropped, and must stay finite
            part = share(learnt(batch)).clamp(min=1e-6)
            out.loss = out.loss + weight * sum(kept["lost"]) / part
        kept.clear()  # what is generated next is nobody's lesson
        return out

    blocks = [block.attn for block in model.gated_blocks[:-1]]
    layers = [layer.decoder_layer.self_attn for layer in decoder_layers(model.lm)[-2:]]
    return [
        model.register_forward_pre_hook(before, with_kwargs=True),
        *(block.register_forward_hook(hear) for block in blocks),
        *(one.register_forward_hook(look_back, with_kwargs=True) for one in layers),
        model.register_forward_hook(after, with_kwargs=True),
    ]


@torch.no_grad()
def start_alike(model) -> None:
    """Give the heads that are to look back keys like their queries, to begin with.

    Between two maps drawn apart a score q . k says nothing of likeness, and its
    gradient is small until one of them has found the other. With one map for both it is
    large where two places hold the same: what they heard, once the gated blocks hear.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    for layer in decoder_layers(model.lm)[-2:]:
        attention = layer.decoder_layer.self_attn
        rows = slice(LOOK_BACK * attention.head_dim)
        attention.k_proj.weight[rows] = attention.q_proj.weight[rows]
        for proj in (attention.k_proj, attention.q_proj):
            proj.bias[rows] = 0


def answers(ids: Tensor, sep: int, count: int) -> tuple[Tensor, Tensor]:
    """Where answers begin: rows (B, 1), and places of their `<SEP>` (B, count).

    The place is 0 where a row has fewer.
    """
    found = pad_sequence([row.nonzero().flatten() for row in ids == sep], True)
    row = torch.arange(len(ids), device=ids.device)[:, None]
    return row, F.pad(found, (0, count - found.shape[1]))


def own_sound(weights: Tensor, ids: Tensor, names: Tensor, sep: int) -> Tensor:
    """A gated block's attention on the sound that is spoken of.

    Args:
        weights: (B, H, T, L).
        ids: (B, T).
        names: (B, A).

    Returns:
        (2, N, heads) mass at the `<SEP>` and at the first token of each of N answers.
    """
    count = names.shape[1]
    row, at = answers(ids, sep, count)
    found = []
    for places in (at, at + 1):
        seen = weights[:, :HEAR][row, :, places]  # (B, A, heads, L)
        seen = seen.unflatten(-1, (count, -1)).sum(-1)  # (B, A, heads, A)
        own = seen.diagonal(dim1=1, dim2=3).transpose(1, 2)  # (B, A, heads)
        found.append(own[names >= 0])
    return torch.stack(found)


def name_mass(
    attention: nn.Module, hidden: Tensor, ids: Tensor, names: Tensor, sep: int
) -> Tensor:
    """Attention from where a name is due to where earlier examples bear it.

    Computed anew from what the layer read, (B, T, D): fused kernels keep no weights.

    Returns:
        (N, heads) mass for each of N answers whose name has been said before.
    """
    count, heads = names.shape[1], attention.num_heads
    row, at = answers(ids, sep, count)
    k = attention.k_proj(hidden).unflatten(-1, (heads, -1))[:, :, :LOOK_BACK]
    q = attention.q_proj(hidden[row, at]).unflatten(-1, (heads, -1))[:, :, :LOOK_BACK]
    scores = torch.einsum("bahk,bthk->baht", q, k) * k.shape[-1] ** -0.5
    later = torch.arange(ids.shape[1], device=ids.device) > at[..., None]  # (B, A, T)
    weights = scores.masked_fill(later[:, :, None], float("-inf")).softmax(-1)
    first = (at + 1)[:, None, None].expand(-1, count, LOOK_BACK, -1)
    seen = weights.gather(3, first.clamp(max=ids.shape[1] - 1))  # (B, A, heads, A)
    same = (names[:, :, None] == names[:, None]).tril(-1)  # (B, A, A) said before
    same &= (names >= 0)[:, :, None]
    mass = (seen * same[:, :, None]).sum(-1)  # (B, A, heads)
    return mass[same.any(-1)]


def surprise(mass: Tensor) -> Tensor:
    """A process's part of the mean of -log mass over the rows of all processes."""
    count = torch.tensor(mass.numel(), device=mass.device)
    return -(mass + FLOOR).log().sum() / count.clamp(min=1) * share(count)

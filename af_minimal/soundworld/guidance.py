"""Where to look, told while it is learnt: attention as a part of the loss.

To name a sound from examples, three things must come together: at the place of an
answer the gated blocks hear the sound that the answer is about; the place keeps what
it heard; and the last answer looks back at the answers to sounds like its own. Each is
of no use without the others, so none of them has a gradient to begin with. Here some
heads are told, and the rest of the model finds out what it is good for.

    loss = cross-entropy - weight * (log of the mass on one's own sound
                                     + log of the mass on answers that bear the name)

Where an ear with a fitted map is given, the heads that look back are also told how
alike the sounds are: as the map's cosines say, in a softmax. And what they read must
hold the map's numbers, so that a linear reading finds them.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..scale.processes import learnt, share
from .looking import (
    LAYERS,
    LOOK_BACK,
    answers,
    looking_back,
    looks,
    mean_of_all,
    name_mass,
    own_sound,
    surprise,
)

WEIGHT = 0.3
ALIKE = 0.5  # weight of what an ear tells
TEMPERATURE = 0.07  # of the map's cosines
LEAST, LOWEST = -12.0, -1e9  # logs of next to nothing, and of nothing


class Readings(nn.Module):
    """Linear readings of the map's numbers, where names are due and where they begin.

    They are trained with the model, for each layer that looks back, and thrown away.
    """

    def __init__(self, width: int, numbers: int):
        super().__init__()
        self.asked, self.told = (
            nn.ModuleList(nn.Linear(width, numbers) for _ in range(LAYERS))
            for _ in range(2)
        )


def guide(model, sep: int, weight: float = WEIGHT, ear=None) -> list:
    """Add what heads ought to look at to the loss of batches that tell `names`.

    `names` (B, A) says of each audio which name is rightly its own, -1 where there is
    none. All other batches are left alone.

    Args:
        model: an AudioFlamingo of the AF1 kind, over OPT.
        sep: id of `<SEP>`, behind which an answer begins.
        ear: an encoder with a fitted map, for a model with `readings`; None tells
            nothing of likeness.

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
            if ear is not None:
                sounds = batch["audio_features"], batch["audio_mask"]
                kept["mapped"] = mapped(ear, *sounds, names)
        return args, batch

    # each loss is taken in its layer's turn, when divided weights are whole
    def hear(attention, args, out):
        if kept:
            mass = own_sound(out[1], kept["ids"], kept["names"], sep)
            kept["lost"].append(surprise(mass) / len(blocks))

    def look_back(number, attention, args, said, out):
        if kept:
            hidden = args[0] if args else said["hidden_states"]
            told = attention, hidden, kept["ids"], kept["names"], sep
            kept["lost"].append(surprise(name_mass(*told)) / len(layers))
            if ear is not None:
                read = [part[number] for part in (readings.asked, readings.told)]
                lost = likeness_lost(*told, kept["mapped"], read)
                kept["lost"].append(ALIKE / weight * lost / len(layers))

    def after(module, args, batch, out):
        if kept and out.loss is not None:
            # training weighs a process's loss by its labels; this is weighed already.
            # Without a row it has none: its loss is dropped, and must stay finite
            part = share(learnt(batch)).clamp(min=1e-6)
            out.loss = out.loss + weight * sum(kept["lost"]) / part
        kept.clear()  # what is generated next is nobody's lesson
        return out

    blocks = [block.attn for block in model.gated_blocks[:-1]]
    layers = looking_back(model)
    readings = getattr(model, "readings", None)
    return [
        model.register_forward_pre_hook(before, with_kwargs=True),
        *(block.register_forward_hook(hear) for block in blocks),
        *(
            one.register_forward_hook(partial(look_back, i), with_kwargs=True)
            for i, one in enumerate(layers)
        ),
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
    for attention in looking_back(model):
        rows = slice(LOOK_BACK * attention.head_dim)
        attention.k_proj.weight[rows] = attention.q_proj.weight[rows]
        for proj in (attention.k_proj, attention.q_proj):
            proj.bias[rows] = 0


@torch.no_grad()
def mapped(ear, features: Tensor, mask: Tensor, names: Tensor) -> Tensor:
    """What the map makes of each audio of a row: (B, A, C), unit norm; 0 for none."""
    count = names.shape[1]
    parts = [part.unflatten(1, (count, -1)).flatten(0, 1) for part in (features, mask)]
    found = ear.liken(parts[0].float(), parts[1].bool()).unflatten(0, names.shape)
    return found.masked_fill((names < 0)[..., None], 0)


def likeness_lost(
    attention: nn.Module,
    hidden: Tensor,
    ids: Tensor,
    names: Tensor,
    sep: int,
    mapped: Tensor,
    read: list[nn.Module],
) -> Tensor:
    """How far heads look elsewhere than the map would, and hold other numbers.

    The first is the Kullback-Leibler divergence from a softmax over the examples heard
    so far, the second one minus the cosine.

    Args:
        mapped: (B, A, C), of each audio.
        read: readings of the numbers where a name is due, and where it begins.
    """
    real = names >= 0  # (B, A)
    row, at = answers(ids, sep, names.shape[1])
    places = at, (at + 1).clamp(max=ids.shape[1] - 1)
    cosines = [
        F.cosine_similarity(reading(hidden[row, place]), mapped, dim=-1)[real]
        for reading, place in zip(read, places, strict=True)
    ]
    seen = looks(attention, hidden, ids, names.shape[1], sep).clamp(min=LEAST)
    earlier = torch.ones_like(seen[0, :, 0]).tril(-1).bool()  # (A, A)
    earlier = earlier & real[:, :, None] & real[:, None]  # (B, A, A)
    likeness = mapped @ mapped.transpose(1, 2) / TEMPERATURE  # (B, A, A)
    wanted = likeness.masked_fill(~earlier, LOWEST).softmax(-1) * earlier
    told = earlier.any(-1)  # (B, A)
    apart = F.kl_div(seen, wanted[:, :, None].expand_as(seen), reduction="none")
    return mean_of_all(apart.sum(-1)[told]) + mean_of_all(1 - torch.stack(cosines))

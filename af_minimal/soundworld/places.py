"""Batches that name their scenes, and the sound of those scenes looked up by number.

What processes that make batches send is then a few numbers a row. The features of all
scenes lie where the model is, once.

Taught in: notebooks/08_staged_training.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..scale.processes import make_accelerator


def with_sounds(
    batch: dict[str, Tensor], features: Tensor, mask: Tensor
) -> dict[str, Tensor]:
    """A batch with the sound of its scenes in place of their numbers.

    Args:
        batch: with `places` (B, A), the scenes of each row in order; -1 for none. With
            `seconds` (B, A) and `shares` (B, A), a second scene's features take such a
            share of each; -1 for none.
        features: (N, L, E) or dense (N, L, n, E), of all scenes.
        mask: (N, L), True = real window.

    Taught in: notebooks/08_staged_training.ipynb
    """
    batch = dict(batch)
    places = batch.pop("places")  # (B, A)
    real = places >= 0
    at = places.clamp(min=0)
    heard = features[at].float()  # (B, A, L, E)
    heard[~real] = 0
    if "seconds" in batch:
        second, share = batch.pop("seconds"), batch.pop("shares")
        heard = blended(heard, at, second, share, features, mask)
    batch["audio_features"] = heard.flatten(1, 2)  # (B, A * L, E)
    batch["audio_mask"] = (mask[at].bool() & real.unsqueeze(-1)).flatten(1)
    return batch


def blended(heard, at, second, share, features, mask) -> Tensor:
    """Features (B, A, L, E), in windows that both scenes have those between the two.

    They keep the length of the first, as if they came from the encoder.
    """
    other = second.clamp(min=0)
    both = mask[at].bool() & mask[other].bool() & (second >= 0)[..., None]  # (B, A, L)
    mixed = torch.lerp(heard, features[other].float(), share[..., None, None].float())
    length = heard.norm(dim=-1, keepdim=True)  # (B, A, L, 1)
    mixed = F.normalize(mixed, dim=-1) * length
    return torch.where(both[..., None], mixed, heard)


def remember(model: nn.Module, features: Tensor, mask: Tensor):
    """Let a model take batches with `places`: it looks the sounds up by itself.

    The sounds move to the device that it will be trained on.
    Returns the hook; `remove()` makes the model forget them.

    Taught in: notebooks/08_staged_training.ipynb
    """
    device = make_accelerator().device
    sounds = features.to(device), mask.to(device)

    def look_up(module, args, batch):
        return args, with_sounds(batch, *sounds)

    return model.register_forward_pre_hook(look_up, with_kwargs=True)

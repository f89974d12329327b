"""FSDP: a process keeps a part of each weight, of its gradient, of AdamW's memory.

A layer's weights are put together when it is their turn, and dropped after it. What
trains is what `requires_grad` says. Tied weights lie in the same group and stay one.

Official: foundation/src/flamingo.py Flamingo.wrap_fsdp, which trains no decoder layer
and unties the head
Taught in: notebooks/08_staged_training.ipynb
"""

from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor


def divide(model: nn.Module, device: torch.device, world: int) -> nn.Module:
    """Divide a model among all processes, in place: layer by layer, then the rest."""
    mesh = init_device_mesh(device.type, (world,))
    model.to(device)
    for parameter in model.parameters():  # each would keep its part of its own weights
        dist.broadcast(parameter.data, 0)
    for layer in layers_of(model):
        fully_shard(layer, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def layers_of(model: nn.Module) -> Iterator[nn.Module]:
    """The members of the outermost `ModuleList`s."""
    for child in model.children():
        yield from child if isinstance(child, nn.ModuleList) else layers_of(child)


def whole(value: Tensor) -> Tensor:
    """A weight put together again; all processes must ask for it."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def divided_like(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor on the device of `like`, and divided as it is."""
    value = value.to(like.device)
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(
        value, like.device_mesh, like.placements, src_data_rank=None
    )

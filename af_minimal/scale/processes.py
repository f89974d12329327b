"""Many processes that train as one: rows are divided, and means stay those of all rows.

Taught in: notebooks/08_staged_training.ipynb
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor
from torch.utils.data import Dataset

IGNORE = -100  # the label of a token that is not learnt
# at a barrier the quick wait for the slowest, which may have a shard of recordings to
# hear; torch gives up after 10 minutes on GPUs and after 30 on CPUs
PATIENCE = timedelta(hours=12)


def joined() -> PartialState:
    """This process among all others, which are met at the first call."""
    return PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)


def make_accelerator() -> Accelerator:
    """The device there is, and all processes of `accelerate launch` or `torchrun`."""
    joined()  # before `Accelerator` joins, with less patience
    # cuDNN plans attention anew for every shape, and few-shot batches seldom share one:
    # planning took most of a step (LOG.md)
    torch.backends.cuda.enable_cudnn_sdp(False)
    # a batch without audio leaves the gated blocks without gradient: that is no error
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(
        mixed_precision="no",  # `add_gradients` casts; the model's own forward stays
        cpu=not torch.cuda.is_available(),
        kwargs_handlers=[unused],
    )


def fast_bfloat16() -> bool:
    """Whether this machine has instructions for bfloat16.

    A CPU without them does the same sums ten times as slowly as in float32.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def beside_gpu(workers: int) -> int:
    """How many of these processes may make batches: on a CPU they would take its cores.

    Taught in: notebooks/08_staged_training.ipynb
    """
    return workers if torch.cuda.is_available() else 0


def place() -> tuple[int, int]:
    """(number of this process, how many there are); joins the others if need be."""
    state = joined()
    return state.process_index, state.num_processes


def wait() -> None:
    """Go on when all processes have come here."""
    if place()[1] > 1:
        dist.barrier()


@contextmanager
def first_alone() -> Iterator[bool]:
    """Process 0 goes in and makes what the others then find; True for process 0."""
    with joined().main_process_first():
        yield place()[0] == 0


def share(count: Tensor) -> Tensor:
    """What a process's mean over `count` things counts for, the others' in mind.

        share = processes * count / sum of all counts

    The mean over processes of `share * mean` is the mean over all things.
    """
    world = place()[1]
    if world == 1:
        return torch.ones_like(count, dtype=torch.float)
    everything = count.clone()
    dist.all_reduce(everything)
    return world * count / everything


def everyones(rows: Tensor) -> Tensor:
    """The rows (B, C) of all processes, (processes * B, C); gradients find their way.

    Official: `laion_clap/clap_module/loss.py: gather_features`
    """
    return rows if place()[1] == 1 else Gather.apply(rows)


class Gather(torch.autograd.Function):
    """Rows of all processes; back go the gradients that all processes have for them."""

    @staticmethod
    def forward(ctx, rows: Tensor) -> Tensor:
        """(b, C) of this process -> (B, C) of all, in order of their numbers."""
        ctx.rank, world = place()
        parts = [torch.empty_like(rows) for _ in range(world)]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        """(B, C) -> (b, C), added up over the processes."""
        gradient = gradient.contiguous().clone()
        dist.all_reduce(gradient)
        return gradient.chunk(place()[1])[ctx.rank]


def own_rows(batch: dict[str, Tensor], rank: int, world: int) -> dict[str, Tensor]:
    """Every `world`-th row of a batch; where none is left, one without labels.

    Raises:
        ValueError: when a contrastive batch, whose rows meet, does not divide evenly.
    """
    if world == 1:
        return batch
    if "contrast_rows" in batch:
        return own_pairs(batch, rank, world)
    rows = len(next(iter(batch.values())))
    if rank < rows:
        return {k: v[rank::world] for k, v in batch.items()}
    own = {k: v[:1] for k, v in batch.items()}
    if "labels" not in own:
        raise ValueError(
            f"a batch has {rows} rows for {world} processes and no labels to blank: "
            "give every process a row, or start fewer processes."
        )
    blank = own.keys() & {"labels", "names"}  # a name below 0 is none
    return own | {key: torch.full_like(own[key], IGNORE) for key in blank}


def own_pairs(batch: dict[str, Tensor], rank: int, world: int) -> dict[str, Tensor]:
    """A process's windows, sentences and near misses, of a batch of `MiniCLAP.forward`.

    `contrast_rows` then counts the windows of all, in the order of `everyones`.

    Raises ValueError for a batch that does not divide among the processes.
    """
    rows = len(batch["windows"])
    if rows % world:
        raise ValueError(
            f"a contrastive batch of {rows} does not divide among {world} processes; "
            f"choose a batch of {world * (rows // world + 1)}, or other processes."
        )
    at = batch["contrast_rows"][rank::world]
    own = {"contrast_rows": at % world * (rows // world) + at // world}
    for name, value in batch.items():
        if name.startswith("contrast_") and name not in own:
            both = value.unflatten(0, (2, -1))  # (2, P, T): right and wrong
            own[name] = both[:, rank::world].flatten(0, 1)
    return {k: v[rank::world] for k, v in batch.items() if k not in own} | own


def learnt(batch: dict[str, Tensor]) -> Tensor:
    """How many things the mean loss of a batch is taken over: its labels, or its rows.

    The first label of a row is nobody's next token.
    """
    if "labels" in batch:
        return (batch["labels"][:, 1:] != IGNORE).sum()
    first = next(iter(batch.values()))
    return torch.tensor(len(first), device=first.device)


class BatchOfStep(Dataset):
    """A process's rows of each step's batches, so that `DataLoader` can work ahead."""

    def __init__(self, batches: Callable, rank: int = 0, world: int = 1):
        self.batches, self.place = batches, (rank, world)

    def __getitem__(self, step: int) -> list[dict[str, Tensor]]:
        if hasattr(self.batches, "own"):
            return self.batches.own(step, *self.place)
        return [own_rows(batch, *self.place) for batch in self.batches(step)]

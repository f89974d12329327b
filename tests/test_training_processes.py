"""Killed at any moment and resumed, a run ends as if nothing had happened; and runs of
two processes end with one set of weights.
"""

import multiprocessing
import os
import random
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_model
from torch import nn

from af_minimal.disk import checkpoints
from af_minimal.stages import StageConfig
from af_minimal.training import train

STEPS, EVERY = 4, 2
DISK = [  # all that touches the disk while a checkpoint is saved
    (checkpoints, "save_tensors"),
    (checkpoints, "to_disk"),
    (os, "replace"),
    (shutil, "rmtree"),
]

pytestmark = [
    pytest.mark.slow,  # a process that imports torch takes seconds to start
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="processes are forked from a warm server"
    ),
]


class Small(nn.Module):
    """Frozen and trained parts, dropout, batch statistics: all that can go astray."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Linear(6, 8)
        self.audio_transformer = nn.Sequential(
            nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5)
        )
        self.lm = nn.Linear(8, 1)

    def forward(self, x):
        return (self.lm(self.audio_transformer(self.encoder(x))) ** 2).mean()


def batches(step: int) -> list[dict]:
    rng = torch.Generator().manual_seed(step)
    return [{"x": torch.randn(4, 6, generator=rng)} for _ in range(2)]


def run(out: str, die_at: int | None = None) -> None:
    """Train in this process; end it by SIGKILL at the n-th touch of the disk."""
    torch.set_num_threads(1)
    if die_at is not None:
        lay_mines(die_at)
    config = StageConfig(
        "sft", STEPS, 1e-2, warmup=1, accumulation=2, checkpoint_every=EVERY
    )
    train(Small(), batches, config, out, resume=True, progress=False)


def lay_mines(die_at: int) -> None:
    """Count the touches of the disk; half through number `die_at`, die."""
    touches = 0

    def mined(real):
        def touch(*args, **kwargs):
            nonlocal touches
            touches += 1
            if touches == die_at:
                spoil(args)
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return touch

    for module, name in DISK:
        setattr(module, name, mined(getattr(module, name)))


def spoil(args: tuple) -> None:
    """Leave half of the file that was about to be written, or synced."""
    for path in args:
        if isinstance(path, (str, Path)) and Path(path).suffix == ".safetensors":
            Path(path).write_bytes(b"half a file")


@pytest.fixture(scope="module")
def server():
    """A process with everything imported, whose children start in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    # the first optimiser of a process imports torch._dynamo, which takes seconds
    context.set_forkserver_preload(["test_training_processes", "torch._dynamo"])
    return context


@pytest.fixture(scope="module")
def unkilled(server, tmp_path_factory) -> dict:
    """The files of a run that nobody killed, and how long it took."""
    out = tmp_path_factory.mktemp("unkilled")
    start(server, out).join()
    began = time.perf_counter()
    shutil.rmtree(out)
    start(server, out).join()
    return {"seconds": time.perf_counter() - began, **files(out)}


def start(server, out: Path, *args):
    process = server.Process(target=run, args=(str(out), *args))
    process.start()
    return process


def files(out: Path) -> dict:
    folder = checkpoints.newest(out)
    assert folder.name == f"step-{STEPS:07d}"
    names = ("model.safetensors", "optimizer.safetensors")
    return {name: load_file(folder / name) for name in names}


def assert_as_if_nothing_had_happened(out: Path, unkilled: dict) -> None:
    for name, tensors in files(out).items():
        assert tensors.keys() == unkilled[name].keys()
        for key, value in tensors.items():
            assert torch.equal(value, unkilled[name][key]), (name, key)
    _, log = checkpoints.load(out, Small())
    assert [row["step"] for row in log] == list(range(STEPS))


def test_killed_at_every_touch_of_the_disk(server, unkilled, tmp_path):
    killed = 0
    for die_at in range(1, 200):
        out = tmp_path / str(die_at)
        process = start(server, out, die_at)
        process.join()
        if process.exitcode == 0:  # there is no touch of that number any more
            break
        assert process.exitcode == -signal.SIGKILL
        killed += 1
        start(server, out).join()
        assert_as_if_nothing_had_happened(out, unkilled)
    assert killed >= 8 * STEPS // EVERY


def test_killed_again_and_again(server, unkilled, tmp_path):
    # every attempt gets a little further into its first checkpoint, or the next one
    for die_at in range(1, 40):
        process = start(server, tmp_path, die_at)
        process.join()
        if process.exitcode == 0:
            break
    assert die_at > 5
    assert_as_if_nothing_had_happened(tmp_path, unkilled)


def test_killed_at_moments_nobody_chose(server, unkilled, tmp_path):
    moments = random.Random(0)
    for number in range(3):
        out = tmp_path / str(number)
        for _ in range(3):
            process = start(server, out)
            process.join(moments.uniform(0.1, 1.0) * unkilled["seconds"])
            process.kill()
            process.join()
        start(server, out).join()
        assert_as_if_nothing_had_happened(out, unkilled)


def test_a_run_that_is_not_resumed_starts_afresh(server, unkilled, tmp_path):
    start(server, tmp_path).join()
    config = StageConfig("sft", STEPS, 1e-2, warmup=1, accumulation=2)
    log = train(Small(), batches, config, tmp_path, progress=False)
    assert log[0]["step"] == 0 and len(log) == STEPS
    assert checkpoints.newest(tmp_path).name == f"step-{STEPS:07d}-again"
    again = load_file(checkpoints.newest(tmp_path) / "model.safetensors")
    for name, value in unkilled["model.safetensors"].items():
        assert torch.equal(again[name], value), name


# --- two processes --------------------------------------------------------------------


def one_of_two(rank: int, port: int, out: Path) -> None:
    """What torchrun would start: the same call in each process, told apart by RANK."""
    torch.set_num_threads(1)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in place.items()})
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    model = without_batch_statistics(Small())
    train(model, batches, two_config(), out / "run", progress=False)
    save_model(model, str(out / f"rank-{rank}.safetensors"))


def without_batch_statistics(model: Small) -> Small:
    """Each process sees its own rows, so batch norm and dropout would differ."""
    model.audio_transformer[1] = nn.LayerNorm(8)
    model.audio_transformer[3] = nn.Identity()
    return model


def two_config() -> StageConfig:
    return StageConfig("sft", STEPS, 1e-3, warmup=1, accumulation=2)


def test_two_processes_end_with_the_weights_of_one(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [server.Process(target=one_of_two, args=(r, port, tmp_path)) for r in (0, 1)]
    for process in both:
        process.start()
    for process in both:
        process.join(600)  # seconds where the machine is idle
        assert process.exitcode == 0
    first, second = (load_file(tmp_path / f"rank-{r}.safetensors") for r in (0, 1))
    alone = without_batch_statistics(Small())
    train(alone, batches, two_config(), progress=False)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
        torch.testing.assert_close(value, alone.state_dict()[name], atol=1e-6, rtol=0)
    steps, _ = checkpoints.load(tmp_path / "run", alone)
    assert steps == STEPS

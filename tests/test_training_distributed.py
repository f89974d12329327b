"""Two processes train as one does, and divided weights too; checkpoints fit them all.

Two processes add up the same numbers in another order, so equal means equal to some
1e-6 of float32 here, and to the bit only between runs of one layout.
"""

import json
import multiprocessing
import os
import socket
import subprocess
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file
from test_training import text_batch, tiny_clap, tiny_flamingo
from torch import nn

from af_minimal import __main__ as cli
from af_minimal.clap import MiniCLAP
from af_minimal.config import PRESETS
from af_minimal.disk import checkpoints
from af_minimal.prompts import IGNORE
from af_minimal.scale.processes import (
    PATIENCE,
    learnt,
    make_accelerator,
    own_rows,
    place,
)
from af_minimal.soundworld import recipe
from af_minimal.soundworld.guidance import guide
from af_minimal.stages import StageConfig, group_of, trained_parts
from af_minimal.systems.curriculum import recipe as curriculum
from af_minimal.systems.curriculum.recipe import CurriculumRun
from af_minimal.systems.curriculum.small import SMALL
from af_minimal.training import train

CLOSE = 2e-6  # between losses of about 6
LAYOUTS = ("one", "ddp", "fsdp")
SEP = 508
AT = 2  # steps taken when a run is broken off
STEPS = 4


# --- rows and what they count for -----------------------------------------------------


def test_every_row_has_one_process():
    batch = {"input_ids": torch.arange(10).view(5, 2)}
    parts = [own_rows(batch, rank, 3)["input_ids"] for rank in range(3)]
    assert sorted(torch.cat(parts)[:, 0].tolist()) == [0, 2, 4, 6, 8]
    assert own_rows(batch, 0, 1) is batch


def test_a_process_without_rows_learns_nothing():
    ids = torch.arange(3)[None]
    own = own_rows({"input_ids": ids, "labels": ids}, 1, 2)
    assert own["input_ids"].shape == (1, 3) and learnt(own) == 0
    with pytest.raises(ValueError, match="1 rows for 2 processes"):
        own_rows({"input_ids": ids}, 1, 2)


def test_near_misses_follow_their_windows():
    world, rows = 2, 4
    windows, at = torch.arange(rows)[:, None], torch.tensor([3, 0, 2, 1, 3])
    said = torch.cat([at, at + 100])[:, None]  # right, then wrong
    batch = {"windows": windows, "contrast_rows": at, "contrast_input_ids": said}
    parts = [own_rows(batch, rank, world) for rank in range(world)]
    together = torch.cat([part["windows"] for part in parts])[:, 0]
    for part in parts:
        right, wrong = part["contrast_input_ids"][:, 0].chunk(2)
        assert torch.equal(together[part["contrast_rows"]], right)
        assert torch.equal(wrong, right + 100)
    with pytest.raises(ValueError, match="batch of 3 does not divide among 2"):
        own_rows(batch | {"windows": windows[:3]}, 0, world)


# --- two processes --------------------------------------------------------------------


def uneven(step: int, hear: bool = True) -> list[dict]:
    """Micro-batches whose rows teach 2 to 9 tokens; the second has a row for one."""
    first, second = text_batch(step, 5, hear), text_batch(100 + step, 1, hear)
    labels = first["labels"].clone()
    for row, kept in enumerate((2, 9, 4, 9, 3)):
        labels[row, 1 + kept :] = -100
    return [first | {"labels": labels}, second]


def contrasts(clap: MiniCLAP, step: int) -> list[dict]:
    """Six windows and five near misses, which do not divide evenly."""
    rng = torch.Generator().manual_seed(step)
    windows = 0.1 * torch.randn(6, clap.encoder.audio.window, generator=rng)
    said = clap.tokenize([f"{word} rings." for word in "abcdef"])
    miss = clap.tokenize([f"a {word} barks." for word in "abcdefghij"])
    rows = torch.tensor([5, 0, 3, 3, 1])
    contrast = {f"contrast_{name}": value for name, value in miss.items()}
    return [{"windows": windows, **said, "contrast_rows": rows, **contrast}]


def named(step: int) -> list[dict]:
    """Five rows of three sounds with names, some of them said before; or one row."""
    rng = torch.Generator().manual_seed(step)
    ids = torch.randint(4, 500, (5, 12), generator=rng)
    ids[:, 0::4], ids[:, 2::4] = 509, SEP
    ids[1::2, 8:] = 4  # all rows of the second process have one answer fewer
    names = torch.tensor([[0, 1, 0], [0, 0, -1], [0, 1, 2], [0, 0, -1], [0, 1, 1]])
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    batch |= {"audio_features": torch.randn(5, 12, 32, generator=rng), "names": names}
    if step % 2:  # the second process has none
        batch = {key: value[:1] for key, value in batch.items()}
    return [batch, uneven(step)[1]]


def start(case: str):
    """A tiny model and its batches."""
    if case == "clap":
        clap = tiny_clap()
        return clap, lambda step: contrasts(clap, step)
    model = tiny_flamingo()
    if case == "guided":
        guide(model, SEP)
        return model, named
    return model, lambda step: uneven(step, hear=case != "lm")


def config_of(stage: str, **changes) -> StageConfig:
    settings = {"warmup": 1, "weight_decay": 0.1, "accumulation": 2, "clip_norm": 0.3}
    settings |= {"checkpoint_every": AT} | changes
    return StageConfig(stage, STEPS, 3e-3, **settings)


CASES = {
    "clap": config_of("clap", accumulation=1),
    "lm": config_of("lm"),
    "pretrain": config_of("pretrain"),
    "sft": config_of("sft"),
    "guided": config_of("sft"),
    "official": config_of(
        "sft", clip_every_micro_batch=True, only_token_rows=(509,), weight_decay=0.0
    ),
}


class BrokenOff(Exception):
    """What stops a run in the middle."""


def run(case: str, layout: str, out: Path, stop: bool = False) -> nn.Module:
    """Train one case, or go on with it; `stop` breaks it off after `AT` steps."""
    config = CASES[case]
    model, batches = start(case)

    def until(step: int) -> list[dict]:
        if stop and step == AT:
            raise BrokenOff
        return batches(step)

    settings = {"resume": True, "progress": False, "fsdp": layout == "fsdp"}
    try:
        train(model, until, config, out, **settings)
    except BrokenOff:
        pass
    return model


def join(rank: int, port: int) -> None:
    """Be one of two processes, as torchrun would start it."""
    torch.set_num_threads(1)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2}
    place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in place.items()})
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


def one_of_two(rank: int, port: int, layout: str, jobs: list[tuple]) -> None:
    """Do jobs in one of two processes."""
    join(rank, port)
    for case, out, stop in jobs:
        model = run(case, layout, out, stop)
        if layout == "fsdp" and case != "clap":
            check_divided(model, CASES[case].stage)


def check_divided(model: nn.Module, stage: str) -> None:
    """Half of the weights here, the tie still tied, and trained what should be."""
    assert model.lm.lm_head.weight is model.get_input_embeddings().weight
    for name, parameter in model.named_parameters():
        assert parameter.to_local().numel() <= parameter.numel() // 2 + 512, name
        assert parameter.requires_grad == (group_of(name) in trained_parts(stage))


def both(server, function, *args) -> None:
    """Call a function in two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pair = [server.Process(target=function, args=(r, port, *args)) for r in (0, 1)]
    for process in pair:
        process.start()
    for process in pair:
        process.join(600)
        assert process.exitcode == 0


def do(server, layout: str, jobs: list[tuple]) -> None:
    """Do jobs in one process, or in two."""
    if layout != "one":
        return both(server, one_of_two, layout, jobs)
    for case, out, stop in jobs:
        run(case, layout, out, stop)


@pytest.fixture(scope="module")
def server():
    """A process with everything imported, whose children start in milliseconds."""
    if not hasattr(os, "fork"):
        pytest.skip("processes are forked from a warm server")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_training_distributed", "torch._dynamo"])
    return context


def patient(rank: int, port: int, first) -> None:
    """Join by one of the two ways in, and look how long a barrier would wait."""
    join(rank, port)
    first()
    group = dist.distributed_c10d._get_default_group()
    waits = group._get_backend(torch.device("cpu")).options._timeout
    assert waits == PATIENCE and waits.total_seconds() > 3600
    assert place() == (rank, 2)


@pytest.mark.slow
@pytest.mark.parametrize("first", [place, make_accelerator])
def test_the_quick_wait_for_the_slow(server, first):
    both(server, patient, first)


@pytest.fixture(scope="module")
def unbroken(server, tmp_path_factory) -> Path:
    """A folder with every case, trained in every layout: layout/case."""
    folder = tmp_path_factory.mktemp("unbroken")
    for layout in LAYOUTS:
        do(server, layout, [(case, folder / layout / case, False) for case in CASES])
    return folder


def losses(out: Path) -> list[float]:
    state = json.loads((checkpoints.newest(out) / "state.json").read_text())
    assert [row["step"] for row in state["log"]] == list(range(len(state["log"])))
    return [row["loss"] for row in state["log"]]


def tensors(out: Path) -> dict:
    folder = checkpoints.newest(out)
    assert folder.name == f"step-{STEPS:07d}"
    memory = load_file(folder / "optimizer.safetensors")
    return load_file(folder / "model.safetensors") | memory


def assert_same(one: Path, other: Path, tolerance: float) -> None:
    """Equal losses, weights and optimiser memory, of equal names."""
    assert losses(one) == pytest.approx(losses(other), abs=tolerance)
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        # a key's bias has no true gradient, so Adam makes steps of rounding noise
        noise = name.endswith(("k_proj.bias", "key.bias"))
        loose = 4e-2 if noise and tolerance else 50 * tolerance
        torch.testing.assert_close(
            value, second[name], atol=loose, rtol=tolerance, msg=name
        )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("layout", ["ddp", "fsdp"])
def test_two_processes_train_as_one(unbroken, layout, case):
    assert_same(unbroken / layout / case, unbroken / "one" / case, CLOSE)


@pytest.mark.slow
def test_divided_weights_move_where_the_stage_says(unbroken):
    for case in ("pretrain", "sft", "lm"):
        before, after = start(case)[0].state_dict(), tensors(unbroken / "fsdp" / case)
        names = dict(start(case)[0].named_parameters())
        moved = {n for n in names if not torch.equal(after[n], before[n])}
        trains = {n for n in names if group_of(n) in trained_parts(case)}
        silent = {n for n in names if "gated_cross_attn" in n} if case == "lm" else {}
        assert moved == trains - set(silent), case


@pytest.mark.slow
def test_any_layout_goes_on_from_any_other(server, unbroken, tmp_path):
    outs = {(a, b): tmp_path / f"{a}-{b}" for a in LAYOUTS for b in LAYOUTS}
    for layout in LAYOUTS:
        first = [("sft", out, True) for (a, _), out in outs.items() if a == layout]
        do(server, layout, first)
    for layout in LAYOUTS:
        then = [("sft", out, False) for (_, b), out in outs.items() if b == layout]
        assert {checkpoints.newest(out).name for _, out, _ in then} == {"step-0000002"}
        do(server, layout, then)
    for (a, b), out in outs.items():
        assert_same(out, unbroken / b / "sft", 0.0 if a == b else CLOSE)


# --- the command line -----------------------------------------------------------------

SETTINGS = {"scenes": 6, "steps": 2, "batch": 8, "workers": 0, "precision": "no"}
TRAIN = ["train", "--preset", "tiny"]
for name, value in SETTINGS.items():
    TRAIN += [f"--{name}", str(value)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """The run of one process."""
    run = recipe.Run(tmp_path_factory.mktemp("alone"), PRESETS["tiny"], **SETTINGS)
    recipe.run_all(run)
    return run.out


def command_of_two(rank: int, port: int, arguments: list[str]) -> None:
    """The command line in one of two processes."""
    join(rank, port)
    assert cli.main(arguments) == 0


@pytest.mark.slow
def test_all_stages_of_two_processes(server, alone, tmp_path):
    """With --fsdp: gradients are averaged in `clap`, and weights divided after it."""
    out = ["--stage", "all", "--fsdp", "--out", str(tmp_path)]
    both(server, command_of_two, TRAIN + out)
    for stage in recipe.STAGES:
        # later stages hear with features kept in float16, where 1e-7 may turn a bit
        wanted = pytest.approx(losses(alone / stage), abs=1e-4)
        assert losses(tmp_path / stage) == wanted, stage
    assert (tmp_path / "model" / "model.safetensors").exists()


def small_curriculum_run(out: Path, fsdp: bool = False) -> None:
    """All stages of Audio Flamingo 2's curriculum, two steps each."""
    sizes = {"SoundWorld": 4, "AudioSkills": 3, "LongAudio": 2}
    settings = {"steps": 2, "batch": 4, "precision": "no", "fsdp": fsdp}
    run = CurriculumRun(out, SMALL, sizes, encoder=None, **settings)
    curriculum.run_all(run)


def curriculum_of_two(rank: int, port: int, out: Path) -> None:
    """The same as one of two processes, weights divided."""
    join(rank, port)
    small_curriculum_run(out, fsdp=True)


@pytest.mark.slow
def test_the_curriculum_of_two_processes(server, tmp_path):
    small_curriculum_run(tmp_path / "one")
    both(server, curriculum_of_two, tmp_path / "two")
    for stage in ("lm", "short", "skills", "long"):
        wanted = pytest.approx(losses(tmp_path / "one" / stage), abs=1e-4)
        assert losses(tmp_path / "two" / stage) == wanted, stage
    heard = [
        sorted(p.name for p in (tmp_path / n).rglob("features/*/*/*"))
        for n in ("one", "two")
    ]
    assert heard[0] == heard[1] != []
    assert (tmp_path / "two" / "model" / "model.safetensors").exists()


@pytest.mark.slow
def test_accelerate_launch_trains_as_one_process_does(alone, tmp_path, two_processes):
    out = ["--stage", "lm", "--out", str(tmp_path)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        two_processes + TRAIN + out, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("waited for data") == 1  # one process speaks
    assert losses(tmp_path / "lm") == pytest.approx(losses(alone / "lm"), abs=CLOSE)


def test_a_process_without_rows_has_no_guidance():
    batch = {"labels": torch.ones(1, 4), "names": torch.zeros(1, 2)}
    own = own_rows(batch, rank=1, world=2)
    assert (own["labels"] == IGNORE).all() and (own["names"] < 0).all()

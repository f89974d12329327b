"""Checkpoints that survive being killed: written aside, then switched to in one move.

A checkpoint is a folder with `model.safetensors`, `optimizer.safetensors` and
`state.json`; `latest.json` names the one that is whole. Nothing is pickled. The files
are the same from one process or many, weights divided among them or not, and any of
these reads them.

Taught in: notebooks/08_staged_training.ipynb
"""

import json
import os
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from ..scale.processes import place, wait
from ..scale.sharding import divided_like, whole
from .storage import save_tensors


def write_json(path: str | Path, value) -> None:
    """Write JSON aside and move it into place, so that no reader meets half a file.

    Taught in: notebooks/08_staged_training.ipynb
    """
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    aside.write_text(json.dumps(value, indent=1) + "\n")
    to_disk(aside)
    os.replace(aside, path)


def read_json(path: Path) -> dict:
    """The object in a JSON file; ValueError, naming the file, when it is damaged."""
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}); move its folder away."
        ) from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no object; move its folder away.")
    return found


def to_disk(path: Path) -> None:
    """Wait until a file has left the machine's memory: power cuts happen too."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def save(
    out: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    log: list[dict],
    stage: str = "",
) -> None:
    """Save a checkpoint in `out`; the one before it goes only when this one is whole.

    All processes call this; the first one writes, and all go on when it is done.

    Args:
        step: optimiser steps taken so far.
        log: rows of the training log, kept with the weights; the last gets the gates.
        stage: what the run was for; `load` refuses to go on with another.

    Taught in: notebooks/08_staged_training.ipynb
    """
    weights = gathered(once(model))
    memory = gathered(optimizer_tensors(model, optimizer))
    if place()[0] == 0:
        note_gates(weights, log)
        write(Path(out), weights, memory, {"step": step, "stage": stage, "log": log})
    wait()


def note_gates(weights: dict[str, Tensor], log: list[dict]) -> None:
    """Keep the gates in the last row of the log: weights are kept once, gates always.

    Under "gates", by the name of the parameter, before tanh. The widget `gates` draws
    their way from it.
    """
    gates = {n: float(v) for n, v in weights.items() if n.endswith("_gate")}
    if gates and log:
        log[-1]["gates"] = gates


def write(out: Path, weights: dict, memory: dict, state: dict) -> None:
    """Write one checkpoint aside, and switch to it."""
    folder, aside = out / f"step-{state['step']:07d}", out / "part"
    if folder == newest(out):  # an earlier run's, and it stays until ours is whole
        folder = out / f"{folder.name}-again"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_tensors(weights, aside / "model.safetensors")
    save_tensors(memory, aside / "optimizer.safetensors")
    to_disk(aside / "model.safetensors")
    to_disk(aside / "optimizer.safetensors")
    write_json(aside / "state.json", state)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)
    write_json(out / "latest.json", {"folder": folder.name})
    for old in out.glob("step-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def once(model: nn.Module) -> dict[str, Tensor]:
    """The weights by name; one that has two names, a tied head, under its first."""
    found: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), (name, tensor))
    return dict(found.values())


def gathered(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Whole tensors in main memory, for the process that writes; nothing elsewhere."""
    kept = {}
    for name, tensor in tensors.items():
        tensor = whole(tensor.detach())
        if place()[0] == 0:
            kept[name] = tensor.cpu().contiguous()
    return kept


def newest(out: str | Path) -> Path | None:
    """The folder of the last whole checkpoint in `out`, or None.

    Raises ValueError when `latest.json` names a folder that lies elsewhere.

    Taught in: notebooks/08_staged_training.ipynb
    """
    latest = Path(out) / "latest.json"
    if not latest.exists():
        return None
    name = read_json(latest).get("folder") or ""
    if not name or Path(name).name != name or name == "..":
        raise ValueError(f"{latest} names {name!r}; a checkpoint lies beside it.")
    return Path(out) / name


def state_of(out: str | Path) -> dict:
    """What the last whole checkpoint of `out` says of itself: step, stage and log.

    {} where there is none.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folder = newest(out)
    return {} if folder is None else read_json(folder / "state.json")


def load(
    out: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    stage: str | None = None,
) -> tuple[int, list[dict]]:
    """Load the last whole checkpoint of `out` in place: (steps taken, log).

    Gives (0, []) when there is none.

    Args:
        stage: the stage that wants to go on; None takes a checkpoint of any.

    Raises:
        ValueError: when the checkpoint is another stage's or another model's, or is
            damaged.

    Taught in: notebooks/08_staged_training.ipynb
    """
    folder, state = newest(out), state_of(out)
    if folder is None:
        return 0, []
    if stage is not None and state.get("stage", stage) != stage:
        raise ValueError(
            f"{folder} was saved by stage {state['stage']!r} and this is stage "
            f"{stage!r}; give each stage an `out` folder of its own."
        )
    try:
        check_same_model(folder / "model.safetensors", model)
    except SafetensorError as error:
        raise ValueError(
            f"{folder} is damaged ({error}): move {out} away and train this stage anew."
        ) from error
    tensors = model.state_dict(keep_vars=True)
    with safe_open(str(folder / "model.safetensors"), "pt") as file, torch.no_grad():
        for name in file.keys():
            value = divided_like(file.get_tensor(name), tensors[name])
            tensors[name].copy_(value)
    if optimizer is not None:
        memory = folder / "optimizer.safetensors"
        try:
            set_optimizer(model, optimizer, load_file(memory))
        except SafetensorError as error:
            raise ValueError(
                f"{memory} is damaged ({error}): move {out} away and train this stage "
                "anew."
            ) from error
    return state["step"], state["log"]


def check_same_model(path: Path, model: nn.Module) -> None:
    """Raise ValueError unless names and shapes in a file are those of the model.

    A weight that stands in the model under two names is in the file under one of them.
    """
    tensors = model.state_dict(keep_vars=True)
    with safe_open(str(path), "pt") as file:
        saved = {name: file.get_slice(name).get_shape() for name in file.keys()}
    there = {id(tensors[name]) for name in saved if name in tensors}
    ours = {n: list(t.shape) for n, t in tensors.items() if id(t) not in there}
    ours |= {n: list(tensors[n].shape) for n in saved if n in tensors}
    wrong = sorted(n for n in ours | saved if ours.get(n) != saved.get(n))
    if wrong:
        name, given = wrong[0], type(model).__name__
        raise ValueError(
            f"{path} is another model's; {len(wrong)} tensors do not fit. For {name} "
            f"the file has {saved.get(name, 'nothing')} and the {given} given has "
            f"{ours.get(name, 'nothing')}. Build the model that was saved, or choose "
            "another `out` folder."
        )


def optimizer_tensors(model: nn.Module, optimizer) -> dict[str, Tensor]:
    """AdamW's memory as flat names: parameter name / exp_avg, exp_avg_sq, step."""
    return {
        f"{name}/{key}": torch.as_tensor(value)
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def set_optimizer(model: nn.Module, optimizer, tensors: dict) -> None:
    """Inverse of `optimizer_tensors`; AdamW wants its "step" in main memory."""
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        name, _, what = key.rpartition("/")
        parameter = parameters[name]
        if what != "step":
            value = divided_like(value, parameter)
        optimizer.state[parameter][what] = value

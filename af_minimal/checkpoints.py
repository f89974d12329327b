"""Checkpoints that survive a power cut: written aside, then switched to in one move.

A checkpoint is a folder with `model.safetensors`, `optimizer.safetensors` and
`state.json`; `latest.json` names the one that is whole. Nothing is pickled.

Taught in: notebooks/08_staged_training.ipynb
"""

import json
import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import nn


def write_json(path: str | Path, value) -> None:
    """Write JSON aside and move it into place, so that no reader meets half a file.

    Taught in: notebooks/08_staged_training.ipynb
    """
    path = Path(path)
    aside = path.with_name(path.name + ".part")
    aside.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(aside, path)


def save(
    out: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    step: int,
    log: list[dict],
) -> None:
    """Save a checkpoint in `out`; the one before it goes only when this one is whole.

    Args:
        step: optimiser steps taken so far.
        log: rows of the training log, kept with the weights.

    Taught in: notebooks/08_staged_training.ipynb
    """
    out = Path(out)
    folder, aside = out / f"step-{step:07d}", out / "part"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    save_model(model, str(aside / "model.safetensors"))
    save_file(optimizer_tensors(model, optimizer), aside / "optimizer.safetensors")
    write_json(aside / "state.json", {"step": step, "log": log})
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(aside, folder)
    write_json(out / "latest.json", {"folder": folder.name})
    for old in out.glob("step-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)


def load(
    out: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> tuple[int, list[dict]]:
    """Load the last whole checkpoint of `out` in place: (steps taken, log).

    Gives (0, []) when there is none.

    Taught in: notebooks/08_staged_training.ipynb
    """
    out = Path(out)
    if not (out / "latest.json").exists():
        return 0, []
    folder = out / json.loads((out / "latest.json").read_text())["folder"]
    load_model(model, str(folder / "model.safetensors"))
    if optimizer is not None:
        set_optimizer(model, optimizer, load_file(folder / "optimizer.safetensors"))
    state = json.loads((folder / "state.json").read_text())
    return state["step"], state["log"]


def optimizer_tensors(model: nn.Module, optimizer) -> dict[str, torch.Tensor]:
    """AdamW's memory as flat names: parameter name / exp_avg, exp_avg_sq, step."""
    return {
        f"{name}/{key}": torch.as_tensor(value).contiguous()
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def set_optimizer(model: nn.Module, optimizer, tensors: dict) -> None:
    """Inverse of `optimizer_tensors`."""
    for name, parameter in model.named_parameters():
        memory = {
            key.rpartition("/")[2]: value.to(parameter.device if value.dim() else "cpu")
            for key, value in tensors.items()
            if key.rpartition("/")[0] == name
        }
        if memory:
            optimizer.state[parameter] = memory

"""Gates opening over training: snapshots of a model, or the log of a run.

The training loop notes the gates at each checkpoint (`disk/checkpoints.py`), every 200
steps in the recipes, ten times in a run that `--steps` makes short. `GateRecorder`
notes them oftener, while a model is trained.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import ipywidgets as widgets
import torch
from safetensors import safe_open
from torch import nn

from ..figures_training import gate_figure
from .keys import Panel
from .parts import Words
from .still import picture, with_picture

GATE = re.compile(r"layers\.(\d+)\.gated_cross_attn_layer\.(attn|ff)_gate$")
KEYS = ("step", "layer", "attn", "ff")


def gate_rows(step: int, state: nn.Module | Mapping) -> list[dict]:
    """tanh of all gates of a model, or of a state dict: a row for each layer.

    Rows are {"step", "layer", "attn", "ff"}; layers are those of the language model.

    Raises ValueError when there are no gates.

    Taught in: notebooks/08_staged_training.ipynb
    """
    tensors = state.state_dict() if isinstance(state, nn.Module) else state
    found: dict[int, dict] = {}
    for name, tensor in tensors.items():
        if match := GATE.search(name):
            row = found.setdefault(int(match[1]), {})
            row[match[2]] = float(torch.as_tensor(tensor).float().tanh())
    if not found:
        raise ValueError(
            f"There are no gates in the weights of step {step}; "
            "stages `pretrain` and `sft` train them, `clap` and `lm` do not."
        )
    return [{"step": step, "layer": n, **found[n]} for n in sorted(found)]


class GateRecorder:
    """A batch function for `training.train` that also notes the gates.

        watch = GateRecorder(model, batches, every=10)
        train(model, watch, config)
        gates([*watch.history, *gate_rows(config.steps, model)])

    `history` holds rows of `gate_rows`, noted before a step is taken. It needs
    `workers=0`, as is usual: another process has a copy of the model that stays as it
    was.

    Raises ValueError when `every` is not positive.

    Taught in: notebooks/08_staged_training.ipynb
    """

    def __init__(self, model: nn.Module, batches: Callable[[int], list], every=10):
        if every < 1:
            raise ValueError(f"every is {every}; note the gates every 1 step or more.")
        self.model, self.batches, self.every = model, batches, every
        self.history: list[dict] = []

    def __call__(self, step: int) -> list[dict]:
        if step % self.every == 0:
            self.history += gate_rows(step, self.model)
        return self.batches(step)


def gate_history(run) -> list[dict]:
    """tanh of the gates over training: rows {"step", "layer", "attn", "ff"}, in order.

    Args:
        run: a folder of checkpoints (`out` of `training.train`); or a list of
            (step, model or state dict); or rows of `gate_rows`.

    Raises FileNotFoundError when a folder holds no checkpoint, ValueError when what
    came holds no gates.

    Taught in: notebooks/08_staged_training.ipynb
    """
    if isinstance(run, str | Path):
        rows = _rows_of_folder(Path(run))
    elif not isinstance(run, Sequence) or not run:
        raise ValueError(
            f"run is {run!r}; expected a folder of checkpoints, a list of "
            "(step, model) or the history of a GateRecorder."
        )
    elif isinstance(run[0], Mapping):
        rows = _checked(run)
    else:
        rows = [row for step, state in run for row in gate_rows(step, state)]
    return sorted(rows, key=lambda row: (row["step"], row["layer"]))


def _checked(rows: Sequence[Mapping]) -> list[dict]:
    for row in rows:
        if not set(KEYS) <= set(row):
            raise ValueError(
                f"a row has {', '.join(map(str, row))}; {', '.join(KEYS)} are needed. "
                "A training log keeps losses: pass the folder of its run, which keeps "
                "gates as well, or train with a GateRecorder."
            )
    return [dict(row) for row in rows]


def _rows_of_folder(folder: Path) -> list[dict]:
    files = sorted(folder.glob("step-*/model.safetensors"))
    if not files:
        inner = sorted(p.parent.name for p in folder.glob("*/latest.json"))
        hint = f"choose one of its stages {inner}" if inner else "pass `out` of train"
        raise FileNotFoundError(
            f"{folder} holds no checkpoint step-*/model.safetensors; {hint}."
        )
    rows = {}
    for path in files:
        step = int(path.parent.name.split("-")[1])
        for row in _log_of(path.parent):
            if "gates" in row:
                rows[row["step"] + 1] = gate_rows(row["step"] + 1, row["gates"])
        with safe_open(str(path), "pt") as file:
            names = [name for name in file.keys() if GATE.search(name)]
            rows[step] = gate_rows(step, {n: file.get_tensor(n) for n in names})
    return [row for step in rows.values() for row in step]


def _log_of(checkpoint: Path) -> list[dict]:
    state = checkpoint / "state.json"
    return json.loads(state.read_text())["log"] if state.is_file() else []


class GatesWidget(Panel):
    """A slider over the steps of a history, and the gates at the step it chooses.

    Taught in: notebooks/08_staged_training.ipynb
    """

    def __init__(self, history: Sequence[dict]):
        self.history = list(history)
        steps = sorted({row["step"] for row in self.history})
        self.step = widgets.SelectionSlider(
            options=steps, value=steps[-1], description="step", continuous_update=False
        )
        self.image = picture()
        self.label = Words()
        self.step.observe(self._draw, names="value")
        self._draw()
        super().__init__([self.step, self.image, self.label])

    def figure(self):
        """The curves, and the layers at the step that the slider chooses."""
        return gate_figure(self.history, self.step.value)

    def alt(self) -> str:
        """The curves in words."""
        return f"tanh of the gates over training, to step {self.step.value}"

    def _draw(self, change=None) -> None:
        now = [row for row in self.history if row["step"] == self.step.value]
        widest = max(now, key=lambda row: abs(row["attn"]))
        self.label.say(
            f"after {self.step.value} steps the attention gate of layer "
            f"{widest['layer']} is open furthest: {widest['attn']:+.3f} (size matters, "
            "sign does not)"
        )
        self.draw(self.figure(), self.alt())


def gates(run, static: bool = True) -> GatesWidget:
    """Watch the gates open over training; `gate_history` says what `run` may be.

    `static` adds the last step as a plain picture, for stored pages.

    Raises as `gate_history`.

    Taught in: notebooks/08_staged_training.ipynb
    """
    browser = GatesWidget(gate_history(run))
    if static:
        return with_picture(browser, browser.figure(), browser.alt())
    return browser

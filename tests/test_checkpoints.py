"""Checkpoints: exact, whole or absent, and never another model's."""

import os

import pytest
import torch
from torch import nn

from af_minimal.disk import checkpoints
from af_minimal.stages import StageConfig
from af_minimal.training import train


class Small(nn.Module):
    """A tied weight and batch statistics are what a checkpoint can get wrong."""

    def __init__(self, width: int = 4):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Linear(width, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Linear(width, width, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return (self.head(self.norm(self.embedding(x))) ** 2).mean()


class Other(Small):
    """The same widths under other names."""

    def __init__(self):
        super().__init__()
        self.more = nn.Linear(2, 2)


CONFIG = StageConfig("lm", 4, 1e-2, warmup=1, checkpoint_every=2)


def batches(step: int) -> list[dict]:
    rng = torch.Generator().manual_seed(step)
    return [{"x": torch.randn(5, 4, generator=rng)}]


def trained(out, config=CONFIG, resume=False, model=None):
    model = model or Small()
    return model, train(model, batches, config, out, resume, progress=False)


def one_step(model: Small) -> torch.optim.AdamW:
    """An AdamW that has a memory."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model(**batches(0)[0]).backward()
    optimizer.step()
    return optimizer


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_is_saved_comes_back_to_the_bit(tmp_path):
    model = Small()
    optimizer = one_step(model)
    checkpoints.save(tmp_path, model, optimizer, 1, [{"step": 0, "loss": 0.1}], "lm")
    again = Small()
    fresh = torch.optim.AdamW(again.parameters(), lr=1e-2)
    assert checkpoints.load(tmp_path, again, fresh) == (1, [{"step": 0, "loss": 0.1}])
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    assert again.head.weight is again.embedding.weight
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert optimizer.state[one].keys() == fresh.state[two].keys()
        for key, value in optimizer.state[one].items():
            assert torch.equal(fresh.state[two][key], value), key


def test_one_whole_checkpoint_is_kept_and_nothing_is_pickled(tmp_path):
    trained(tmp_path)
    assert names(tmp_path) == {"latest.json", "step-0000004"}
    files = {"model.safetensors", "optimizer.safetensors", "state.json"}
    assert names(tmp_path / "step-0000004") == files


def test_nothing_saved_is_step_zero(tmp_path):
    assert checkpoints.load(tmp_path / "absent", Small()) == (0, [])


@pytest.mark.parametrize("crash_at", range(1, 4))
def test_a_crash_between_files_leaves_the_one_before(tmp_path, monkeypatch, crash_at):
    """Saving moves three things into place; any of the moves may be the last."""
    model = Small()
    optimizer = one_step(model)
    checkpoints.save(tmp_path, model, optimizer, 2, [{"step": 1}], "lm")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with torch.no_grad():
        model.embedding.weight.add_(1.0)
    move, moves = os.replace, 0

    def crashing(source, target):
        nonlocal moves
        moves += 1
        if moves == crash_at:
            raise OSError("no space left on device")
        move(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crashing)
        with pytest.raises(OSError, match="no space left"):
            checkpoints.save(tmp_path, model, optimizer, 4, [{"step": 3}], "lm")
    again = Small()
    assert checkpoints.load(tmp_path, again) == (2, [{"step": 1}])
    for name, value in before.items():
        assert torch.equal(again.state_dict()[name], value), name
    checkpoints.save(tmp_path, model, optimizer, 4, [{"step": 3}], "lm")
    assert checkpoints.load(tmp_path, again)[0] == 4
    assert names(tmp_path) == {"latest.json", "step-0000004"}


def test_saving_takes_three_moves(tmp_path, monkeypatch):
    """If this number changes, the crashes above no longer cover every move."""
    move, moves = os.replace, []
    monkeypatch.setattr(os, "replace", lambda *args: (moves.append(args), move(*args)))
    checkpoints.save(tmp_path, Small(), one_step(Small()), 1, [])
    assert len(moves) == 3


def test_a_finished_run_returns_at_once(tmp_path):
    model, log = trained(tmp_path)

    def nothing(step):
        raise AssertionError("a finished run asks for no batch")

    again = Small()
    assert train(again, nothing, CONFIG, tmp_path, resume=True, progress=False) == log
    assert torch.equal(again.embedding.weight, model.embedding.weight)


def test_half_a_run_and_the_rest_are_a_whole_run(tmp_path):
    stopped = StageConfig("lm", 2, 1e-2, warmup=1, schedule="constant")
    constant = StageConfig("lm", 4, 1e-2, warmup=1, schedule="constant")
    trained(tmp_path, stopped)
    halves, _ = trained(tmp_path, constant, resume=True)
    whole, _ = trained(None, constant)
    for name, value in whole.state_dict().items():
        assert torch.equal(halves.state_dict()[name], value), name


def test_another_models_checkpoint_is_refused_by_name(tmp_path):
    trained(tmp_path)
    with pytest.raises(ValueError, match=r"step-0000004.*\[4, 4\].*Small.*\[8, 8\]"):
        trained(tmp_path, resume=True, model=Small(width=8))
    with pytest.raises(ValueError, match="nothing and the Linear given has"):
        checkpoints.load(tmp_path, nn.Linear(2, 2))
    with pytest.raises(
        ValueError, match=r"more\.bias .* nothing and the Other given has \[2\]"
    ):
        checkpoints.load(tmp_path, Other())


def test_another_stages_checkpoint_is_refused(tmp_path):
    checkpoints.save(tmp_path, Small(), one_step(Small()), 1, [], "pretrain")
    with pytest.raises(ValueError, match="stage 'pretrain' and this is stage 'lm'"):
        trained(tmp_path, resume=True)
    # weights alone may be taken from any stage: that is how the next one begins
    assert checkpoints.load(tmp_path, Small())[0] == 1


def test_a_checkpoint_never_lies_outside_its_folder(tmp_path):
    trained(tmp_path / "run")
    for elsewhere in ("../../etc", "..", "/etc"):
        named = {"folder": elsewhere}
        checkpoints.write_json(tmp_path / "run" / "latest.json", named)
        with pytest.raises(ValueError, match="a checkpoint lies beside it"):
            checkpoints.newest(tmp_path / "run")

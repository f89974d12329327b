"""The other benchmarks run as they are called, at sizes that take no time."""

import json
import re
import sys

import numpy as np
import pytest
import soundfile
import torch
from conftest import ROOT

from af_minimal.evaluation import GREEDY

FOLDER = ROOT / "benchmarks"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Calls a script with options: (what it printed, the rows it stored)."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    threads = torch.get_num_threads()

    def call(script, *options: str) -> tuple[str, list[dict]]:
        import timing

        results = tmp_path / "benchmarks.json"
        if hasattr(script, "write"):
            monkeypatch.setattr(
                script, "write", lambda name, rows: timing.write(name, rows, results)
            )
        monkeypatch.setattr(sys, "argv", [script.__name__, *options])
        script.main()
        stored = json.loads(results.read_text("utf-8")) if results.exists() else {}
        rows = [row for found in stored.values() for row in found["rows"]]
        return capsys.readouterr().out, rows

    yield call
    torch.set_num_threads(threads)


@pytest.fixture
def beside(monkeypatch):
    """The scripts by name, as they import one another."""
    import importlib

    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    return importlib.import_module


def numbers_of(line: str) -> list[float]:
    return [float(n.replace(",", "")) for n in re.findall(r"[\d,]+\.?\d*", line)]


def test_a_model_is_measured_on_any_device(run, beside):
    sizes = ["--batch", "2", "--tokens", "16", "--new", "2", "--repeats", "1"]
    where = ["--preset", "tiny", "--device", "cpu", "--windows", "4"]
    told, _ = run(beside("gpu"), *where, *sizes)
    for act in ("forward", "and backward", "step of sft", "2 new tokens"):
        (line,) = [x for x in told.splitlines() if x.startswith(act)]
        ms, tokens, operations = numbers_of(line.removeprefix(act))[:3]
        assert ms > 0 and tokens > 0 and operations >= 0
        assert line.split()[-2:] == ["-", "-"]  # no peak and no memory of a CPU


def test_a_tower_from_scratch_is_asked_fold_five(run, beside, tmp_path):
    lines, rng = ["filename,fold,label"], np.random.default_rng(0)
    (tmp_path / "audio").mkdir()
    for label, fold in (("dog", 1), ("rain", 2), ("dog", 5), ("rain", 5)):
        name = f"{label}-{fold}.wav"
        soundfile.write(tmp_path / "audio" / name, rng.uniform(-0.1, 0.1, 8000), 16_000)
        lines.append(f"{name},{fold},{label}")
    (tmp_path / "meta.csv").write_text("\n".join(lines))
    told, _ = run(beside("esc_cnn"), "--recordings", str(tmp_path), "--steps", "2")
    n, score = told.split("from scratch, 2 steps")[1].split()[:2]
    assert n == "2" and float(score) in (0.0, 0.5, 1.0)
    assert told.rstrip().endswith("0.500")  # chance


def test_conversations_and_questions_are_learnt_apart(
    run, beside, tmp_path, monkeypatch
):
    script = beside("dialogue_training")
    monkeypatch.setattr(script, "HELD_OUT_SCENES", 2)
    monkeypatch.setitem(GREEDY, "max_new_tokens", 2)
    sizes = ["--scenes", "6", "--batch", "4", "--steps", "4"]
    told, rows = run(script, "--out", str(tmp_path / "out"), *sizes)
    assert "asked alone: caption" in told
    assert all({"what", "conversations", "questions"} == set(row) for row in rows)
    for name in ("conversations", "questions"):
        for stage in script.STAGES:
            assert list((tmp_path / "out" / name / stage).iterdir())


def test_steps_are_timed_for_each_setting(run, beside):
    told, _ = run(beside("threads"), "--steps", "1", "--batch", "2", "--threads", "1")
    rows = [line for line in told.splitlines()[2:] if line.strip()]
    assert len(rows) == 3 * 2  # kinds of step, precisions
    assert all(float(cell) >= 0 for row in rows for cell in row.split()[-2:])


def test_batches_of_like_length_have_less_padding(run, beside):
    told, rows = run(beside("dynamic_batching"), "--rows", "400", "--recordings", "20")
    assert [row["what"].split(",")[0] for row in rows] == [
        *["log-normal"] * 3,
        "blended",
    ]
    assert all(0 <= row["padded after"] < row["padded before"] < 1 for row in rows)


def test_classes_are_told_apart_by_two_listeners(run, beside, monkeypatch):
    script = beside("recognisability")
    few = dict(list(script.CLASSES.items())[:4])
    monkeypatch.setattr(script, "CLASSES", few)
    told, _ = run(script, "--train", "4", "--test", "2", "--epochs", "1")
    for listener in ("linear probe on mean log-mel", "small CNN on log-mel"):
        assert 0 <= float(re.search(rf"{listener}: +([\d.]+) %", told)[1]) <= 100
    assert all(name in told for name in few)


def test_every_benchmark_has_a_test():
    tests = "".join(p.read_text("utf-8") for p in ROOT.glob("tests/test_benchmarks*"))
    helpers = {"models", "timing"}
    for script in {path.stem for path in FOLDER.glob("*.py")} - helpers:
        assert f"import {script}\n" in tests or f'beside("{script}")' in tests, script

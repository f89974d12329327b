"""`python -m af_minimal doctor`: a row for every check, advice for every fault."""

import subprocess
import sys
from collections import namedtuple
from importlib import metadata

import pytest

from af_minimal import __main__ as cli
from af_minimal.commands import doctor, machine
from af_minimal.commands.machine import FAILURE, OK, WARNING

Memory = namedtuple("Memory", "available")
Disk = namedtuple("Disk", "free")


def run(monkeypatch, capsys, checks, *options):
    monkeypatch.setattr(doctor, "CHECKS", checks)
    monkeypatch.setattr(doctor, "WORKSHOP", {"late": lambda: (OK, "last")})
    code = cli.main(["doctor", *options])
    return code, capsys.readouterr().out


def test_all_checks_the_course_needs_are_made():
    wanted = "Python packages memory disk cores port JupyterLab browser".split()
    assert set(doctor.CHECKS) == {*wanted, "sound files", "the model", "mini2"}
    assert set(doctor.WORKSHOP) == {"fresh start", "notebook"}


def test_a_failure_gives_code_1_and_says_what_to_do(monkeypatch, capsys):
    def broken():
        raise ImportError("no lab\nhere")

    good, fair = (lambda: (OK, "fine")), (lambda: (WARNING, "so so", "wait"))
    code, out = run(monkeypatch, capsys, {"a": good, "longer": fair})
    assert code == 0 and out.splitlines()[-1] == "Ready."
    assert doctor.HEAR in out and (doctor.ROOT / "data_samples/05_siren.ogg").exists()
    assert out.splitlines()[:3] == [
        "a       ok       fine",
        "longer  warning  so so",
        "                 -> wait",
    ]
    code, out = run(monkeypatch, capsys, {"a": good, "lab": broken})
    assert code == 1 and out.splitlines()[-1] == "Not ready: lab."
    assert "lab  failure  ImportError: no lab here" in out
    assert "-> run `make setup`" in out


def test_workshop_adds_its_checks(monkeypatch, capsys):
    checks = {"a": lambda: (OK, "fine")}
    assert "late" not in run(monkeypatch, capsys, checks)[1]
    assert "late" in run(monkeypatch, capsys, checks, "--workshop")[1]


def test_whatever_is_not_ok_comes_with_advice(monkeypatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(2e9))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Disk(1e6))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("os.getloadavg", lambda: (3.5, 0, 0), raising=False)
    assert machine.free_memory()[0] == WARNING
    assert machine.free_disk()[0] == FAILURE
    assert machine.cores()[0] == WARNING
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(1e9))
    assert machine.free_memory()[0] == FAILURE
    assert "1.0 GB free; 1.5 GB are needed" in machine.free_memory()[1]
    for check in (machine.free_memory, machine.free_disk, machine.cores):
        assert check()[2]
    monkeypatch.setattr("psutil.virtual_memory", lambda: Memory(8e9))
    monkeypatch.setattr("os.getloadavg", lambda: (0.5, 0, 0), raising=False)
    assert machine.free_memory() == (OK, "8.0 GB free")
    assert machine.cores() == (OK, "2")


def asks_for(monkeypatch, *lines, python=">=3.11", tested=None):
    asked = {"requires-python": python, "dependencies": list(lines)}
    monkeypatch.setattr(machine, "project", lambda: asked)
    monkeypatch.setattr(machine, "tested_versions", lambda: tested or {})


def test_versions_are_held_against_the_bounds(monkeypatch):
    own = metadata.version("numpy")
    asks_for(monkeypatch, "numpy>=1", "never-made; python_version < '3'")
    assert machine.packages() == [(OK, "all 1 as they should be")]
    asks_for(monkeypatch, "numpy>=99", "never-made>=1", python=">=9")
    (first, second), python = machine.packages(), machine.python_version()
    assert first[:2] == (FAILURE, f"numpy {own}; >=99 is needed")
    assert second[:2] == (FAILURE, "never-made is not installed")
    assert python[0] == FAILURE and ">=9 is needed" in python[1]
    asks_for(monkeypatch, "numpy>=1", tested={"numpy": "0.1"})
    ((state, told, advice),) = machine.packages()
    assert state == WARNING and f"numpy {own} (0.1)" in told and advice
    asks_for(monkeypatch, "torch>=1")  # without constraints.txt
    monkeypatch.setattr(machine.metadata, "version", lambda name: "2.15.0+cpu")
    assert machine.packages() == [(OK, "all 1 as they should be")]


def test_the_projects_own_files_are_read():
    names = machine.project()["dependencies"]
    assert any(line.startswith("torch>=") for line in names)
    assert {"torch", "laion-clap", "scikit-learn"} <= set(machine.tested_versions())


def test_without_its_files_the_installed_package_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    asked = machine.project()
    assert any(line.startswith("torch") for line in asked["dependencies"])
    assert not any("extra" in line for line in asked["dependencies"])
    assert asked["requires-python"] == ">=3.11" and machine.tested_versions() == {}


def test_sound_files_are_written_and_read(monkeypatch):
    assert doctor.sound_files()[0] == OK
    monkeypatch.setattr(doctor, "SOUND_FILES", ("wav", "notsound"))
    state, told, advice = doctor.sound_files()
    assert state == FAILURE and told.startswith("notsound: ") and advice


def test_a_taken_port_is_stepped_over(monkeypatch):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number = taken.getsockname()[1]
        monkeypatch.setattr(machine, "PORTS", range(number, number + 1))
        assert machine.free_port()[0] == FAILURE
        monkeypatch.setattr(machine, "PORTS", range(number, number + 40))
        state, told = machine.free_port()
        assert state == OK and f"{number} is taken" in told


def test_no_browser_is_no_failure(monkeypatch):
    import webbrowser

    def none():
        raise webbrowser.Error("none")

    monkeypatch.setattr(webbrowser, "get", none)
    assert machine.browser()[0] == WARNING and machine.browser()[2]


def test_jupyterlab_and_its_kernel_are_found():
    assert machine.jupyterlab()[0] == OK


class Speaks:
    def __init__(self, words):
        self.words = words

    def ask(self, clip, question):
        return self.words


@pytest.mark.parametrize(("words", "state"), [("a dog barks.", OK), (" ", FAILURE)])
def test_the_model_must_answer(monkeypatch, words, state):
    asked = []

    def load(name):
        asked.append(name)
        return Speaks(words)

    monkeypatch.setattr("af_minimal.official.published.load", load)
    found = [doctor.CHECKS[row]() for row in ("the model", "mini2")][0]
    assert asked == ["mini", "mini2"]
    assert found[0] == state and repr(words) in found[1]
    assert state == OK or found[2]


def test_a_clip_is_there_without_the_samples(monkeypatch, tmp_path):
    assert doctor.sample_clip().duration_s > 1
    monkeypatch.setattr(doctor, "CLIP", tmp_path / "none.ogg")
    assert doctor.sample_clip().duration_s == 1


def test_first_minute_is_timed(monkeypatch):
    Done = namedtuple("Done", "returncode stdout stderr")
    asked = []

    def ran(command, **options):
        asked.append(command)
        return Done(0, "a dog barks.", "")

    monkeypatch.setattr(subprocess, "run", ran)
    assert doctor.fresh_start()[0] == OK
    assert asked[0][2:4] == ["af_minimal", "ask"]
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: Done(2, "", "error: no."))
    assert doctor.fresh_start()[:2] == (FAILURE, "error: no.")
    assert doctor.in_time(doctor.SLOW_S + 1, "long")[0] == WARNING


def test_the_notebook_cell_runs_as_python(monkeypatch, capsys):
    compile(doctor.CELL, "cell", "exec")
    ran = []
    monkeypatch.setattr("nbclient.NotebookClient.execute", lambda s, **k: ran.append(s))
    assert doctor.notebook_cell()[0] == OK
    assert ran[0].nb.cells[0].source == doctor.CELL


@pytest.mark.slow
def test_the_notebook_cell_answers():
    done = subprocess.run(
        [sys.executable, "-c", doctor.CELL], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()

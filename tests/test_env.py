"""One environment, said in three files: pyproject, constraints and environment.yml."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_constraints() -> dict[str, Version]:
    """Name -> version of the pins that hold for this Python."""
    pins = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            if pin.marker is None or pin.marker.evaluate():
                (exact,) = pin.specifier
                assert exact.operator == "==", line
                pins[normal(pin.name)] = Version(exact.version)
    return pins


def direct_requirements() -> list[Requirement]:
    lines = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    return [r for r in map(Requirement, lines) if not r.marker or r.marker.evaluate()]


def test_every_direct_dependency_is_pinned_inside_its_bounds():
    pins = read_constraints()
    for requirement in direct_requirements():
        name = normal(requirement.name)
        assert name in pins, f"add {name} to constraints.txt"
        assert requirement.specifier.contains(pins[name]), (
            f"{requirement}: {pins[name]}"
        )


def test_constraints_hold_no_local_version_and_no_address():
    text = (ROOT / "constraints.txt").read_text()
    for line in text.splitlines():
        assert "+" not in line and "://" not in line and "@" not in line, line
        assert not line.startswith("-"), line


def test_torch_and_torchvision_are_a_pair():
    """A mixed pair fails when torchvision registers its operators."""
    import torch
    import torchvision

    pins = read_constraints()
    wanted = [Requirement(line) for line in requires("torchvision")]
    (of_torch,) = [r for r in wanted if r.name == "torch"]
    assert of_torch.specifier.contains(pins["torch"])
    boxes, scores = torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1)
    assert torchvision.ops.nms(boxes, scores, 0.5).tolist() == [0]
    assert Version(version("torch")).public == str(pins["torch"])
    assert Version(version("torchvision")).public == str(pins["torchvision"])


def test_known_troublemakers_are_not_asked_for():
    names = {normal(r.name) for r in direct_requirements()} | set(read_constraints())
    assert not names & {"torchaudio", "torchcodec", "msclap", "datasets"}


def test_environment_yml_installs_what_pyproject_says():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    python, pip, listed = environment["dependencies"]
    assert pip == "pip"
    assert listed == {"pip": ["-c constraints.txt", "-e .[dev]"]}
    assert python.startswith("python=")
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        python.removeprefix("python=")
    )


def test_makefile_asks_for_the_same_python_and_extras():
    makefile = (ROOT / "Makefile").read_text()
    least = PROJECT["requires-python"].removeprefix(">=")
    assert f"Python {least} or newer" in makefile
    assert makefile.count("-c constraints.txt -e '.[dev]'") == 2  # with pip and with uv


def test_weights_travel_with_the_package():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    data = tool["package-data"]["af_minimal"]
    scripts = ["course/widgets/*.js", "course/widgets/*.css"]
    assert data == ["presets.toml", "weights/**/*", *scripts]


@pytest.mark.slow
def test_laion_clap_imports_offline():
    """Its import must not ask the hub, and must find a torchvision that fits."""
    if sys.version_info >= (3, 13):
        pytest.skip("laion-clap needs numpy 1, which stops at Python 3.12")
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "import laion_clap; print(laion_clap.CLAP_Module)"],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        cwd=Path(sys.prefix),
    )
    assert done.returncode == 0, done.stderr
    assert "CLAP_Module" in done.stdout

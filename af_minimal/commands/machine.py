"""What `doctor` finds out about a machine: versions, memory, port, browser.

Every check returns (state, found) or (state, found, advice), or a list of such. What it
needs is imported inside it, so that an answer also comes when a library is missing.
"""

import os
import platform
import shutil
import socket
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

OK, WARNING, FAILURE = "ok", "warning", "failure"
SETUP = "run `make setup`; in an environment of your own, `pip install -e .`"
ROOT = Path(__file__).resolve().parents[2]  # of the copy of the course, if it is one

# below the first number a notebook fails, below the second it may
MEMORY_GB = (1.5, 3.0)
DISK_GB = (0.2, 1.0)
PORTS = range(8888, 8938)  # JupyterLab tries them in this order


def python_version() -> tuple:
    """Python itself, against what the course asks for."""
    from packaging.specifiers import SpecifierSet

    asked, own = project()["requires-python"], platform.python_version()
    if SpecifierSet(asked).contains(own, prereleases=True):
        return OK, own
    return FAILURE, f"{own}; {asked} is needed", "`make setup PYTHON=python3.11`"


def project() -> dict:
    """What the course asks for: of the copy you work in, or of the installed package.

    Raises PackageNotFoundError when there is neither.
    """
    file = ROOT / "pyproject.toml"
    if file.exists():
        return tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    lines = metadata.requires("af-minimal") or []
    least = metadata.metadata("af-minimal")["Requires-Python"]
    needed = [line for line in lines if "extra ==" not in line]
    return {"requires-python": least, "dependencies": needed}


def packages() -> list[tuple]:
    """Installed versions, against the bounds and the versions that were tested."""
    from packaging.requirements import Requirement

    asked = [Requirement(line) for line in project()["dependencies"]]
    asked = [one for one in asked if one.marker is None or one.marker.evaluate()]
    rows, found, tested = [], {}, tested_versions()
    for one in asked:
        try:
            found[one.name] = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            rows.append((FAILURE, f"{one.name} is not installed", SETUP))
            continue
        if not one.specifier.contains(found[one.name], prereleases=True):
            told = f"{one.name} {found[one.name]}; {one.specifier} is needed"
            rows.append((FAILURE, told, SETUP))
    other = [
        f"{name} {own} ({tested[name]})"
        for name, own in found.items()
        if name in tested and tested[name] != own.split("+")[0]
    ]
    if not rows and other:
        told = f"allowed, but not what was tested: {', '.join(other)}"
        return [(WARNING, told, "`make setup` installs the tested versions")]
    return rows or [(OK, f"all {len(found)} as they should be")]


def tested_versions() -> dict[str, str]:
    """Name -> version of `constraints.txt`, where the copy has that file."""
    from packaging.requirements import Requirement

    file = ROOT / "constraints.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    pins = [Requirement(line) for line in lines if line and line[0] != "#"]
    pins = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {pin.name.replace("_", "-"): str(pin.specifier)[2:] for pin in pins}


def free_memory() -> tuple:
    """Memory that programs may still take."""
    import psutil

    found = psutil.virtual_memory().available / 1e9
    return enough(found, MEMORY_GB, "free", "close other programs, the browser first")


def free_disk() -> tuple:
    """Room where temporary files go."""
    folder = tempfile.gettempdir()
    found = shutil.disk_usage(folder).free / 1e9
    return enough(found, DISK_GB, f"free in {folder}", "delete files you do not need")


def enough(found: float, least: tuple[float, float], what: str, advice: str) -> tuple:
    """A row on gigabytes, against (what is needed, what is comfortable)."""
    needed, comfortable = least
    told = f"{found:.1f} GB {what}"
    if found >= comfortable:
        return OK, told
    state = WARNING if found >= needed else FAILURE
    return state, f"{told}; {needed} GB are needed, {comfortable} GB are better", advice


def cores() -> tuple:
    """Processors, and how busy they are."""
    count = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > count:
        advice = "wait or close other programs: all will take longer than it says"
        return WARNING, f"{count}, and {load:.0f} programs want to run", advice
    return OK, f"{count}"


def free_port() -> tuple:
    """A port for JupyterLab on this machine."""
    for port in PORTS:
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            taken = f"; {PORTS[0]} is taken" if port != PORTS[0] else ""
            return OK, f"{port} on 127.0.0.1{taken}"
    told = f"{PORTS[0]} to {PORTS[-1]} on 127.0.0.1 are all taken or forbidden"
    return FAILURE, told, "close other JupyterLabs, or `jupyter lab --port 9999`"


def jupyterlab() -> tuple:
    """JupyterLab, and the kernel that the notebooks name."""
    import jupyterlab as lab
    from jupyter_client.kernelspec import KernelSpecManager

    KernelSpecManager().get_kernel_spec("python3")
    return OK, f"{lab.__version__}, with the kernel python3"


def browser() -> tuple:
    """A browser that JupyterLab can open."""
    import webbrowser

    try:
        return OK, webbrowser.get().name
    except webbrowser.Error:
        advice = "copy the address that `make lab` prints into a browser"
        return WARNING, "none that Python can open", advice

"""`doctor`: is this machine ready for the course, and what to do if it is not.

No check stops the others: what breaks becomes a row of the table.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .machine import FAILURE, OK, ROOT, SETUP, WARNING

CLIP = ROOT / "data_samples" / "01_dog_bark.ogg"
QUESTION = "what do you hear?"
HEAR = (
    "Whether sound plays, only you can hear: open data_samples/05_siren.ogg in the\n"
    "browser and press play. After three seconds of noise there is a siren."
)
SOUND_FILES = ("wav", "flac", "ogg", "mp3")
SLOW_S = 30  # a first answer that takes longer spoils the first minute
BUSY = "close other programs; on a machine with a cold disk, run it a second time"
CELL = f"""import af_minimal as af
af.notebook_setup()
print(af.load("mini").ask({str(CLIP)!r}, "{QUESTION}"))
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: what was looked at, how it is, what was found."""

    name: str
    state: str  # OK, WARNING or FAILURE
    found: str
    advice: str = ""  # what to do; empty only when the state is OK


def add_doctor(parser: argparse.ArgumentParser) -> None:
    """Options of `doctor`."""
    parser.set_defaults(command=doctor)
    parser.add_argument(
        "--workshop",
        action="store_true",
        help="also time the first minute: a fresh start, and a notebook cell",
    )


def doctor(args: argparse.Namespace) -> int:
    """Print the table; 1 when a row is a failure, else 0."""
    checks = CHECKS | (WORKSHOP if args.workshop else {})
    rows = [row for name in checks for row in examine(name, checks[name])]
    print(table(rows))
    print(f"\n{HEAR}")
    failures = [row.name for row in rows if row.state == FAILURE]
    print(f"\nNot ready: {', '.join(failures)}." if failures else "\nReady.")
    return int(bool(failures))


def examine(name: str, check: Callable) -> list[Row]:
    """The rows of one check; one that breaks is a failure, told in its own words."""
    try:
        found = check()
    except Exception as error:  # whatever is wrong with this machine
        kind = getattr(error, "ename", type(error).__name__)  # in a notebook's cell
        reason = " ".join(str(getattr(error, "evalue", error)).split())[:160]
        return [Row(name, FAILURE, f"{kind}: {reason}", SETUP)]
    rows = found if isinstance(found, list) else [found]
    return [Row(name, *row) for row in rows]


def table(rows: list[Row]) -> str:
    """The rows for people; below a row that is not ok stands what to do."""
    width = max(len(row.name) for row in rows) + 2
    lines = []
    for row in rows:
        lines.append(f"{row.name:<{width}}{row.state:<9}{row.found}")
        if row.state != OK:
            lines.append(f"{'':<{width}}{'':<9}-> {row.advice}")
    return "\n".join(lines)


def sound_files() -> tuple:
    """Whether sound files of each kind can be written and read back."""
    import numpy as np
    import soundfile

    from ..audio import load_audio

    tone, broken = 0.5 * np.sin(np.arange(16_000) / 6), []
    with tempfile.TemporaryDirectory() as folder:
        for kind in SOUND_FILES:
            path = Path(folder) / f"tone.{kind}"
            try:
                soundfile.write(path, tone, 16_000)
                heard = load_audio(path).waveform
                if abs(len(heard) - len(tone)) > 3_200 or abs(heard).max() < 0.2:
                    broken.append(f"{kind} came back wrong")
            except Exception as error:  # of the library behind soundfile
                broken.append(f"{kind}: {error}")
    if not broken:
        return OK, f"{', '.join(SOUND_FILES)} written and read (ffmpeg is not needed)"
    advice = "`pip install --force-reinstall soundfile`, then convert what stays unread"
    return FAILURE, "; ".join(broken), advice


def answer(name: str = "mini") -> tuple:
    """Whether the shipped weights of this name load, and answer."""
    from ..official.published import load

    began = time.perf_counter()
    model = load(name)
    loaded = time.perf_counter()
    said = model.ask(sample_clip(), QUESTION)
    told = f"loaded in {loaded - began:.1f} s, answered in "
    told += f"{time.perf_counter() - loaded:.1f} s: {said!r}"
    if said.strip():
        return OK, told
    return FAILURE, told, "get af_minimal/weights again: the files may be damaged"


def sample_clip():
    """A sample of the course; a second of noise where only the package is there."""
    import numpy as np

    from ..audio import Clip, load_audio

    if CLIP.exists():
        return load_audio(CLIP)
    return Clip.from_array(
        0.1 * np.random.default_rng(0).standard_normal(16_000), 16_000
    )


def fresh_start() -> tuple:
    """Seconds from a new Python to the first answer, as a student meets it."""
    import soundfile

    clip, began = sample_clip(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "clip.wav")
        soundfile.write(path, clip.waveform, clip.sample_rate)
        command = [sys.executable, "-m", "af_minimal", "ask", path, QUESTION]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, cwd=ROOT
        )
    if done.returncode:
        return FAILURE, done.stderr.strip()[-160:], SETUP
    return in_time(time.perf_counter() - began, "from a new Python to an answer")


def notebook_cell() -> tuple:
    """Seconds for a new kernel and a cell that loads the model and asks it."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell, new_notebook

    began, book = time.perf_counter(), new_notebook(cells=[new_code_cell(CELL)])
    NotebookClient(book, timeout=300, kernel_name="python3").execute(cwd=str(ROOT))
    return in_time(time.perf_counter() - began, "from a new kernel to an answer")


def in_time(seconds: float, what: str) -> tuple:
    """A row on a time that should not be longer than `SLOW_S`."""
    state = OK if seconds <= SLOW_S else WARNING
    return state, f"{seconds:.0f} s {what}", BUSY


CHECKS = {
    "Python": machine.python_version,
    "packages": machine.packages,
    "memory": machine.free_memory,
    "disk": machine.free_disk,
    "cores": machine.cores,
    "sound files": sound_files,
    "the model": answer,
    "mini2": lambda: answer("mini2"),
    "port": machine.free_port,
    "JupyterLab": machine.jupyterlab,
    "browser": machine.browser,
}
WORKSHOP = {"fresh start": fresh_start, "notebook": notebook_cell}

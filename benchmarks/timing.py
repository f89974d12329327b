"""Times of things that are run in turns, and the file and table they go into.

On a machine that does other work as well no single time can be trusted. So seconds are
those that the processor spent on this program, not those of the clock; with one thread
an idle core would take about as long. Each round runs every candidate once, so that all
see the same neighbours; a candidate's cost is the median of its rounds, and how much
faster it is than another the median of the rounds' ratios.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "runs" / "benchmarks.json"
Run = Callable[[], object]


def in_turns(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of every run in every round, after a round that warms up.

    Every second round goes backwards, so that no run always follows the same one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(-1, rounds):
        names = list(runs) if turn % 2 else list(reversed(runs))
        for name in names:
            began = time.process_time()
            runs[name]()
            if turn >= 0:
                seconds[name].append(time.process_time() - began)
    return seconds


def median(seconds: list[float]) -> float:
    """The middle one; half of the rounds were faster."""
    return statistics.median(seconds)


def ratio(slow: list[float], fast: list[float]) -> float:
    """How many times as long `slow` takes: the median over rounds of its ratio."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def machine() -> str:
    """Cores, and what else they were doing: what any number here depends on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    flags = Path("/proc/cpuinfo")
    wide = flags.exists() and "avx512f" in flags.read_text()
    return (
        f"{os.cpu_count()} cores, {'AVX-512' if wide else 'no AVX-512'}, "
        f"load {load:.1f} when it ended"
    )


def write(name: str, rows: list[dict], path: Path = RESULTS) -> None:
    """Put one benchmark's rows into the file of results; the others' stay."""
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    found[name] = {"machine": machine(), "rows": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    os.replace(aside, path)


def show(rows: list[dict]) -> None:
    """Print rows as a table: words on the left, three digits of every number."""
    for row in rows:
        cells = [
            f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()
        ]
        print("  ".join([f"{cells[0]:<44}", *(f"{c:<18}" for c in cells[1:])]))

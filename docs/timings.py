"""How long each notebook takes: to run, to read, to do its exercises.

    python docs/timings.py [--no-run] [notebooks/04_gated_cross_attention.ipynb ...]

`make timings` runs them all, one after another, and saves none. TUTOR.md plans with
what this prints: the machine's seconds are measured on an idle machine, reading is
words of prose at 200 a minute, exercises are the minutes that stand over them.
"""

import argparse
import re
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tqdm.auto import tqdm

ROOT = Path(__file__).parents[1]
WORDS_A_MINUTE = 200
EXERCISE = re.compile(r"^Difficulty .*· (\d+) min", re.MULTILINE)
NOT_PROSE = re.compile(r"```.*?```|\$\$.*?\$\$|<[^>]+>|\]\([^)]*\)", re.DOTALL)


def prose_words(notebook) -> int:
    """Words in the markdown cells, without code, formulas, tags and addresses."""
    cells = (c.source for c in notebook.cells if c.cell_type == "markdown")
    return sum(len(re.findall(r"\b[\w'-]+\b", NOT_PROSE.sub(" ", s))) for s in cells)


def exercise_minutes(notebook) -> int:
    """The sum of the minutes that stand over the exercises."""
    cells = (c.source for c in notebook.cells if c.cell_type == "markdown")
    return sum(int(minutes) for s in cells for minutes in EXERCISE.findall(s))


def run_seconds(notebook, folder: Path) -> float:
    """What it takes from a fresh kernel to the last cell; an error stops everything."""
    began = time.perf_counter()
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": folder}}
    )
    client.execute()
    return time.perf_counter() - began


def main() -> None:
    """Print a row for each notebook, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--no-run", action="store_true", help="count, do not run")
    args = parser.parse_args()
    paths = args.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    rows = []
    for path in tqdm(paths, desc="notebooks", disable=args.no_run):
        notebook = nbformat.read(path, as_version=4)
        seconds = 0.0 if args.no_run else run_seconds(notebook, path.parent)
        reading = prose_words(notebook) / WORDS_A_MINUTE
        rows.append((path.stem, seconds, reading, exercise_minutes(notebook)))
    rows.append(("all", *(sum(row[i] for row in rows) for i in (1, 2, 3))))
    print(f"{'notebook':<40}{'run, s':>8}{'read, min':>11}{'exercises, min':>16}")
    for name, seconds, reading, exercises in rows:
        run = "-" if args.no_run else f"{seconds:.0f}"
        print(f"{name:<40}{run:>8}{reading:>11.0f}{exercises:>16}")


if __name__ == "__main__":
    main()

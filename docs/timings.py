"""How long each notebook takes: to run, to read, to do its exercises.

    python docs/timings.py [--no-run] [notebooks/04_gated_cross_attention.ipynb ...]

`make timings` runs them all, one after another, and saves none; `--no-run` prints the
rest at once. The machine's seconds are for a whole notebook, measured on an idle
machine; reading is words of prose at 200 a minute; exercises are the minutes that stand
over them. Then it adds up the routes of TUTOR.md, of which it reads the tables: there
only the sections and exercises are counted that a route names, and what is left of the
minutes in the room is for listening, for the machine and for talk.
"""

import argparse
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient
from tqdm.auto import tqdm

ROOT = Path(__file__).parents[1]
WORDS_A_MINUTE = 200
EXERCISE = re.compile(
    r"^### Exercise ?(.*)\n+Difficulty .*· (\d+) min", re.MULTILINE
)  # (its title, minutes)
NOT_PROSE = re.compile(
    r"```.*?```|\$\$.*?\$\$|\$[^$\n]+\$|</?[a-z][^>]*>|\]\([^)]*\)", re.DOTALL
)
QUOTED = re.compile(r'"([^"]+)"')
STOP = re.compile(  # | 0:15 | 04 Gated cross-attention | ⅓ min | sections 1 to 5 |
    r"^\| (\d):(\d\d) \| ([^|]*?) \|[^|]*\| ?([^|]*?) ?\|", re.MULTILINE
)
COLUMNS = "run, s", "words", "read, min", "exercises, min", "room, min", "left, min"


class Stop(NamedTuple):
    """A row of a route: `04 Gated cross-attention`, minutes in the room, its plan."""

    name: str
    room: int
    plan: str

    @property
    def number(self) -> str:
        """As "04", the notebook's; "" for a break."""
        return "".join(re.findall(r"^\d\d", self.name))


@dataclass(frozen=True)
class Row:
    """What a table says of one notebook, or of all; `room` is a route's plan."""

    name: str
    seconds: float | None
    words: int
    exercises: int  # minutes
    room: int | None = None  # minutes

    def __str__(self) -> str:
        read = self.words / WORDS_A_MINUTE
        run = "-" if self.seconds is None else f"{self.seconds:.0f}"
        cells = [run, self.words, f"{read:.1f}", self.exercises]
        if self.room is not None:
            cells += [self.room, f"{self.room - read - self.exercises:.1f}"]
        return line(self.name, cells)


def line(name: str, cells) -> str:
    """A line of a table, in columns as wide as their heads."""
    pairs = zip(cells, COLUMNS, strict=False)
    return f"{name:<38}" + "".join(f"{one:>{len(head) + 2}}" for one, head in pairs)


def table(title: str, rows: list[Row]) -> str:
    """The rows under a head, and their sums."""
    routes, ran = (
        all(getattr(row, part) is not None for row in rows)
        for part in ("room", "seconds")
    )
    total = Row(
        "sum",
        sum(row.seconds for row in rows) if ran else None,
        sum(row.words for row in rows),
        sum(row.exercises for row in rows),
        sum(row.room for row in rows) if routes else None,
    )
    head = line(title, COLUMNS if routes else COLUMNS[:4])
    return "\n".join([head, *map(str, rows), str(total)])


def text_of(notebook) -> str:
    """All markdown cells as one text."""
    cells = (c.source for c in notebook.cells if c.cell_type == "markdown")
    return "\n\n".join(cells)


def prose_words(text: str) -> int:
    """Words of a text, without code, formulas, tags and addresses."""
    return len(re.findall(r"\b[\w'-]+\b", NOT_PROSE.sub(" ", text)))


def exercise_minutes(text: str) -> dict[str, int]:
    """The minutes that stand over each exercise, by its title: "A: one head"."""
    return {title.lstrip(": "): int(n) for title, n in EXERCISE.findall(text)}


def sections_of(text: str) -> dict[str, str]:
    """Text of each section by its title, title included; the head's is ""."""
    head, *rest = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    named = dict(zip(rest[::2], rest[1::2], strict=True))
    return {"": head} | {title: f"{title}\n{body}" for title, body in named.items()}


def named(quoted: str, titles: list[str]) -> int:
    """Place of the one title that holds these words, or begins with this number.

    Raises ValueError when none does, or several do.
    """
    begins = rf"{quoted}\b" if re.fullmatch(r"\w|\d+", quoted) else None
    places = [
        place
        for place, title in enumerate(titles)
        if (re.match(begins, title) if begins else quoted.lower() in title.lower())
    ]
    if len(places) != 1:
        raise ValueError(
            f'TUTOR.md names "{quoted}", which {len(places)} titles hold. Write one of '
            f"{titles} there."
        )
    return places[0]


def read_together(plan: str, titles: list[str]) -> list[str]:
    """The sections of a plan: `all`, `up to "T"`, `sections 1 to 3 and 5`, `"T"`."""
    plan = plan.lower().split("exercise")[0]
    if plan.startswith("all"):
        return titles
    quoted = [named(words, titles) for words in QUOTED.findall(plan)]
    if plan.startswith("up to"):
        return titles[: quoted[0] + 1]
    for first, last in re.findall(r"(\d+)(?: to (\d+))?", QUOTED.sub("", plan)):
        numbers = range(int(first), int(last or first) + 1)
        quoted += [named(str(n), titles) for n in numbers]
    return [titles[place] for place in quoted]


def done_together(plan: str, titles: list[str]) -> list[str]:
    """The exercises of a plan: `exercises A and B (20 min)`, `exercise "T" (8 min)`."""
    plan = plan.partition("exercise")[2]
    if "min)" not in plan:  # shown, not done
        return []
    letters = re.findall(r"\b[A-Z\d]\b", re.sub(r"\(.*?\)|\".*?\"", "", plan))
    names = QUOTED.findall(plan) + letters
    return [titles[named(name, titles)] for name in names]


def routes_of(tutor: str) -> dict[str, list[Stop]]:
    """The routes of TUTOR.md, by name."""
    found = {}
    parts = re.split(r"^\*\*((\d+) minutes)\*\*$", tutor, flags=re.MULTILINE)[1:]
    for route, whole, rows in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        stops = STOP.findall(rows)
        starts = [60 * int(hour) + int(minute) for hour, minute, *_ in stops]
        ends = [*starts[1:], int(whole)]
        found[route] = [
            Stop(name, end - start, plan)
            for (*_, name, plan), start, end in zip(stops, starts, ends, strict=True)
        ]
    return found


def row_of_route(stop: Stop, counted: dict[str, tuple[Row, str]]) -> Row:
    """What a route takes of a notebook; of a break, its minutes alone."""
    if not stop.number:
        return Row(stop.name, 0.0, 0, 0, stop.room)
    row, text = counted[stop.number]
    parts, exercises = sections_of(text), exercise_minutes(text)
    read = ["", *read_together(stop.plan, [title for title in parts if title])]
    done = sum(exercises[one] for one in done_together(stop.plan, list(exercises)))
    words = sum(prose_words(parts[title]) for title in read)
    return Row(stop.name, row.seconds, words, done, stop.room)


def run_seconds(notebook, folder: Path) -> float:
    """What it takes from a fresh kernel to the last cell; an error stops everything."""
    began = time.perf_counter()
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": folder}}
    )
    client.execute()
    return time.perf_counter() - began


def main() -> None:
    """Print a row for each notebook, then each route whose notebooks are all here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--no-run", action="store_true", help="count, do not run")
    args = parser.parse_args()
    paths = args.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    counted = {}
    bar = tqdm(paths, disable=args.no_run)
    for path in bar:
        bar.set_description(path.stem)
        notebook = nbformat.read(path, as_version=4)
        text = text_of(notebook)
        seconds = None if args.no_run else run_seconds(notebook, path.parent)
        exercises = sum(exercise_minutes(text).values())
        row = Row(path.stem, seconds, prose_words(text), exercises)
        counted[path.name[:2]] = row, text
    print(table("notebook", [row for row, _ in counted.values()]))
    for name, stops in routes_of((ROOT / "TUTOR.md").read_text("utf-8")).items():
        if {stop.number for stop in stops} <= counted.keys() | {""}:
            rows = [row_of_route(stop, counted) for stop in stops]
            print(f"\n{table(name, rows)}")


if __name__ == "__main__":
    main()

"""A finding is a claim, the numbers measured for it, and rules that judge them.

The rules are text that is both printed and executed, so the page cannot say one thing
and the code do another. A finding holds when every rule is true of every seed.

Taught in: notebooks/11_evaluation.ipynb, notebooks/20_findings.ipynb
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..disk.checkpoints import to_disk, write_json

Numbers = dict[str, float]  # name -> value, of one seed
NO_NUMBER = "no number"  # of the paper


@dataclass(frozen=True)
class Experiment:
    """Something that is measured once for each seed; several claims may share it."""

    measure: Callable[[int], Numbers]  # of a seed
    made_with: Callable[[], str]  # changes when old numbers are no longer ours


@dataclass(frozen=True)
class Claim:
    """What a paper found, and what would have to be true here."""

    id: str
    claim: str
    paper: str  # its numbers, as it gives them
    experiment: str  # name of what measures it
    ours: str  # which of the experiment's numbers stands in the table
    rules: tuple[str, ...]  # "number < number", each a value or the name of a number
    chance: str | None = None  # the number that guessing would score


RULE = re.compile(r"(.+?) (<=|>=|<|>) (.+)")
COMPARE = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def is_true(rule: str, numbers: Numbers) -> bool:
    """Whether a rule such as "random < 0.5" is true of one seed's numbers.

    A number that is not a number (NaN) makes every rule false.

    Raises ValueError when it cannot be read, or names a number that is not there.

    Taught in: notebooks/11_evaluation.ipynb
    """
    left, compare, right = parts_of(rule)
    return COMPARE[compare](value_of(left, numbers), value_of(right, numbers))


def parts_of(rule: str) -> tuple[str, str, str]:
    """A rule as (left, comparison, right).

    Raises ValueError when it cannot be read.
    """
    parts = RULE.fullmatch(rule)
    if parts is None:
        raise ValueError(f"the rule {rule!r} is not `one < other`, nor with > <= >=.")
    return parts.groups()


def needs(claim: Claim) -> set[str]:
    """The names of all numbers without which a claim cannot be judged.

    Raises ValueError when a rule cannot be read.
    """
    sides = {side for rule in claim.rules for side in parts_of(rule)[::2]}
    named = {side for side in sides if not is_number(side)}
    return named | {claim.ours} | ({claim.chance} if claim.chance else set())


def is_number(side: str) -> bool:
    """Whether one side of a rule is written as a number."""
    try:
        float(side)
    except ValueError:
        return False
    return True


def value_of(side: str, numbers: Numbers) -> float:
    """One side of a rule: a number as written, or the one of that name.

    Raises ValueError for a name that was not measured.
    """
    if side in numbers:
        return numbers[side]
    if not is_number(side):
        names = ", ".join(numbers)
        raise ValueError(
            f"a rule names {side!r}; measured were: {names}. Correct one of the two."
        )
    return float(side)


def holds(claim: Claim, measured: list[Numbers]) -> bool:
    """Whether every rule is true of every seed; nothing measured is not enough.

    Taught in: notebooks/11_evaluation.ipynb
    """
    checks = [is_true(rule, numbers) for rule in claim.rules for numbers in measured]
    return bool(checks) and all(checks)


def make_row(claim: Claim, measured: list[Numbers], seeds: int) -> dict:
    """A claim's line of `findings.json`; while a seed is missing, `holds` is None.

    Args:
        measured: the numbers of seeds 0, 1, ...
        seeds: how many there are to be.

    Taught in: notebooks/11_evaluation.ipynb
    """
    ours = [numbers[claim.ours] for numbers in measured]
    chance = [numbers[claim.chance] for numbers in measured] if claim.chance else []
    return {
        "id": claim.id,
        "claim": claim.claim,
        "paper": claim.paper,
        "experiment": claim.experiment,
        "ours": ours,
        "mean": mean(ours),
        "range": [min(ours), max(ours)] if ours else None,
        "chance": mean(chance),
        "holds": holds(claim, measured) if len(measured) >= seeds else None,
        "measured": claim.ours,
        "rules": list(claim.rules),
        "numbers": measured,
    }


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


def purity(rows: list[dict]) -> float:
    """Mean share of the examples that carry the true name."""
    return mean([r["examples"].count(r["truth"]) / len(r["examples"]) for r in rows])


def write_findings(out: Path, rows: list[dict], note: str = "") -> None:
    """Write `findings.json` and the page `README.md`, each whole or not at all.

    Taught in: notebooks/11_evaluation.ipynb
    """
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "findings.json", rows)
    aside = out / "README.md.part"
    aside.write_text(page(rows, note), encoding="utf-8")
    to_disk(aside)
    os.replace(aside, out / "README.md")


def page(rows: list[dict], note: str = "") -> str:
    """The findings for people: one table, then every number behind it, each once.

    Taught in: notebooks/11_evaluation.ipynb
    """
    lines = [
        "# Findings",
        "",
        "What the papers of Audio Flamingo, CompA and Audio Flamingo 2 report, "
        "measured in miniature. `make findings` "
        "writes this page; a finding that does not hold stays on it. *Ours* is a "
        'number by its name, as it stands under "Every number": the mean over the '
        "seeds and, in brackets, the lowest and the highest. Its rules decide.",
        "",
        *([note, ""] if note else []),
        "| | finding | paper | ours | chance | holds |",
        "|---|---|---|---|---|---|",
        *map(table_line, rows),
        "",
        "## Every number",
        "A finding holds when each of its rules is true of each seed. Several findings "
        "may be judged by the numbers of one experiment, which stand here once.",
    ]
    for name in dict.fromkeys(row["experiment"] for row in rows):
        own = [row for row in rows if row["experiment"] == name]
        lines += ["", f"### {name[0].upper()}{name[1:]}", *experiment_lines(own)]
    return "\n".join(lines) + "\n"


def summary(rows: list[dict]) -> str:
    """The findings for a terminal: a line each."""
    width = max(len(row["id"]) for row in rows)
    verdict = {True: "holds", False: "does not hold", None: "not measured"}
    return "\n".join(
        f"{row['id']:{width}s}  {verdict[row['holds']]:13s}  {mean_and_range(row)}"
        for row in rows
    )


def mean_and_range(row: dict) -> str:
    """As "0.62 (0.6 to 0.65)"."""
    if not row["ours"]:
        return "not measured yet"
    low, high = map(shown, row["range"])
    return f"{shown(row['mean'])} ({low} to {high})"


def table_line(row: dict) -> str:
    """One line of the table."""
    verdict = {True: "yes", False: "**no**", None: "–"}[row["holds"]]
    ours, chance = f"{row['measured']}: {mean_and_range(row)}", shown(row["chance"])
    cells = (row["id"], row["claim"], row["paper"], ours, chance, verdict)
    return f"| {' | '.join(cells)} |"


def rule_lines(row: dict) -> list[str]:
    """The rules of a finding, each with the number of seeds of which it is true."""
    lines = []
    for rule in row["rules"]:
        true = [is_true(rule, numbers) for numbers in row["numbers"]]
        lines.append(f"- `{rule}`: true of {sum(true)} of {len(true)} seeds")
    return lines


def experiment_lines(rows: list[dict]) -> list[str]:
    """The rules that one experiment judges, with verdicts, and its numbers by seed."""
    measured = rows[0]["numbers"]  # the same in each of its rows
    lines = []
    for row in rows:
        lines += ["", f"**{row['id']}**", "", *rule_lines(row)]
    if measured:
        seeds = range(len(measured))
        lines += ["", f"| | {' | '.join(f'seed {seed}' for seed in seeds)} |"]
        lines.append("|---|" + "---|" * len(measured))
        for name in measured[0]:
            values = " | ".join(shown(numbers[name]) for numbers in measured)
            lines.append(f"| {name} | {values} |")
    return lines


def shown(value: float | None) -> str:
    """Three digits that count; nothing of what is not known."""
    return "" if value is None else f"{value:.3g}"

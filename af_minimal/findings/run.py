"""Measure what the claims need, each experiment once for each seed, and judge.

What is measured is written down at once, so a run that is killed goes on where it was:
`numbers.json` has the numbers, `findings.json` and `README.md` are made of them.

Taught in: notebooks/11_evaluation.ipynb, notebooks/20_findings.ipynb
"""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import torch
from tqdm.auto import tqdm

from ..disk.checkpoints import write_json
from .rows import Claim, Experiment, Numbers, make_row, needs, write_findings

Task = tuple[str, int]  # experiment, seed
# under which name `numbers.json` has the seconds of a seed: of one thread's processor;
# of the clock, as they once were taken
PROCESSOR, CLOCK = "processor_seconds", "seconds"


def run(
    claims: Sequence[Claim],
    experiments: Mapping[str, Experiment],
    out: str | Path,
    seeds: int = 3,
    only: Sequence[str] = (),
    again: bool = False,
    workers: int = 2,
) -> list[dict]:
    """Measure what is missing, write `findings.json` and the page, return the rows.

    Args:
        out: folder of the results; what it holds is not measured again, unless it lacks
            a number that a claim needs by now.
        seeds: seeds 0, 1, ... of each experiment.
        only: beginnings of ids ("T-F2" and "T-F" mean all that begin so); () measures
            all. The others keep what was measured of them before.
        again: measure anew what was asked for; an old number stays until its new one
            is there.
        workers: processes, one thread each; 1 measures in this process.

    Raises:
        ValueError: when `only` names no claim, or `seeds` is below 1.

    Taught in: notebooks/11_evaluation.ipynb
    """
    if seeds < 1:
        raise ValueError(f"seeds is {seeds}; a finding needs at least one.")
    wanted = {claim.experiment for claim in chosen(claims, only)}
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    known = read_numbers(out, experiments, claims)
    tasks = [
        (name, seed)
        for name in experiments
        if name in wanted
        for seed in range(seeds)
        if again or str(seed) not in known[name]["seeds"]
    ]
    # a run that is stopped before its first number leaves the page as it was
    rows = [] if tasks else write_rows(out, claims, known, seeds)
    bar = tqdm(total=len(tasks), desc="findings", disable=not tasks)
    for (name, seed), numbers, seconds in measure_all(tasks, experiments, workers):
        entry = {"numbers": numbers, PROCESSOR: round(seconds, 1)}
        known[name]["seeds"][str(seed)] = entry
        write_json(out / "numbers.json", known)
        rows = write_rows(out, claims, known, seeds)
        bar.update()
        bar.set_postfix_str(f"{name}, seed {seed}: {seconds:.0f} s")
    bar.close()
    return rows


def chosen(claims: Sequence[Claim], only: Sequence[str]) -> list[Claim]:
    """The claims whose id is, or begins with, one of those asked for.

    Raises ValueError for what begins no id.
    """
    ids = [claim.id for claim in claims]
    for asked in only:
        if not any(belongs(id, asked) for id in ids):
            raise ValueError(f"no finding {asked!r}; there are: {'; '.join(ids)}.")
    return [c for c in claims if not only or any(belongs(c.id, a) for a in only)]


def belongs(id: str, asked: str) -> bool:
    """Whether "T-F2 toy" is meant by "T-F2" or "T-F"; "T-F10" is not by "T-F1"."""
    rest = id.removeprefix(asked)
    cut = asked[-1:].isdigit() and rest[:1].isdigit()  # in the midst of a number
    return id.startswith(asked) and not cut


def read_numbers(
    out: Path, experiments: Mapping[str, Experiment], claims: Sequence[Claim]
) -> dict:
    """What was measured before, experiment by experiment, if it is still ours.

    A seed without a number that one of the claims needs counts as not measured.
    """
    path = out / "numbers.json"
    saved = json.loads(path.read_text()) if path.exists() else {}
    known = {}
    for name, experiment in experiments.items():
        entry = {"made_with": experiment.made_with(), "seeds": {}}
        old = saved.get(name, {})
        if old.get("made_with") == entry["made_with"]:
            judged = [needs(claim) for claim in claims if claim.experiment == name]
            wanted = set().union(*judged)
            entry["seeds"] = {
                seed: found
                for seed, found in old["seeds"].items()
                if wanted <= found["numbers"].keys()
            }
        known[name] = entry
    return known


def measure_all(
    tasks: list[Task], experiments: Mapping[str, Experiment], workers: int
) -> Iterator[tuple[Task, Numbers, float]]:
    """The numbers of each task and its processor seconds, as they get done."""
    if workers == 1 or len(tasks) < 2:
        for name, seed in tasks:
            yield (name, seed), *measure(experiments[name], seed)
        return
    # torch does not survive a fork once it has used threads
    fresh = multiprocessing.get_context("spawn")
    told = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"  # of the processes to come: one bar is enough
    pool = ProcessPoolExecutor(workers, fresh)
    try:
        running = {
            pool.submit(measure, experiments[name], seed): (name, seed)
            for name, seed in tasks
        }
        for done in as_completed(running):
            yield running[done], *done.result()
    finally:
        pool.shutdown(cancel_futures=True)
        os.environ.pop("TQDM_DISABLE")
        if told is not None:
            os.environ["TQDM_DISABLE"] = told


def measure(experiment: Experiment, seed: int) -> tuple[Numbers, float]:
    """The numbers of one seed as plain floats, and the processor seconds they took."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same sums on every machine, and a core for others
    began = time.process_time()  # a clock would count the work of others too
    try:
        numbers = experiment.measure(seed)
    finally:
        torch.set_num_threads(threads)
    seconds = time.process_time() - began
    return {name: float(value) for name, value in numbers.items()}, seconds


def write_rows(
    out: Path, claims: Sequence[Claim], known: Mapping[str, dict], seeds: int
) -> list[dict]:
    """Judge every claim by what is known, write the results, return the rows."""
    rows = []
    for claim in claims:
        by_seed = known[claim.experiment]["seeds"]
        # seeds in order from 0, without a gap: none is picked
        measured = []
        while str(len(measured)) in by_seed:
            measured.append(by_seed[str(len(measured))]["numbers"])
        rows.append(make_row(claim, measured, seeds))
    write_findings(out, rows, time_taken(claims, known))
    return rows


def time_taken(claims: Sequence[Claim], known: Mapping[str, dict]) -> str:
    """The minutes of one thread that all took, and those of each paper's findings."""
    papers: dict[str, str] = {}
    for claim in claims:  # what several papers need counts for the first
        papers.setdefault(claim.experiment, claim.id[:3])  # "T-F" of "T-F3 more"
    times: dict[str, list[float]] = {}
    clocked = 0
    for name, entry in known.items():
        for seed in entry["seeds"].values() if name in papers else ():
            clocked += PROCESSOR not in seed
            seconds = seed.get(PROCESSOR, seed.get(CLOCK))
            times.setdefault(papers[name], []).append(seconds)
    if not times:
        return ""
    parts = [f"{sum(part) / 60:.0f} for {paper}" for paper, part in times.items()]
    every = [second for part in times.values() for second in part]
    told = (
        f"{len(every)} measurements took {sum(every) / 60:.0f} minutes of one thread: "
        f"{', '.join(parts)}."
    )
    if not clocked:
        return told
    return f"{told} {clocked} of them were timed by the clock, beside other work."

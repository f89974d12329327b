"""Convolutions or HTSAT: both towers, the same batches, as many steps, one exam.

    python benchmarks/towers.py --recordings FOLDER [--steps 1000] [--time-only]

Each tower is trained as stage `clap` of `mini` trains it, from the same seed: windows
of SoundWorld and, with `--recordings`, of folds 1 to 4 of ESC-10. Only the tower
differs. Then both sit the exam of the towers, and logistic regression on their
embeddings names the recordings of fold 5, which no training hears. A run that was
killed goes on at its last checkpoint; a tower that is done is not trained again.
"""

import argparse
import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from timing import in_turns, median, show, write

from af_minimal.clap import MiniCLAP
from af_minimal.config import PRESETS
from af_minimal.data import read_esc
from af_minimal.disk.checkpoints import write_json
from af_minimal.disk.reports import number
from af_minimal.evaluation import measure
from af_minimal.soundworld.clap_batches import ClapBatches
from af_minimal.soundworld.clap_exam import clap_exam
from af_minimal.soundworld.recipe import new_clap
from af_minimal.soundworld.recordings_exam import baselines, hear_all
from af_minimal.soundworld.run import Run
from af_minimal.training import train

KINDS = ("cnn", "htsat")
LAST = 50  # steps whose mean loss is shown


def run_of(kind: str, args: argparse.Namespace) -> Run:
    """The recipe's run of one tower; both share the folder, so the tokenizer too."""
    config = PRESETS[args.preset]
    encoder = replace(config.encoder, kind=kind)
    sizes = {"steps": args.steps, "seed": args.seed, "batch": args.batch}
    config = replace(config, encoder=encoder)
    return Run(args.out, config, args.recordings, **sizes, workers=0)


def made(run: Run) -> tuple[MiniCLAP, ClapBatches]:
    """Untrained towers of a run's seed and the batches they are to learn from."""
    torch.manual_seed(run.seed)
    clap = new_clap(run)
    return clap, ClapBatches(clap, run.heard, run.seed, run.batch)


def mark(batch: dict) -> str:
    """Twelve letters that change with any number in a batch."""
    digest = hashlib.sha256()
    for name, tensor in sorted(batch.items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()[:12]


def step_seconds(runs: dict[str, Run], rounds: int) -> list[dict]:
    """Processor seconds of making a batch, and of forward and backward of each tower.

    All towers get the same batch of real sounds, in turns.
    """
    _, batches = made(next(iter(runs.values())))
    (batch,) = batches(0)
    timed = {"making the batch": partial(batches, 1)}
    for kind, run in runs.items():
        timed[kind] = partial(forward_backward, made(run)[0].train(), batch)
    seconds = in_turns(timed, rounds)
    return [{"what": k, "processor s": median(v)} for k, v in seconds.items()]


def forward_backward(clap: MiniCLAP, batch: dict) -> None:
    """One step but the optimiser's part."""
    clap.zero_grad()
    clap(**batch).backward()


def trained(run: Run, kind: str, lr: float | None) -> tuple[MiniCLAP, list[dict]]:
    """A tower trained to the end, and its log; goes on where it was.

    Raises:
        ValueError: when the folder was begun with other batches or other steps.
    """
    clap, batches = made(run)
    stage, folder = run.stage("clap"), run.out / kind
    stage = replace(stage, lr=lr or stage.lr)
    learnt = {"steps": stage.steps, "lr": stage.lr, "seed": stage.seed}
    learnt["batch 0"] = mark(batches(0)[0])
    begun = folder / "learns.json"
    if begun.exists() and json.loads(begun.read_text("utf-8")) != learnt:
        raise ValueError(
            f"{folder} was begun with other batches or steps ({begun.name}); choose "
            "another --out, or the two towers would not have learnt the same."
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(begun, learnt)
    return clap, train(clap, batches, stage, folder, resume=True)


def examined(clap: MiniCLAP, args: argparse.Namespace) -> list[dict]:
    """The measures of the towers' exam, and of fold 5 where there are recordings."""
    measures = clap_exam(clap, args.clips, args.pairs)["measures"]
    if args.recordings is None:
        return measures
    seen, asked = (
        read_esc(args.recordings, (1, 2, 3, 4), ten=True),
        read_esc(args.recordings, 5, ten=True),
    )
    guesses = baselines(clap.encoder, seen, hear_all(clap.encoder, asked))
    for name in ("1 nearest neighbour", "logistic regression"):
        right = [g == e.output for g, e in zip(guesses[name], asked, strict=True)]
        chance = 1 / len({example.output for example in asked})
        measures.append(measure(f"ESC fold 5, {name}", right, chance))
    return measures


def row_of(kind: str, clap: MiniCLAP, log: list[dict], measures: list[dict]) -> dict:
    """What is told of one tower."""
    tower = sum(p.numel() for p in clap.encoder.tower.parameters())
    row = {"tower": kind, "parameters": tower, "steps": len(log)}
    for key in ("seconds", "waited"):
        row[f"{key} a step, median"] = float(np.median([r[key] for r in log]))
    row[f"mean loss, last {LAST} steps"] = float(
        np.mean([r["loss"] for r in log[-LAST:]])
    )
    return row | {m["measure"]: [m["score"], m["low"], m["high"]] for m in measures}


def table(rows: list[dict]) -> str:
    """A line for each number, a column for each tower, in brackets the interval."""
    width = max(len(name) for name in rows[0])
    lines = [f"{name:<{width}}" for name in rows[0]]
    for row in rows:
        lines = [
            f"{line}  {cell(value):>22}"
            for line, value in zip(lines, row.values(), strict=True)
        ]
    return "\n".join(lines)


def cell(value) -> str:
    """A number for people; of a share also its 95 % interval."""
    if isinstance(value, list):
        score, low, high = value
        if low is None:  # of one item there is no interval, of none no share
            return number(score)
        return f"{number(score)} ({low:.3f}-{high:.3f})"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) else value


def main() -> None:
    """Time a step of both, train both, examine both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", help="ESC-10 or ESC-50 folder")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, help="highest; None is the recipe's")
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--out", type=Path, default=Path("runs/towers"))
    parser.add_argument("--clips", type=int, default=580, help="of the exam")
    parser.add_argument("--pairs", type=int, default=200, help="of the exam")
    parser.add_argument("--rounds", type=int, default=3, help="of timing a step")
    parser.add_argument("--time-only", action="store_true")
    args = parser.parse_args()
    runs = {kind: run_of(kind, args) for kind in args.kinds}
    torch.set_num_threads(1)
    times = step_seconds(runs, args.rounds)
    show(times)
    if args.time_only:
        return
    rows = []
    for kind, run in runs.items():
        clap, log = trained(run, kind, args.lr)
        rows.append(row_of(kind, clap, log, examined(clap, args)))
        print(table(rows), flush=True)
    write("towers", [*times, *rows])


if __name__ == "__main__":
    main()

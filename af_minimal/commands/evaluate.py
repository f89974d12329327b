"""`eval`: score a model and write a report.

Taught in: notebooks/08_staged_training.ipynb
"""

import argparse
import os
from pathlib import Path

from .words import positive


def add_eval(parser: argparse.ArgumentParser) -> None:
    """Options of `eval`."""
    parser.set_defaults(command=evaluate)
    parser.add_argument("--model", default="mini", help="a shipped name, or a folder")
    parser.add_argument(
        "--recordings", help="folder of ESC-10 or ESC-50; fold 5 of ESC-10"
    )
    parser.add_argument(
        "--scenes",
        type=positive,
        default=200,
        help="held-out scenes to ask about; few-shot exams have a size of their own",
    )
    parser.add_argument("--out", type=Path, help="JSON file with every answer")


def evaluate(args: argparse.Namespace) -> None:
    """Print the tables, and write the report if asked for.

    Raises ValueError at once where the report cannot be written.
    """
    from ..disk.reports import make_report, save_report, table
    from ..disk.storage import model_folder, read_folder
    from ..evaluation import GREEDY
    from ..soundworld.caption_measures import add_spice
    from ..soundworld.corpus import HELD_OUT_SEED

    if args.out is not None:  # before the exam, not behind it
        args.out.parent.mkdir(parents=True, exist_ok=True)
        if args.out.is_dir() or not os.access(args.out.parent, os.W_OK):
            raise ValueError(f"--out {args.out} cannot be written; name another file.")
    folder = model_folder(args.model)
    if read_folder(folder)[0].family == "af2":
        sections = examine_af2(folder, args)
    else:
        from ..soundworld.examine import examine

        sections = examine(folder, args.scenes, args.recordings)
    title = f"{args.model}: {args.scenes} held-out scenes, greedy decoding"
    notes = add_spice(sections)
    report = make_report(title, sections, HELD_OUT_SEED, GREEDY, folder, notes)
    print(table(report))
    if args.out is not None:
        save_report(args.out, report)
        print(f"\nEvery answer is in {args.out}.")


def examine_af2(folder: Path, args: argparse.Namespace) -> list[dict]:
    """The exams of the curriculum; ValueError where recordings are asked for."""
    from ..systems.curriculum.exam import examine

    if args.recordings is not None:
        raise ValueError(
            f"--recordings came with {args.model}, which has met no recordings and has "
            "no text tower to compare them with; leave it out."
        )
    return examine(folder, args.scenes)

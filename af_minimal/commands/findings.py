"""`findings`: measure what the paper reports, in miniature, and say whether it holds.

Taught in: notebooks/11_evaluation.ipynb
"""

import argparse
from pathlib import Path

from .words import positive


def add_findings(parser: argparse.ArgumentParser) -> None:
    """Options of `findings`."""
    parser.set_defaults(command=findings)
    parser.add_argument(
        "--out", type=Path, default=Path("findings"), help="folder of the results"
    )
    parser.add_argument(
        "--seeds", type=positive, default=3, help="how many seeds (0, 1, ...) of each"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="ID",
        help="as T-F1, or T-F for all of them",
    )
    parser.add_argument(
        "--again", action="store_true", help="measure also what was measured before"
    )
    parser.add_argument(
        "--workers", type=positive, default=2, help="processes of one thread each"
    )


def findings(args: argparse.Namespace) -> None:
    """Measure what is missing, write JSON and page, and print a line for each."""
    from ..findings import af1, af2, compa
    from ..findings.rows import summary
    from ..findings.run import run

    rows = run(
        [*af1.CLAIMS, *compa.CLAIMS, *af2.CLAIMS],
        af1.EXPERIMENTS | compa.EXPERIMENTS | af2.EXPERIMENTS,
        args.out,
        args.seeds,
        args.only,
        args.again,
        args.workers,
    )
    print(summary(rows))
    print(f"\nThe page is {args.out / 'README.md'}.")

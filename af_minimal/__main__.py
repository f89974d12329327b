"""Ask, index, train, evaluate, check: thin, over the functions of the package.

    python -m af_minimal ask dog.wav "What do you hear?"
    python -m af_minimal index my_sounds --out runs/store
    python -m af_minimal train --stage all --out runs/mini --resume
    python -m af_minimal eval --recordings esc10 --out eval.json
    python -m af_minimal findings
    python -m af_minimal doctor --workshop

Taught in: notebooks/08_staged_training.ipynb
"""

import argparse
import gc
import os
import sys
import warnings

from .commands.ask import add_ask
from .commands.doctor import add_doctor
from .commands.evaluate import add_eval
from .commands.findings import add_findings
from .commands.index import add_index
from .commands.shards import add_features, add_shards
from .commands.train import add_train
from .commands.words import PROGRAM, command, plainly


def main(argv: list[str] | None = None) -> int:
    """Run one command: 0 when it worked, 2 after an error told in a sentence.

    `doctor` gives 1 when the machine is not ready.
    """
    args = make_parser().parse_args(argv)
    warnings.showwarning = lambda message, *rest: tell(f"note: {plainly(message)}")
    try:
        return args.command(args) or 0
    except KeyboardInterrupt:
        tell("stopped.")
        return 130
    except (ValueError, OSError, TypeError, FloatingPointError) as error:
        tell(f"error: {plainly(error)}")
        return 2


def tell(message: str) -> None:
    """Say something beside the answer: on stderr."""
    print(message, file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(PROGRAM, description="Audio Flamingo, minimal.")
    commands = parser.add_subparsers(
        required=True,
        metavar="ask | index | shards | features | train | eval | findings | doctor",
    )
    add_ask(command(commands, "ask", "ask a question about sound files"))
    add_index(command(commands, "index", "remember recordings as examples"))
    add_shards(command(commands, "shards", "pack recordings into tar files"))
    add_features(command(commands, "features", "hear shards, on many machines"))
    add_train(command(commands, "train", "train a model, stage by stage"))
    add_eval(command(commands, "eval", "score a model and write a report"))
    add_findings(command(commands, "findings", "measure the findings that are missing"))
    add_doctor(command(commands, "doctor", "see if this machine is ready"))
    return parser


if __name__ == "__main__":
    # keep a terminal's first answer quick and quiet; two threads on two busy cores wait
    # for each other, and models of this size lose more by that than they gain
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    if sys.argv[1:2] == ["ask"]:
        gc.disable()  # a short life: collecting while libraries load only takes time
    sys.exit(main())

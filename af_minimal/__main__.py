"""Ask, train and evaluate from a terminal: thin, over the functions of the package.

    python -m af_minimal ask dog.wav "What do you hear?"
    python -m af_minimal train --stage all --out runs/mini --resume
    python -m af_minimal eval --recordings esc10 --out eval.json

Taught in: notebooks/08_staged_training.ipynb
"""

import argparse
import gc
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path

PROGRAM = "python -m af_minimal"
STAGES = ("clap", "lm", "pretrain", "sft")


def main(argv: list[str] | None = None) -> int:
    """Run one command: 0 when it worked, 2 after an error told in a sentence."""
    args = make_parser().parse_args(argv)
    warnings.showwarning = lambda message, *rest: tell(f"note: {message}")
    try:
        args.command(args)
    except KeyboardInterrupt:
        tell("stopped.")
        return 130
    except (ValueError, OSError, TypeError, FloatingPointError) as error:
        tell(f"error: {error}")
        return 2
    return 0


def tell(message: str) -> None:
    """Say something beside the answer: on stderr."""
    print(message, file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """The three commands and their options."""
    parser = argparse.ArgumentParser(PROGRAM, description="Audio Flamingo, minimal.")
    commands = parser.add_subparsers(required=True, metavar="ask | train | eval")
    add_ask(commands.add_parser("ask", help="ask a question about sound files"))
    add_train(commands.add_parser("train", help="train a model, stage by stage"))
    add_eval(commands.add_parser("eval", help="score a model and write a report"))
    return parser


def add_ask(parser: argparse.ArgumentParser) -> None:
    """Options of `ask`."""
    parser.set_defaults(command=ask)
    parser.add_argument(
        "words", nargs="+", metavar="FILE", help="sound files, then the question"
    )
    parser.add_argument("--model", default="mini", help="a shipped name, or a folder")
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--beams", type=int, default=1, help="1 is greedy decoding")
    parser.add_argument(
        "--start", type=float, default=0.0, help="second of the file to begin at"
    )


def ask(args: argparse.Namespace) -> None:
    """Print the answer; with several files, one line for each."""
    *files, question = args.words
    if not files or Path(question).is_file():
        raise ValueError(
            f"a file and a question are expected, in this order: {PROGRAM} ask dog.wav "
            '"What do you hear?"'
        )
    from .audio import load_audio

    clips = [load_audio(file, start_s=args.start) for file in files]
    from .model import load  # after the files: a wrong one is told at once

    model = load(args.model)
    answers = model.ask(
        clips, question, max_new_tokens=args.max_new_tokens, num_beams=args.beams
    )
    for file, answer in zip(files, answers, strict=True):
        print(answer if len(files) == 1 else f"{file}: {answer}")


def add_train(parser: argparse.ArgumentParser) -> None:
    """Options of `train`."""
    parser.set_defaults(command=train)
    parser.add_argument("--preset", default="mini", choices=("tiny", "mini"))
    parser.add_argument("--stage", default="all", choices=(*STAGES, "all"))
    parser.add_argument("--out", required=True, type=Path, help="folder of the run")
    parser.add_argument(
        "--resume", action="store_true", help="go on where the run stopped"
    )
    parser.add_argument("--recordings", help="folder of ESC-10 or ESC-50 to mix in")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="of each stage; for a short trial")
    parser.add_argument("--scenes", type=int, help="SoundWorld scenes to learn from")
    parser.add_argument("--tower", choices=("cnn", "htsat"), help="audio encoder")
    parser.add_argument(
        "--start-from", help="a shipped name, or a folder: stage sft goes on from there"
    )
    parser.add_argument(
        "--skip-pretrain",
        action="store_true",
        help="the control: stage sft starts from the bare language model",
    )


def train(args: argparse.Namespace) -> None:
    """Train one stage, or all of them and save the finished model."""
    import torch

    from .config import PRESETS
    from .disk.storage import model_folder
    from .soundworld.recipe import Run, adopt, run_all, run_stage

    if args.start_from is not None and args.stage != "sft":
        raise ValueError(
            f"--start-from came with --stage {args.stage}; a finished model can go on "
            "with --stage sft only."
        )
    torch.set_num_threads(args.threads)
    config = PRESETS[args.preset]
    if args.tower is not None:
        config = replace(config, encoder=replace(config.encoder, kind=args.tower))
    run = Run(args.out, config, args.recordings, steps=args.steps)
    run = replace(run, skip_pretrain=args.skip_pretrain)
    if args.scenes is not None:
        run = replace(run, scenes=args.scenes)
    if args.start_from is not None and not (args.out / "clap").exists():
        adopt(run, model_folder(args.start_from))
    if args.stage == "all":
        run_all(run, args.resume)
    else:
        run_stage(run, args.stage, args.resume)


def add_eval(parser: argparse.ArgumentParser) -> None:
    """Options of `eval`."""
    parser.set_defaults(command=evaluate)
    parser.add_argument("--model", default="mini", help="a shipped name, or a folder")
    parser.add_argument("--recordings", help="folder of ESC-10 or ESC-50; asks fold 5")
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--out", type=Path, help="JSON file with every answer")


def evaluate(args: argparse.Namespace) -> None:
    """Print the tables, and write the report if asked for."""
    from .disk.reports import make_report, save_report, table
    from .disk.storage import model_folder
    from .evaluation import GREEDY
    from .soundworld.corpus import HELD_OUT_SEED
    from .soundworld.examine import examine

    folder = model_folder(args.model)
    sections = examine(folder, args.scenes, args.recordings)
    title = f"{args.model}: {args.scenes} held-out scenes, greedy decoding"
    report = make_report(title, sections, HELD_OUT_SEED, GREEDY, folder)
    print(table(report))
    if args.out is not None:
        save_report(args.out, report)
        print(f"\nEvery answer is in {args.out}.")


if __name__ == "__main__":
    # keep a terminal's first answer quick and quiet; two threads on two busy cores wait
    # for each other, and models of this size lose more by that than they gain
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("MKL_NUM_THREADS", "1")
    if sys.argv[1:2] == ["ask"]:
        gc.disable()  # a short life: collecting while libraries load only takes time
    sys.exit(main())

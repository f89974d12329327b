"""`train`: a model, stage by stage.

Taught in: notebooks/08_staged_training.ipynb
"""

import argparse
from dataclasses import replace
from pathlib import Path

from .shards import train_on_shards
from .words import positive, refuse

STAGES = ("clap", "lm", "pretrain", "sft")  # recipe.py is slow to import
CURRICULUM = ("lm", "short", "skills", "long")  # of preset mini2


def add_train(parser: argparse.ArgumentParser) -> None:
    """Options of `train`."""
    parser.set_defaults(command=train)
    presets = ("tiny", "mini", "mini2")
    parser.add_argument("--preset", default="mini", choices=presets, help="sizes")
    stages = (*STAGES, *CURRICULUM[1:], "all")
    parser.add_argument(
        "--stage",
        default="all",
        choices=stages,
        help=f"mini2: {', '.join(CURRICULUM)}; others: {', '.join(STAGES)}; or all",
    )
    parser.add_argument("--out", required=True, type=Path, help="folder of the run")
    parser.add_argument(
        "--resume", action="store_true", help="go on where the run stopped"
    )
    parser.add_argument(
        "--shards",
        type=Path,
        help="folder that `features` wrote; needs --stage sft and --start-from",
    )
    parser.add_argument(
        "--recordings", help="folder of ESC-10 or ESC-50: ESC-10 is mixed in"
    )
    add_sizes(parser)
    parser.add_argument("--tower", choices=("cnn", "htsat"), help="audio encoder")
    parser.add_argument(
        "--start-from",
        help="a shipped name or a folder to go on from: with --stage sft, or of preset "
        "mini2 with short, skills, long or all",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="with --stage sft --start-from: learn which of some examples is likest",
    )
    parser.add_argument(
        "--skip-pretrain",
        action="store_true",
        help="the control: stage sft starts from the bare language model",
    )
    parser.add_argument(
        "--skip",
        nargs="+",
        default=[],
        choices=CURRICULUM[1:],
        help="stages of mini2 to leave out: what is each of them good for?",
    )


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """Options of `train` that say how much, and on what machine."""
    parser.add_argument("--threads", type=positive, default=1, help="of the CPU")
    parser.add_argument("--steps", type=positive, help="of each stage; for a trial")
    parser.add_argument("--scenes", type=positive, help="SoundWorld scenes to hear")
    rows = "rows of a step, at most; default 64, of mini2 48"
    parser.add_argument("--batch", type=positive, help=rows)
    parser.add_argument("--seed", type=int, default=0, help="of scenes and batches")
    parser.add_argument("--workers", type=int, help="processes that make batches")
    parser.add_argument(
        "--precision",
        choices=("no", "bf16"),
        help="default: bf16 where the machine is fast at it, else no",
    )
    parser.add_argument(
        "--fsdp", action="store_true", help="divide the weights among the processes"
    )


def train_curriculum(args: argparse.Namespace) -> None:
    """Train `mini2`: one stage of its curriculum, or all and save the model.

    Raises ValueError for an option that this curriculum has no use for.
    """
    from ..systems.curriculum import recipe

    beside = (
        f"--preset mini2, whose stages ({', '.join(CURRICULUM)}) have no use for it"
    )
    refuse(args, ("shards", "recordings", "tower", "skip_pretrain", "compare"), beside)
    sizes = recipe.SIZES
    if args.scenes is not None:  # as many of SoundWorld, the others in proportion
        share = args.scenes / sizes[recipe.SOUNDWORLD]
        sizes = {name: max(2, round(share * n)) for name, n in sizes.items()}
    run = recipe.CurriculumRun(
        args.out,
        sizes=sizes,
        batch=args.batch or recipe.BATCH,
        skip=tuple(args.skip),
        steps=args.steps,
        seed=args.seed,
        workers=args.workers or 0,
        precision=args.precision,
        fsdp=args.fsdp,
        start_from=args.start_from,
    )
    if args.stage == "all":
        recipe.run_all(run, args.resume)
    else:
        recipe.run_stage(run, args.stage, args.resume)


def train(args: argparse.Namespace) -> None:
    """Train one stage, or all of them and save the finished model.

    Raises ValueError for options that do not go together.
    """
    import torch

    from ..config import PRESETS
    from ..soundworld.recipe import run_all, run_stage
    from ..soundworld.run import Run

    going_on = (*CURRICULUM[1:], "all") if args.preset == "mini2" else ("sft",)
    if args.start_from is not None and args.stage not in going_on:
        raise ValueError(
            f"--start-from came with --stage {args.stage}; a finished {args.preset} "
            f"goes on with --stage {' or '.join(going_on)} only."
        )
    if args.skip and args.preset != "mini2":
        raise ValueError(f"--skip came with --preset {args.preset}; it is of mini2.")
    known = CURRICULUM if args.preset == "mini2" else STAGES
    if args.stage not in (*known, "all"):
        raise ValueError(
            f"preset {args.preset} has no stage {args.stage!r}; choose one of {known}."
        )
    torch.set_num_threads(args.threads)
    if args.preset == "mini2":
        return train_curriculum(args)
    config = PRESETS[args.preset]
    if args.tower is not None:
        config = replace(config, encoder=replace(config.encoder, kind=args.tower))
    run = Run(args.out, config, args.recordings, steps=args.steps, seed=args.seed)
    run = replace(run, skip_pretrain=args.skip_pretrain)
    run = replace(run, fsdp=args.fsdp, precision=args.precision)
    run = replace(run, start_from=args.start_from, compare=args.compare)
    for name in ("scenes", "workers", "batch"):
        if getattr(args, name) is not None:
            run = replace(run, **{name: getattr(args, name)})
    if args.shards is not None:
        return train_on_shards(args, run)
    if args.start_from is not None:
        refuse(args, ("skip_pretrain",), "--start-from, a model that is pre-trained")
    if args.stage == "all":
        run_all(run, args.resume)
    else:
        run_stage(run, args.stage, args.resume)

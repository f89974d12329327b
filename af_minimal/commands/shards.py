"""`shards` and `features`: many recordings made ready for training on many machines.

Taught in: notebooks/08_staged_training.ipynb
"""

import argparse
import os
import shutil
from dataclasses import replace
from pathlib import Path

from .index import check_recordings, read_examples
from .words import positive, refuse


def add_shards(parser: argparse.ArgumentParser) -> None:
    """Options of `shards`."""
    parser.set_defaults(command=shards)
    parser.add_argument("source", type=Path, help="what `index` takes")
    parser.add_argument("--out", required=True, type=Path, help="folder of the shards")
    parser.add_argument("--data-root", type=Path, help="folder of a manifest's audio")
    parser.add_argument(
        "--size", type=positive, default=256, help="examples in one shard"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order")


def shards(args: argparse.Namespace) -> None:
    """Pack recordings into tar files, once all can be heard to their end.

    Raises ValueError that names those which cannot.
    """
    from ..disk.shards import write_shards

    examples, root = read_examples(args.source, args.data_root)
    check_recordings(examples, whole=True)
    folder = write_shards(examples, args.out, root, args.size, args.seed)
    print(f"{folder} holds {len(examples)} examples.")


def add_features(parser: argparse.ArgumentParser) -> None:
    """Options of `features`."""
    parser.set_defaults(command=features)
    parser.add_argument("shards", type=Path, help="folder that `shards` wrote")
    parser.add_argument("--out", required=True, type=Path, help="folder of features")
    parser.add_argument("--model", default="mini", help="whose encoder hears them")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that decode audio"
    )


def features(args: argparse.Namespace) -> None:
    """Hear all shards once."""
    from ..official.published import load
    from ..soundworld.sharded import hear_shards

    hear_shards(load(args.model).encoder, args.shards, args.out, args.workers)


def train_on_shards(args: argparse.Namespace, run) -> None:
    """Stage sft of a finished model on features in shards; saves the model it makes.

    Published weights come out under another name, by which `ask` spells as here.

    Raises ValueError when no model is named to start from, and for options that have
    no use here.
    """
    import torch

    from ..disk import checkpoints
    from ..disk.run_folder import check_may_train, check_own, claim
    from ..disk.shards import read_plan
    from ..disk.storage import model_folder
    from ..official.published import load
    from ..scale.processes import first_alone
    from ..soundworld.sharded import ShardBatches, check_heard_by
    from ..training import train

    beside = "--shards, which are all that is learnt from"
    refuse(args, ("recordings", "scenes", "tower", "skip_pretrain", "compare"), beside)
    if args.start_from is None:
        raise ValueError(
            "--shards came without --start-from: name the model whose encoder heard "
            "them, train --stage sft --start-from mini --shards FOLDER."
        )
    config, out = replace(run.stage("sft"), gate_lr=1), run.folder("sft")
    model = load(args.start_from)
    check_heard_by(model.encoder, args.shards)
    packed = f"{args.shards.resolve().name} {read_plan(args.shards)['of']}"
    settings = run.settings | {"shards": packed}
    check_own(run.out, settings)
    check_may_train(run.out, out.name, config.steps, args.resume)
    claim(run.out, settings, {"batch": run.batch})
    encoder, model.encoder = model.encoder, None
    batches = ShardBatches(args.shards, model.tokenizer, run.batch, args.seed)
    train(model, batches, config, out, args.resume, run.workers, fsdp=run.fsdp)
    done = load(args.start_from)
    done.encoder = None
    checkpoints.load(out, done)
    done.encoder = encoder
    if done.config.name == "official":  # now it has learnt our spelling of prompts
        done.config = replace(done.config, name="official-sft")
    with first_alone() as first:
        if first:
            done.save_pretrained(run.out / "model", torch.float16)
            keep_text_tower(model_folder(args.start_from), run.out / "model")
            print(f"The model is in {run.out / 'model'}.")


def keep_text_tower(source: Path, folder: Path) -> None:
    """Copy the text tower of one model beside another of the same encoder, if any.

    The copy is there whole or not at all.
    """
    from ..clap import TEXT_FILE

    if (source / TEXT_FILE).is_file():
        aside = folder / f"{TEXT_FILE}.part"
        shutil.copyfile(source / TEXT_FILE, aside)
        os.replace(aside, folder / TEXT_FILE)

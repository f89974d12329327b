"""`index`: remember recordings with what is to be said of them, for few-shot answers.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import argparse
import shlex
from pathlib import Path

from .words import positive, refuse

KINDS = ("auto", "flat", "ivf", "hnsw")  # retrieval.py is slow to import
SHOTS = 4  # examples, if not said otherwise


def add_index(parser: argparse.ArgumentParser) -> None:
    """Options of `index`."""
    parser.set_defaults(command=index)
    parser.add_argument(
        "source",
        type=Path,
        help="a folder with a folder of recordings for each label, an ESC-10 or ESC-50 "
        "folder, or a manifest (.json)",
    )
    parser.add_argument("--out", required=True, type=Path, help="folder of the store")
    parser.add_argument("--model", default="mini", help="whose encoder hears them")
    parser.add_argument(
        "--data-root",
        type=Path,
        help="folder of all audio; default: the source, or of a manifest its own "
        "folder, or else the current one",
    )
    parser.add_argument("--kind", default="auto", choices=KINDS, help="of the index")


def index(args: argparse.Namespace) -> None:
    """Hear all examples, and save the store.

    Raises before the first is heard: NotADirectoryError where a file is in the way of
    the store, ValueError where it could not be used or an example demonstrates nothing.
    """
    from ..disk.examples import check_demonstrations
    from ..disk.storage import check_folder
    from ..disk.stores import row_of
    from ..official.published import load
    from ..retrieval import Datastore

    examples, root = read_examples(args.source, args.data_root)
    check_folder(args.out)
    check_demonstrations(examples)
    check_texts(examples)
    model = load(args.model)
    if not model.config.location_mask:
        raise ValueError(
            f"--model {args.model} takes no examples, so a store is of no use; name "
            "one that does, as mini."
        )
    check_recordings(examples, whole=True)
    for example in examples:
        row_of(example, args.out, root)  # refuses what lies elsewhere
    store = Datastore.build(examples, model.encoder, args.kind)
    store.save(args.out, root)
    labels = len({example.output for example in examples})
    print(f"{args.out} holds {len(store)} examples with {labels} different outputs.")
    asked = [examples[0].prompt, "--store", args.out, "--store-root", root]
    asked += ["--model", args.model] if args.model != "mini" else []
    words = " ".join(shlex.quote(str(word)) for word in asked)
    print(f"To ask with it: python -m af_minimal ask FILE {words}")


def read_examples(source: Path, data_root: Path | None = None) -> tuple[list, Path]:
    """The examples of a manifest or a folder, and the folder that holds their audio.

    Raises ValueError or OSError when the source is none of these.
    """
    from ..data import read_esc
    from ..disk.labelled import read_labelled

    if source.suffix == ".json":
        return read_rows(source, data_root)
    if (source / "meta.csv").exists() or (source / "meta" / "esc50.csv").exists():
        return read_esc(source), data_root or source
    return read_labelled(source), data_root or source


def read_rows(source: Path, data_root: Path | None) -> tuple[list, Path]:
    """The examples of a manifest, and the folder where the names in it begin.

    Where `data_root` is not said, it is the manifest's own folder, or else the current
    one, if that leads to all audio: a path may be written as seen from either.

    Raises ValueError, as of the first of them, where none does.
    """
    from ..data import ManifestError, read_manifest

    roots = [data_root] if data_root is not None else [source.parent, Path()]
    faults = []
    for root in roots:
        try:
            examples = read_manifest(source, root)
        except ManifestError as error:
            faults.append(error)
        else:
            if faults:
                print(
                    f"Names in {source} begin at the current folder, {root.resolve()}"
                )
            return examples, root
    raise ValueError(f"{faults[0]}{lost_root(str(faults[0]), roots[0])}") from faults[0]


def lost_root(told: str, root: Path) -> str:
    """What to do where a manifest's audio is missing; nothing for other faults."""
    if "there is no audio file" not in told:
        return ""
    return (
        f"\nNames in a manifest begin at --data-root, which was {root}; by default it "
        "is the manifest's own folder, or else the current one."
    )


def check_texts(examples: list) -> None:
    """Look whether a prompt can be made of each example, before `ask` does.

    Raises ValueError that names the recording and what of its text is wrong.
    """
    from ..prompts import clean

    for example in examples:
        try:
            clean(example.prompt), clean(example.output)
        except ValueError as error:
            raise ValueError(
                f"{example.audio}: {error} A folder's name is the output of what it "
                "holds."
            ) from error


def check_recordings(examples: list, whole: bool = False) -> None:
    """Open every file for a moment: hours of hearing should not end at a broken one.

    `whole` decodes all that will be heard of it, which finds what is broken further on.

    Raises ValueError that names all that cannot be read.
    """
    from tqdm.auto import tqdm

    from ..audio import load_audio
    from ..disk.manifests import raise_broken

    broken = []
    for example in tqdm(examples, desc="look at files", disable=len(examples) < 500):
        try:
            duration_s = example.duration_s if whole else 0.01
            load_audio(example.audio, None, example.start_s, duration_s)
        except (OSError, ValueError) as error:
            broken.append(str(error))
    raise_broken(Path("the recordings"), broken)


def add_examples(parser: argparse.ArgumentParser) -> None:
    """Options of `ask` that take examples from a store."""
    parser.add_argument("--store", type=Path, help="folder that `index` wrote")
    parser.add_argument("--store-root", type=Path, help="where its recordings are")
    told = f"examples from the store; default {SHOTS}"
    parser.add_argument("--shots", type=positive, help=told)


def check_examples_asked(args: argparse.Namespace) -> None:
    """Raise ValueError for options that say something of a store, and none is named."""
    refuse(args, ("shots", "store_root") if args.store is None else (), "no --store")


def examples_for(args: argparse.Namespace, model, clips: list) -> list[list] | None:
    """The nearest examples of each clip, if a store was named."""
    if args.store is None:
        return None
    from ..retrieval import Datastore

    store = Datastore.load(args.store, model.encoder, args.store_root)
    return [store.neighbours(clip, args.shots or SHOTS) for clip in clips]

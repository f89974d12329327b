"""`ask`: a question about sound files, perhaps with examples from a store.

Taught in: notebooks/00_meet_the_model.ipynb
"""

import argparse
import os

from .index import add_examples, check_examples_asked, examples_for
from .words import PROGRAM, positive

BATCH = 16  # files that are heard at once


def add_ask(parser: argparse.ArgumentParser) -> None:
    """Options of `ask`."""
    parser.set_defaults(command=ask)
    parser.usage = f"{PROGRAM} ask [options] FILE [FILE ...] QUESTION"
    parser.add_argument(
        "words",
        nargs="+",
        metavar="FILE",
        help="sound files, then the question",
    )
    parser.add_argument(
        "--model", default="mini", help="a shipped or published name, or a folder"
    )
    parser.add_argument(
        "--download",
        action="store_true",
        help="fetch what is missing of a published model",
    )
    parser.add_argument(
        "--max-new-tokens",
        type=positive,
        help="of an answer, at most; default: as the model's own",
    )
    parser.add_argument(
        "--beams", type=positive, default=1, help="1 is greedy decoding"
    )
    parser.add_argument(
        "--start", type=float, default=0.0, help="second of the file to begin at"
    )
    add_examples(parser)


def ask(args: argparse.Namespace) -> None:
    """Print the answer; with several files, one line for each.

    Raises ValueError unless files come first and a question last, and for options of a
    store that was not named.
    """
    *files, question = args.words
    if not files or os.path.isfile(question):  # a question may be no possible path
        raise ValueError(
            f"a file and a question are expected, in this order: {PROGRAM} ask dog.wav "
            '"What do you hear?"'
        )
    from ..disk.labelled import SUFFIXES

    if " " not in question and question.lower().endswith(SUFFIXES):
        raise ValueError(
            f"a question is missing behind the files, and there is no file {question}."
        )
    check_examples_asked(args)
    from tqdm.auto import tqdm

    from ..audio import load_audio

    # at the files' own rate: which one a model hears, it knows itself
    clips = [load_audio(file, None, start_s=args.start) for file in files]
    # after the files: a wrong one is told at once
    from ..official.published import load

    model = load(args.model, **({"download": True} if args.download else {}))
    settings = {"num_beams": args.beams}
    if args.max_new_tokens is not None:
        settings["max_new_tokens"] = args.max_new_tokens
    examples, starts = examples_for(args, model, clips), range(0, len(clips), BATCH)
    for start in tqdm(starts, desc="answer", disable=len(starts) < 2):
        part = slice(start, start + BATCH)
        shown = examples and examples[part]
        answers = model.ask(clips[part], question, shown, **settings)
        for file, answer in zip(files[part], answers, strict=True):
            name = os.fsencode(file).decode("utf-8", "replace")
            tqdm.write(answer if len(files) == 1 else f"{name}: {answer}")

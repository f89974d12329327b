"""The one line every notebook starts with, and `show`, which prints package source."""

import inspect
import os
import random
import textwrap

import numpy as np
import torch

# printed numbers stay short; one thread is fastest for models of this size
PRINT_DIGITS = 4


def notebook_setup(seed: int = 0, offline: bool = True, threads: int = 1) -> None:
    """Seed everything, stay offline, use `threads` CPU threads and the course's style.

    `offline=False` lets the Hugging Face hub be asked, for notebooks that say so.
    """
    set_offline(offline)
    torch.set_num_threads(threads)
    torch.set_printoptions(precision=PRINT_DIGITS, sci_mode=False)
    np.set_printoptions(precision=PRINT_DIGITS, suppress=True)
    seed_everything(seed)
    from .fonts import set_style

    set_style()


def seed_everything(seed: int = 0) -> None:
    """Seed Python, numpy's old global generator and torch, on every device."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  libraries still draw from it
    torch.manual_seed(seed)


def set_offline(offline: bool) -> None:
    """Forbid (or allow) network calls of the Hugging Face libraries."""
    os.environ["HF_HUB_OFFLINE"] = "1" if offline else "0"
    # the library reads the variable when it is imported, which may be behind us
    from huggingface_hub import constants

    constants.HF_HUB_OFFLINE = offline


def show(thing) -> None:
    """Show the source of a function, method, class or module, highlighted.

    Raises TypeError for what has no source, such as a number or an instance.
    """
    from IPython.display import Code, display

    try:
        source = inspect.getsource(thing)
    except TypeError as error:
        raise TypeError(
            f"{thing!r} has no source to show: pass a function, a class or a module, "
            f"for example show(type(x)) for the class of an object x."
        ) from error
    display(Code(textwrap.dedent(source).strip(), language="python"))

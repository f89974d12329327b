"""What sounds are compared by: the joint space, or a map fitted to known kinds.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import numpy as np
import torch

from ..model import load
from ..soundworld.catalogue import HELD_OUT
from ..soundworld.few_shot import Heard, single_sounds
from ..soundworld.hard_stores import FEW, few_of_a_kind
from .mini import SHIPPED
from .mini_drawn import shipped_weights, single_levels
from .rows import NO_NUMBER, Claim, Experiment, Numbers
from .toy import digest

ASKED, STORED = 40, 16  # sounds of each held-out class
SPACES = {"joint space": "pool", "fitted map": "liken"}


def setting() -> str:
    """The weights, how many sounds are asked and remembered; letters of some."""
    drawn = digest(single_levels([0, 6]))
    return f"{shipped_weights()} {(ASKED, STORED, FEW)} {drawn}"


def nearest_of_a_kind(seed: int) -> Numbers:
    """How often the nearest sound is of the same kind, which no fit has heard.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    model, named = load(SHIPPED), {label: label for label in HELD_OUT}
    large = single_sounds(model, named, STORED, [seed, 5])
    asked = single_sounds(model, named, ASKED, [seed, 6])
    stores = {"sixteen": large, "four": large.some(few_of_a_kind(large.outputs, FEW))}
    return {"chance": 1 / len(named)} | {
        f"{space}, {size} of a kind": share_right(model.encoder, of, asked, store)
        for space, of in SPACES.items()
        for size, store in stores.items()
    }


@torch.no_grad()
def share_right(encoder, space: str, asked: Heard, store: Heard) -> float:
    """Share of the asked whose nearest of the store is of the same kind."""
    new, old = (getattr(encoder, space)(h.features, h.mask) for h in (asked, store))
    near = (new @ old.T).argmax(1).tolist()
    return float(np.mean(np.array(store.outputs)[near] == asked.outputs))


EXPERIMENTS = {"neighbours": Experiment(nearest_of_a_kind, setting)}
CLAIMS = [
    Claim(
        id="T-F2 likeness",
        claim="The nearest of four sounds of each kind that training never met, and of "
        "sixteen, is of the right kind oftener under a map fitted to known kinds than "
        "in CLAP's joint space.",
        paper=f"{NO_NUMBER}; neighbours are those of CLAP's joint space",
        experiment="neighbours",
        ours="fitted map, four of a kind",
        rules=(
            "fitted map, four of a kind > joint space, four of a kind",
            "fitted map, sixteen of a kind > joint space, sixteen of a kind",
        ),
        chance="chance",
    )
]

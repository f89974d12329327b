"""The mean of two models, one of which went on from the other.

Weights that learnt something new forget a little of the old. Between two points of one
run the loss is nearly flat, so their mean keeps the better half of both (Wortsman et
al. 2022, arXiv 2109.01903).

Taught in: notebooks/08_staged_training.ipynb
"""

from pathlib import Path

import torch

from ..clap import load_clap, save_clap
from ..disk.storage import model_folder
from ..model import load


def average(
    first: str | Path, second: str | Path, share: float, out: str | Path
) -> None:
    """Write `share` of the second model and the rest of the first.

    Both are folders of finished models (or shipped names) of one run, with the same
    sizes and tokenizer. Both towers are those of the second: features of two encoders
    have no mean.

    Raises ValueError when the models differ in shape.
    """
    one, two = load(first), load(second)
    clap = load_clap(two.encoder, two.tokenizer, model_folder(second))
    kept, new = (  # by what map sounds are compared is a matter of the encoder alone
        {k: v for k, v in m.state_dict().items() if not k.startswith("encoder.alike.")}
        for m in (one, two)
    )
    if {k: v.shape for k, v in kept.items()} != {k: v.shape for k, v in new.items()}:
        raise ValueError(f"{first} and {second} differ in shape; they have no mean.")
    with torch.no_grad():
        for name, tensor in new.items():
            # what is tied has two names and one tensor, to be mixed once
            own = not name.startswith("encoder.") and name not in two.tied_names
            if own and tensor.is_floating_point():
                tensor.lerp_(kept[name], 1 - share)
    two.save_pretrained(out, torch.float16)
    save_clap(clap, out)

"""Many vectors as one.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from torch import Tensor


def masked_mean(vectors: Tensor, mask: Tensor) -> Tensor:
    """Mean over what is real: (B, L, E) and (B, L) -> (B, E); 0 where nothing is."""
    weight = mask.unsqueeze(-1).to(vectors.dtype)  # (B, L, 1)
    return (vectors * weight).sum(1) / weight.sum(1).clamp(min=1)

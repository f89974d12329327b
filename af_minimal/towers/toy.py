"""A tower with one linear layer; for tests only."""

import torch
from torch import Tensor, nn

from ..config import EncoderConfig


class ToyTower(nn.Module):
    """Mean and spread of each mel bin through one linear layer; for tests only."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.steps = config.steps
        self.out = nn.Linear(2 * config.n_mels, config.width)

    def forward(self, mel: Tensor) -> Tensor:
        """(N, F, M) log-mel -> (N, E); dense (N, n, E)."""
        parts = [
            torch.cat([part.mean(1), part.std(1)], dim=-1)  # (N, 2 * M)
            for part in mel.tensor_split(self.steps, dim=1)
        ]
        out = self.out(torch.stack(parts, dim=1))  # (N, n, E)
        return out if self.steps > 1 else out.squeeze(1)

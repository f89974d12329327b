"""The convolutional tower that `mini` ships.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import EncoderConfig


class ConvTower(nn.Module):
    """Seven convolutions, then frequency folded into channels and time into parts.

    The last step keeps where in the window a thing happened: one mean over time makes
    "bark, bell" and "bell, bark" the same vector. A pooled tower writes four quarters
    into one vector; a dense one gives each of its `steps` parts a vector.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        first, *others = config.channels
        layers, width = [conv(1, first, stride=2)], first
        for channels in others:
            layers += [conv(width, channels, stride=2), conv(channels, channels)]
            width = channels
        self.body = nn.Sequential(*layers)
        bins = -(-config.n_mels // 2 ** len(config.channels))  # mel rows that are left
        self.fold = nn.Conv2d(width, config.width, (1, bins))
        self.dense = config.steps > 1
        self.parts = config.steps if self.dense else 4  # stretches of time, P
        joined = 1 if self.dense else self.parts  # of them that share a vector
        self.out = nn.Linear(joined * config.width, config.width)

    def forward(self, mel: Tensor) -> Tensor:
        """(N, F, M) log-mel -> (N, E); dense (N, n, E)."""
        x = mel.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        x = self.body(x)  # (N, channels, F / 16, M / 16)
        x = F.relu(self.fold(x)).squeeze(-1)  # (N, E, F / 16)
        parts = F.adaptive_avg_pool1d(x, self.parts)  # (N, E, P)
        parts = parts + F.adaptive_max_pool1d(x, self.parts)
        if self.dense:
            return self.out(parts.transpose(1, 2))  # (N, n, E)
        return self.out(parts.flatten(1))  # (N, E)


def conv(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """Three by three convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )

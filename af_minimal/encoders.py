"""Windows of sound in, one vector per window out.

Every tower stands behind one interface, `AudioEncoder`: the convolutional tower
that `mini` ships, the HTSAT of the real CLAPs (the class of `transformers`, any size),
and a toy for tests. The rest of the system never asks which one it has.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .audio import log_mel
from .config import AudioConfig, EncoderConfig

MEL_MEAN_DB, MEL_STD_DB = (
    -45.0,
    25.0,
)  # brings log-mel in dB to about zero mean, unit sd


class AudioEncoder(nn.Module):
    """Log-mel front end, a tower, and a projection into the joint audio-text space.

    One network gives both things Audio Flamingo needs: `encode_windows` the features
    its cross-attention hears, `embed` the vector by which clips are compared.

    Official: `foundation/src/factory.py` (CLAP is wrapped, frozen and windowed there)
    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, config: EncoderConfig, audio: AudioConfig, tower: nn.Module):
        super().__init__()
        self.config, self.audio, self.width = config, audio, config.width
        self.tower = tower
        self.projection = nn.Sequential(
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.embed_dim),
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Unit-norm features of windows: (N, samples) -> (N, E).

        Unit norm, because the audio transformer multiplies by sqrt(E) and then adds
        positions of size one: longer features would drown the positions.
        """
        mel = log_mel(windows, self.config, self.audio.sample_rate)  # (N, F, M)
        mel = (mel - MEL_MEAN_DB) / MEL_STD_DB
        return F.normalize(self.tower(mel), dim=-1)  # (N, E)

    @torch.no_grad()
    def encode_windows(
        self, windows: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features of all windows of a batch, in one call of the tower.

        Args:
            windows: float samples (B, L, samples), or (L, samples) for one example.
            mask: bool (B, L), True = real window; None means that all are real.

        Returns:
            features (B, L, E), zero at padded windows, and the mask (B, L).

        Raises:
            ValueError: when a window is not `audio.window` samples long.

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        windows, mask = self._checked(windows, mask)
        features = windows.new_zeros(*mask.shape, self.width)  # (B, L, E)
        if mask.any():
            real = [self(chunk) for chunk in windows[mask].split(256)]
            features[mask] = torch.cat(real).to(features.dtype)
        return features, mask

    @torch.no_grad()
    def embed(self, windows: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pooled unit-norm embeddings (B, embed_dim) in the joint audio-text space.

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        return self.pool(*self.encode_windows(windows, mask))

    def pool(self, features: Tensor, mask: Tensor) -> Tensor:
        """Mean over the real windows of each projected feature: (B, L, E) -> (B, C).

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        joint = F.normalize(self.projection(features), dim=-1)  # (B, L, C)
        weight = mask.unsqueeze(-1).to(joint.dtype)  # (B, L, 1)
        mean = (joint * weight).sum(1) / weight.sum(1).clamp(min=1)  # (B, C)
        return F.normalize(mean, dim=-1)

    def _checked(self, windows: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        windows = torch.as_tensor(windows)
        if windows.dim() == 2:
            windows = windows.unsqueeze(0)  # (1, L, samples)
        if windows.dim() != 3 or windows.shape[-1] != self.audio.window:
            raise ValueError(
                f"windows have shape {tuple(windows.shape)}; expected (B, L, "
                f"{self.audio.window}), that is {self.audio.window_s} s at "
                f"{self.audio.sample_rate} Hz. Cut them with audio.cut_windows."
            )
        if mask is None:
            mask = torch.ones(windows.shape[:2], dtype=torch.bool)
        mask = torch.as_tensor(mask).reshape(windows.shape[:2])
        parameter = next(self.parameters())
        return windows.to(parameter.device, parameter.dtype), mask.to(parameter.device)


class ConvTower(nn.Module):
    """Seven convolutions, then frequency folded into channels and time into quarters.

    The last step keeps where in the window a thing happened: one mean over time makes
    "bark, bell" and "bell, bark" the same vector.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    parts = 4  # quarters of a window that keep their own vector

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
        self.out = nn.Linear(self.parts * config.width, config.width)

    def forward(self, mel: Tensor) -> Tensor:
        """(N, F, M) log-mel -> (N, E)."""
        x = mel.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        x = self.body(x)  # (N, channels, F / 16, M / 16)
        x = F.relu(self.fold(x)).squeeze(-1)  # (N, E, F / 16)
        quarters = F.adaptive_avg_pool1d(x, self.parts)  # (N, E, 4)
        quarters = quarters + F.adaptive_max_pool1d(x, self.parts)
        return self.out(quarters.flatten(1))  # (N, E)


def conv(channels_in: int, channels_out: int, stride: int = 1) -> nn.Sequential:
    """Three by three convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


class HTSATTower(nn.Module):
    """The hierarchical token-semantic audio transformer, from `transformers`, any size.

    Official: `laion_clap/clap_module/htsat.py`; here `transformers.ClapAudioModel`
    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        from transformers import ClapAudioConfig, ClapAudioModel

        halvings = 2 ** (len(config.htsat_depths) - 1)
        width = config.htsat_embed * halvings
        last = config.htsat_spec_size // 4 // halvings  # side of the last token grid
        sizes = ClapAudioConfig(
            num_mel_bins=config.n_mels,
            spec_size=config.htsat_spec_size,
            patch_embeds_hidden_size=config.htsat_embed,
            hidden_size=width,
            depths=list(config.htsat_depths),
            num_attention_heads=list(config.htsat_heads),
            window_size=min(8, last),
            enable_fusion=False,
        )
        self.htsat = ClapAudioModel(sizes)
        self.out = nn.Linear(width, config.width)

    def forward(self, mel: Tensor) -> Tensor:
        """(N, F, M) log-mel -> (N, E)."""
        pooled = self.htsat(mel.unsqueeze(1), is_longer=None).pooler_output
        return self.out(pooled.flatten(1))  # (N, E)


class ToyTower(nn.Module):
    """Mean and spread of each mel bin through one linear layer; for tests only."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.out = nn.Linear(2 * config.n_mels, config.width)

    def forward(self, mel: Tensor) -> Tensor:
        """(N, F, M) log-mel -> (N, E)."""
        return self.out(torch.cat([mel.mean(1), mel.std(1)], dim=-1))  # (N, E)


TOWERS = {"cnn": ConvTower, "htsat": HTSATTower, "toy": ToyTower}


def build_encoder(config: EncoderConfig, audio: AudioConfig) -> AudioEncoder:
    """An untrained encoder of the kind that the config names.

    Raises:
        ValueError: when the kind is none of "cnn", "htsat", "toy".

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    if config.kind not in TOWERS:
        raise ValueError(
            f"encoder kind {config.kind!r} is unknown; choose one of {sorted(TOWERS)}."
        )
    return AudioEncoder(config, audio, TOWERS[config.kind](config))

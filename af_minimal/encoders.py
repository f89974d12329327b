"""Windows of sound in, one vector per window out; or, dense, several in their order.

Every tower stands behind one interface, `AudioEncoder`: the convolutional tower
that `mini` ships, the HTSAT of the real CLAPs (the class of `transformers`, any size),
and a toy for tests. The rest of the system never asks which one it has.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .audio import log_mel
from .config import AudioConfig, EncoderConfig
from .towers import TOWERS, masked_mean

KINDS: dict[str, Callable] = {}  # whole encoders, named by those who bring them
MEL_MEAN_DB, MEL_STD_DB = -45.0, 25.0  # log-mel in dB to about zero mean, unit sd


class AudioEncoder(nn.Module):
    """Log-mel front end, a tower, and a projection into the joint audio-text space.

    One network gives all that Audio Flamingo needs: `encode_windows` the features its
    cross-attention hears, `embed` the vector that is compared with sentences, `liken`
    the one that is compared with other sounds.

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
        self.alike = nn.Linear(config.width, config.alike) if config.alike else None

    def forward(self, windows: Tensor) -> Tensor:
        """Unit-norm features of windows: (N, samples) -> (N, E); dense (N, n, E).

        Unit norm, because the audio transformer multiplies by sqrt(E) and then adds
        positions of size one: longer features would drown the positions.
        """
        mel = log_mel(windows, self.config, self.audio.sample_rate)  # (N, F, M)
        mel = ((mel - MEL_MEAN_DB) / MEL_STD_DB).to(next(self.parameters()).dtype)
        return F.normalize(self.tower(mel), dim=-1)  # (N, E) or (N, n, E)

    @torch.no_grad()
    def encode_windows(
        self, windows: Tensor, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Features of all windows of a batch; batch statistics rest meanwhile.

        Args:
            windows: float samples (B, L, samples), or (L, samples) for one example.
            mask: bool (B, L), True = real window; None means that all are real.

        Returns:
            features (B, L, E), or dense (B, L, n, E) where the config has `steps` n;
            zero at padded windows. And the mask (B, L).

        Raises ValueError when a window is not `audio.window` samples long, for a mask
        of another shape, and for windows of integers, NaN or infinity.

        Taught in: notebooks/02_clap_from_scratch.ipynb
        """
        windows, mask = self._checked(windows, mask)
        n = (self.config.steps,) if self.config.steps > 1 else ()
        own = next(self.parameters()).dtype  # samples stay float32, for the mel
        features = windows.new_zeros(*mask.shape, *n, self.width, dtype=own)
        learning = [module for module in self.modules() if module.training]
        self.eval()  # who only listens in between must not change what is learnt
        try:
            if mask.any():
                real = [self(chunk) for chunk in windows[mask].split(256)]
                features[mask] = torch.cat(real).to(features.dtype)
        finally:  # also when the reader interrupts
            for module in learning:
                module.training = True
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
        features, mask = self._in_one_row(features, mask)
        joint = F.normalize(self.projection(features), dim=-1)  # (B, L, C)
        return F.normalize(masked_mean(joint, mask), dim=-1)

    def liken(self, features: Tensor, mask: Tensor) -> Tensor:
        """What sounds are compared with each other by: (B, L, E) -> (B, C), unit norm.

        A map of the mean feature, where one was fitted (`soundworld/likeness.py`), else
        `pool`, as in the official code.

        Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
        """
        if self.alike is None:
            return self.pool(features, mask)
        mean = masked_mean(*self._in_one_row(features, mask))  # (B, E)
        return F.normalize(self.alike(mean), dim=-1)

    def _in_one_row(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        device = next(self.parameters()).device  # what was heard may be kept elsewhere
        return in_one_row(features.to(device), mask.to(device))

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
        if not windows.is_floating_point() or not windows.isfinite().all():
            told = f"windows of {windows.dtype} hold integers, NaN or infinity"
            raise ValueError(f"{told}: give finite floats.")
        if mask is None:
            mask = torch.ones(windows.shape[:2], dtype=torch.bool)
        mask = torch.atleast_2d(torch.as_tensor(mask))  # (B, L)
        if mask.shape != windows.shape[:2]:
            told = f"the mask has shape {tuple(mask.shape)}, the windows say (B, L) = "
            raise ValueError(f"{told}{tuple(windows.shape[:2])}.")
        device = next(self.parameters()).device
        return windows.to(device, torch.float32), mask.to(device, torch.bool)


def in_one_row(features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Dense features (B, L, n, E) as (B, L * n, E), and their windows' mask with them.

    Features with one vector per window come back as they are.

    Official: inference_HF_pretrained/src/flamingo.py
    Taught in: notebooks/13_af2.ipynb
    """
    if features.dim() == 4:
        mask = mask.repeat_interleave(features.shape[2], dim=1)  # (B, L * n)
        features = features.flatten(1, 2)  # (B, L * n, E)
    return features, mask


def build_encoder(config: EncoderConfig, audio: AudioConfig) -> AudioEncoder:
    """An untrained encoder of the kind that the config names.

    Raises:
        ValueError: when the kind is none of "cnn", "htsat", "toy" and of `KINDS`.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    if config.kind in KINDS:
        return KINDS[config.kind](config, audio)
    if config.kind not in TOWERS:
        told = f"encoder kind {config.kind!r} is none of {sorted(TOWERS)}; try af.load."
        raise ValueError(told)
    return AudioEncoder(config, audio, TOWERS[config.kind](config))

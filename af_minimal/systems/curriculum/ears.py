"""Encoders for the curriculum: one taken over from `mini`, one that trains inside.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from pathlib import Path

import torch
from torch import Tensor

from ...config import FlamingoConfig
from ...encoders import AudioEncoder, build_encoder
from ...model import AudioFlamingo, FlamingoOutput, load
from ...soundworld.likeness import forget_likeness


class HearingFlamingo(AudioFlamingo):
    """An Audio Flamingo that also takes windows, so that its encoder may learn.

    The names of its weights are those of `AudioFlamingo`, which loads what it saves.

    Official: audio_flamingo_2 configs/sft.yaml, clap_config finetune: true
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    def forward(
        self,
        input_ids: Tensor,
        windows: Tensor | None = None,
        audio_features: Tensor | None = None,
        audio_mask: Tensor | None = None,
        **kwargs,
    ) -> FlamingoOutput:
        """As `AudioFlamingo.forward`, from features or from windows.

        Args:
            windows: float samples (B, L, samples) with audio_mask (B, L); padded
                windows are not encoded.

        Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
        """
        if windows is not None:
            heard = self.encoder(windows[audio_mask])  # (real, E) or (real, n, E)
            features = heard.new_zeros(*audio_mask.shape, *heard.shape[1:])
            features[audio_mask] = heard  # (B, L, n, E)
            audio_features = features
        return super().forward(
            input_ids,
            audio_features=audio_features,
            audio_mask=audio_mask,
            **kwargs,
        )


def dense_encoder(config: FlamingoConfig, trained: str | Path | None) -> AudioEncoder:
    """A dense encoder that starts as the pooled one of a trained model.

    Convolutions and fold are the same weights. A pooled tower joins P parts of time by
    one linear map, sum_p W_p x_p + b; a dense one maps each part by itself, and starts
    with W = sum_p W_p: a sound that goes on all through a window sounds as it did.

    Args:
        trained: name or folder of the model; None gives an untrained encoder.

    Raises:
        ValueError: when the towers differ in more than their pooling.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    encoder = build_encoder(config.encoder, config.audio)
    if trained is None:
        return encoder.eval()
    source = load(trained).encoder
    forget_likeness(source)  # fitted to features of one vector a window
    tensors = source.state_dict()
    name, width = "tower.out.weight", config.encoder.width
    if name in tensors and config.encoder.steps > 1:
        joined = tensors[name].unflatten(1, (width, -1))  # (E, E, P)
        tensors[name] = joined.sum(-1)  # (E, E)
    own = encoder.state_dict()
    wrong = [k for k in own if k not in tensors or tensors[k].shape != own[k].shape]
    if wrong:
        raise ValueError(
            f"the encoder of {trained} does not fit preset {config.name!r}: {wrong} "
            "differ. Take a model whose tower has the same sizes."
        )
    encoder.load_state_dict(tensors)
    return encoder.eval()


def check_heard(seconds: float, config: FlamingoConfig, windows: int) -> None:
    """Refuse a sound that a stage would not hear to its end.

    Raises ValueError for it, with the seconds that are heard.
    """
    most = windows * config.audio.window_s
    if seconds > most + 1e-3:
        raise ValueError(
            f"a scene lasts {seconds:g} s and {windows} windows of "
            f"{config.audio.window_s:g} s hear {most:g} s of it: what is asked about "
            "the rest has no answer. Give the stage more windows."
        )


@torch.no_grad()
def parts_alike(encoder: AudioEncoder, pooled: AudioEncoder, windows: Tensor) -> float:
    """Mean cosine between what both say of windows (N, samples); 1 where they agree."""
    dense = encoder(windows).mean(1)  # (N, E)
    return torch.cosine_similarity(dense, pooled(windows), dim=-1).mean().item()

"""Data: examples, folders of recordings, and batches that are no larger than needed.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from .audio import Clip, load_audio
from .blending import blend, pass_order
from .disk.esc import read_esc
from .disk.examples import Example, check_examples
from .disk.manifests import ManifestError, read_manifest, write_manifest
from .prompts import IGNORE

__all__ = [
    "Example",
    "ManifestError",
    "Sample",
    "blend",
    "collate",
    "open_clip",
    "pass_order",
    "read_esc",
    "read_manifest",
    "write_manifest",
]


def open_clip(example: Example, sample_rate: int = 16_000) -> Clip:
    """The sound of an example: the Clip it holds, or `duration_s` of its file.

    Raises TypeError for what is no Example, and for an audio that is neither of these:
    render a Score into a Clip first.
    """
    check_examples([example])
    if isinstance(example.audio, Clip):
        return example.audio
    if isinstance(example.audio, (str, Path)):
        part = example.start_s, example.duration_s
        return load_audio(example.audio, sample_rate, *part)
    raise TypeError(
        f"The example's audio is a {type(example.audio).__name__}; a path or a Clip is "
        "expected. Render a SoundWorld score first: Clip(render(score), 16000)."
    )


@dataclass(frozen=True)
class Sample:
    """One row of a batch before padding.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """

    input_ids: Sequence[int] | Tensor  # (T,)
    labels: Sequence[int] | Tensor  # (T,)
    audio_features: Tensor  # (L, E); windows (L, samples) and dense (L, n, E) work too
    audio_mask: Tensor  # (L,) bool, True = real window


def collate(samples: Sequence[Sample], pad_id: int) -> dict[str, Tensor]:
    """Pad samples to one batch: input_ids, attention_mask, labels (B, T),
    audio_features (B, L, E), audio_mask (B, L).

    Text is padded on its right with `pad_id` to the longest text of this batch, audio
    with zero windows to the most audios of this batch (every sample brings A * W
    windows). The official code pads each sample to the most audios that any sample may
    have, 128 windows for 8-shot, and runs the encoder over all of them.

    Raises ValueError for an empty batch or lengths that do not fit each other.

    Official: data/data.py DataCollator
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    if not samples:
        raise ValueError("The batch is empty; at least one sample is expected.")
    for i, sample in enumerate(samples):
        _check_lengths(i, sample)
    ids = [torch.as_tensor(s.input_ids, dtype=torch.long) for s in samples]
    labels = [torch.as_tensor(s.labels, dtype=torch.long) for s in samples]
    real = [torch.ones(len(row), dtype=torch.bool) for row in ids]
    return {
        "input_ids": pad_sequence(ids, True, pad_id),  # (B, T)
        "attention_mask": pad_sequence(real, True, False),  # (B, T)
        "labels": pad_sequence(labels, True, IGNORE),  # (B, T)
        "audio_features": pad_sequence([s.audio_features for s in samples], True),
        "audio_mask": pad_sequence([s.audio_mask.bool() for s in samples], True, False),
    }


def _check_lengths(i: int, sample: Sample) -> None:
    if len(sample.input_ids) != len(sample.labels):
        raise ValueError(
            f"Sample {i} has {len(sample.input_ids)} token ids and "
            f"{len(sample.labels)} labels; make the labels with build_labels."
        )
    if len(sample.audio_features) != len(sample.audio_mask):
        raise ValueError(
            f"Sample {i} has {len(sample.audio_features)} windows and a mask of "
            f"{len(sample.audio_mask)}; each window needs one entry."
        )

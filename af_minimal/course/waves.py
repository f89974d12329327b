"""A long sound with no more points than a picture of it can show."""

import numpy as np

from ..audio import Clip

ALL = 1_000_000  # samples, a minute at 16 kHz: so many are drawn one by one
COLUMNS = 8_000  # of a longer sound; ten for every pixel of the course's figures


def outline(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and samples (N,) of a line that looks like the whole waveform.

    A long sound gives the lowest and the highest sample of every column.
    """
    wave = clip.waveform  # (samples,)
    if len(wave) <= ALL:
        return np.arange(len(wave)) / clip.sample_rate, wave
    starts = _starts(len(wave))
    ends = np.minimum.reduceat(wave, starts), np.maximum.reduceat(wave, starts)
    return np.repeat(starts, 2) / clip.sample_rate, np.stack(ends, axis=1).ravel()


def loudest_frames(picture: np.ndarray) -> np.ndarray:
    """Levels (F, M) with at most 8,000 frames: of neighbours, the loudest level."""
    if len(picture) <= COLUMNS:
        return picture
    return np.maximum.reduceat(picture, _starts(len(picture)), axis=0)


def _starts(length: int) -> np.ndarray:
    return np.linspace(0, length, COLUMNS, endpoint=False, dtype=int)

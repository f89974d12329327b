"""From a file to windows to log-mel pictures: everything the model hears comes in here.

    file --load_audio--> Clip --hear--> windows (W, samples) + mask (W,)
                                           --log_mel--> (W, F, M)

Taught in: notebooks/01_sound_into_windows.ipynb
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .config import AudioConfig, EncoderConfig
from .disk.audio_files import TooLongWarning as TooLongWarning  # for who filters it
from .disk.audio_files import check_sample_rate, check_waveform, read_frames, warn_long

# windows per Fourier transform: few fit the cache of a CPU, many fill a GPU
MEL_BATCH_CPU, MEL_BATCH_GPU = 16, 1024
POWER_FLOOR = 1e-10  # silence is -100 dB, not minus infinity


@dataclass(frozen=True, eq=False)  # samples have no one truth value
class Clip:
    """A mono waveform that knows its sample rate.

    Raises TypeError or ValueError when the waveform is not one row of finite floats.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """

    waveform: np.ndarray  # float32 (samples,), between -1 and 1
    sample_rate: int  # Hz
    path: str | None = None  # the file it came from
    start_s: float = 0.0  # seconds into that file at which the waveform begins

    def __post_init__(self):
        check_sample_rate(self.sample_rate)
        object.__setattr__(self, "waveform", check_waveform(self.waveform))

    @classmethod
    def from_array(cls, array: np.ndarray | Tensor, sample_rate: int) -> "Clip":
        """Wrap floats (samples,) you made yourself; the same checks as for a file."""
        return cls(array, sample_rate)

    @property
    def duration_s(self) -> float:
        """Seconds the waveform lasts."""
        return len(self.waveform) / self.sample_rate


def load_audio(
    path: str | Path,
    sample_rate: int | None = 16_000,
    start_s: float = 0.0,
    duration_s: float | None = None,
    normalise: str = "none",
) -> Clip:
    """Read wav, flac, ogg or mp3 as mono at `sample_rate` Hz (None: the file's own).

    Channels are averaged. `start_s` and `duration_s` are seconds of the file.
    `normalise="none"` keeps the loudness, "peak" scales the largest sample to 1;
    resampling comes after, and may move that a little.

    Raises FileNotFoundError, IsADirectoryError or ValueError, saying what to do.

    Official: data/data.py load_audio, which takes channel 0, reads too much when
    `start` > 0, shifts sounds that are never negative and turns silence into NaN.
    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    if sample_rate is not None:
        check_sample_rate(sample_rate)
    if normalise not in ("none", "peak"):
        raise ValueError(f"normalise is {normalise!r}; it must be 'none' or 'peak'.")
    frames, file_rate = read_frames(path, start_s, duration_s)  # (samples, channels)
    waveform = frames.mean(axis=1)  # (samples,)
    # a float file may exceed full scale; the official code scales it down as well
    if np.abs(waveform).max(initial=0) > 1 or normalise == "peak":
        waveform = peak_normalise(waveform)
    try:
        clip = Clip(waveform, file_rate, str(path), float(start_s))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return clip if sample_rate is None else resample(clip, sample_rate)


def peak_normalise(waveform: np.ndarray) -> np.ndarray:
    """x / max|x|, and silence stays silence.

    Official: data/data.py load_audio
    """
    peak = np.abs(waveform).max(initial=0)
    return waveform / peak if 0 < peak < np.inf else waveform


def resample(clip: Clip, sample_rate: int) -> Clip:
    """The same sound at another rate (Hz), by soxr in high quality."""
    check_sample_rate(sample_rate)
    if clip.sample_rate == sample_rate:
        return clip
    import soxr  # here, so that importing the package stays fast

    waveform = soxr.resample(clip.waveform, clip.sample_rate, sample_rate)
    # resampling can overshoot full scale, or round a very short clip to nothing
    waveform = waveform if len(waveform) else clip.waveform[:1]
    return Clip(waveform, sample_rate, clip.path, clip.start_s)


def num_windows(samples: int, config: AudioConfig) -> int:
    """Windows that an audio of `samples` samples fills, at most `config.max_windows`.

    n = 1 + ceil((samples - window) / hop)

    Official: data/data.py AudioTextData.get_num_windows
    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    if samples <= config.window:
        return 1
    return min(config.max_windows, 1 - (config.window - samples) // config.hop)


def cut_windows(
    waveform: np.ndarray,
    config: AudioConfig,
    pad_to_max: bool = True,
    name: str = "This audio",
    start_s: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut (samples,) into overlapping windows (W, window) and a mask (W,), True = real.

    Window i starts at sample i * hop. The last real window is filled up with zeros;
    where `config.pad` is "repeat", with the clip first, as often as it fits whole.
    `pad_to_max` adds zero windows up to `config.max_windows` (AF1, the same W for all);
    False keeps only the real ones (AF2). What is too long is left out with one
    TooLongWarning; `name` and `start_s` (seconds) only serve its wording.

    Official: data/data.py AudioTextData.compute_sliding_window
    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    waveform = check_waveform(waveform)
    warn_long(len(waveform), config, name, start_s)
    n = num_windows(len(waveform), config)
    width = config.max_windows if pad_to_max else n
    padded = np.zeros(config.window + (n - 1) * config.hop, dtype=np.float32)
    if config.pad == "repeat":
        waveform = np.tile(waveform, max(1, len(padded) // len(waveform)))
    heard = waveform[: len(padded)]
    padded[: len(heard)] = heard
    windows = np.zeros((width, config.window), dtype=np.float32)  # (W, window)
    for i in range(n):
        windows[i] = padded[i * config.hop : i * config.hop + config.window]
    return windows, np.arange(width) < n


def hear(
    clip: Clip, config: AudioConfig, pad_to_max: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Turn a clip into what the model hears: its rate, its loudness rule, its windows.

    Returns windows float32 (W, window) and a mask bool (W,), as `cut_windows`.

    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    clip, name = resample(clip, config.sample_rate), clip.path or "This audio"
    warn_long(len(clip.waveform), config, name, clip.start_s)
    heard = clip.waveform[: config.max_samples]  # what is behind sets no peak
    if config.normalise == "peak":
        heard = peak_normalise(heard)
    return cut_windows(heard, config, pad_to_max)


@lru_cache(maxsize=8)
def mel_filters(config: EncoderConfig, sample_rate: int) -> Tensor:
    """Slaney mel filterbank (n_fft / 2 + 1, M), equal to librosa's, computed once."""
    # librosa would cost a second at the first answer; transformers is there anyway
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(
        num_frequency_bins=config.n_fft // 2 + 1,
        num_mel_filters=config.n_mels,
        min_frequency=config.f_min,
        max_frequency=min(config.f_max, sample_rate / 2),
        sampling_rate=sample_rate,
        norm="slaney",
        mel_scale="slaney",
    )
    with torch.inference_mode(False):  # they are kept, also for who wants gradients
        return torch.from_numpy(filters).float()  # (n_fft / 2 + 1, M)


def log_mel(
    windows: Tensor,
    config: EncoderConfig,
    sample_rate: int = 16_000,
    filters: Tensor | None = None,
) -> Tensor:
    """Log-mel picture in dB of windows (..., samples): (..., F, M).

    10 log10(max(mel(|STFT|^2), 1e-10)); F = 1 + samples // mel_hop; ValueError for 0.
    `filters` (n_fft / 2 + 1, M) stand in for the config's, as a published CLAP's do.

    Official: laion_clap/clap_module/htsat.py, through torchlibrosa
    Taught in: notebooks/01_sound_into_windows.ipynb
    """
    if windows.shape[-1] <= config.n_fft // 2:
        raise ValueError(
            f"A window has {windows.shape[-1]} samples; a Fourier frame of n_fft "
            f"{config.n_fft} needs more than {config.n_fft // 2}. Use longer windows."
        )
    if filters is None:
        filters = mel_filters(config, sample_rate)
    filters = filters.to(windows.device, torch.float32)
    flat = windows.float().reshape(-1, windows.shape[-1])  # (N, samples)
    batch = MEL_BATCH_CPU if flat.device.type == "cpu" else MEL_BATCH_GPU
    with torch.autocast(flat.device.type, enabled=False):
        mels = [_mel_power(part, filters, config) for part in flat.split(batch)]
    decibels = 10 * torch.cat(mels).clamp(min=POWER_FLOOR).log10()  # (N, F, M)
    return decibels.reshape(*windows.shape[:-1], *decibels.shape[1:])  # (..., F, M)


def _mel_power(samples: Tensor, filters: Tensor, config: EncoderConfig) -> Tensor:
    spectrum = torch.stft(
        samples,
        config.n_fft,
        config.mel_hop,
        window=torch.hann_window(config.n_fft, dtype=torch.float32).to(samples),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )  # (N, n_fft / 2 + 1, F)
    power = spectrum.real.square() + spectrum.imag.square()
    return power.transpose(1, 2) @ filters  # (N, F, M)

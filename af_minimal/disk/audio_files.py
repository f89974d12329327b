"""Reading audio files, and every way one can be wrong with what to do about it.

Taught in: notebooks/01_sound_into_windows.ipynb
"""

import math
import os
import warnings
from difflib import get_close_matches
from numbers import Real
from pathlib import Path

import numpy as np
import soundfile
import torch

from .complete_files import check_complete

LONGEST_NAME = 255  # bytes, on every usual file system
MAX_PEAK = 1.5  # full scale is 1; resampling overshoots it a little, never this much


class TooLongWarning(UserWarning):
    """An audio lasts longer than the model can hear; the message names the rest."""


def read_frames(
    path: str | Path, start_s: float = 0.0, duration_s: float | None = None
) -> tuple[np.ndarray, int]:
    """Float frames (samples, channels) of the wanted stretch, and the file's rate.

    Raises FileNotFoundError, IsADirectoryError, ValueError, or TypeError for what is no
    path, saying what to do.
    """
    path = _existing_file(path)
    _check_stretch(start_s, duration_s)
    try:
        check_complete(path)
        with soundfile.SoundFile(path) as file:
            start, count = _stretch(path, file, start_s, duration_s)
            file.seek(start)
            frames = file.read(count, dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, TypeError) as error:
        raise ValueError(
            f"{path} cannot be decoded. It is cut off or damaged, or it is not wav, "
            "flac, ogg or mp3: convert it or copy it again."
        ) from error
    if len(frames) < count:
        raise ValueError(
            f"{path} is cut off: its header promises {count} frames from {start_s} s "
            f"on, {len(frames)} are there. Copy the file again."
        )
    return frames, rate


def _existing_file(path: str | Path) -> Path:
    if not isinstance(path, (str, Path)):
        raise TypeError(
            f"load_audio needs the path of a file; a {type(path).__name__} came. "
            "For samples you already hold, use Clip.from_array(samples, sample_rate)."
        )
    if "://" in str(path):
        raise ValueError(f"{path} is an address: download it first, and name the file.")
    path = Path(path)
    longest = max(len(os.fsencode(part)) for part in path.parts or ("",))
    if "\0" in str(path) or longest > LONGEST_NAME:
        raise ValueError(
            f"{str(path)[:60]!r} can name no file: a name has no NUL, and at most "
            f"{LONGEST_NAME} bytes. Check the path."
        )
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder, not an audio file. Pass one file inside it."
        )
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}. {_close_names(path)}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes). Copy or record it again.")
    return path


def _close_names(path: Path) -> str:
    if not path.parent.is_dir():
        return f"The folder {path.parent} does not exist either. Check the path."
    names = [p.name for p in path.parent.iterdir() if p.is_file()]
    close = get_close_matches(path.name, names, n=3)
    if close:
        return f"Did you mean {' or '.join(close)} in the same folder?"
    return f"No file in {path.resolve().parent} has a name like it. Check the path."


def _check_stretch(start_s: float, duration_s: float | None) -> None:
    """Raise ValueError unless these are seconds that a stretch can have.

    It comes before the file is opened, which is not to blame for them.
    """
    if not isinstance(start_s, Real) or not 0 <= start_s < math.inf:
        raise ValueError(
            f"start_s is {start_s!r}; a number is expected, 0 seconds or more."
        )
    if duration_s is None:
        return
    if not isinstance(duration_s, Real) or not 0 < duration_s < math.inf:
        raise ValueError(
            f"duration_s is {duration_s!r}; a number is expected, more than 0 seconds, "
            "or None for everything."
        )


def _stretch(
    path: Path, file: soundfile.SoundFile, start_s: float, duration_s: float | None
) -> tuple[int, int]:
    """First frame and number of frames of the wanted stretch."""
    if file.frames == 0:
        raise ValueError(f"{path} holds no samples. Copy or record it again.")
    start, rest = round(start_s * file.samplerate), file.frames
    if start >= rest:
        raise ValueError(
            f"start_s is {start_s} but {path} lasts "
            f"{file.frames / file.samplerate:.2f} s. Pass a start_s before its end."
        )
    rest -= start
    if duration_s is None:
        return start, rest
    return start, min(rest, max(1, round(duration_s * file.samplerate)))


def check_sample_rate(sample_rate: int) -> None:
    """Raise ValueError unless this is a whole number of Hz that audio can have."""
    whole = isinstance(sample_rate, (int, np.integer)) and sample_rate is not True
    if not whole or not 1_000 <= sample_rate <= 768_000:
        raise ValueError(
            f"sample_rate is {sample_rate!r}; a whole number of Hz from 1000 to 768000 "
            "is expected, for example 16000."
        )


def check_waveform(waveform: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return float32 (samples,), or raise TypeError/ValueError saying what to do."""
    if isinstance(waveform, torch.Tensor):
        waveform = waveform.detach().cpu().numpy()
    if not isinstance(waveform, np.ndarray):
        raise TypeError(
            f"A waveform is a numpy array of floats; a {type(waveform).__name__} came. "
            "Convert it with np.asarray(samples, dtype=np.float32)."
        )
    if np.issubdtype(waveform.dtype, np.integer):
        raise TypeError(
            f"The waveform holds {waveform.dtype} integers; floats from -1 to 1 are "
            f"expected. Convert it: {_to_float(waveform.dtype)}."
        )
    if not np.issubdtype(waveform.dtype, np.floating):
        raise TypeError(
            f"The waveform holds {waveform.dtype}; floats from -1 to 1 are expected."
        )
    _check_shape(waveform)
    _check_values(waveform)
    return np.array(waveform, np.float32)  # a copy: buffers are recorded into again


def _to_float(dtype: np.dtype) -> str:
    limits = np.iinfo(dtype)
    if limits.min == 0:  # unsigned: silence is the middle of the range
        middle = (limits.max + 1) // 2
        return f"(waveform.astype(np.float32) - {middle}) / {middle}"
    return f"waveform.astype(np.float32) / {-int(limits.min)}"


def _check_shape(waveform: np.ndarray) -> None:
    if waveform.ndim != 1:
        axis = int(np.argmin(waveform.shape)) if waveform.ndim else 0
        raise ValueError(
            f"The waveform has shape {waveform.shape}; one row (samples,) is expected. "
            f"Mix channels down with waveform.mean({axis})."
        )
    if len(waveform) == 0:
        raise ValueError("The waveform holds no samples; at least 1 is expected.")


def _check_values(waveform: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(waveform))
    if len(bad):
        raise ValueError(
            f"{len(bad)} of {len(waveform)} samples are NaN or infinite, the first at "
            f"position {bad[0]}. Find what made them, or set them to 0 with "
            "np.nan_to_num(waveform, posinf=0, neginf=0)."
        )
    peak = float(np.abs(waveform).max())
    if peak > MAX_PEAK:
        raise ValueError(
            f"The largest sample is {peak:g}; floats from -1 to 1 are expected. "
            "Divide by full scale (32768 for 16-bit samples) or by the largest sample."
        )


def warn_long(samples: int, config, name: str, start_s: float) -> None:
    """Say what of so many samples is not heard; `config` is an AudioConfig."""
    if samples <= config.max_samples:
        return
    lasts, hears = samples / config.sample_rate, config.max_s
    warnings.warn(
        f"{name} lasts {lasts:.4g} s; the model hears the first {hears:g} s; "
        f"{lasts - hears:.4g} s are not heard: pass start_s={start_s + hears:g} to "
        "load_audio to hear the rest.",
        TooLongWarning,
        stacklevel=3,
    )

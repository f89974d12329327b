"""The sounds of a datastore: what tells one from another, and where each is kept."""

import hashlib
import os
import re
import shutil
from pathlib import Path

import numpy as np
import soundfile

from .audio_files import read_frames
from .examples import Example
from .manifests import inside

ROWS, AUDIO = "examples.jsonl", "audio"
HASHED = re.compile(r"([0-9a-f]{64})\.wav")  # a sound that a store wrote
SAME_LENGTH_S = 0.05  # mp3 files are a frame longer or shorter than they say
NUMBERED = re.compile(r"\d{6}\.wav")  # the same, of the first format


def sound_hash(waveform: np.ndarray, sample_rate: int) -> str:
    """The sha256 of samples (samples,) and their rate in Hz: 64 hexadecimal digits."""
    return hashlib.sha256(f"{sample_rate} ".encode() + waveform.tobytes()).hexdigest()


def file_of(example: Example) -> str:
    """What tells one sound from another: its path, or the hash of its samples.

    A Clip without a path is known by its samples, and so is the file that a store wrote
    of it: that file is named by them.
    """
    audio = example.audio  # a path, or a Clip; what a Clip is, this room does not know
    path = getattr(audio, "path", audio)
    if path is None:
        return sound_hash(audio.waveform, audio.sample_rate)
    real = Path(os.path.realpath(path))
    hashed = HASHED.fullmatch(real.name)
    return hashed[1] if hashed and real.parent.name == AUDIO else str(real)


def path_of(example: Example) -> str | Path | None:
    """The file that a sound is a stretch of; None for a Clip of no file.

    Of a Clip whose file is gone, or shorter than the Clip, the samples are kept.
    """
    path = getattr(example.audio, "path", example.audio)
    if path is example.audio or path is None:
        return path
    rest = seconds_behind(example)
    return None if rest is None or rest < -SAME_LENGTH_S else path


def seconds_behind(example: Example) -> float | None:
    """How long the file of a Clip goes on behind it; None where it is gone."""
    audio = example.audio
    try:
        whole = soundfile.info(audio.path).duration
    except (soundfile.LibsndfileError, TypeError):
        return None
    return whole - audio.start_s - audio.duration_s


def stretch_of(example: Example) -> tuple[float, float | None]:
    """Seconds of the kept file at which an example begins, and how many it lasts.

    None is to the end of the file. Of a Clip that is written, all is heard.
    """
    audio = example.audio
    if not hasattr(audio, "path"):
        return example.start_s, example.duration_s
    if path_of(example) is None:
        return 0.0, None
    whole = seconds_behind(example) < SAME_LENGTH_S
    return audio.start_s, None if whole else audio.duration_s


def place_of(example: Example, folder: Path, data_root: str | Path | None) -> dict:
    """Where a store in `folder` keeps a sound, as the first entry of its row.

    {"here": ...} is a path inside `folder`: of a file that lies there, of a Clip that
    comes from no file, and of a sound that another store wrote, which is copied.
    {"name": ...} is a path inside `data_root`.

    Raises ValueError for any other file.
    """
    path = path_of(example)
    if path is None:
        samples, rate = example.audio.waveform, example.audio.sample_rate
        return {"here": f"{AUDIO}/{sound_hash(samples, rate)}.wav"}
    if inside(path, folder):
        return {"here": _relative(path, folder)}
    if _written_by_a_store(Path(os.path.realpath(path))):
        return {"here": f"{AUDIO}/{_hash_of_file(path)}.wav"}
    if data_root is not None and inside(path, data_root):
        return {"name": _relative(path, data_root)}
    raise ValueError(
        f"the example {path} is a file outside data_root {data_root} and outside the "
        f"store's folder {folder}: pass the folder that holds all the recordings, "
        "save(folder, data_root=...). A Clip without a path needs none."
    )


def keep_sound(example: Example, folder: Path, here: str) -> None:
    """Write or copy a sound to `folder / here`, whole or not at all.

    What is there already stays: it has that name because it is that sound.
    """
    target, path = folder / here, path_of(example)
    if target.exists() or (path is not None and inside(path, folder)):
        return
    target.parent.mkdir(exist_ok=True)
    aside = folder / f"audio.{os.getpid()}.part"
    if path is None:
        samples, rate = example.audio.waveform, example.audio.sample_rate
        soundfile.write(aside, samples, rate, "FLOAT", format="WAV")
    else:
        shutil.copyfile(path, aside)
    os.replace(aside, target)


def _relative(path: str | Path, root: str | Path) -> str:
    real, root = os.path.realpath(path), os.path.realpath(root)
    return Path(os.path.relpath(real, root)).as_posix()


def _written_by_a_store(real: Path) -> bool:
    named = HASHED.fullmatch(real.name) or NUMBERED.fullmatch(real.name)
    ours = named is not None and real.parent.name == AUDIO
    return ours and (real.parents[1] / ROWS).is_file()


def _hash_of_file(path: str | Path) -> str:
    hashed = HASHED.fullmatch(Path(os.path.realpath(path)).name)
    if hashed:
        return hashed[1]
    frames, rate = read_frames(path)  # (samples, 1): stores write Clips, which are mono
    return sound_hash(frames, rate)

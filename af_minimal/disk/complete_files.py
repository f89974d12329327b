"""Whether a sound file is there to its end, by what it says of itself."""

import struct
from pathlib import Path

import soundfile


def check_complete(path: Path) -> None:
    """Raise ValueError when a wav, ogg or mp3 ends before it says, or breaks off.

    The decoder would hand back the shorter sound without a word. (A cut flac is
    noticed by the decoder itself.)
    """
    with open(path, "rb") as file:
        start = file.read(4096)
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_536 - 512))  # an ogg page is 65,307 bytes at most
        end = file.read()
    missing = 0
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        missing = _wav_bytes_missing(path, size)
    elif start[:4] == b"OggS":
        missing = _ogg_bytes_missing(end)
        if not missing and b"\x01vorbis" in start:
            _check_vorbis(path, end)
    elif start[:4] != b"fLaC" and (b"Xing" in start or b"Info" in start):
        missing = _mp3_bytes_missing(start, size)
    if missing:
        raise ValueError(
            f"{path} is cut off: its header promises at least {missing} bytes more "
            "than the file holds. Copy the file again."
        )


def _wav_bytes_missing(path: Path, size: int) -> int:
    """Walk the chunks (4 letters, length) to the samples and compare lengths."""
    with open(path, "rb") as file:
        position = 12
        while position + 8 <= size:
            file.seek(position)
            name, length = struct.unpack("<4sI", file.read(8))
            position += 8
            if name == b"data":
                streamed = length in (0, 0xFFFFFFFF)  # written to a pipe: unknown
                return 0 if streamed else max(0, position + length - size)
            position += length + length % 2
    return 1  # the samples never begin


def _ogg_bytes_missing(end: bytes) -> int:
    """The last page must be whole and carry the end-of-stream flag."""
    page = end.rfind(b"OggS")
    if page < 0 or len(end) < page + 27:
        return 1
    flags, segments = end[page + 5], end[page + 26]
    lengths = end[page + 27 : page + 27 + segments]
    whole = page + 27 + segments + sum(lengths)
    if len(lengths) < segments or len(end) < whole:
        return max(1, whole - len(end))
    return 0 if flags & 4 else 1


def _check_vorbis(path: Path, end: bytes) -> None:
    """The last page counts all samples; the decoder may stop at damage before it.

    A stream that was cut out of a longer one counts those before it too: its pages
    still follow each other without a gap.
    """
    page = end.rfind(b"OggS")
    counted = int.from_bytes(end[page + 6 : page + 14], "little", signed=True)
    heard = soundfile.info(path).frames
    if heard < counted and not _pages_follow(path.read_bytes()):
        raise ValueError(
            f"{path} is damaged: {heard} of {counted} samples can be heard. Copy the "
            "file again."
        )


def _pages_follow(data: bytes) -> bool:
    """Whether each page of an ogg file begins where the one before it ends."""
    at = 0
    while at < len(data):
        if data[at : at + 4] != b"OggS" or len(data) < at + 27:
            return False
        segments = data[at + 26]
        at += 27 + segments + sum(data[at + 27 : at + 27 + segments])
    return True


def _mp3_bytes_missing(start: bytes, size: int) -> int:
    """The Xing/Info header may state the length of the stream in bytes."""
    tag = max(start.rfind(b"Xing"), start.rfind(b"Info"))
    frame = start.rfind(b"\xff", 0, tag)
    # behind 4 bytes of a frame and its 9, 17 or 32 of side information
    if frame < 0 or tag - frame not in (13, 21, 36) or len(start) < tag + 16:
        return 0
    flags = int.from_bytes(start[tag + 4 : tag + 8], "big")
    if not flags & 2:
        return 0
    at = tag + 8 + (4 if flags & 1 else 0)  # after the frame count, when there is one
    promised = int.from_bytes(start[at : at + 4], "big")
    return max(0, frame + promised - size)

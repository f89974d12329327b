"""Every way an audio can be wrong gets one error that says what to do."""

import warnings

import numpy as np
import pytest
import soundfile
import torch

from af_minimal.audio import Clip, load_audio


def sine(duration_s=1.0, rate=16_000, level=0.25):
    time = np.arange(int(duration_s * rate)) / rate
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


def test_missing_and_misplaced_files(tmp_path):
    soundfile.write(tmp_path / "dog_bark.wav", sine(), 16_000)
    with pytest.raises(FileNotFoundError, match=r"Did you mean dog_bark\.wav"):
        load_audio(tmp_path / "dog_brak.wav")
    with pytest.raises(FileNotFoundError, match="has a name like it"):
        load_audio(tmp_path / "zzz.flac")
    with pytest.raises(FileNotFoundError, match="does not exist either"):
        load_audio(tmp_path / "nowhere" / "dog.wav")
    with pytest.raises(IsADirectoryError, match="Pass one file inside"):
        load_audio(tmp_path)
    with pytest.raises(TypeError, match=r"Clip\.from_array"):
        load_audio(sine())
    for name in ("a\0b.wav", "a" * 400 + ".wav"):
        with pytest.raises(ValueError, match="can name no file.* Check the path"):
            load_audio(name)


def test_files_without_sound(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(ValueError, match=r"0 bytes"):
        load_audio(tmp_path / "empty.wav")
    (tmp_path / "text.mp3").write_text("this is not audio, it is a sentence\n" * 50)
    with pytest.raises(ValueError, match="cannot be decoded"):
        load_audio(tmp_path / "text.mp3")
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    with pytest.raises(ValueError, match="no samples"):
        load_audio(tmp_path / "none.wav")
    bad = sine()
    bad[7] = np.nan
    soundfile.write(tmp_path / "nan.wav", bad, 16_000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"nan\.wav: 1 of 16000 samples are NaN"):
        load_audio(tmp_path / "nan.wav")
    bad[7] = np.inf
    soundfile.write(tmp_path / "inf.wav", bad, 16_000, subtype="FLOAT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="position 7"):
            load_audio(tmp_path / "inf.wav")


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_cut_off_file_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"x.{suffix}"
    noise = np.random.default_rng(0).normal(size=48_000) * 0.1
    soundfile.write(path, noise, 16_000)
    whole = path.read_bytes()
    load_audio(path)
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match="Copy the file again|copy it again"):
        load_audio(path)


def test_a_streamed_wav_with_unknown_length_is_read(tmp_path):
    path = tmp_path / "pipe.wav"
    soundfile.write(path, sine(), 16_000)
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff" * 4
    path.write_bytes(data)
    assert len(load_audio(path).waveform) == 16_000


@pytest.mark.parametrize(
    "array, error, message",
    [
        ([0.1, 0.2], TypeError, "a list came"),
        (np.zeros(5, np.int16), TypeError, r"astype\(np\.float32\) / 32768"),
        (np.zeros(5, np.uint8), TypeError, r"- 128\) / 128"),
        (np.zeros(5, bool), TypeError, "bool"),
        (np.zeros(5, complex), TypeError, "complex"),
        (np.zeros((2, 5), np.float32), ValueError, r"\(2, 5\).*mean\(0\)"),
        (torch.zeros(5, 2), ValueError, r"\(5, 2\).*mean\(1\)"),
        (np.array(0.5), ValueError, r"shape \(\)"),
        (np.zeros(0, np.float32), ValueError, "no samples"),
        (np.array([0.0, np.inf]), ValueError, "position 1"),
        (np.array([0.0, 20_000.0]), ValueError, "Divide by full scale"),
    ],
)
def test_clips_are_checked(array, error, message):
    with pytest.raises(error, match=message):
        Clip.from_array(array, 16_000)


@pytest.mark.parametrize("rate", [0, -1, 16_000.5, "16000", None, True, 10**9])
def test_sample_rates_are_checked(rate):
    with pytest.raises(ValueError, match="whole number of Hz"):
        Clip(sine(), rate)


def test_start_and_duration_read_that_stretch_only(tmp_path):
    path = tmp_path / "ramp.wav"
    ramp = np.linspace(-0.5, 0.5, 32_000, dtype=np.float32)
    soundfile.write(path, ramp, 16_000, subtype="FLOAT")
    clip = load_audio(path, start_s=1.0, duration_s=0.5)
    assert np.array_equal(clip.waveform, ramp[16_000:24_000]) and clip.start_s == 1.0
    assert len(load_audio(path, start_s=1.5, duration_s=9).waveform) == 8_000
    assert load_audio(path, sample_rate=None).sample_rate == 16_000
    for arguments, message in [
        ({"start_s": 5.0}, r"start_s is 5\.0 but .* lasts 2\.00 s"),
        ({"start_s": -1.0}, "0 seconds or more"),
        ({"start_s": float("nan")}, "0 seconds or more"),
        ({"start_s": "1"}, "start_s is '1'; a number is"),
        ({"duration_s": 0}, "more than 0 seconds"),
        ({"duration_s": "1"}, "duration_s is '1'; a number is"),
        ({"normalise": "loud"}, "'none' or 'peak'"),
        ({"sample_rate": 0}, "whole number of Hz"),
        ({"sample_rate": 16_000.5}, "whole number of Hz"),
    ]:
        with pytest.raises(ValueError, match=message):
            load_audio(path, **arguments)


def test_a_tag_that_says_info_is_no_header(tmp_path):
    soundfile.write(tmp_path / "a.mp3", np.zeros(16_000, np.float32), 16_000)
    told = b"\xff\xfeT Info, Xing about this recording" + 300 * b"x"
    tagged = tmp_path / "tagged.mp3"
    size = bytes([0, 0, len(told) >> 7, len(told) & 127])
    tag = b"ID3\x03\x00\x00" + size + told
    tagged.write_bytes(tag + (tmp_path / "a.mp3").read_bytes())
    assert load_audio(tagged).duration_s > 0.9


def test_a_vorbis_file_damaged_inside_is_refused(tmp_path):
    path = tmp_path / "x.ogg"
    noise = np.random.default_rng(0).normal(size=160_000) * 0.1
    soundfile.write(path, noise, 16_000)
    whole = path.read_bytes()
    load_audio(path)
    told, at = [], 4000
    while 0 < (at := whole.find(b"OggS", at + 1)) < len(whole) * 0.8:
        cut = at - 50  # the beginning of a page and the end of the one before
        path.write_bytes(whole[:cut] + bytes(200) + whole[cut + 200 :])
        with pytest.raises(ValueError, match="Copy the file again") as caught:
            load_audio(path)
        told.append(str(caught.value))
    assert any("of 160000 samples can be heard" in text for text in told)


def test_an_address_is_no_file():
    with pytest.raises(ValueError, match="http://example.com/a.wav .*download it"):
        load_audio("http://example.com/a.wav")


def checksum(page: bytes) -> int:
    """The CRC of an ogg page whose own four bytes of it are zero."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        crc &= 0xFFFFFFFF
    return crc


def counted_from(data: bytes, first: int) -> bytes:
    """The same ogg file, its sound's pages counted on from so many samples."""
    pages, at = [], 0
    while at < len(data):
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        page = bytearray(data[at:end])
        samples = int.from_bytes(page[6:14], "little", signed=True)
        if samples > 0:
            page[6:14] = (samples + first).to_bytes(8, "little")
        page[22:26] = bytes(4)
        page[22:26] = checksum(page).to_bytes(4, "little")
        pages.append(bytes(page))
        at = end
    return b"".join(pages)


def test_a_stream_cut_out_of_a_longer_one_is_whole(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32)
    soundfile.write(tmp_path / "own.ogg", noise, 16_000)
    data = (tmp_path / "own.ogg").read_bytes()
    assert counted_from(data, 0) == data
    (tmp_path / "cut.ogg").write_bytes(counted_from(data, 160_000))
    assert soundfile.info(tmp_path / "cut.ogg").frames < 160_000
    assert load_audio(tmp_path / "cut.ogg").duration_s > 2.9

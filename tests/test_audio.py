"""Sound into windows: the official arithmetic, and every way a file can be wrong."""

import json
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from af_minimal.audio import (
    Clip,
    TooLongWarning,
    cut_windows,
    hear,
    load_audio,
    log_mel,
    num_windows,
    peak_normalise,
    resample,
)
from af_minimal.config import AudioConfig, EncoderConfig

REFERENCE = Path(__file__).parent / "reference"
GOLDEN = Path(__file__).parents[2] / "shared" / "golden"
MINI = AudioConfig()


def files(pattern):
    return sorted(REFERENCE.glob(pattern)) + sorted(GOLDEN.glob(pattern))


def where(path):
    return f"{path.parent.name}/{path.name}"


def sine(duration_s=1.0, rate=16_000, level=0.25):
    time = np.arange(int(duration_s * rate)) / rate
    return (level * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


@pytest.mark.parametrize("path", files("windows*.json"), ids=where)
def test_windows_equal_the_official_ones(path):
    golden = json.loads(path.read_text())
    for name, values in golden["configs"].items():
        config = AudioConfig(
            values["sr"],
            values["window_length"],
            values["window_overlap"],
            values["max_num_window"],
        )
        assert config.window == values["window_samples"]
        assert config.hop == values["hop_samples"]
        assert config.max_samples == values["max_total_samples"]
        for case in golden["cases"][name]:
            assert num_windows(case["T"], config) == case["num_windows"], (name, case)
        cut = [case for case in golden["cases"][name] if "clips_shape" in case]
        assert cut  # the longest cases were recorded without windows
        for case in cut[::3]:
            check_offsets(config, case, pad_to_max=name.startswith("af1"))


def check_offsets(config, case, pad_to_max):
    # a ramp tells where each window begins; float32 holds these counts exactly
    ramp = np.arange(1, case["T"] + 1, dtype=np.float32) / 2**24
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooLongWarning)
        windows, mask = cut_windows(ramp, config, pad_to_max)
    assert list(windows.shape) == case["clips_shape"] and len(mask) == case["mask_len"]
    real = windows[: case["num_windows"]]
    starts = np.round(real[:, 0] * 2**24).astype(int) - 1
    assert starts.tolist() == case["start_offsets"]
    end = case["start_offsets"][-1] + config.window
    assert case["full_length"] == end
    assert (real[-1] == 0).sum() == max(0, end - case["T"]) == case["pad_samples"]
    assert mask.sum() == case["mask_ones"] and mask[: case["mask_ones"]].all()
    assert not windows[case["num_windows"] :].any()


def test_a_clip_keeps_what_was_recorded():
    buffer = np.zeros(8, np.float32)
    clip = Clip.from_array(buffer, 16_000)
    buffer[:] = 0.5
    assert not clip.waveform.any()


def test_padding_to_the_maximum_is_optional():
    windows, mask = cut_windows(sine(3.0), MINI)
    assert windows.shape == (16, 32_000) and windows.dtype == np.float32
    assert mask.tolist() == [True] * 3 + [False] * 13
    short, short_mask = cut_windows(sine(3.0), MINI, pad_to_max=False)
    assert short.shape == (3, 32_000) and short_mask.all()
    assert np.array_equal(short, windows[:3])


def test_what_is_not_heard_is_named_once():
    with pytest.warns(TooLongWarning) as caught:
        windows, mask = cut_windows(sine(21.3), MINI)
    assert len(caught) == 1 and mask.all()
    message = str(caught[0].message)
    for part in ("21.3 s", "first 9.5 s", "11.8 s are not heard", "start_s=9.5"):
        assert part in message
    with pytest.warns(TooLongWarning, match=r"dog\.wav lasts 20 s.*start_s=14\.5"):
        hear(Clip(sine(20.0), 16_000, "dog.wav", start_s=5.0), MINI)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cut_windows(sine(9.5), MINI)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_formats_rates_and_channels(tmp_path, suffix, rate):
    path = tmp_path / f"tone.{suffix}"
    stereo = np.stack([sine(1.0, rate, 0.5), np.zeros(rate, np.float32)], axis=1)
    soundfile.write(path, stereo, rate)
    clip = load_audio(path)
    assert clip.sample_rate == 16_000 and clip.waveform.dtype == np.float32
    assert clip.duration_s == pytest.approx(1.0, abs=0.08)  # mp3 pads whole frames
    middle = clip.waveform[4_000:12_000]
    assert np.abs(middle).max() == pytest.approx(0.25, abs=0.03)  # the mean of both
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * 2 == 440


def test_loudness_is_kept_unless_peak(tmp_path):
    path = tmp_path / "quiet.wav"
    soundfile.write(path, sine(level=0.01), 16_000, subtype="FLOAT")
    assert np.array_equal(load_audio(path).waveform, sine(level=0.01))
    peak = load_audio(path, normalise="peak").waveform
    assert np.abs(peak).max() == 1.0
    assert not peak_normalise(np.zeros(5, np.float32)).any()  # silence stays silence
    positive = np.array([0.0, 0.25, 0.5], np.float32)
    assert peak_normalise(positive).tolist() == [0.0, 0.5, 1.0]  # and no DC shift
    config = AudioConfig(normalise="peak")
    heard, _ = hear(Clip(sine(level=0.01), 16_000), config)
    assert np.abs(heard).max() == pytest.approx(1.0)


def test_a_float_file_beyond_full_scale_is_scaled_down(tmp_path):
    soundfile.write(tmp_path / "x.wav", sine(level=4.0), 16_000, subtype="FLOAT")
    assert np.abs(load_audio(tmp_path / "x.wav").waveform).max() == pytest.approx(1.0)


def official_signal(case):
    text, time = case["desc"], np.arange(88_200) / 44_100
    tone = 0.25 * np.sin(2 * np.pi * 440 * time)
    return {"very quiet": tone * 1e-3}.get(text[:10], tone)


@pytest.mark.parametrize("path", files("windows*.json"), ids=where)
def test_peak_normalisation_equals_the_official_where_that_is_sound(path, tmp_path):
    golden = json.loads(path.read_text())
    cases = golden["load_audio"]["cases"]
    for case in cases:
        if not case["desc"].startswith(("mono", "same, duration 0.5", "very quiet")):
            continue
        soundfile.write(tmp_path / "x.wav", official_signal(case), 44_100, "FLOAT")
        duration = case["args"]["duration"]
        got = load_audio(tmp_path / "x.wav", 44_100, 0.0, duration, "peak").waveform
        assert len(got) == case["n"]
        assert got[:8] == pytest.approx(case["first8"], abs=1e-5)


def test_clips_become_float32_and_resample():
    assert Clip(sine().astype(np.float64), 16_000).waveform.dtype == np.float32
    assert Clip.from_array(torch.zeros(5), 16_000).duration_s == 5 / 16_000
    clip = Clip(sine(1.0, 44_100), 44_100)
    windows, mask = hear(clip, MINI)
    assert mask.sum() == 1 and np.abs(windows[0, 17_000:]).max() == 0
    assert len(resample(Clip(sine()[:1], 48_000), 8_000).waveform) >= 1


def test_log_mel_equals_librosa():
    config, rng = EncoderConfig(), np.random.default_rng(0)
    wave = rng.normal(scale=0.1, size=32_000).astype(np.float32)
    power = librosa.feature.melspectrogram(
        y=wave,
        sr=16_000,
        n_fft=config.n_fft,
        hop_length=config.mel_hop,
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
        pad_mode="reflect",
    )
    expected = 10 * np.log10(np.maximum(power, 1e-10)).T
    got = log_mel(torch.from_numpy(wave), config)
    assert got.shape == (201, 64)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-3)


def test_log_mel_shapes_silence_and_batches():
    config = EncoderConfig()
    windows = torch.randn(2, 20, 4_000, generator=torch.Generator().manual_seed(0))
    windows[0, 3] = 0
    mels = log_mel(windows, config)
    assert mels.shape == (2, 20, 26, 64) and mels.isfinite().all()
    assert (mels[0, 3] == -100).all()
    torch.testing.assert_close(mels[1, 4], log_mel(windows[1, 4], config))
    with pytest.raises(ValueError, match="Use longer windows"):
        log_mel(torch.zeros(1, 256), config)

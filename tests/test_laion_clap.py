"""Published CLAPs against the code they come from, with the same random weights.

The `laion_clap` package holds HTSAT's own code. Microsoft's and NVIDIA's CLAPs use the
same network with other settings, so it stands in for all three.
"""

import ast
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from af_minimal.audio import Clip, cut_windows, hear
from af_minimal.config import AudioConfig, EncoderConfig
from af_minimal.disk.weight_files import read_weights
from af_minimal.encoders import build_encoder
from af_minimal.official import htsat_names as names
from af_minimal.official.claps import AUDIO, MEL, PublishedCLAP, in_sixteen_bits
from af_minimal.official.read_claps import read_clap

pytest.importorskip("torchlibrosa", reason="laion-clap stops at Python 3.12")
from af_minimal.official import laion  # noqa: E402

SMALL = dict(
    htsat_embed=24,
    htsat_depths=(1, 1, 2, 1),
    htsat_heads=(1, 2, 4, 8),
    htsat_spec_size=256,
)


def sizes(kind: str, width: int, **changes) -> EncoderConfig:
    return EncoderConfig(
        kind=kind, width=width, embed_dim=width, **SMALL, **(MEL[kind] | changes)
    )


def package(kind: str, filter_rate: int | None = None, **options):
    """HTSAT of the package with weights that make every part of it count."""
    from dataclasses import replace

    audio = AUDIO[kind]
    audio = replace(audio, sample_rate=filter_rate or audio.sample_rate)
    torch.manual_seed(0)
    tower = laion.package_htsat(sizes(kind, 32), audio, **options).eval()
    with torch.no_grad():
        for parameter in tower.parameters():
            if parameter.requires_grad:
                parameter.add_(0.02 * torch.randn_like(parameter))
        tower.bn0.running_mean.normal_(-30, 3)
        tower.bn0.running_var.uniform_(20, 60)
    return tower


def linear(i: int, o: int, seed: int):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(o, i, generator=g) / i**0.5, torch.randn(o, generator=g) / 10


def windows_of(kind: str, n: int = 2) -> torch.Tensor:
    """A rising tone in noise, (n, samples)."""
    audio, rng = AUDIO[kind], np.random.default_rng(0)
    t = np.arange(audio.window) / audio.sample_rate
    rows = [0.3 * np.sin(2 * np.pi * (300 * k + 200 * t) * t) for k in range(1, n + 1)]
    noise = 0.05 * rng.standard_normal((n, audio.window))
    return torch.tensor(np.array(rows) + noise, dtype=torch.float32)


@pytest.fixture(scope="module")
def laion_weights():
    """A LAION-CLAP state dict, audio side, and the tower it came from."""
    tower = package("laion")
    (w0, b0), (w2, b2) = linear(192, 32, 1), linear(32, 32, 2)
    head = {"0.weight": w0, "0.bias": b0, "2.weight": w2, "2.bias": b2}
    tensors = {f"audio_branch.{k}": v for k, v in tower.state_dict().items()}
    return tensors | {f"audio_projection.{k}": v for k, v in head.items()}


def clap_model(tensors: dict):
    """`transformers.ClapModel` with those weights on its audio side."""
    from transformers import ClapConfig, ClapModel

    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    audio = {
        "patch_embeds_hidden_size": 24,
        "hidden_size": 192,
        "depths": [1, 1, 2, 1],
        "num_attention_heads": [1, 2, 4, 8],
        "enable_fusion": False,
    }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=32)
    model = ClapModel(config).eval()
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert not [k for k in missing if k.startswith("audio")]
    return model


def test_one_embedding_three_ways(laion_weights):
    """The package, our reading of its checkpoint, and `transformers.ClapModel`."""
    from transformers import ClapFeatureExtractor

    windows = windows_of("laion")
    ours = read_clap(laion_weights, "laion")
    theirs = laion.read_laion(laion_weights)
    with torch.no_grad():
        expected = theirs(windows)  # (N, 32)
        assert (ours(windows) - expected).abs().max() < 1e-5
    extractor = ClapFeatureExtractor(
        truncation="rand_trunc", frequency_min=50, frequency_max=14_000
    )
    clips = list(in_sixteen_bits(windows).numpy())
    batch = extractor(clips, sampling_rate=48_000, return_tensors="pt")
    model = clap_model(names.laion_to_transformers(laion_weights))
    with torch.no_grad():
        hugging = model.get_audio_features(**batch).pooler_output
    assert (hugging - expected).abs().max() < 1e-5
    assert expected.norm(dim=-1).allclose(torch.ones(2))
    assert (expected[0] - expected[1]).abs().max() > 1e-3  # it hears something


def test_the_default_lowest_frequency_is_the_trap(laion_weights):
    from transformers import ClapFeatureExtractor

    clips = list(windows_of("laion").numpy())
    model = clap_model(names.laion_to_transformers(laion_weights))
    found = []
    for lowest in (0, 50):
        extractor = ClapFeatureExtractor(
            truncation="rand_trunc", frequency_min=lowest, frequency_max=14_000
        )
        batch = extractor(clips, sampling_rate=48_000, return_tensors="pt")
        with torch.no_grad():
            found.append(model.get_audio_features(**batch).pooler_output)
    assert (found[0] - found[1]).abs().max() > 1e-4


def test_names_go_there_and_back(laion_weights):
    there = names.laion_to_transformers(laion_weights)
    back = names.laion_from_transformers(there)
    used = {
        k: v
        for k, v in laion_weights.items()
        if not any(part in f".{k}." for part in names.UNUSED)
    }
    assert back.keys() == used.keys()
    assert all(torch.equal(back[k], used[k]) for k in used)
    text = {"text_branch.encoder.layer.0.output.dense.weight": torch.ones(2)}
    text["text_projection.2.bias"] = torch.ones(1)
    there = names.laion_to_transformers(text)
    assert set(there) == {
        "text_model.encoder.layer.0.output.dense.weight",
        "text_projection.linear2.bias",
    }
    assert names.laion_from_transformers(there).keys() == text.keys()


def test_the_checkpoint_format_of_the_package(laion_weights, tmp_path):
    wrapped = laion.to_checkpoint(laion_weights)
    wrapped |= {"epoch": 3, "score": np.float64(0.5), "name": "630k"}  # as LAION's have
    torch.save(wrapped, tmp_path / "own.pt")
    tensors = read_weights(tmp_path / "own.pt")
    windows = windows_of("laion", 1)
    with torch.no_grad():
        from_disk = laion.read_laion(tensors)(windows)
        direct = laion.read_laion(laion_weights)(windows)
    assert torch.equal(from_disk, direct)
    module = laion.package_module("clap_module.factory")
    theirs = module.load_state_dict(str(tmp_path / "own.pt"))
    assert theirs.keys() == laion_weights.keys()


def test_nothing_is_asked_of_the_hub_on_import():
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from af_minimal.official.laion import package_module\n"
        "import sys; before = list(sys.path)\n"
        "print(package_module('clap_module.htsat').HTSAT_Swin_Transformer.__name__)\n"
        "assert sys.path == before and 'training' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "HTSAT_Swin_Transformer"


def test_the_interface_of_an_encoder(laion_weights):
    encoder = laion.read_laion(laion_weights)
    windows = windows_of("laion").unsqueeze(0)  # (1, 2, samples)
    features, mask = encoder.encode_windows(windows, torch.tensor([[True, False]]))
    assert features.shape == (1, 2, 32) and mask.tolist() == [[True, False]]
    assert not features[0, 1].any()
    pooled = encoder.pool(features, mask)
    assert torch.allclose(pooled, features[:, 0], atol=1e-6)
    assert torch.allclose(encoder.embed(windows), encoder.embed(windows))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_package_hears_in_another_precision(laion_weights, dtype):
    encoder, windows = laion.read_laion(laion_weights), windows_of("laion")
    exact, _ = encoder.encode_windows(windows.unsqueeze(0))
    kernel = encoder.tower.spectrogram_extractor.stft.conv_real.weight.clone()
    features, _ = (
        torch.nn.Sequential(encoder).to(dtype)[0].encode_windows(windows.unsqueeze(0))
    )
    assert encoder.head[0].weight.dtype == dtype
    assert (features - exact).abs().max() < 0.02
    now = encoder.tower.spectrogram_extractor.stft.conv_real.weight
    assert torch.equal(now, kernel)  # float32, and never rounded


# checkpoints with fusion, and clips shorter than a window


def package_front_end():
    """`get_audio_features` of the package, without what its module does on import.

    Its `get_mel` is written here as its own comment says it in librosa's words.
    """
    place = Path(find_spec("laion_clap").submodule_search_locations[0])
    tree = ast.parse((place / "training" / "data.py").read_text(encoding="utf-8"))
    wanted = [n for n in tree.body if getattr(n, "name", "") == "get_audio_features"]

    def get_mel(audio_data, audio_cfg):  # (samples,) -> (F, M)
        power = librosa.feature.melspectrogram(
            y=audio_data.numpy(),
            sr=audio_cfg["sample_rate"],
            n_fft=audio_cfg["window_size"],
            hop_length=audio_cfg["hop_size"],
            pad_mode="reflect",
            n_mels=audio_cfg["mel_bins"],
            norm=None,
            htk=True,
            fmin=audio_cfg["fmin"],
            fmax=audio_cfg["fmax"],
        )
        return torch.from_numpy(10 * np.log10(np.maximum(power, 1e-10))).float().T

    scope = {"torch": torch, "np": np, "F": F, "suppress": suppress, "get_mel": get_mel}
    exec(compile(ast.Module(wanted, []), "get_audio_features", "exec"), scope)
    return scope["get_audio_features"]


CFG = {"sample_rate": 48_000, "window_size": 1024, "hop_size": 480, "mel_bins": 64}
CFG |= {"fmin": 50, "fmax": 14_000}
FUSION = {"enable_fusion": True, "fusion_type": "aff_2d"}


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "fusion"])
def laion_chain(request):
    """A checkpoint of the package, and its embedding of a clip (samples,)."""
    tower = package("laion", **(FUSION if request.param else {}))
    (w0, b0), (w2, b2) = linear(192, 32, 1), linear(32, 32, 2)
    head = {"0.weight": w0, "0.bias": b0, "2.weight": w2, "2.bias": b2}
    tensors = {f"audio_branch.{k}": v for k, v in tower.state_dict().items()}
    tensors |= {f"audio_projection.{k}": v for k, v in head.items()}
    truncating = "fusion" if request.param else "rand_trunc"
    front_end = package_front_end()

    def official(samples):
        sample = front_end(
            {}, in_sixteen_bits(samples), 480_000, truncating, "repeatpad", CFG
        )
        batch = {k: v.unsqueeze(0) for k, v in sample.items()}
        with torch.no_grad():
            x = tower(batch, device="cpu")["embedding"]
            x = F.linear(F.linear(x, w0, b0).relu(), w2, b2)
        return F.normalize(x, dim=-1)  # (1, 32)

    return tensors, official


@pytest.mark.parametrize("seconds", [3.3, 6.0, 10.0])
def test_a_clip_is_heard_as_the_package_hears_it(laion_chain, seconds):
    tensors, official = laion_chain
    samples = windows_of("laion", 1)[0, : int(48_000 * seconds)]
    expected = official(samples)
    for encoder in (laion.read_laion(tensors), read_clap(tensors, "laion")):
        windows, mask = hear(Clip(samples, 48_000), encoder.audio)
        assert windows.shape == (1, 480_000) and mask.all()
        with torch.no_grad():
            ours = encoder(torch.from_numpy(windows))
        assert (ours - expected).abs().max() < 1e-5


def test_filters_of_fusion_are_those_of_transformers(laion_chain):
    """`ClapFeatureExtractor` has both; a checkpoint tells which one it is for."""
    from transformers import ClapFeatureExtractor

    tensors, _ = laion_chain
    theirs = ClapFeatureExtractor(frequency_min=50, frequency_max=14_000)
    fused = any("fusion_model" in name for name in tensors)
    expected = theirs.mel_filters if fused else theirs.mel_filters_slaney
    mel = laion.read_laion(tensors).tower.logmel_extractor.melW
    for filters in (read_clap(tensors, "laion").filters, mel):
        assert np.abs(filters.numpy() - expected).max() < 1e-5


def test_short_clips_are_repeated_whole_where_the_config_says_so():
    ramp = np.arange(1, 4, dtype=np.float32) / 10
    repeat = AudioConfig(10, 1.0, 0.5, 3, pad="repeat")
    windows, mask = cut_windows(ramp, repeat)
    assert windows[0].tolist() == [*ramp, *ramp, *ramp, 0]
    assert mask.tolist() == [True, False, False] and not windows[1:].any()
    zero = cut_windows(ramp, AudioConfig(10, 1.0, 0.5, 3))[0]
    assert zero[0].tolist() == [*ramp, 0, 0, 0, 0, 0, 0, 0]
    longer = np.ones(12, dtype=np.float32)  # its last window is not filled up with it
    assert cut_windows(longer, repeat)[0].sum() == 10 + 7
    with pytest.raises(ValueError, match="pad is 'loop'; .* 'zero' or 'repeat'"):
        AudioConfig(pad="loop")


# Microsoft's ClapCap


@pytest.fixture(scope="module")
def clapcap():
    """A ClapCap checkpoint, and the official chain that it is for."""
    tower = package("clapcap", filter_rate=32_000)
    w1, _ = linear(192, 48, 1)
    w2, bias = linear(48, 48, 2)
    head = {"linear1.weight": w1, "linear2.weight": w2}
    head |= {"layer_norm.weight": bias + 1, "layer_norm.bias": bias}
    tensors = {f"clap.base.htsat.{k}": v for k, v in tower.state_dict().items()}
    tensors |= {f"clap.projection.{k}": v for k, v in head.items()}
    tensors["gpt.transformer.wte.weight"] = torch.ones(4, 4)  # not of the audio side

    def official(windows):
        with torch.no_grad():
            x = tower({"waveform": windows}, device="cpu")["embedding"]
            a = x @ w1.T
            y = a + torch.nn.functional.gelu(a) @ w2.T
            return torch.nn.functional.layer_norm(y, (48,), bias + 1, bias)

    return tensors, official


def test_clapcap_is_read_and_hears_the_same(clapcap):
    tensors, official = clapcap
    encoder = read_clap(tensors, "clapcap")
    windows = windows_of("clapcap")
    with torch.no_grad():
        assert (encoder(windows) - official(windows)).abs().max() < 1e-4
    assert encoder.width == 48 and encoder.audio.window == 308_700


def test_clapcap_filters_are_for_another_rate(clapcap):
    """What is computed without a checkpoint equals what the checkpoint holds."""
    tensors, _ = clapcap
    stored = tensors["clap.base.htsat.logmel_extractor.melW"]
    fresh = PublishedCLAP(sizes("clapcap", 48), AUDIO["clapcap"])
    assert (fresh.filters - stored).abs().max() < 1e-6
    mel = librosa.filters.mel
    naive = mel(sr=44_100, n_fft=1024, n_mels=64, fmin=50, fmax=8_000).T
    assert np.abs(naive - stored.numpy()).max() > 1e-3


def test_padding_of_clapcap_is_silence_that_was_heard(clapcap):
    tensors, official = clapcap
    encoder = read_clap(tensors, "clapcap")
    windows = torch.zeros(1, 3, encoder.audio.window)
    windows[0, 0] = windows_of("clapcap", 1)[0]
    mask = torch.tensor([[True, False, False]])
    features, _ = encoder.encode_windows(windows, mask)
    assert (features[0] - official(windows[0])).abs().max() < 1e-4


# NVIDIA's AF-CLAP


@pytest.mark.parametrize("start", ["clap.afclap.", "clap.nvclap.", "audio_branch."])
def test_afclap_is_dense_and_low_frequencies_come_first(start):
    tower = package("afclap")
    tensors = {start + k: v for k, v in tower.state_dict().items()}
    tensors[start + "patch_embed.mel_conv2d.weight"] = torch.ones(2)  # of fusion
    encoder = read_clap(tensors, "afclap")
    windows = windows_of("afclap")
    heard = {}

    def own_mel(*_):  # the official code makes the mel itself, and stacks it four times
        from af_minimal.audio import log_mel

        samples = in_sixteen_bits(windows)
        return log_mel(samples, encoder.config, filters=encoder.filters).unsqueeze(1)

    tower.logmel_extractor.forward = own_mel
    with torch.no_grad():
        heard = tower({"waveform": windows}, device="cpu")
        dense = encoder(windows)  # (N, 64, E)
    assert dense.shape == (2, 64, 192)
    assert (dense.mean(1) - heard["embedding"]).abs().max() < 1e-5
    by_time = dense.reshape(2, 2, 32, 192).mean(1)  # over the two bands
    fine = heard["fine_grained_embedding"][:, ::32]  # each step stands 32 times
    assert (by_time - fine).abs().max() < 1e-5


def test_afclap_mel_filters_are_torchaudios_defaults():
    fresh = PublishedCLAP(sizes("afclap", 192), AUDIO["afclap"])
    htk = librosa.filters.mel(
        sr=16_000, n_fft=1024, n_mels=64, fmin=50, fmax=8_000, htk=True, norm=None
    )
    assert np.abs(fresh.filters.numpy() - htk.T).max() < 1e-5


def test_sixteen_bits_cut_toward_zero():
    given = torch.tensor([0.5 / 32_767, -0.5 / 32_767, 1.9 / 32_767, 2.0, -2.0])
    expected = torch.tensor([0.0, 0.0, 1 / 32_767, 1.0, -1.0])
    assert torch.allclose(in_sixteen_bits(given), expected, atol=1e-7)


# kinds, faults


@pytest.mark.parametrize("kind", ["clapcap", "afclap", "laion", "laion_package"])
def test_one_table_of_kinds(kind):
    base = "laion" if kind == "laion_package" else kind
    width = 192 if kind == "afclap" else 32
    config = EncoderConfig(**(vars(sizes(base, width)) | {"kind": kind}))
    encoder = build_encoder(config, AUDIO[base])
    assert encoder.config.kind == kind


def test_checkpoints_of_another_kind_are_named(laion_weights):
    with pytest.raises(ValueError, match="no clapcap checkpoint"):
        read_clap(laion_weights, "clapcap")
    with pytest.raises(ValueError, match="no LAION-CLAP checkpoint"):
        laion.read_laion({"x": torch.ones(1)})
    short = {k: v for k, v in laion_weights.items() if not k.endswith("0.norm1.weight")}
    with pytest.raises(ValueError, match="4 missing"):
        read_clap(short, "laion")
    for name, told in (
        ("audio_branch.bn0.weight", "hold a part of the laion's tower"),
        ("audio_projection.0.weight", "(?s)1 missing.*head.linear1.weight"),
    ):
        assert name in laion_weights
        less = {k: v for k, v in laion_weights.items() if k != name}
        with pytest.raises(ValueError, match=told):
            read_clap(less, "laion")
    odd = {"audio_branch.logmel_extractor.melW": torch.zeros(100, 32)}
    with pytest.raises(ValueError, match=r"the shape \(100, 32\)"):
        read_clap(laion_weights | odd, "laion")

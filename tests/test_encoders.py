"""Windows in, one vector per window out, whatever else is in the batch."""

from dataclasses import replace

import pytest
import torch
from transformers import ClapAudioModel

from af_minimal.audio import log_mel, mel_filters
from af_minimal.config import PRESETS, AudioConfig, EncoderConfig
from af_minimal.encoders import (
    MEL_MEAN_DB,
    MEL_STD_DB,
    TOWERS,
    AudioEncoder,
    build_encoder,
)

AUDIO = AudioConfig(window_s=0.5, overlap_s=0.25, max_windows=4)
SMALL = EncoderConfig(
    width=16,
    embed_dim=8,
    channels=(4, 8),
    htsat_embed=8,
    htsat_depths=(1, 1),
    htsat_heads=(2, 4),
    htsat_spec_size=64,
    n_mels=16,
)


def encoder(kind: str) -> AudioEncoder:
    torch.manual_seed(0)
    return build_encoder(replace(SMALL, kind=kind), AUDIO).eval()


def windows(*shape: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    return 0.1 * torch.randn(*shape, AUDIO.window, generator=rng)


def close(one: torch.Tensor, two: torch.Tensor) -> None:
    torch.testing.assert_close(one, two, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", TOWERS)
def test_every_tower_gives_one_unit_vector_per_window(kind):
    features, mask = encoder(kind).encode_windows(windows(2, 4))
    assert features.shape == (2, 4, 16) and mask.shape == (2, 4) and mask.all()
    close(features.norm(dim=-1), torch.ones(2, 4))
    assert not features.requires_grad
    assert (features[0, 0] - features[0, 1]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", TOWERS)
def test_a_batch_in_one_call_is_window_by_window(kind):
    model, sound = encoder(kind), windows(2, 3)
    together, _ = model.encode_windows(sound)
    for b in range(2):
        row, _ = model.encode_windows(sound[b : b + 1])
        close(row[0], together[b])
        for w in range(3):
            alone, _ = model.encode_windows(sound[b, w].reshape(1, 1, -1))
            close(alone[0, 0], together[b, w])


@pytest.mark.parametrize("kind", TOWERS)
def test_padded_windows_are_zero_and_nobody_hears_them(kind):
    model, sound = encoder(kind), windows(2, 3)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    features, same = model.encode_windows(sound, mask)
    assert torch.equal(same, mask)
    assert features[~mask].abs().max() == 0
    full, _ = model.encode_windows(sound)
    close(features[mask], full[mask])
    loud = torch.where(mask.unsqueeze(-1), sound, 9.0)
    close(model.embed(loud, mask), model.embed(sound, mask))


def test_all_windows_of_a_batch_go_through_the_tower_at_once(monkeypatch):
    model, calls = encoder("cnn"), []
    forward = model.tower.forward
    monkeypatch.setattr(
        model.tower, "forward", lambda mel: (calls.append(len(mel)), forward(mel))[1]
    )
    model.encode_windows(windows(3, 4))
    assert calls == [12]


@pytest.mark.parametrize("kind", TOWERS)
def test_silence_is_finite(kind):
    model = encoder(kind)
    silence = torch.zeros(1, 2, AUDIO.window)
    features, _ = model.encode_windows(silence)
    assert features.isfinite().all()
    assert model.embed(silence).isfinite().all()
    nothing = torch.zeros(1, 2, dtype=torch.bool)
    assert model.encode_windows(silence, nothing)[0].abs().max() == 0
    assert model.embed(silence, nothing).isfinite().all()


@pytest.mark.parametrize("kind", TOWERS)
def test_embeddings_have_unit_norm(kind):
    mask = torch.tensor([[True, True, True], [True, False, False]])
    embeds = encoder(kind).embed(windows(2, 3), mask)
    assert embeds.shape == (2, 8)
    close(embeds.norm(dim=-1), torch.ones(2))


def test_the_embedding_of_one_window_is_its_projection():
    model, sound = encoder("cnn"), windows(1, 1)
    with torch.no_grad():
        joint = model.projection(model(sound[0]))
    close(model.embed(sound), torch.nn.functional.normalize(joint, dim=-1))


def test_one_example_needs_no_batch_axis():
    model, sound = encoder("toy"), windows(3)
    features, mask = model.encode_windows(sound)
    assert features.shape == (1, 3, 16) and mask.shape == (1, 3)
    close(features, model.encode_windows(sound.unsqueeze(0))[0])


def test_a_mask_of_another_shape_and_windows_of_no_floats_are_named():
    tower, two = encoder("cnn"), windows(2, 3)
    for mask in (torch.ones(3, 2), torch.ones(6), torch.ones(2)):
        with pytest.raises(ValueError, match=r"the windows say \(B, L\) = \(2, 3\)"):
            tower.encode_windows(two, mask)
    one = tower.encode_windows(two[0], torch.ones(3, dtype=torch.bool))
    assert one[0].shape[:2] == (1, 3)
    for odd in (two.mul(1000).to(torch.int16), two.mul(torch.nan)):
        with pytest.raises(ValueError, match="give finite floats"):
            tower.encode_windows(odd)


def test_windows_of_the_wrong_length_are_named():
    words = r"\(1, 2, 100\).*8000.*0\.5 s at 16000 Hz.*cut_windows"
    with pytest.raises(ValueError, match=words):
        encoder("toy").encode_windows(torch.zeros(1, 2, 100))


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="'wav2vec' is none of.*'cnn', 'htsat'"):
        build_encoder(EncoderConfig(kind="wav2vec"), AUDIO)


def test_htsat_is_the_class_of_transformers():
    assert isinstance(encoder("htsat").tower.htsat, ClapAudioModel)


def test_the_published_size_of_htsat():
    config = PRESETS["af1"].encoder
    with torch.device("meta"):
        tower = TOWERS["htsat"](config)
    assert tower.htsat.config.hidden_size == 768
    assert tower.out.out_features == PRESETS["af1"].audio_width


@pytest.mark.parametrize("kind", ["cnn", "htsat"])
def test_the_order_of_two_sounds_within_a_window_is_kept(kind):
    half = AUDIO.window // 2
    low = 0.3 * torch.sin(torch.arange(half) * 0.05)
    high = 0.3 * torch.sin(torch.arange(half) * 0.9)
    pair = torch.stack([torch.cat([low, high]), torch.cat([high, low])])
    with torch.no_grad():
        a, b = encoder(kind)(pair)
    assert (a - b).abs().max() > 1e-3


def test_gradients_reach_the_whole_cnn():
    model = encoder("cnn").train()
    model.projection(model(windows(4))).square().sum().backward()
    assert all(p.grad.abs().max() > 0 for p in model.parameters())


def test_listening_in_between_teaches_nothing():
    torch.manual_seed(0)
    config = PRESETS["mini"]
    encoder = build_encoder(config.encoder, config.audio).train()
    encoder.projection.eval()
    before = {name: t.clone() for name, t in encoder.state_dict().items()}
    modes = [module.training for module in encoder.modules()]
    encoder.encode_windows(torch.randn(1, 2, config.audio.window))
    after = encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [module.training for module in encoder.modules()] == modes


def test_an_interrupted_listener_goes_on_learning(monkeypatch):
    config = PRESETS["mini"]
    encoder = build_encoder(config.encoder, config.audio).train()

    def interrupted(windows):
        raise KeyboardInterrupt

    monkeypatch.setattr(encoder.tower, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        encoder.encode_windows(torch.randn(1, 1, config.audio.window))
    assert all(module.training for module in encoder.modules())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_an_encoder_hears_in_its_own_precision(dtype):
    config = PRESETS["mini"]
    encoder = build_encoder(config.encoder, config.audio).eval().to(dtype)
    windows = 0.1 * torch.randn(1, 1, config.audio.window)
    features, _ = encoder.encode_windows(windows)
    assert features.dtype == dtype
    # the mel is that of the samples as they are, not of samples in eight bits
    exact = log_mel(windows, config.encoder)
    seen = []
    hook = encoder.tower.register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    encoder.encode_windows(windows, torch.ones(1, 1))
    hook.remove()
    mel = ((exact - MEL_MEAN_DB) / MEL_STD_DB).to(dtype)[0]
    torch.testing.assert_close(seen[0], mel)


def test_who_only_listened_takes_no_gradient_away():
    config = PRESETS["tiny"]
    encoder = build_encoder(config.encoder, config.audio).eval()
    mel_filters.cache_clear()
    with torch.inference_mode():
        encoder.encode_windows(torch.randn(1, 1, config.audio.window))
    windows = torch.randn(1, config.audio.window, requires_grad=True)
    encoder(windows).sum().backward()
    assert windows.grad.abs().sum() > 0

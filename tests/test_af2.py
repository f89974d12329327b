"""What is new in AF2: dense features, rotary positions, text that hears everything."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_encoders import AUDIO as SOUND
from test_encoders import SMALL, close, windows
from tiny_flamingo import AUDIO, QWEN2, config_of, logits_of

from af_minimal.audio import Clip
from af_minimal.audio_transformer import AudioTransformer, RotaryPositions
from af_minimal.clap import MiniCLAP
from af_minimal.config import PRESETS, FlamingoConfig
from af_minimal.data import Sample, collate
from af_minimal.encoders import build_encoder, in_one_row
from af_minimal.generation import encode
from af_minimal.model import AudioFlamingo
from af_minimal.soundworld.corpus import text_corpus
from af_minimal.tokenizer import special_ids, train_tokenizer

E, N = 64, 3  # width of the audio, vectors of a window


def af2(seed: int = 0, **changes) -> AudioFlamingo:
    """A small random AF2 whose gates are open."""
    torch.manual_seed(seed)
    sizes = dict(audio_width=E, audio_heads=2, audio_layers=2)
    switches = dict(family="af2", positions="rotary", location_mask=False)
    model = AudioFlamingo(config_of("qwen2", **(sizes | switches | changes))).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(0.7)
        block.ff_gate.data.fill_(0.7)
    return model


def batch(rows: int = 2, L: int = 4, length: int = 12, seed: int = 1) -> dict:
    g = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 100, (rows, length), generator=g)
    ids[:, 2] = AUDIO
    mask = torch.ones(rows, L, dtype=torch.bool)
    mask[1:, L // 2 :] = False
    return {
        "input_ids": ids,
        "audio_features": torch.randn(rows, L, N, E, generator=g),
        "audio_mask": mask,
    }


def test_cached_generation_is_uncached_generation():
    model, inputs = af2(), batch(rows=3)
    answers = [
        model.generate(**inputs, max_new_tokens=8, do_sample=False, use_cache=cache)
        for cache in (True, False)
    ]
    assert torch.equal(*answers)


def test_generation_is_the_forward_pass():
    model, inputs = af2(), batch()
    ids = model.generate(**inputs, max_new_tokens=6, do_sample=False)
    assert len(ids) == 2
    logits = logits_of(model, **inputs | {"input_ids": ids})
    greedy = logits.argmax(-1)[:, inputs["input_ids"].shape[1] - 1 : -1]
    new = ids[:, inputs["input_ids"].shape[1] :]
    ended = (new == 2).cumsum(1) > (new == 2).int()  # after the end token
    assert torch.equal(greedy[~ended], new[~ended])


def test_the_beams_of_a_row_hear_its_own_audio():
    model, inputs = af2(), batch(rows=3, seed=0)
    inputs["input_ids"][:] = inputs["input_ids"][0]  # the sound alone tells them apart
    search = dict(max_new_tokens=6, min_new_tokens=6, do_sample=False, num_beams=3)
    together = model.generate(**inputs, **search)
    assert len({tuple(row) for row in together.tolist()}) == 3
    for i, row in enumerate(together):
        one = {name: value[i : i + 1] for name, value in inputs.items()}
        assert torch.equal(model.generate(**one, **search)[0], row)


def test_padding_windows_change_nothing():
    model, inputs = af2(), batch()
    before = logits_of(model, **inputs)
    loud = inputs["audio_features"].clone()
    loud[~inputs["audio_mask"]] = 50.0
    torch.testing.assert_close(
        before, logits_of(model, **inputs | {"audio_features": loud})
    )
    more = torch.cat([loud, torch.randn(2, 5, N, E)], dim=1)
    mask = torch.cat([inputs["audio_mask"], torch.zeros(2, 5).bool()], dim=1)
    padded = inputs | {"audio_features": more, "audio_mask": mask}
    torch.testing.assert_close(before, logits_of(model, **padded))


def test_text_without_the_audio_token_hears_and_text_before_it_too():
    model, inputs = af2(), batch()
    inputs["input_ids"][:, 2] = 5
    other = inputs | {"audio_features": torch.randn(2, 4, N, E)}
    moved = (logits_of(model, **inputs) - logits_of(model, **other)).abs().amax(-1)
    assert (moved > 1e-3).all()  # every position, (B, T)
    a, b = (
        model.generate(**x, max_new_tokens=8, do_sample=False) for x in (inputs, other)
    )
    assert not torch.equal(a, b)


def test_a_row_without_a_real_window_is_the_bare_language_model():
    model, inputs = af2(), batch()
    inputs["audio_mask"][1] = False
    bare = logits_of(model, input_ids=inputs["input_ids"])
    logits = logits_of(model, **inputs)
    assert torch.equal(logits[1], bare[1]) and not torch.equal(logits[0], bare[0])


def test_only_positions_tell_the_order_of_windows():
    inputs = batch(rows=1)
    order = torch.tensor([2, 0, 3, 1])
    shuffled = inputs | {"audio_features": inputs["audio_features"][:, order]}

    def moved(positions: str) -> float:
        model = af2(positions=positions)
        change = logits_of(model, **inputs) - logits_of(model, **shuffled)
        return change.abs().max().item()

    assert moved("none") <= 1e-5
    assert moved("rotary") > 1e-3


def test_scores_of_rotary_positions_know_distances_only():
    rotate, g = RotaryPositions(64), torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 1, 1, 64, generator=g).expand(-1, -1, -1, 9, -1)
    scores = (rotate(q) @ rotate(k).transpose(-2, -1))[0, 0]  # (9, 9)
    for distance in range(-8, 9):
        line = scores.diagonal(distance)
        torch.testing.assert_close(line, line[:1].expand_as(line))
    assert (scores[0] - scores[0, 0]).abs().max() > 1e-2


@pytest.mark.parametrize("K, turned", [(32, 32), (64, 32), (96, 48), (256, 128)])
def test_numbers_of_a_head_that_turn(K, turned):
    rotate, x = RotaryPositions(K), torch.randn(1, 1, 5, K)
    out = rotate(x)
    assert torch.equal(out[..., turned:], x[..., turned:])
    assert torch.equal(out[..., 0, :], x[..., 0, :])
    assert (out[..., 1:, :turned] != x[..., 1:, :turned]).any(-2).all()
    torch.testing.assert_close(out.norm(dim=-1), x.norm(dim=-1))


def test_rotary_positions_have_no_table_to_outgrow():
    model = AudioTransformer(E, 1, 2, 32, 4, isolate_audios=True, kind="rotary").eval()
    x, mask = torch.randn(1, 40, E), torch.ones(1, 40).bool()
    assert model(x, mask, 40).shape == (1, 40, E)


def test_dense_features_of_af1_are_counted_by_the_mask():
    encoder = replace(PRESETS["tiny"].encoder, steps=N)
    switches = dict(location_mask=True, positions="rotary", encoder=encoder)
    model, inputs = af2(**switches), batch(L=8)
    inputs["audio_mask"][:] = True  # two audios of W = 4 windows
    inputs["input_ids"][:, 6] = AUDIO
    other = inputs["audio_features"].clone()
    other[:, 4:] = torch.randn(2, 4, N, E)
    change = logits_of(model, **inputs) - logits_of(
        model, **inputs | {"audio_features": other}
    )
    moved = change.abs().amax((0, 2))  # (T,)
    assert (moved[:6] == 0).all() and (moved[6:] > 1e-4).all()


# the encoder


@pytest.mark.parametrize("kind, steps", [("cnn", 5), ("toy", 5), ("htsat", 64)])
def test_dense_towers_give_several_unit_vectors_of_a_window(kind, steps):
    torch.manual_seed(0)
    model = build_encoder(replace(SMALL, kind=kind, steps=steps), SOUND).eval()
    mask = torch.tensor([[True, True, True], [True, False, False]])
    features, same = model.encode_windows(windows(2, 3), mask)
    assert features.shape == (2, 3, steps, 16) and torch.equal(same, mask)
    assert features[~mask].abs().max() == 0
    close(features[mask].norm(dim=-1), torch.ones(4, steps))
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    assert model.encode_windows(windows(2, 3), nothing)[0].shape == features.shape
    assert model.embed(windows(2, 3), mask).shape == (2, 8)
    row, long = in_one_row(features, mask)
    assert row.shape == (2, 3 * steps, 16) and long.sum() == 4 * steps


def test_dense_vectors_stand_in_the_order_of_the_sound():
    torch.manual_seed(0)
    model = build_encoder(replace(SMALL, kind="cnn", steps=5), SOUND).eval()
    sound = torch.zeros(1, 1, SOUND.window)
    quiet, _ = model.encode_windows(sound)
    sound[..., -SOUND.window // 8 :] = windows(1, 1)[..., : SOUND.window // 8]
    late, _ = model.encode_windows(sound)
    change = (late - quiet).norm(dim=-1)[0, 0]  # (5,)
    assert change[:3].max() < 1e-4 and change[4] > 1e-2


def test_a_dense_encoder_is_taught_by_the_mean_of_its_vectors():
    torch.manual_seed(0)
    config = replace(SMALL, kind="toy", steps=5, text_width=32, text_layers=1)
    clap = MiniCLAP(config, SOUND, train_tokenizer(["a low tone.", "a high one."], 300))
    sound, texts = windows(2), clap.tokenize(["a low tone.", "a high one."])
    clap(sound, **texts).backward()
    assert all(p.grad.abs().max() > 0 for p in clap.encoder.parameters())
    assert clap.encoder(sound).shape == (2, 5, 16)


def test_an_htsat_of_another_number_of_tokens_is_named():
    model = build_encoder(replace(SMALL, kind="htsat", steps=7), SOUND).eval()
    with pytest.raises(ValueError, match="ends in 64 tokens; encoder.steps is 7"):
        model.encode_windows(windows(1, 1))


def test_the_published_encoder_gives_64_vectors_of_2048():
    encoder = PRESETS["af2"].encoder
    small = replace(
        encoder, htsat_embed=8, htsat_depths=(1, 1, 1, 1), htsat_heads=(1, 1, 1, 1)
    )
    model = build_encoder(small, PRESETS["af2"].audio).eval()
    features, _ = model.encode_windows(0.1 * torch.randn(1, 1, 160_000))
    assert features.shape == (1, 1, 64, 2048)


# the whole


@pytest.fixture(scope="module")
def mini2() -> AudioFlamingo:
    """The preset, random, with an encoder and a tokenizer that fits SoundWorld."""
    tokenizer, preset = train_tokenizer(text_corpus(range(20)), 512), PRESETS["mini2"]
    ids = {f"{k}_token_id": v for k, v in special_ids(tokenizer).items()}
    known = {k: ids[k] for k in ("audio_token_id", "sep_token_id", "eoc_token_id")}
    config = replace(preset, lm=preset.lm | {"vocab_size": len(tokenizer)}, **known)
    torch.manual_seed(0)
    model = AudioFlamingo(config, build_encoder(config.encoder, config.audio)).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(1.0)
    model.tokenizer = tokenizer
    return model


def noise(seconds: float, seed: int) -> Clip:
    wave = np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds))
    return Clip(wave.astype(np.float32), 16_000)


def test_a_row_of_no_audio_at_all_is_read(mini2):
    none = torch.zeros(1, 0, mini2.config.encoder.steps, mini2.config.audio_width)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert mini2(ids, audio_features=none).logits.isfinite().all()
    assert mini2.generate(ids, audio_features=none, max_new_tokens=2).shape[1] > 3


def test_only_windows_that_some_row_fills_are_encoded(mini2):
    features, mask = encode(mini2, [[noise(5, 0)], [noise(1, 1)]])
    assert features.shape == (2, 3, 4, 256)  # 5 s are three windows of 2 s
    assert mask.tolist() == [[True, True, True], [True, False, False]]


def test_what_other_rows_hear_leaves_no_gap_between_the_audios_of_a_row(mini2):
    short = [noise(1, 0), noise(1, 1)]
    alone, real = encode(mini2, [short])
    beside, both = encode(mini2, [short, [noise(5, 2), noise(3, 3)]])
    assert both[0].tolist() == [True] * real.sum() + [False] * (both.shape[1] - 2)
    torch.testing.assert_close(beside[:1, : real.shape[1]], alone)


def test_mini2_answers_one_or_many(mini2):
    clips = [noise(5, 0), noise(1, 1)]
    said = mini2.ask(clips, "What is this?", max_new_tokens=6)
    alone = [mini2.ask(clip, "What is this?", max_new_tokens=6) for clip in clips]
    assert said == alone and all(isinstance(text, str) for text in said)


def test_mini2_is_saved_and_loaded(mini2, tmp_path):
    mini2.save_pretrained(tmp_path)
    again = AudioFlamingo.load(tmp_path)
    assert again.config == mini2.config
    clip = noise(3, 2)
    assert again.ask(clip, "Hm?", max_new_tokens=4) == mini2.ask(
        clip, "Hm?", max_new_tokens=4
    )


def test_collate_pads_dense_features_to_the_longest():
    def sample(L: int) -> Sample:
        feats = torch.randn(L, N, E)
        return Sample([1, 2, 3], [-100, 2, 3], feats, torch.ones(L, dtype=torch.bool))

    got = collate([sample(3), sample(1)], pad_id=0)
    assert got["audio_features"].shape == (2, 3, N, E)
    assert got["audio_mask"].tolist() == [[True] * 3, [True, False, False]]
    got["input_ids"][:, 0] = AUDIO
    assert af2()(**got).loss.isfinite()


# the config


def test_the_config_comes_back_from_json_and_names_what_is_wrong():
    for preset in PRESETS.values():
        assert FlamingoConfig.from_dict(preset.to_dict()) == preset
    with pytest.raises(ValueError, match="positions is 'learnt'"):
        replace(PRESETS["mini"], positions="learnt")
    with pytest.raises(ValueError, match="8 heads of 16.*32 or more"):
        replace(PRESETS["mini2"], audio_width=128)


def test_qwen2_here_is_the_class_that_mini2_names():
    assert QWEN2["model_type"] == PRESETS["mini2"].lm["model_type"]

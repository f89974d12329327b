"""What published weights hear: loudness, bits, padding, and a CLAP in two places."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from official_layouts import base_lm, options_of, weights_of_case, write_torch
from test_asking_official import clip_of, each_family, options, place_of
from test_published import by_family, same, small_clap

import af_minimal as af
from af_minimal.audio import TooLongWarning, cut_windows, hear, load_audio
from af_minimal.audio_transformer import sinusoidal_table
from af_minimal.generation import encode
from af_minimal.official import to_official
from af_minimal.official.asking import official_prompt
from af_minimal.official.claps import AUDIO, MEL, PublishedCLAP, in_sixteen_bits
from af_minimal.official.layouts import write_official
from af_minimal.official.published import is_published

QUESTION = "w5 w6?"


# loudness


@each_family
def test_the_loudness_of_a_clip_changes_nothing(family, tmp_path):
    """As official: both families divide each clip by its peak."""
    model = af.load(place_of(family, tmp_path), **options(family, tmp_path))
    rate = model.config.audio.sample_rate
    noise = np.random.default_rng(0).normal(0, 0.1, rate).astype(np.float32)
    loud, _ = encode(model, [[af.Clip(noise, rate)]])
    for scale in (0.5, 2**-6):  # exact in floats, so that no sample of 16 bits flips
        quiet, _ = encode(model, [[af.Clip(noise * np.float32(scale), rate)]])
        assert torch.equal(quiet, loud)
    model.save_pretrained(tmp_path / "ours")
    assert af.load(tmp_path / "ours").config.audio.normalise == "peak"


def test_only_published_weights_lose_the_loudness():
    rules = {name: preset.audio.normalise for name, preset in af.PRESETS.items()}
    assert rules == dict(tiny="none", mini="none", mini2="none", af1="peak", af2="peak")
    kinds = {kind: audio.normalise for kind, audio in AUDIO.items()}
    assert kinds == {"clapcap": "peak", "afclap": "peak", "laion": "none"}


@pytest.mark.parametrize("kind", ["clapcap", "afclap"])
def test_a_click_behind_what_is_heard_does_not_set_the_peak(kind, tmp_path):
    config = af.AudioConfig(AUDIO[kind].sample_rate, 0.1, 0.0, 4, "peak")
    rate, heard = config.sample_rate, config.max_samples
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 2 * heard).astype(np.float32)
    expected, _ = hear(af.Clip(noise[:heard], rate), config)
    assert np.abs(expected).max() == 1
    noise[heard] = 1.0
    with pytest.warns(TooLongWarning, match=r"0\.4 s are not heard"):
        windows, mask = hear(af.Clip(noise, rate), config)
    assert np.array_equal(windows, expected) and mask.all()
    before = np.ones(
        rate, np.float32
    )  # a second before `start_s`, as loud as the click
    path = tmp_path / "click.wav"
    soundfile.write(path, np.concatenate([before, noise]), rate, subtype="FLOAT")
    with pytest.warns(TooLongWarning, match=r"click\.wav lasts .* start_s=1\.4"):
        windows, _ = hear(load_audio(path, rate, start_s=1.0), config)
    assert np.array_equal(windows, expected)


def test_mini_hears_what_it_heard():
    config = af.PRESETS["mini"].audio
    wave = np.random.default_rng(0).normal(0, 0.1, config.max_samples + 99)
    with pytest.warns(TooLongWarning):
        windows, mask = hear(af.Clip(wave, config.sample_rate), config)
    with pytest.warns(TooLongWarning):
        expected, same_mask = cut_windows(wave, config)
    assert np.array_equal(windows, expected) and np.array_equal(mask, same_mask)


@pytest.mark.parametrize("kind", ["clapcap", "afclap"])
def test_samples_have_sixteen_bits(kind):
    """As official: `float32_to_int16` and back, in the loader of the data."""
    sizes = dict(htsat_embed=8, htsat_depths=(1, 1, 1, 1), htsat_heads=(1, 2, 4, 8))
    width = 24 if kind == "clapcap" else 64
    config = af.EncoderConfig(kind, width, **sizes, **MEL[kind], htsat_spec_size=256)
    torch.manual_seed(0)
    encoder = PublishedCLAP(config, AUDIO[kind]).eval()
    silence = torch.zeros(1, AUDIO[kind].window)
    with torch.no_grad():
        whisper = encoder(torch.full_like(silence, 0.9 / 32_767))  # below the last bit
        assert torch.equal(whisper, encoder(silence))
        sound = 0.1 * torch.randn_like(silence)
        assert torch.equal(encoder(sound), encoder(in_sixteen_bits(sound)))


# padding


def af1_place(folder: Path, name: str = "foundation.pt", audios: int = 8) -> Path:
    """A small AF1 with positions for so many audios of two windows, and its ears."""
    place = place_of("af1", folder)
    weights = weights_of_case(by_family("af1"))
    table = "audio_transformer.position_enc.pos_table"
    weights[table] = sinusoidal_table(2 * audios, weights[table].shape[-1])
    return write_torch(weights, place.with_name(name), "model_state_dict")


def test_rows_with_unlike_examples_answer_as_one_by_one(tmp_path):
    model = af.load(af1_place(tmp_path), **options("af1", tmp_path))
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(2.0)  # so that answers differ by what is heard
    shots = [af.Example(clip_of(seed), "w1?", "w2") for seed in (1, 2, 3)]
    rows = [[], shots[:1], shots]
    clips = [clip_of(0)] * 3
    together = encode(model, [[*row, clip_of(0)] for row in rows])
    assert together[0].shape == (3, 8 * 2, 24) and together[1].sum() == 1 + 2 + 4
    ids = torch.tensor([[100, 5, 6, 7]])
    for b, row in enumerate(rows):
        alone = encode(model, [[*row, clip_of(0)]])
        with torch.no_grad():
            one = model(ids, None, *alone).logits
            of_batch = model(ids, None, together[0][[b]], together[1][[b]]).logits
            few = [part[:, : 2 * len(row) + 2] for part in alone]  # no more padding
            unpadded = model(ids, None, *few).logits
        torch.testing.assert_close(one, of_batch, atol=1e-5, rtol=0)
        assert (unpadded - one).abs().max() > 1e-3  # the layers look at padding
    both = model.ask(clips, [QUESTION] * 3, rows, max_new_tokens=4)
    alone = [
        model.ask(clip_of(0), QUESTION, row or None, max_new_tokens=4) for row in rows
    ]
    assert both == alone


def test_padding_is_the_silence_that_the_encoder_hears(tmp_path):
    model = af.load(af1_place(tmp_path), **options("af1", tmp_path))
    features, mask = encode(model, [[clip_of(0)]])
    with torch.no_grad():
        silence = model.encoder(torch.zeros(1, model.encoder.audio.window))
    assert mask.tolist() == [[True] + [False] * 15]
    torch.testing.assert_close(features[0, 1:], silence.expand(15, -1))
    before = {k: v.clone() for k, v in model.encoder.state_dict().items()}
    again, _ = encode(model.train(), [[clip_of(0)]])  # as within a training
    torch.testing.assert_close(again, features)
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_each_variant_is_padded_to_its_own_number_of_audios(tmp_path):
    def padded(place: Path, **more) -> int:
        model = af.load(place, **(options("af1", tmp_path) | more))
        return model.config.audio.padded_audios

    foundation = af1_place(tmp_path)
    assert padded(foundation) == 8
    assert padded(foundation, padded_audios=1) == 1  # inference/configs/foundation.yaml
    other = foundation.rename(foundation.with_name("checkpoint_99.pt"))
    assert padded(other) == 8 and padded(other, variant="chat") == 4
    chat = other.rename(other.with_name("chat.pt"))
    assert padded(chat) == 4 and padded(chat.parent, variant="chat") == 4
    few = af1_place(tmp_path, "few.pt", audios=3)
    assert padded(few) == 3  # no more than there are positions for
    model = af.load(chat, **options("af1", tmp_path))
    model.save_pretrained(tmp_path / "ours")
    assert af.load(tmp_path / "ours").config.audio.padded_audios == 4
    assert padded(write_official(model, tmp_path / "back")) == 4
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["chat.pt"]


def test_our_own_presets_are_padded_to_the_longest_row(student):
    rules = {name: preset.audio.padded_audios for name, preset in af.PRESETS.items()}
    assert rules == dict(tiny=1, mini=1, mini2=1, af1=8, af2=1)
    features, _ = encode(student, [[clip_of(0)]])
    assert features.shape[1] == student.config.windows_per_audio


# words


def test_examples_drawn_at_random_are_called_so():
    for kind, word in ((None, "similar"), ("similar", "similar"), ("random", "random")):
        text = official_prompt("af1", "what?", None, [("a", "b")], kind)
        assert text.startswith(f"</s>Here are {word} examples. The task is")


@each_family
def test_special_tokens_in_capitals_are_refused(family, tmp_path, student):
    with pytest.raises(ValueError, match="contains <audio>"):
        official_prompt(family, "what is <AUDIO>?")
    with pytest.raises(ValueError, match="contains <audio>"):
        student.ask(clip_of(0), "what is <AUDIO>?")
    chat = af.Chat(student, clip_of(0), max_new_tokens=2)
    with pytest.raises(ValueError, match=r"contains <\|endofchunk\|>"):
        chat.say("what is <|EndOfChunk|>?")
    assert chat.turns == []


# a CLAP of which the checkpoint holds a part

BUFFERS = ("running_mean", "running_var", "num_batches_tracked", "position_index")


def filtered(weights: dict) -> dict:
    """What the official non-FSDP path keeps of a model whose CLAP and LM are frozen."""
    kept = {}
    for name, tensor in weights.items():
        twin = "old_decoder_blocks" in name or "lang_encoder.gated_cross" in name
        trained = name.startswith("audio_transformer") or ".gated_cross_attn_" in name
        head = name.endswith("lm_head.weight")  # tied, so listed once, as the embedding
        free = trained or head or "embed" in name or name.endswith(BUFFERS)
        if free and not twin:
            kept[name] = tensor
    return kept


@pytest.mark.parametrize("start", ["clap.afclap.", "clap.nvclap."])
@pytest.mark.parametrize("named", [True, False])
def test_a_pretraining_checkpoint_lies_over_the_clap_it_was_trained_with(
    start, named, tmp_path
):
    case = by_family("af2")
    whole = weights_of_case(case)
    base_lm(case, tmp_path / "lm", whole, with_weights=True)
    clap = small_clap("afclap", start, 64)
    checkpoint = filtered(whole | clap)
    partly = {k for k in checkpoint if k.startswith("clap.")}
    assert start + "patch_embed.proj.weight" in partly and len(partly) < len(clap)
    mean = start + "bn0.running_mean"  # `model.train()` moves it, though CLAP is frozen
    checkpoint[mean] = clap[mean] + 1
    place = write_torch(checkpoint, tmp_path / "checkpoint_9.pt", "model_state_dict")
    given = options_of(case) | {"lm": tmp_path / "lm"}
    with pytest.raises(ValueError, match="a part of the afclap's tower.*encoder="):
        af.load(place, **given)
    outside = {k.replace(start, "audio_branch."): v for k, v in clap.items()}
    folder = tmp_path / ("elsewhere" if named else "clap_ckpt")
    file = write_torch(outside, folder / "epoch_16.pt", "state_dict")
    model = af.load(place, **given | ({"encoder": file} if named else {}))
    tower = model.encoder.tower
    assert torch.equal(tower.batch_norm.running_mean, checkpoint[mean])
    assert torch.equal(tower.norm.weight, clap[start + "norm.weight"])
    written = to_official(model)
    given_back = {k: v for k, v in written.items() if k.startswith("clap.")}
    assert same(given_back, {k: checkpoint[k] for k in partly})
    assert model.ask(clip_of(0), "w5?", max_new_tokens=2) is not None


def test_a_whole_clap_of_a_checkpoint_lies_over_any_file(tmp_path):
    """As official, where the factory reads the file before the checkpoint comes."""
    case = by_family("af2")
    clap = small_clap("afclap", "clap.nvclap.", 64)
    place = write_torch(
        weights_of_case(case) | clap, tmp_path / "checkpoint_9.pt", "model_state_dict"
    )
    other = {k.replace("clap.nvclap.", "audio_branch."): v + 1 for k, v in clap.items()}
    file = write_torch(other, tmp_path / "other" / "epoch_16.pt", "state_dict")
    one, two = (af.load(place, **options_of(case), encoder=e) for e in (None, file))
    assert same(one.encoder.state_dict(), two.encoder.state_dict())


# what is missing


def test_a_checkpoint_without_gated_blocks_is_named(tmp_path):
    for family in ("af1", "af2"):
        case = by_family(family)
        weights = weights_of_case(case)
        deaf = {k: v for k, v in weights.items() if "gated_cross_attn" not in k}
        place = write_torch(deaf, tmp_path / f"{family}.pt", "model_state_dict")
        with pytest.raises(ValueError, match="the gated blocks are missing"):
            af.load(place, **options_of(case))


def test_a_lone_safetensors_file_is_whose_names_it_has(tmp_path, student):
    from safetensors.torch import save_file

    case = by_family("af1")
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    save_file(weights_of_case(case), theirs / "model.safetensors")
    assert same(to_official(af.load(theirs, **options_of(case))), weights_of_case(case))
    student.save_pretrained(ours)
    (ours / "config.json").unlink()
    assert not is_published(ours)
    with pytest.raises(FileNotFoundError, match="it has no config.json"):
        af.load(ours)
    (theirs / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="no whole safetensors file"):
        af.load(theirs)


def test_several_checkpoints_in_a_folder_ask_for_one(tmp_path):
    case = by_family("af1")
    for epoch in (8, 9):
        file = tmp_path / f"checkpoint_{epoch}.pt"
        write_torch(weights_of_case(case), file, "model_state_dict")
    with pytest.raises(FileNotFoundError, match=r"Name one .*checkpoint_9\.pt\."):
        af.load(tmp_path, **options_of(case))
    assert af.load(file, **options_of(case)) is not None

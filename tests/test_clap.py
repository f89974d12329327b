"""Contrastive pre-training: the loss by hand, and that it learns what is there."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from af_minimal.clap import (
    MiniCLAP,
    contrastive_loss,
    load_clap,
    near_miss_loss,
    save_clap,
)
from af_minimal.config import AudioConfig, EncoderConfig
from af_minimal.encoders import build_encoder
from af_minimal.stages import StageConfig
from af_minimal.tokenizer import train_tokenizer
from af_minimal.training import train

AUDIO = AudioConfig(window_s=0.25, overlap_s=0.0, max_windows=4)
SMALL = EncoderConfig(
    kind="toy", width=32, embed_dim=16, n_mels=32, text_width=32, text_layers=1
)
PITCHES = ["very low", "low", "rather low", "middling"]
PITCHES += ["rather high", "high", "very high", "shrill"]
SENTENCES = [f"a {pitch} tone." for pitch in PITCHES]


def unit(rows: int, seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, 6, generator=rng), dim=-1)


def new_clap() -> MiniCLAP:
    torch.manual_seed(0)
    return MiniCLAP(SMALL, AUDIO, train_tokenizer(SENTENCES, 300))


def tones(step: int) -> torch.Tensor:
    """A tone of each pitch with its own phase, loudness and noise: (8, samples)."""
    rng = torch.Generator().manual_seed(step)
    time = torch.arange(AUDIO.window) / AUDIO.sample_rate
    hz = 150.0 * 1.6 ** torch.arange(8).unsqueeze(1)
    phase = 6.28 * torch.rand(8, 1, generator=rng)
    loudness = 0.1 + 0.3 * torch.rand(8, 1, generator=rng)
    noise = 0.01 * torch.randn(8, AUDIO.window, generator=rng)
    return loudness * torch.sin(6.28 * hz * time + phase) + noise


def taught(clap: MiniCLAP, steps: int, shuffled: bool) -> float:
    """Train on tones with right or shuffled sentences; last loss."""

    def batches(step):
        rng = torch.Generator().manual_seed(step)
        order = torch.randperm(8, generator=rng) if shuffled else torch.arange(8)
        texts = [SENTENCES[i] for i in order]
        return [{"windows": tones(step), **clap.tokenize(texts)}]

    config = StageConfig("clap", steps, 5e-3, warmup=5)
    return train(clap, batches, config, progress=False)[-1]["loss"]


def right(clap: MiniCLAP) -> float:
    """Share of unheard tones whose nearest sentence is their own."""
    audio = torch.cat([clap.encoder.embed(tones(s).unsqueeze(1)) for s in (901, 902)])
    nearest = (audio @ clap.embed_text(SENTENCES).T).argmax(dim=1)
    return (nearest == torch.arange(8).repeat(2)).float().mean().item()


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_the_loss_by_hand(rows, scale):
    audio, text = unit(rows, 0).double(), unit(rows, 1).double()  # exp(100) is large
    total = 0.0
    for i in range(rows):
        here = torch.exp(scale * audio[i] @ text[i])
        to_texts = sum(torch.exp(scale * audio[i] @ text[j]) for j in range(rows))
        to_sounds = sum(torch.exp(scale * audio[j] @ text[i]) for j in range(rows))
        total -= (torch.log(here / to_texts) + torch.log(here / to_sounds)) / 2
    loss = contrastive_loss(audio, text, torch.tensor(scale))
    torch.testing.assert_close(loss, total / rows, atol=1e-4, rtol=1e-4)


def test_the_loss_is_two_cross_entropies():
    audio, text = unit(4, 0), unit(4, 1)
    logits, diagonal = 10 * audio @ text.T, torch.arange(4)
    both = F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)
    loss = contrastive_loss(audio, text, torch.tensor(10.0))
    torch.testing.assert_close(loss, both / 2)
    torch.testing.assert_close(contrastive_loss(text, audio, torch.tensor(10.0)), loss)


def test_the_loss_of_towers_that_know_nothing_is_the_log_of_the_batch():
    same = unit(1, 0).expand(8, -1)
    loss = contrastive_loss(same, same, torch.tensor(10.0))
    torch.testing.assert_close(loss, torch.tensor(8.0).log())


def test_the_loss_of_near_misses_is_a_choice_between_two():
    audio, right, wrong, s = unit(4, 0), unit(4, 1), unit(4, 2), torch.tensor(10.0)
    scores = s * torch.stack([(audio * t).sum(-1) for t in (right, wrong)], dim=1)
    by_hand = F.cross_entropy(scores, torch.zeros(4, dtype=torch.long))
    torch.testing.assert_close(near_miss_loss(audio, right, wrong, s), by_hand)
    same = near_miss_loss(audio, right, right, s)
    torch.testing.assert_close(same, torch.tensor(2.0).log())


def test_each_sound_needs_one_sentence():
    with pytest.raises(ValueError, match=r"\(3, 6\).*\(2, 6\).*exactly one sentence"):
        contrastive_loss(unit(3, 0), unit(2, 1), torch.tensor(1.0))


def test_it_learns_pairs_and_hears_new_ones():
    clap = new_clap()
    assert taught(clap, 50, shuffled=False) < 0.3
    assert right(clap) >= 0.9


def test_shuffled_pairs_teach_nothing():
    clap = new_clap()
    assert taught(clap, 50, shuffled=True) > 1.5  # log 8 = 2.08 is chance
    assert right(clap) < 0.5


def test_text_embeddings_have_unit_norm_and_ignore_padding():
    clap = new_clap().eval()
    both = clap.embed_text(["a low tone.", "a very high and rather shrill tone."])
    torch.testing.assert_close(both.norm(dim=-1), torch.ones(2))
    alone = clap.embed_text(["a low tone."])
    torch.testing.assert_close(alone[0], both[0], atol=1e-5, rtol=0)


def test_long_texts_are_cut_at_the_towers_length():
    clap = new_clap().eval()
    batch = clap.tokenize(["tone " * 500, "a tone."])
    assert batch["input_ids"].shape == (2, clap.text.max_tokens)
    assert clap.embed_text(["tone " * 500]).isfinite().all()


def test_zero_shot_compares_with_a_sentence_for_each_label():
    clap = new_clap().eval()
    audio = clap.encoder.embed(tones(0).unsqueeze(1))
    scores = clap.zero_shot(audio, ["rain", "wind"])
    texts = clap.embed_text(["the sound of rain.", "the sound of wind."])
    torch.testing.assert_close(scores, audio @ texts.T)


def test_the_temperature_has_a_limit():
    clap = new_clap()
    assert clap.logit_scale.item() == pytest.approx(1 / 0.07)
    with torch.no_grad():
        clap.log_scale.fill_(20.0)
    assert clap.logit_scale.item() == 100.0


def test_the_text_tower_is_saved_beside_its_model(tmp_path):
    clap = new_clap().eval()
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_clap(clap.encoder, clap.tokenizer, tmp_path)
    save_clap(clap, tmp_path, torch.float32)
    again = load_clap(clap.encoder, clap.tokenizer, tmp_path)
    assert torch.equal(again.embed_text(SENTENCES), clap.embed_text(SENTENCES))
    assert [path.name for path in tmp_path.iterdir()] == ["clap_text.safetensors"]
    config = replace(clap.encoder.config, text_width=2 * clap.encoder.config.text_width)
    other = build_encoder(config, clap.encoder.audio)
    with pytest.raises(ValueError, match="of another shape"):
        load_clap(other, clap.tokenizer, tmp_path)
    path = tmp_path / "clap_text.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="cut off or damaged"):
        load_clap(clap.encoder, clap.tokenizer, tmp_path)

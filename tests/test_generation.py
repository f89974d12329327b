"""Generation: one answer whatever the cache, the batch and the number of beams."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_flamingo import AUDIO, W, batch, tiny

from af_minimal import generation
from af_minimal.audio import Clip
from af_minimal.data import Example
from af_minimal.encoders import build_encoder
from af_minimal.evaluation import run_manifest
from af_minimal.generation import encode, pair_up
from af_minimal.model import AudioFlamingo
from af_minimal.prompts import inference_text
from af_minimal.tokenizer import special_ids, train_tokenizer

LOUD = {"tie_word_embeddings": False, "init_std": 0.3}  # so that answers differ
KINDS = pytest.mark.parametrize("kind", ["opt", "qwen2"])


def new_ids(model, inputs: dict, **kwargs):
    settings = dict(max_new_tokens=12, do_sample=False, eos_token_id=None) | kwargs
    ids = model.generate(**inputs, **settings)
    return ids[:, inputs["input_ids"].shape[1] :]


@KINDS
@pytest.mark.parametrize("beams", [1, 3])
def test_cached_equals_uncached_for_few_shot_prompts(kind, beams):
    model, inputs = tiny(kind), batch(rows=2, audios=2)
    cached = new_ids(model, inputs, num_beams=beams, use_cache=True)
    uncached = new_ids(model, inputs, num_beams=beams, use_cache=False)
    assert torch.equal(cached, uncached)
    changed = inputs | {"audio_features": inputs["audio_features"].clone()}
    changed["audio_features"][:, W:] *= -3  # the audio the model is asked about
    assert not torch.equal(new_ids(model, changed, num_beams=beams), cached)


@KINDS
def test_greedy_follows_forward(kind):
    model, inputs = tiny(kind), batch(rows=1)
    new, ids = new_ids(model, inputs)[0], inputs["input_ids"]
    audio = {k: v for k, v in inputs.items() if k.startswith("audio")}
    for token in new:
        with torch.no_grad():
            logits = model(ids, **audio).logits
        assert logits[0, -1].argmax() == token
        ids = torch.cat([ids, token.view(1, 1)], dim=1)


@KINDS
@pytest.mark.parametrize("beams", [1, 2])
def test_left_padded_batch_equals_single_rows(kind, beams):
    model, inputs = tiny(kind), batch(rows=3)
    for b, pad in enumerate([0, 2, 1]):
        inputs["input_ids"][b, :pad] = 1
        inputs["attention_mask"][b, :pad] = 0
    together = new_ids(model, inputs, num_beams=beams)
    for b, pad in enumerate([0, 2, 1]):
        one = {k: v[b : b + 1] for k, v in inputs.items()}
        one["input_ids"] = one["input_ids"][:, pad:]
        one["attention_mask"] = one["attention_mask"][:, pad:]
        assert torch.equal(new_ids(model, one, num_beams=beams)[0], together[b])


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"use_cache": False}])
def test_audio_keys_and_values_are_computed_once_per_answer(settings):
    model, calls = tiny(), []
    for block in model.gated_blocks:
        block.attn.to_kv.register_forward_hook(lambda *_: calls.append("kv"))
    hook = model.audio_transformer.register_forward_hook
    hook(lambda *_: calls.append("transformer"))
    new_ids(model, batch(), **settings)
    assert sorted(calls) == ["kv", "kv", "transformer"]  # two blocks


def test_several_samples_of_one_prompt():
    model, inputs = tiny(), batch(rows=2)
    torch.manual_seed(0)
    new = new_ids(model, inputs, do_sample=True, num_return_sequences=3)
    assert new.shape == (6, 12)
    assert len({tuple(row) for row in new.tolist()}) > 1


def test_a_prompt_without_audio_stays_deaf_even_if_it_writes_audio():
    model, inputs = tiny(), batch(rows=1)
    inputs["input_ids"][inputs["input_ids"] == AUDIO] = 7
    text = {k: inputs[k] for k in ("input_ids", "attention_mask")}
    bare = new_ids(model, text)
    assert torch.equal(new_ids(model, inputs), bare)
    force = dict(forced_bos_token_id=None, suppress_tokens=None)
    forced = new_ids(
        model, inputs, prefix_allowed_tokens_fn=lambda *_: [AUDIO], **force
    )
    assert (forced == AUDIO).all()


# --- ask


@pytest.fixture(scope="module")
def whole() -> AudioFlamingo:
    """A tiny model with an encoder and a tokenizer, and open gates."""
    model = tiny()
    texts = ["the task is audio captioning. what do you hear? answer: a dog barks."]
    tokenizer = train_tokenizer(texts, vocab_size=300)
    ids = special_ids(tokenizer)
    config = replace(
        model.config,
        lm=model.config.lm | {"vocab_size": len(tokenizer), **LOUD},
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    torch.manual_seed(0)
    model = AudioFlamingo(config, build_encoder(config.encoder, config.audio)).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(0.9)
    model.tokenizer = tokenizer
    return model


def clip_of(seed: int, seconds: float = 1.0) -> Clip:
    noise = np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds))
    return Clip(noise.astype(np.float32), 16_000)


def test_ask_one_and_many(whole):
    a, b = clip_of(0), clip_of(1, 0.4)
    first, second = "what do you hear?", "how loud is it, and for how long?"
    one = whole.ask(a, first, max_new_tokens=8)
    two = whole.ask(b, second, max_new_tokens=8, task="audio captioning")
    assert isinstance(one, str)
    tasks = [None, "audio captioning"]
    both = whole.ask([a, b], [first, second], max_new_tokens=8, task=tasks)
    assert both == [one, two]
    assert one and two and one != two
    assert whole.ask(a, [first, first], max_new_tokens=8) == [one, one]
    assert whole.ask([a], first, max_new_tokens=8) == [one]


def test_ask_hears_the_examples_and_the_clip_last(whole):
    shots = [Example(clip_of(s), "what do you hear?", f"sound {s}") for s in (2, 3)]
    features, mask = encode(whole, [[*shots, clip_of(0)], [clip_of(0)]])
    assert features.shape == (2, 3 * W, 32) and mask.shape == (2, 3 * W)
    assert not mask[1, W:].any()
    torch.testing.assert_close(features[0, 2 * W :], features[1, :W])
    answer = whole.ask(clip_of(0), "what do you hear?", shots, max_new_tokens=8)
    again = whole.ask(
        [clip_of(0)], ["what do you hear?"], [shots], max_new_tokens=8, use_cache=False
    )
    assert again == [answer]


def test_many_questions_are_answered_some_at_a_time(whole, monkeypatch, capsys):
    clips, told = [clip_of(i % 2) for i in range(5)], []
    together = whole.ask(clips, "what do you hear?", max_new_tokens=8)
    assert "answer" not in capsys.readouterr().err  # a bar for one batch says nothing
    monkeypatch.setattr(generation, "ROWS", 2)
    batch = generation.complete
    monkeypatch.setattr(
        generation,
        "complete",
        lambda model, texts, *rest, **kw: (
            told.append(len(texts)) or batch(model, texts, *rest, **kw)
        ),
    )
    assert whole.ask(clips, "what do you hear?", max_new_tokens=8) == together
    assert told == [2, 2, 1] and "answer: 100%" in capsys.readouterr().err


def test_ask_says_how_the_examples_of_an_example_were_chosen(whole, monkeypatch):
    seen = []
    shots = (Example(clip_of(1), "what?", "rain."),)
    query = Example(clip_of(0), "what?", "wind.", examples=shots)
    chosen = replace(query, examples_are="random")  # as `read_manifest` gives it

    def pretend(ids, attention_mask, *audio, **settings):
        seen.extend(whole.tokenizer.batch_decode(ids))
        return ids

    monkeypatch.setattr(whole, "generate", pretend)
    run_manifest(whole, [query, chosen])
    whole.ask(chosen, "what?", list(shots))
    words = [text.split(" examples.")[0].split()[-1] for text in seen]
    assert words == ["similar", "random", "random"]


def test_ask_reads_files(whole, tmp_path):
    import soundfile

    clip = clip_of(0)
    soundfile.write(tmp_path / "a.wav", clip.waveform, 16_000, subtype="FLOAT")
    question = "what do you hear?"
    from_file = whole.ask(tmp_path / "a.wav", question, max_new_tokens=8)
    assert from_file == whole.ask(clip, question, max_new_tokens=8)


def test_answers_end_at_endofchunk_and_hold_no_prompt(whole, monkeypatch):
    eoc = whole.config.eoc_token_id
    said = whole.tokenizer(" a dog barks.").input_ids
    seen = {}

    def pretend(ids, attention_mask, features, audio_mask, **settings):
        seen.update(settings, ids=ids, features=features)
        tail = torch.tensor([[*said, eoc, 1]]).expand(len(ids), -1)
        return torch.cat([ids, tail], dim=1)

    monkeypatch.setattr(whole, "generate", pretend)
    assert whole.ask(clip_of(0), "What do you hear?", task="AQA") == "a dog barks."
    assert seen["eos_token_id"] == [whole.tokenizer.eos_token_id, eoc]
    assert seen["num_beams"] == 1 and seen["max_new_tokens"] == 64
    prompt = inference_text("What do you hear?", "AQA")
    assert whole.tokenizer.decode(seen["ids"][0]) == prompt


def test_sampling_repeats_with_its_seed(whole):
    def sample(seed):
        settings = dict(do_sample=True, max_new_tokens=16, seed=seed)
        return whole.ask(clip_of(0), "what do you hear?", **settings)

    state = torch.get_rng_state()
    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_that_do_not_fit_are_named(whole):
    with pytest.raises(ValueError, match="2 clips came with 3 questions"):
        whole.ask([clip_of(0), clip_of(1)], ["a", "b", "c"])
    with pytest.raises(ValueError, match="1 lists of examples came with 2 questions"):
        whole.ask(clip_of(0), ["a", "b"], [[Example(clip_of(1), "a", "b")]])
    with pytest.raises(ValueError, match="3 tasks came with 1 questions"):
        whole.ask(clip_of(0), "a", task=["x", "y", "z"])
    with pytest.raises(ValueError, match="no encoder"):
        tiny().ask(clip_of(0), "a")
    assert pair_up("a.wav", "q") == (["a.wav"], ["q"])
    for odd in (None, 5, ["a", None]):
        with pytest.raises(TypeError, match="a string is expected"):
            whole.ask(clip_of(0), odd)


def test_an_example_without_an_output_demonstrates_nothing(whole):
    talk = Example(clip_of(1), "", "", dialogue=(("a?", "b"),))
    for odd, what in (
        (talk, "is a conversation"),
        (replace(talk, dialogue=()), "has no"),
    ):
        for examples in ([odd], [[odd]]):
            with pytest.raises(ValueError, match=what):
                whole.ask(clip_of(0), ["a"], examples)


def test_audio_kept_on_another_device_or_in_another_precision_is_heard(whole):
    clip, meta = clip_of(0), torch.device("meta")
    features, mask = encode(whole, [[clip]])
    there = copy.deepcopy(whole).to(meta)
    ids = torch.zeros(1, 4, dtype=torch.long, device=meta)
    heard, real = there._audio(ids, features.double(), mask)
    assert {heard.device, real.device} == {meta} and heard.dtype == torch.float32
    for compared in (there.encoder.pool, there.encoder.liken):
        assert compared(features, mask).device == meta


def test_save_and_load_with_tokenizer_and_encoder(whole, tmp_path):
    whole.save_pretrained(tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".json", ".safetensors"}
    again = AudioFlamingo.load(tmp_path)
    question = "what do you hear?"
    assert again.tokenizer.get_vocab() == whole.tokenizer.get_vocab()
    settings = dict(max_new_tokens=8)
    ours = whole.ask(clip_of(0), question, **settings)
    assert again.ask(clip_of(0), question, **settings) == ours


def test_an_example_brings_its_own_examples(student):
    clip = Clip(np.zeros(16_000, np.float32), 16_000)
    shot = Example(clip, "what?", "a dog")
    texts = []

    def spell(*told):
        texts.append(inference_text(*told))
        return texts[-1]

    asked = Example(clip, "what?", "", examples=(shot,))
    student.ask(asked, "what?", max_new_tokens=1, spell=spell)
    assert texts[0].count("<audio>") == 2 and "a dog" in texts[0]

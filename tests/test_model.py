"""Properties of the assembled model: who hears what, and what never changes."""

from dataclasses import replace

import pytest
import torch
from tiny_flamingo import AUDIO, E, W, batch, config_of, logits_of, tiny
from transformers import OPTForCausalLM, Qwen2ForCausalLM

from af_minimal.config import PRESETS
from af_minimal.language_model import decoder_layers
from af_minimal.model import AudioFlamingo


@pytest.mark.parametrize("kind", ["opt", "qwen2"])
def test_closed_gates_are_the_bare_language_model_to_the_bit(kind):
    model = tiny(kind, gates=0.0)
    classes = {"opt": OPTForCausalLM, "qwen2": Qwen2ForCausalLM}
    bare = classes[kind](model.lm.config).eval()
    weights = model.lm.state_dict().items()
    bare.load_state_dict(
        {k.replace("decoder_layer.", ""): v for k, v in weights if "gated" not in k}
    )
    inputs = batch()
    text = {k: inputs[k] for k in ("input_ids", "attention_mask")}
    with torch.no_grad():
        theirs = bare(**text).logits
    assert torch.equal(logits_of(model, **inputs), theirs)
    assert torch.equal(logits_of(model, **text), theirs)  # no audio given
    opened = logits_of(tiny(kind), **inputs)
    assert not torch.equal(opened, theirs)


@pytest.mark.parametrize("kind", ["opt", "qwen2"])
def test_rows_with_nothing_to_hear_are_the_bare_language_model(kind):
    model, inputs = tiny(kind), batch(rows=3)
    inputs["audio_mask"][0] = False  # every window is padding
    inputs["input_ids"][1, inputs["input_ids"][1] == AUDIO] = 7  # no <audio>
    text = {k: inputs[k] for k in ("input_ids", "attention_mask")}
    ours, bare = logits_of(model, **inputs), logits_of(model, **text)
    assert torch.equal(ours[:2], bare[:2])
    assert not torch.equal(ours[2], bare[2])
    loss = model(**inputs, labels=inputs["input_ids"]).loss
    loss.backward()
    assert all(
        p.grad.isfinite().all() for p in model.parameters() if p.grad is not None
    )


@pytest.mark.parametrize("kind", ["opt", "qwen2"])
def test_places_are_counted_unless_they_are_given(kind):
    model, inputs = tiny(kind), batch()
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    plain = logits_of(model, **inputs)
    places = torch.arange(plain.shape[1]).expand(len(plain), -1)  # (B, T)
    assert torch.equal(logits_of(model, **inputs, position_ids=places), plain)
    moved = logits_of(model, **inputs, position_ids=places + 5)
    alike = torch.allclose(moved, plain, atol=1e-4)
    assert alike == (kind == "qwen2")  # rotary positions are relative, OPT's are not


def test_loss_is_the_shifted_cross_entropy():
    model, inputs = tiny(), batch()
    labels = inputs["input_ids"].clone()
    labels[:, :5] = -100
    out = model(**inputs, labels=labels)
    theirs = model.lm.loss_function(out.logits, labels, vocab_size=120)
    torch.testing.assert_close(out.loss, theirs)


@pytest.mark.parametrize("isolate", [True, False])
def test_an_early_answer_does_not_hear_a_later_audio(isolate):
    model, inputs = tiny(isolate_audios=isolate), batch(rows=1)
    features = inputs["audio_features"].requires_grad_()
    second = inputs["input_ids"].shape[1] // 2  # position of the second <audio>
    model(**inputs).logits[:, :second].square().sum().backward()
    leak = features.grad[:, W:].abs().max()
    assert features.grad[:, :W].abs().max() > 0
    # the official transformer mixes audios before the mask can part them
    assert (leak == 0) if isolate else (leak > 0)


def test_changing_the_second_audio_changes_what_stands_behind_it():
    model, inputs = tiny(), batch(rows=1)
    before, second = logits_of(model, **inputs), inputs["input_ids"].shape[1] // 2
    inputs["audio_features"] = inputs["audio_features"].clone()
    inputs["audio_features"][:, W:] += 1
    after = logits_of(model, **inputs)
    assert torch.equal(before[:, :second], after[:, :second])
    assert (before[:, second:] != after[:, second:]).any(-1).all()


@pytest.mark.parametrize("kind", ["opt", "qwen2"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_row_of_a_padded_batch_equals_the_row_alone(kind, side):
    model, inputs = tiny(kind), batch(rows=2)
    ids, length = inputs["input_ids"], 15
    keep = slice(-length, None) if side == "left" else slice(length)
    text = ids[1, :length].clone()
    ids[1] = 1
    ids[1, keep] = text
    inputs["attention_mask"][1] = 0
    inputs["attention_mask"][1, keep] = 1
    rows = logits_of(model, **inputs)
    alone = {k: v[1:] for k, v in inputs.items() if k.startswith("audio")}
    one = logits_of(model, input_ids=text.unsqueeze(0), **alone)
    torch.testing.assert_close(rows[1, keep], one[0], atol=1e-5, rtol=1e-5)


def test_attention_weights_of_every_block():
    model, inputs = tiny(), batch()
    out = model(**inputs, need_weights=True)
    assert [w.shape for w in out.audio_weights] == 2 * [(2, 8, 20, 2 * W)]
    assert torch.equal(out.logits, model(**inputs).logits)
    assert model(**inputs).audio_weights is None


def test_gated_blocks_stand_before_every_nth_layer():
    lm = PRESETS["tiny"].lm | {"vocab_size": 120, "num_hidden_layers": 6}
    model = AudioFlamingo(replace(config_of(), lm=lm, xattn_every=3))
    layers = decoder_layers(model.lm)
    has = [layer.gated_cross_attn_layer is not None for layer in layers]
    assert has == [False, False, True, False, False, True]
    assert [layers[i].number for i in (2, 5)] == [0, 1]


def test_gradient_checkpointing_gives_the_same_gradients():
    model, inputs = tiny(), batch()
    inputs["labels"] = inputs["input_ids"]
    model(**inputs).loss.backward()
    plain = {n: p.grad.clone() for n, p in model.named_parameters()}
    model.zero_grad()
    model.train()
    model.lm.activation_checkpointing_enable()
    model(**inputs).loss.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, plain[name], msg=name)


def test_errors_name_both_numbers():
    model, inputs = tiny(), batch()
    text = {"input_ids": torch.full((1, 300), 5)}
    with pytest.raises(ValueError, match="300 positions.*has 256"):
        model(**text)
    with pytest.raises(ValueError, match="260 positions.*60 to be generated"):
        model.generate(torch.full((1, 200), 5), max_new_tokens=60)
    wide = inputs | {"audio_features": torch.zeros(2, 2 * W, E + 1)}
    with pytest.raises(ValueError, match="33 wide.*expects 32"):
        model(**wide)
    odd = inputs | {"audio_features": torch.zeros(2, 7, E), "audio_mask": None}
    with pytest.raises(ValueError, match="L = 7 .* multiple of 4"):
        model(**odd)
    with pytest.raises(ValueError, match=r"audio_mask has shape \(2, 7\)"):
        model(**inputs | {"audio_mask": torch.ones(2, 7)})
    with pytest.raises(ValueError, match="one row for each"):
        model(**inputs | {"audio_features": torch.zeros(3, 8, E)})
    dense = inputs | {"audio_features": torch.zeros(2, 2 * W, 2, E)}
    with pytest.raises(ValueError, match=r"\(B, L, n, E\), n = 1"):
        model(**dense)
    long = tiny(isolate_audios=False, max_positions=4)
    with pytest.raises(ValueError, match="8 audio tokens.*4 positions"):
        long(**inputs)
    no_id = AudioFlamingo(replace(config_of(), audio_token_id=None))
    with pytest.raises(ValueError, match="audio_token_id is None"):
        no_id(**inputs)
    with pytest.raises(ValueError, match="model_type 'bert'"):
        AudioFlamingo(replace(config_of(), lm={"model_type": "bert"}))


def test_left_padding_needs_no_position():
    model = tiny()
    mask = torch.ones(1, 300, dtype=torch.long)
    mask[:, :100] = 0
    assert logits_of(
        model, input_ids=torch.full((1, 300), 5), attention_mask=mask
    ).shape


def test_a_model_that_would_be_deaf_is_refused():
    deaf = replace(tiny().config, xattn_every=9)
    with pytest.raises(ValueError, match="xattn_every is 9; give at most 2"):
        AudioFlamingo(deaf)

"""The training loop: frozen parts, precision, errors."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from af_minimal.clap import MiniCLAP
from af_minimal.config import PRESETS
from af_minimal.disk import checkpoints
from af_minimal.encoders import build_encoder
from af_minimal.model import AudioFlamingo
from af_minimal.stages import (
    STAGE_TRAINS,
    StageConfig,
    freeze,
    group_of,
    lr_factor,
    trainable_table,
)
from af_minimal.systems.curriculum.ears import HearingFlamingo
from af_minimal.tokenizer import train_tokenizer
from af_minimal.training import train

WORDS = ["a dog barks.", "a bell rings.", "it rains.", "the wind blows."]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Sums in one order, so that equal means equal to the bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- what moves and what keeps still --------------------------------------------------


def tiny_flamingo(kind: type = AudioFlamingo) -> AudioFlamingo:
    torch.manual_seed(0)
    config = replace(PRESETS["tiny"], audio_token_id=509)
    model = kind(config, build_encoder(config.encoder, config.audio))
    for block in model.gated_blocks:  # shut gates let no gradient through
        nn.init.constant_(block.attn_gate, 0.5)
        nn.init.constant_(block.ff_gate, 0.5)
    return model


def tiny_clap() -> MiniCLAP:
    torch.manual_seed(0)
    config = PRESETS["tiny"]
    return MiniCLAP(config.encoder, config.audio, train_tokenizer(WORDS, 300))


def text_batch(step: int, rows: int = 4, hear: bool = True) -> dict:
    """Random sentences about random windows."""
    rng = torch.Generator().manual_seed(step)
    ids = torch.randint(4, 500, (rows, 10), generator=rng)
    ids[:, 1] = 509
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    if hear:
        batch["audio_features"] = torch.randn(rows, 4, 32, generator=rng)
    return batch


def window_batch(step: int) -> dict:
    """Random sentences about random windows, before an encoder has heard them."""
    batch = text_batch(step, hear=False)
    rows, windows = len(batch["input_ids"]), PRESETS["tiny"].audio.max_windows
    rng = torch.Generator().manual_seed(step)
    shape = rows, windows, PRESETS["tiny"].audio.window
    batch["windows"] = 0.1 * torch.randn(shape, generator=rng)
    batch["audio_mask"] = torch.ones(shape[:2], dtype=torch.bool)
    return batch


def clap_batch(model: MiniCLAP, step: int) -> dict:
    rng = torch.Generator().manual_seed(step)
    windows = 0.1 * torch.randn(4, model.encoder.audio.window, generator=rng)
    return {"windows": windows, **model.tokenize(WORDS)}


def start(stage: str):
    """A tiny model and the batches of a stage."""
    if stage == "clap":
        clap = tiny_clap()
        return clap, lambda step: [clap_batch(clap, step)]
    if stage == "af2-sft":
        return tiny_flamingo(HearingFlamingo), lambda step: [window_batch(step)]
    return tiny_flamingo(), lambda step: [text_batch(step, hear=stage != "lm")]


def weights(model: nn.Module) -> dict:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("stage", STAGE_TRAINS)
def test_only_what_a_stage_trains_moves(stage):
    model, batches = start(stage)
    before = weights(model)
    train(model, batches, StageConfig(stage, 3, 1e-2, warmup=1), progress=False)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    for name, parameter in model.named_parameters():
        trains = group_of(name) in STAGE_TRAINS[stage]
        # used by nobody: in the class of transformers; and the way to the joint space
        unused = "pooler" in name or (stage == "af2-sft" and "projection" in name)
        if not unused:
            assert (name in moved) == trains, name
        assert parameter.requires_grad == trains
    for name, buffer in model.named_buffers():
        frozen = group_of(name) not in STAGE_TRAINS[stage]
        assert not frozen or torch.equal(buffer, before.get(name, buffer)), name
    assert not model.training


def test_the_table_is_true(capsys):
    model, batches = start("pretrain")
    train(model, batches, StageConfig("pretrain", 1, 1e-2))
    printed = capsys.readouterr().out
    rows = freeze(model, "pretrain")
    assert trainable_table(rows) in printed
    assert sum(n for _, n, _ in rows) == sum(p.numel() for p in model.parameters())
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert sum(n for _, n, on in rows if on) == trained
    assert {g for g, _, on in rows if on} == {"audio transformer", "gated blocks"}
    assert {g for g, _, on in rows if not on} == {"encoder", "language model"}


def test_only_some_token_rows_learn():
    model, batches = start("sft")
    before = model.get_input_embeddings().weight.detach().clone()
    config = StageConfig(
        "sft", 2, 1e-2, warmup=0, weight_decay=0.0, only_token_rows=(509,)
    )
    train(model, batches, config, progress=False)
    moved = (model.get_input_embeddings().weight != before).any(dim=1)
    assert moved.nonzero().flatten().tolist() == [509]


# --- accumulation, precision, schedule ------------------------------------------------


def test_two_halves_add_up_to_one_batch():
    whole, halves = tiny_flamingo(), tiny_flamingo()

    def cut(step):
        batch = text_batch(step, rows=6)
        return [{k: v[i : i + 3] for k, v in batch.items()} for i in (0, 3)]

    config = StageConfig("sft", 3, 1e-3, warmup=0)
    one = train(whole, lambda s: [text_batch(s, rows=6)], config, progress=False)
    two = train(halves, cut, replace(config, accumulation=2), progress=False)
    for a, b in zip(one, two, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-5)
    for name, value in halves.state_dict().items():
        # a key's bias has no true gradient, so Adam makes steps of rounding noise
        tolerance = 1e-2 if name.endswith("k_proj.bias") else 1e-4
        torch.testing.assert_close(
            value, whole.state_dict()[name], atol=tolerance, rtol=0, msg=name
        )


@pytest.mark.parametrize("stage", STAGE_TRAINS)
def test_bf16_computes_so_and_keeps_weights_in_float32(stage):
    model, batches = start(stage)
    config = StageConfig(stage, 12, 1e-2, warmup=1, precision="bf16")
    log = train(model, lambda step: batches(0), config, progress=False)
    assert log[-1]["loss"] < log[0]["loss"]
    exact = start(stage)[0]
    again = train(
        exact, batches, replace(config, precision="no", steps=1), progress=False
    )
    assert log[0]["loss"] == pytest.approx(again[0]["loss"], rel=2e-2)
    assert log[0]["loss"] != again[0]["loss"]
    assert all(p.dtype == torch.float32 for p in model.parameters())


def test_the_model_computes_in_float32_again_after_a_bf16_stage():
    model, batches = start("sft")
    config = StageConfig("sft", 1, 0.0, warmup=0, precision="bf16")
    before = model(**text_batch(0)).logits
    train(model, batches, config, progress=False)
    assert torch.equal(model(**text_batch(0)).logits, before)


def test_schedules():
    cosine = StageConfig("lm", 10, 1.0, warmup=2)
    shares = [lr_factor(step, cosine) for step in range(11)]
    assert shares[:3] == [0.0, 0.5, 1.0] and shares[6] == pytest.approx(0.5)
    assert shares[10] == pytest.approx(0.0)
    assert all(a >= b for a, b in zip(shares[2:], shares[3:], strict=False))
    constant = replace(cosine, schedule="constant")
    assert {lr_factor(step, constant) for step in range(2, 50)} == {1.0}


def test_a_workers_batches_are_the_same():
    one, two = tiny_flamingo(), tiny_flamingo()
    config = StageConfig("pretrain", 4, 1e-2, warmup=1)
    train(one, make_batches, config, progress=False)
    train(two, make_batches, config, workers=1, progress=False)
    for name, value in one.state_dict().items():
        assert torch.equal(value, two.state_dict()[name]), name


def make_batches(step: int) -> list[dict]:
    return [text_batch(step)]


# --- errors that speak ----------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_before_it_spoils_the_weights(tmp_path):
    model, before = tiny_flamingo(), None

    def batches(step):
        nonlocal before
        batch = text_batch(step)
        if step == 2:
            before = weights(model)
            batch["labels"] = torch.full_like(batch["labels"], -100)
        return [batch]

    config = StageConfig("sft", 4, 1e-2, warmup=0, checkpoint_every=2)
    with pytest.raises(FloatingPointError, match="nan at step 2 of .*--scenes"):
        train(model, batches, config, tmp_path, progress=False)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert checkpoints.newest(tmp_path).name == "step-0000002"


def test_a_run_after_a_failure_does_not_take_its_gradients(tmp_path):
    def batches(step, bad=None):
        batch = text_batch(step)
        if step == bad:  # the loss is finite in one micro-batch and not in the next
            lost = batch | {"labels": torch.full_like(batch["labels"], -100)}
            return [batch, lost]
        return [batch, batch]

    config, models = StageConfig("sft", 4, 1e-2, warmup=0, checkpoint_every=2), []
    for bad in (3, None):
        torch.manual_seed(0)
        model = tiny_flamingo()
        out = tmp_path / str(bad)
        if bad:
            with pytest.raises(FloatingPointError):
                train(model, lambda s: batches(s, 3), config, out, progress=False)
        train(model, batches, config, out, resume=True, progress=False)
        models.append(weights(model))
    for name, value in models[0].items():
        assert torch.equal(value, models[1][name]), name


def test_a_batch_that_can_teach_nothing_is_told():
    silent = {k: v for k, v in text_batch(0).items() if not k.startswith("audio")}
    stage = StageConfig("pretrain", steps=1, lr=1e-3)
    with pytest.raises(
        ValueError, match="'pretrain' trains .*audio transformer.*audio"
    ):
        train(tiny_flamingo(), lambda step: [silent], stage, progress=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stage": "pretraining"}, "'pretraining' is none of .*'pretrain'"),
        ({"schedule": "linear"}, "'linear' is unknown"),
        ({"precision": "fp16"}, "'fp16', not 'no'"),
        ({"only_token_rows": (1,)}, "weight_decay=0"),
    ],
)
def test_unknown_settings(changes, words):
    with pytest.raises(ValueError, match=words):
        StageConfig(**{"stage": "sft", "steps": 1, "lr": 1.0, **changes})


def test_a_stage_needs_a_model_it_can_train():
    with pytest.raises(ValueError, match="MiniCLAP has .*encoder"):
        freeze(tiny_clap(), "pretrain")
    with pytest.raises(ValueError, match="'chat' is none of"):
        freeze(tiny_clap(), "chat")

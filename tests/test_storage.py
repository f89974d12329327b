"""Saving and loading: exact, complete, and nothing but safetensors and json."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_flamingo import batch, logits_of, tiny

import af_minimal.disk.storage as storage
import af_minimal.model as model_module
from af_minimal.data import Example
from af_minimal.disk.shards import fill
from af_minimal.disk.storage import SHIPPED, read_folder, read_tensors, save_tensors
from af_minimal.encoders import build_encoder
from af_minimal.model import AudioFlamingo
from af_minimal.official import published
from af_minimal.official.layouts import write_official
from af_minimal.retrieval import Datastore


@pytest.mark.parametrize("kind", ["opt", "qwen2"])
def test_save_and_load_is_exact(kind, tmp_path):
    model, inputs = tiny(kind), batch()
    model.audio_transformer.position_enc.pos_table.mul_(1.01)  # as a checkpoint may
    model.save_pretrained(tmp_path)
    again = AudioFlamingo.load(str(tmp_path))
    assert again.config == model.config
    assert torch.equal(logits_of(again, **inputs), logits_of(model, **inputs))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
    ]  # json and safetensors only, and nothing left over


def test_tied_weights_are_stored_once(tmp_path):
    model = tiny()
    model.save_pretrained(tmp_path)
    tensors = storage.load_file(tmp_path / "model.safetensors")
    assert "lm.lm_head.weight" not in tensors
    again = AudioFlamingo.load(tmp_path)
    assert again.lm.lm_head.weight is again.get_input_embeddings().weight


def test_half_precision_on_disk(tmp_path):
    model, inputs = tiny(), batch()
    model.encoder = build_encoder(model.config.encoder, model.config.audio)
    model.save_pretrained(tmp_path, dtype=torch.float16)
    tensors = storage.load_file(tmp_path / "model.safetensors")
    table = "audio_transformer.position_enc.pos_table"
    assert tensors.pop(table).dtype == torch.float32
    again = AudioFlamingo.load(tmp_path)
    assert next(again.parameters()).dtype == torch.float32
    assert again.encoder is not None
    difference = logits_of(again, **inputs) - logits_of(model, **inputs)
    assert difference.abs().max() < 0.02


def test_a_tokenizer_is_that_of_the_model(tmp_path, student):
    student.save_pretrained(tmp_path)
    file = (tmp_path / "tokenizer.json").read_text()
    tiny().save_pretrained(tmp_path)  # it has none, so none stays
    assert AudioFlamingo.load(tmp_path).tokenizer is None
    small = replace(tiny().config, lm=tiny().config.lm | {"vocab_size": 120})
    AudioFlamingo(small).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text(file)
    with pytest.raises(ValueError, match="a model that knows 120"):
        AudioFlamingo.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text(file[:500])
    with pytest.raises(ValueError, match="the tokenizer in .* is damaged"):
        AudioFlamingo.load(tmp_path)


def test_a_folder_that_does_not_fit_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no config.json"):
        model_module.load(tmp_path / "nowhere")
    model = tiny()
    model.save_pretrained(tmp_path)
    tensors = storage.load_file(tmp_path / "model.safetensors")
    del tensors["audio_transformer.layer_norm.bias"]
    storage.save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="1 missing"):
        model_module.load(tmp_path)


def test_load_finds_what_ships_with_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "SHIPPED", tmp_path)
    tiny().save_pretrained(tmp_path / "mini")
    assert model_module.load("mini").config.name == "tiny"
    with pytest.raises(FileNotFoundError, match="Shipped with the package: mini"):
        model_module.load("huge")


@pytest.mark.parametrize("text", ["", "{}", '{"audio": {}, "model_type": "opt"}', "["])
def test_a_config_of_another_program_is_told(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="no config of this package"):
        storage.read_folder(tmp_path)


def test_weights_that_are_cut_off_are_told(tmp_path):
    shipped = storage.model_folder("mini")
    shutil.copy(shipped / "config.json", tmp_path)
    whole = (shipped / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cut off or damaged"):
        storage.read_folder(tmp_path)


def test_what_is_saved_others_may_read(tmp_path):
    before = os.umask(0o022)
    try:
        save_tensors({"x": torch.ones(2)}, tmp_path / "x.safetensors", {"of": "me"})
        assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == 0o644
        os.umask(0o077)
        save_tensors({"x": torch.zeros(2)}, tmp_path / "x.safetensors")
    finally:
        os.umask(before)
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == 0o600
    assert read_tensors(tmp_path / "x.safetensors")["x"].tolist() == [0, 0]


def test_nothing_else_writes_safetensors():
    package = SHIPPED.parent
    using = [p.name for p in package.rglob("*.py") if " save_file(" in p.read_text()]
    assert using == ["storage.py"]


def test_weights_that_may_not_be_read_are_told(tmp_path, monkeypatch):
    save_tensors({"x": torch.ones(2)}, tmp_path / "x.safetensors")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="chmod a\\+r"):
        read_tensors(tmp_path / "x.safetensors")


def test_the_folder_of_a_run_is_no_model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    for read in (published.load, read_folder):
        with pytest.raises(FileNotFoundError, match=f"is in {tmp_path / 'model'}"):
            read(tmp_path)


@pytest.mark.parametrize("first", [b"RIFF", b"OggS", b"fLaC", b"ID3"])
def test_a_sound_is_no_model(tmp_path, first):
    (tmp_path / "dog.ogg").write_bytes(first + bytes(range(100)))
    with pytest.raises(ValueError, match="a sound: af.load_audio reads it"):
        published.load(tmp_path / "dog.ogg")


def test_the_weights_alone_are_no_model(capsys):
    with pytest.raises(ValueError, match="give its folder, .*mini"):
        published.load(SHIPPED / "mini" / "model.safetensors")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["taken", "taken/inside"])
def test_a_file_in_the_place_of_a_folder_is_told(tmp_path, name):
    (tmp_path / "taken").write_text("x")
    (tmp_path / "a.wav").touch()
    store = Datastore([Example(str(tmp_path / "a.wav"), "a?", "b")], np.ones((1, 1)))
    told = "taken is a file, and a folder is expected: name another"
    with pytest.raises(NotADirectoryError, match=told):
        tiny().save_pretrained(tmp_path / name)
    with pytest.raises(NotADirectoryError, match=told):
        store.save(tmp_path / name, data_root=tmp_path)
    with pytest.raises(NotADirectoryError, match=told):
        write_official(tiny(), tmp_path / name)
    with pytest.raises(NotADirectoryError, match=told):
        fill(tmp_path / name, {}, [])
    assert (tmp_path / "taken").read_text() == "x"

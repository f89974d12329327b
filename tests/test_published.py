"""Published checkpoints: every layout written small, read back, refused when broken.

The recorded state dicts of the official code are the weights; a stand-in takes the
place of the hub.
"""

import hashlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from official_layouts import (
    BOTH,
    FULL,
    base_lm,
    every_of,
    options_of,
    small_tokenizer,
    weights_of_case,
    write_chunks,
    write_parts,
    write_torch,
)
from safetensors.torch import load_file, save_file

import af_minimal as af
from af_minimal.disk import hub, weight_files
from af_minimal.official import published, to_official
from af_minimal.official.claps import AUDIO, MEL, PublishedCLAP
from af_minimal.official.htsat_names import htsat_from_transformers
from af_minimal.official.layouts import write_official
from af_minimal.official.vocabulary import add_official_tokens, official_ids

full = pytest.mark.parametrize("case", BOTH)
of_af2 = pytest.mark.parametrize("case", [c for c in BOTH if c.startswith("af2")])


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in other
    )


def place_of(case: str, layout: str, folder: Path) -> Path:
    """The recorded weights on disk, in that layout; what `af.load` is given."""
    weights = weights_of_case(case)
    if layout == "parts":
        return write_parts(weights, folder)
    if layout == "chunks":
        return write_chunks(weights, folder)
    if layout == "safetensors":
        save_file(weights, folder / "weights.safetensors")
        return folder / "weights.safetensors"
    return write_torch(weights, folder / "foundation.pt", layout)


LAYOUTS = ["model_state_dict", "state_dict", "bare", "parts", "chunks", "safetensors"]


@full
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_weights_back(case, layout, tmp_path):
    place = place_of(case, layout, tmp_path)
    model = af.load(place, **options_of(case))
    assert same(to_official(model), weights_of_case(case))
    if place.is_file():  # a folder does as well
        again = af.load(place.parent, **options_of(case))
        assert same(to_official(again), weights_of_case(case))


@full
def test_the_loaded_model_gives_the_official_numbers(case, tmp_path):
    from af_minimal.official import from_official

    options = options_of(case)
    model = af.load(place_of(case, "model_state_dict", tmp_path), **options)
    config = model.config
    plain = from_official(
        weights_of_case(case),
        options["lm"],
        family=config.family,
        cross_attn_every_n_layers=every_of(case),
        max_windows_per_audio=options["max_windows"],
        audio_heads=options["audio_heads"],
        audio_token_id=100,
        eoc_token_id=101,
        sep_token_id=config.sep_token_id,
    )
    assert config == plain.config  # `xattn_every` is read off the names
    ids = torch.tensor([[100, 5, 6, 7]])
    shape = (1, 2, 24) if config.family == "af1" else (1, 2, 2, 64)
    features = torch.randn(shape, generator=torch.manual_seed(0))
    with torch.no_grad():
        ours = model(ids, audio_features=features).logits
        theirs = plain(ids, audio_features=features).logits
    assert torch.equal(ours, theirs)


@full
def test_bfloat16_on_request_keeps_positions_exact(case, tmp_path):
    options = options_of(case)
    place = place_of(case, "chunks", tmp_path)
    model = af.load(place, dtype=torch.bfloat16, **options)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    exact = af.load(place, **options)
    positions = dict(model.audio_transformer.named_buffers())
    for name, table in exact.audio_transformer.named_buffers():
        assert torch.equal(positions[name], table)
    assert torch.get_default_dtype() == torch.float32
    rounded = {k: v.bfloat16() for k, v in exact.named_parameters()}
    assert all(torch.equal(v, rounded[k]) for k, v in model.named_parameters())


def test_files_are_mapped_not_copied(tmp_path):
    weights = {"w": torch.randn(400, 400)}
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("only Linux lists what a process has mapped")
    torch.save({"model_state_dict": weights}, tmp_path / "w.pt")
    save_file(weights, tmp_path / "w.safetensors")
    for name in ("w.pt", "w.safetensors"):
        read = weight_files.read_weights(tmp_path / name)
        assert torch.equal(read["w"], weights["w"])
        assert str(tmp_path / name) in maps.read_text()


def test_licence_once_and_sha256_each_time(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(published, "_told", set())
    case = FULL[0]
    place = place_of(case, "model_state_dict", tmp_path)
    af.load(place, **options_of(case))
    first = capsys.readouterr().out
    af.load(place, **options_of(case))
    second = capsys.readouterr().out
    assert "non-commercial use only" in first and "non-commercial" not in second
    for printed in (first, second):
        assert digest_of(place) in printed


def digest_of(path: Path) -> str:
    """What `sha256sum` prints of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_frozen_layers(case, folder: Path, weights) -> Path:
    """A checkpoint of what was trained; the rest lies in `folder / "lm"`."""
    base_lm(case, folder / "lm", weights, with_weights=True)
    trained = {
        k: v
        for k, v in weights.items()
        if ".decoder_layer." not in k and "old_decoder_blocks" not in k
    }
    return write_torch(trained, folder / "foundation.pt", "model_state_dict")


def test_every_file_is_told_before_it_is_read(tmp_path, capsys):
    """The checkpoint's, the encoder's, and the language model's own weights."""
    case = by_family("af1")
    weights = weights_of_case(case)
    place = without_frozen_layers(case, tmp_path, weights)
    clap = tmp_path / "ears" / "clapcap_weights_2023.pth"
    clap.parent.mkdir()
    torch.save({"model": small_clap("clapcap", "clap.base.htsat.", 24)}, clap)
    options = options_of(case) | {"lm": tmp_path / "lm", "encoder": clap}
    files = [place, tmp_path / "lm" / "model.safetensors", clap]
    af.load(place, **options)
    printed = capsys.readouterr().out
    assert printed.count("sha256 ") == len(files)
    assert all(f"{f.name}  " in printed and digest_of(f) in printed for f in files)
    for broken in files:
        whole = broken.read_bytes()
        broken.write_bytes(whole[:-1000])
        with pytest.raises(ValueError, match="fetch it again"):
            af.load(place, **options)
        assert digest_of(broken) in capsys.readouterr().out
        broken.write_bytes(whole)


def test_a_file_of_the_cache_is_hashed_once(tmp_path, capsys, monkeypatch):
    case = FULL[0]
    place = place_of(case, "safetensors", tmp_path)
    blob = tmp_path / digest_of(place)
    place.rename(blob)
    place.symlink_to(blob)
    hashed, digest = [], hashlib.file_digest
    monkeypatch.setattr(
        weight_files.hashlib,
        "file_digest",
        lambda file, kind: hashed.append(file.name) or digest(file, kind),
    )
    af.load(place, **options_of(case))
    assert hashed == [str(blob)]
    assert blob.name in capsys.readouterr().out


@full
def test_what_we_write_is_read_back(case, tmp_path):
    model = af.load(place_of(case, "chunks", tmp_path / "given"), **options_of(case))
    place = write_official(model, tmp_path / "written")
    again = af.load(place, **options_of(case))
    whole = to_official(again, aliases=True)
    assert same(whole, to_official(model, aliases=True))
    names = sorted(p.name for p in (tmp_path / "written").rglob("*") if p.is_file())
    af1 = ["foundation.pt"]
    af2 = [*(f"chunk_{n}.safetensors" for n in range(5)), "metadata.json"]
    assert names == (af1 if model.config.family == "af1" else af2)


# tokenizers


@pytest.mark.parametrize("family, pad", [("af1", "<pad>"), ("af1", None), ("af2", "x")])
def test_added_tokens_stand_in_the_official_order(family, pad):
    tokenizer = small_tokenizer(pad)
    before = len(tokenizer)
    add_official_tokens(tokenizer, family)
    added = tokenizer.convert_ids_to_tokens(range(before, len(tokenizer)))
    extra = {"x": ["<|PAD_TOKEN|>"], None: ["<PAD>"], "<pad>": []}[pad]
    assert added == ["<audio>", "<|endofchunk|>", *extra, "<SEP>"]
    expected = extra[0] if extra else "<pad>"
    assert tokenizer.pad_token == expected and tokenizer.sep_token == "<SEP>"
    if extra != ["<PAD>"]:  # what is counted without a tokenizer is the same
        counted = official_ids(None, family, len(tokenizer))
        assert counted == official_ids(tokenizer, family, len(tokenizer))


@full
def test_a_language_model_folder_gives_config_and_tokenizer(case, tmp_path):
    weights = weights_of_case(case)
    rows = base_lm(case, tmp_path / "lm", weights)
    place = write_torch(weights, tmp_path / "foundation.pt", "model_state_dict")
    options = options_of(case) | {"lm": tmp_path / "lm"}
    model = af.load(place, **options)
    assert len(model.tokenizer) == rows
    said = model.tokenizer.convert_ids_to_tokens(
        [model.config.audio_token_id, model.config.sep_token_id]
    )
    assert said == ["<audio>", "<SEP>"]
    assert same(to_official(model), weights)


@full
def test_a_tokenizer_of_another_model_is_refused(case, tmp_path):
    weights = weights_of_case(case)
    base_lm(case, tmp_path / "lm", weights, spare=7)
    place = write_torch(weights, tmp_path / "foundation.pt", "model_state_dict")
    with pytest.raises(ValueError, match="of another language model"):
        af.load(place, **options_of(case) | {"lm": tmp_path / "lm"})


@full
def test_frozen_layers_come_from_the_language_model(case, tmp_path):
    """A checkpoint of what was trained, without the layers that were not."""
    weights = weights_of_case(case)
    place = without_frozen_layers(case, tmp_path, weights)
    model = af.load(place, **options_of(case) | {"lm": tmp_path / "lm"})
    again = to_official(model, aliases=True)
    assert all(torch.equal(again[name], weights[name]) for name in weights)
    with pytest.raises(ValueError, match="no layers of the language model"):
        af.load(place, **options_of(case))


def test_a_language_model_without_its_head_gives_frozen_layers(tmp_path):
    """As `OPTModel` or `Qwen2Model` save it, without the `model.` of names."""
    for case in (by_family("af1"), by_family("af2")):
        weights, folder = weights_of_case(case), tmp_path / case
        place = without_frozen_layers(case, folder, weights)
        file = folder / "lm" / "model.safetensors"
        kept = {k.removeprefix("model."): v for k, v in load_file(file).items()}
        save_file({k: v.clone() for k, v in kept.items() if "lm_head" not in k}, file)
        model = af.load(place, **options_of(case) | {"lm": folder / "lm"})
        again = to_official(model, aliases=True)
        assert all(torch.equal(again[name], weights[name]) for name in weights)


# encoders


def small_clap(kind: str, start: str, width: int) -> dict[str, torch.Tensor]:
    """A published CLAP's audio side with random weights, by its official names."""
    torch.manual_seed(0)
    sizes = dict(htsat_embed=8, htsat_depths=(1, 1, 1, 1), htsat_heads=(1, 2, 4, 8))
    config = af.EncoderConfig(
        kind=kind, width=width, htsat_spec_size=256, **sizes, **MEL[kind]
    )
    encoder = PublishedCLAP(config, AUDIO[kind])
    tensors = {
        start + k: v
        for k, v in htsat_from_transformers(encoder.tower.state_dict()).items()
    }
    head = encoder.head.state_dict()
    return tensors | {f"clap.projection.{k}": v for k, v in head.items()}


def under_all_names(case: str, folder: Path) -> dict[str, torch.Tensor]:
    """The recorded weights as a checkpoint has them; small cases name each once."""
    weights = weights_of_case(case)
    model = af.load(write_chunks(weights, folder / "once"), **options_of(case))
    return {k: v.clone() for k, v in to_official(model, aliases=True).items()}


def by_family(family: str) -> str:
    return next(c for c in FULL if c.startswith(family))


def heard(model, kind: str) -> torch.Tensor:
    """Features of one real window and one of padding."""
    windows = torch.zeros(1, 2, AUDIO[kind].window)
    windows[0, 0] = torch.randn(AUDIO[kind].window, generator=torch.manual_seed(1)) / 9
    features, mask = model.encoder.encode_windows(windows, torch.tensor([[1, 0]]) > 0)
    ids = torch.tensor([[100, 5, 6]])
    with torch.no_grad():
        out = model(ids, audio_features=features, audio_mask=mask).logits
    assert out.isfinite().all()
    return features


@of_af2
@pytest.mark.parametrize("inside", [True, False])
def test_afclap_inside_the_checkpoint_and_beside_it(inside, case, tmp_path):
    weights = weights_of_case(case)
    clap = small_clap("afclap", "clap.nvclap." if inside else "audio_branch.", 64)
    if inside:
        weights |= clap
    else:
        write_torch(clap, tmp_path / "clap_ckpt" / "epoch_16.pt", "state_dict")
    place = write_chunks(weights, tmp_path)
    chunks = tmp_path / "safe_ckpt"
    for same_place in (chunks, chunks / "metadata.json"):
        assert af.load(same_place, **options_of(case)).encoder is not None
    model = af.load(place, **options_of(case))
    assert model.encoder.config.kind == "afclap" and model.config.encoder.steps == 64
    features = heard(model, "afclap")
    assert features.shape == (1, 2, 64, 64) and not features[0, 1].any()
    assert same(to_official(model), weights)
    model.save_pretrained(tmp_path / "ours")  # and as a model of this package
    assert torch.equal(heard(af.load(tmp_path / "ours"), "afclap"), features)


def shifted(model) -> None:
    """Change every tensor of an encoder that training may change."""
    with torch.no_grad():
        for tensor in model.encoder.tower.state_dict().values():
            if tensor.is_floating_point():
                tensor.mul_(1.25).add_(0.01)


ASIDE = {  # what a tower of the official code has and ours has not
    "clap.nvclap.head.weight": torch.ones(2, 2),
    "clap.nvclap.patch_embed.mel_conv2d.weight": torch.ones(2),
    "clap.nvclap.logmel_extractor.melW": torch.ones(2, 2),
    "clap.other.weight": torch.ones(2),
}


@of_af2
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_encoder_that_learnt_is_what_is_written(dtype, case, tmp_path):
    clap = small_clap("afclap", "clap.nvclap.", 64)
    clap = {k: v.to(dtype) if v.is_floating_point() else v for k, v in clap.items()}
    weights = under_all_names(case, tmp_path) | clap | ASIDE
    model = af.load(write_chunks(weights, tmp_path / "given"), **options_of(case))
    before = heard(model, "afclap")
    for aliases in (None, True):
        unchanged = to_official(model, aliases)
        assert same(unchanged, weights)
        assert all(unchanged[k].dtype == weights[k].dtype for k in weights)
    shifted(model)
    after = heard(model, "afclap")
    assert (after - before).abs().max() > 1e-2
    written = to_official(model)
    assert written.keys() == weights.keys()
    changed = {k for k in weights if not torch.equal(written[k], weights[k])}
    assert changed == {k for k, v in clap.items() if v.is_floating_point()}
    again = af.load(write_official(model, tmp_path / "mine"), **options_of(case))
    assert torch.equal(heard(again, "afclap"), after)


@of_af2
@pytest.mark.parametrize("inside", [True, False])
def test_an_encoder_is_written_after_save_pretrained_too(inside, case, tmp_path):
    """What ours does not hold is lost by then; what it hears with is not."""
    weights = under_all_names(case, tmp_path)
    clap = small_clap("afclap", "clap.nvclap.", 64)
    if inside:
        weights |= clap | ASIDE
    else:
        beside = {
            k.replace("clap.nvclap.", "audio_branch."): v for k, v in clap.items()
        }
        write_torch(beside, tmp_path / "clap_ckpt" / "epoch_16.pt", "state_dict")
    model = af.load(write_chunks(weights, tmp_path), **options_of(case))
    shifted(model)
    after = heard(model, "afclap")
    model.save_pretrained(tmp_path / "ours")
    for ours in (model, af.load(tmp_path / "ours")):
        place = write_official(ours, tmp_path / "mine")
        again = af.load(place, **options_of(case))
        assert torch.equal(heard(again, "afclap"), after)
    assert to_official(ours).keys() == (weights | clap).keys() - ASIDE.keys()


def test_an_encoder_without_official_names_is_not_passed_over(tmp_path):
    case, weights = by_family("af2"), weights_of_case(by_family("af2"))
    weights |= small_clap("afclap", "clap.nvclap.", 64)
    model = af.load(write_chunks(weights, tmp_path), **options_of(case))
    mini = af.load("mini")
    model.encoder = mini.encoder
    with pytest.raises(ValueError, match="is a 'cnn', which has no official names"):
        to_official(model)
    model.encoder = None
    assert same(to_official(model), weights)
    assert not any(name.startswith("encoder") for name in to_official(mini))


def test_clapcap_is_found_beside_af1(tmp_path):
    case = by_family("af1")
    clap = small_clap("clapcap", "clap.base.htsat.", 24)
    torch.save({"model": clap}, tmp_path / "clapcap_weights_2023.pth")
    place = write_torch(
        weights_of_case(case), tmp_path / "foundation.pt", "model_state_dict"
    )
    model = af.load(place, dtype=torch.bfloat16, **options_of(case))
    features = heard(model, "clapcap")
    assert features.shape == (1, 2, 24) and features.dtype == torch.float32
    assert features[0, 1].any()  # silence that was heard
    wrong = small_clap("clapcap", "clap.base.htsat.", 32)
    torch.save({"model": wrong}, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match="do not belong together"):
        af.load(place, encoder=tmp_path / "wrong.pth", **options_of(case))


# what is refused


def test_a_program_is_refused_and_not_run(tmp_path):
    class Program:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "it ran"),)

    torch.save({"model_state_dict": {"a": Program()}}, tmp_path / "foundation.pt")
    with pytest.raises(ValueError, match="asks to run .*mkdir.* nothing in it was run"):
        af.load(tmp_path / "foundation.pt")
    (tmp_path / "foundation.pt").write_bytes(pickle.dumps(Program(), protocol=0))
    with pytest.raises(ValueError, match="asks to run .*mkdir.* nothing in it was run"):
        af.load(tmp_path / "foundation.pt")  # text, as the oldest pickles are
    assert not (tmp_path / "it ran").exists()


def test_a_file_that_was_cut_short(tmp_path):
    case = FULL[0]
    for layout in ("model_state_dict", "safetensors"):
        place = place_of(case, layout, tmp_path)
        place.write_bytes(place.read_bytes()[:-2000])
        with pytest.raises(ValueError, match=r"no whole .* file .* fetch it again"):
            af.load(place, **options_of(case))


def test_a_file_of_the_cache_that_is_not_what_its_name_says(tmp_path):
    case = FULL[0]
    place = place_of(case, "safetensors", tmp_path)
    blob = tmp_path / weight_files.sha256(place)
    place.rename(blob)
    place.symlink_to(blob)
    af.load(place, **options_of(case))
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1  # the size stays
    blob.write_bytes(data)
    with pytest.raises(ValueError, match="should have sha256"):
        af.load(place, **options_of(case))


def test_a_part_without_a_number_is_named(tmp_path):
    folder = write_parts(weights_of_case(FULL[0]), tmp_path)
    odd = folder / "foundation_part1 (1).pt"
    (folder / "foundation_part1.pt").rename(odd)
    with pytest.raises(ValueError, match=r"foundation_part1 \(1\)\.pt is no _partN"):
        af.load(folder)


@pytest.mark.parametrize("family", ["af1", "af2"])
def test_a_tied_head_is_that_of_the_learnt_embedding(family, tmp_path):
    case = by_family(family)
    weights = weights_of_case(case)
    (embedding,) = [k for k in weights if k.endswith("embed_tokens.weight")]
    place = without_frozen_layers(case, tmp_path, weights)
    base = load_file(tmp_path / "lm" / "model.safetensors")
    base["lm_head.weight"] = weights[embedding].clone()
    save_file(base, tmp_path / "lm" / "model.safetensors")
    trained = torch.load(place, weights_only=True)["model_state_dict"]
    trained.pop("module.lang_encoder.lm_head.weight", None)
    trained[f"module.{embedding}"] += 0.1
    torch.save({"model_state_dict": trained}, place)
    model = af.load(place, **(options_of(case) | {"lm": tmp_path / "lm"}))
    learnt = model.get_input_embeddings().weight
    torch.testing.assert_close(model.lm.get_output_embeddings().weight, learnt)


def test_a_model_in_another_precision_still_hears(tmp_path):
    case = by_family("af1")
    clap = small_clap("clapcap", "clap.base.htsat.", 24)
    torch.save({"model": clap}, tmp_path / "clapcap_weights_2023.pth")
    file = tmp_path / "foundation.pt"
    place = write_torch(weights_of_case(case), file, "model_state_dict")
    model = af.load(place, dtype=torch.bfloat16, **options_of(case))
    heard(model.float(), "clapcap")


@pytest.mark.parametrize("case", [c for c in BOTH if c.startswith("af1")])
def test_missing_parts_and_chunks_are_named(case, tmp_path):
    folder = write_parts(weights_of_case(case), tmp_path)
    (folder / "foundation_part2.pt").unlink()
    with pytest.raises(FileNotFoundError, match="part 2 of 3 is missing"):
        af.load(folder)
    (folder / "foundation_part3.pt").unlink()  # the last one leaves no gap
    with pytest.raises(ValueError, match="1 of the parts came in; .* have five"):
        af.load(folder, **options_of(case))


def test_the_other_variant_is_not_taken_for_the_one_asked_for(tmp_path):
    folder = write_parts(weights_of_case(FULL[0]), tmp_path)
    for part in folder.glob("foundation_part*.pt"):
        part.unlink()
    torch.save(weights_of_case(FULL[0]), folder / "chat.pt")
    with pytest.raises(FileNotFoundError, match="no foundation.pt.*chat.pt"):
        af.load(folder, **options_of(FULL[0]))
    assert af.load(folder, variant="chat", **options_of(FULL[0]))


@pytest.mark.parametrize(
    "first, told",
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"\x10\0\0\0\0\0\0\0{}              ", "end its name with .safetensors"),
        (b'{"error": "Repository not found"}', "text or JSON, perhaps the message"),
        (b"Not Found\n", "text or JSON"),
        (b"", "empty"),
    ],
)
def test_what_is_no_torch_file_is_called_what_it_is(tmp_path, first, told):
    (tmp_path / "foundation.pt").write_bytes(first)
    with pytest.raises(ValueError, match=f"no torch file but .*{told}"):
        af.load(tmp_path / "foundation.pt")


@pytest.mark.parametrize("chunks", [0, 1000])
def test_so_many_chunks_as_hold_something(tmp_path, chunks):
    written = write_chunks(weights_of_case(FULL[-1]), tmp_path / "a")
    model = af.load(written, **options_of(FULL[-1]))
    if not chunks:
        with pytest.raises(ValueError, match="chunks is 0"):
            write_official(model, tmp_path / "b", chunks)
        return
    folder = write_official(model, tmp_path / "b", chunks)
    again = af.load(folder, **options_of(FULL[-1]))
    one, other = (to_official(m, aliases=False) for m in (again, model))
    assert one.keys() == other.keys()


def test_chunks_must_be_there_whole_and_beside_their_metadata(tmp_path):
    folder = write_chunks(weights_of_case(FULL[-1]), tmp_path)
    metadata = folder / "safe_ckpt" / "metadata.json"
    listed = json.loads(metadata.read_text())
    first = next(iter(listed))
    metadata.write_text(json.dumps(listed | {first: [*listed[first], "odd"]}))
    with pytest.raises(ValueError, match="does not hold what metadata.json lists"):
        af.load(folder)
    metadata.write_text(json.dumps({"../" + first: []}))
    with pytest.raises(ValueError, match="lies beside it"):
        af.load(folder)
    metadata.write_text(json.dumps(listed))
    (folder / "safe_ckpt" / f"{first}.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=f"{first}.safetensors, which is miss"):
        af.load(folder)


def test_unknown_layouts_and_foreign_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="in no layout known here"):
        af.load(tmp_path)
    save_file({"bert.weight": torch.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="no weights of an Audio Flamingo"):
        af.load(tmp_path)
    torch.save([1, 2], tmp_path / "b.pt")
    with pytest.raises(ValueError, match="holds no named tensors"):
        af.load(tmp_path / "b.pt")
    with pytest.raises(TypeError, match="only published weights take download"):
        af.load("mini", download=True)
    with pytest.raises(FileNotFoundError, match="no file or folder .*fondation.pt"):
        af.load(tmp_path / "fondation.pt", lm="x")


@pytest.mark.parametrize("name", ["nvidia/audio-flamingo-2-3B", "af1", "tiny"])
def test_a_name_that_is_none_is_told_all_there_are(name):
    with pytest.raises(FileNotFoundError) as caught:
        af.load(name)
    told = str(caught.value)
    assert name in told and "mini, mini2" in told
    assert all(known in told for known in published.PUBLISHED)


@pytest.mark.parametrize("odd", [None, 5, ["mini"]])
def test_what_is_no_name_is_told(odd):
    with pytest.raises(TypeError, match=f"as 'mini'; {type(odd).__name__} came"):
        af.load(odd)


@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint_99.pt"])
def test_official_weights_beside_the_config_of_their_language_model(name, tmp_path):
    case = by_family("af1")
    weights = weights_of_case(case)
    if name.endswith(".pt"):
        write_torch(weights, tmp_path / name, "model_state_dict")
    else:
        save_file(weights, tmp_path / name)
    config = json.dumps(options_of(case)["lm"])
    (tmp_path / "config.json").write_text(config)
    model = af.load(tmp_path, **options_of(case))
    assert same(to_official(model), weights)
    model.save_pretrained(tmp_path / "ours")
    told = to_official(af.load(tmp_path / "ours"))
    assert same({name: told[name] for name in weights}, weights)  # aliases may be more


@pytest.mark.parametrize("numpy_1", [True, False])
def test_numbers_of_either_numpy_are_read(numpy_1, tmp_path):
    """numpy 2 calls the maker of its numbers by another name than numpy 1."""
    wrapped = {"state_dict": {"x": torch.ones(2)}, "score": np.float64(2)}
    torch.save(wrapped, tmp_path / "x.pt")
    names = b"numpy.core.multiarray", b"numpy._core.multiarray"
    old = zipfile.ZipFile(tmp_path / "x.pt")
    with old, zipfile.ZipFile(tmp_path / "y.pt", "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("data.pkl"):
                data = renamed_global(data, names, names[0 if numpy_1 else 1])
            new.writestr(item, data)
    assert weight_files.read_weights(tmp_path / "y.pt")["x"].tolist() == [1, 1]


def renamed_global(data: bytes, names: tuple[bytes, ...], wanted: bytes) -> bytes:
    """A pickle in which one of these modules has another name."""
    (found,) = (name for name in names if b"c" + name + b"\n" in data)
    return data.replace(b"c" + found + b"\n", b"c" + wanted + b"\n")


# the hub


def test_nothing_is_fetched_unless_asked_for(monkeypatch):
    asked = []

    def snapshot(repo, **options):
        asked.append(options["local_files_only"])
        raise hub.LocalEntryNotFoundError("not here")

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", snapshot)
    for name in published.PUBLISHED:
        with pytest.raises(FileNotFoundError, match="With download=True it is fetched"):
            af.load(name)
    assert asked == [True] * len(published.PUBLISHED)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE=1 forbids it"):
        af.load("nvidia/audio-flamingo", download=True)  # tests run offline
    assert len(asked) == len(published.PUBLISHED)


def test_a_download_brings_weights_and_language_model(tmp_path, monkeypatch):
    """A stand-in for the hub has the folders that the real one would give."""
    case, name = FULL[-1], "nvidia/audio-flamingo-2-0.5B"
    weights = weights_of_case(case)
    write_chunks(weights, tmp_path / "weights")
    base_lm(case, tmp_path / "lm", weights)
    calls = {}

    def snapshot(repo, allow_patterns, local_files_only):
        calls[repo] = allow_patterns, local_files_only
        return str(tmp_path / ("weights" if repo == name else "lm"))

    monkeypatch.setattr(hub.huggingface_hub, "snapshot_download", snapshot)
    monkeypatch.setattr(hub.constants, "is_offline_mode", lambda: False)
    options = {k: v for k, v in options_of(case).items() if k != "lm"}
    model = af.load(name, download=True, dtype=torch.float32, **options)
    assert same(to_official(model), weights)
    assert set(calls) == {name, "Qwen/Qwen2.5-0.5B"}
    assert not any(local for _, local in calls.values())
    assert "safe_ckpt/*" in calls[name][0]


def test_a_language_model_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lm= is .*without a config\.json"):
        published.lm_parts(tmp_path / "qwen", None, download=False)

"""Manifests, blending, collation and ESC folders."""

import dataclasses
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from af_minimal.audio import Clip
from af_minimal.data import (
    Example,
    Sample,
    blend,
    collate,
    open_clip,
    read_esc,
    read_manifest,
)

REFERENCE = Path(__file__).parent / "reference"
GOLDEN = Path(__file__).parents[2] / "shared" / "golden"
ESC10 = GOLDEN.parent / "data" / "esc10"


def files(pattern):
    return sorted(REFERENCE.glob(pattern)) + sorted(GOLDEN.glob(pattern))


def where(path):
    return f"{path.parent.name}/{path.name}"


def write_all(golden, folder):
    """Write the manifests of a blending case as files; return their data root."""
    for name, manifest in {
        **golden["manifests"],
        **golden["interleaved_manifests"],
    }.items():
        file = folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(manifest))
    return golden["data_root"]


def as_official(example, root):
    """The fields of one example in the form the official code hands on."""

    def name(e):
        return str(Path(e.audio).relative_to(root))

    if not example.examples:
        return [name(example), example.prompt, example.output, example.task]
    chain = [*example.examples, example]
    fields = [[name(e) for e in chain], [e.prompt for e in chain]]
    return [*fields, [e.output for e in chain], example.task, example.examples_are]


def expected_fields(item):
    names = item["name"]
    names = [names] if isinstance(names, str) else names
    names = [str(Path(name)) for name in names]  # B/./x is B/x
    if isinstance(item["name"], str):
        return [names[0], item["prompt"], item["output"], item["task"]]
    fields = [names, item["prompt"], item["output"], item["task"]]
    return [*fields, item["interleaved"]]


@pytest.mark.parametrize("path", files("blending*.json"), ids=where)
def test_blending_equals_the_official_order(path, tmp_path):
    golden = json.loads(path.read_text())
    root = write_all(golden, tmp_path)
    assert golden["blends"]
    for case in golden["blends"]:
        datasets = {
            name: read_manifest(tmp_path / f"{name}.json", root, check_audio=False)
            for name in case["config"]
        }
        weights = {name: entry["weight"] for name, entry in case["config"].items()}
        items = blend(datasets, weights, case["global_weight"], case["epoch"], True)
        assert len(items) == case["total_num"]
        got = [as_official(item, root) for item in items]
        assert got == [expected_fields(item) for item in case["items"]]


@pytest.mark.parametrize("size", [1, 5, 7, 12])
@pytest.mark.parametrize("weight", [0.1, 0.3, 0.5, 1.0, 1.7])
def test_without_the_quirk_every_pass_holds_each_item_once(size, weight):
    stream = []
    for epoch in range(40):
        stream += blend({"A/train": range(size)}, {"A/train": weight}, 1.0, epoch)
    assert len(stream) == int(40 * size * weight)
    for start in range(0, len(stream) - size + 1, size):
        assert Counter(stream[start : start + size]) == Counter(range(size))


def test_the_quirk_repeats_items_and_passes_differ():
    datasets, weights = {"A/train": range(10)}, {"A/train": 0.7}
    epochs = [blend(datasets, weights, 1.0, e, repeat_quirk=True) for e in range(3)]
    assert Counter(sum(epochs, [])[10:20]) != Counter(range(10))
    assert blend(datasets, weights, 1.0, 1) == blend(datasets, weights, 1.0, 1)
    one_pass = {"A/train": 1.0}
    assert blend(datasets, one_pass, 1.0, 0) != blend(datasets, one_pass, 1.0, 1)


@pytest.mark.parametrize(
    "weights, more, message",
    [
        ({"B": 1.0}, {}, "Datasets without a weight"),
        ({"A": -1.0}, {}, "Weights are 0 or more"),
        ({"A": float("nan")}, {}, "Weights are 0 or more"),
        ({"A": 1.0}, {"global_weight": 0.0}, "global_weight"),
        ({"A": 1.0}, {"epoch": -1}, "whole number"),
    ],
)
def test_blend_errors(weights, more, message):
    with pytest.raises(ValueError, match=message):
        blend({"A": [1, 2]}, weights, **more)


def test_blend_refuses_an_empty_dataset():
    with pytest.raises(ValueError, match="no items"):
        blend({"A": []}, {"A": 1.0})


def test_open_clip_takes_a_clip_and_refuses_the_rest():
    clip = Clip(np.zeros(10, np.float32), 16_000)
    assert open_clip(Example(clip, "", "")) is clip
    with pytest.raises(TypeError, match="Render"):
        open_clip(Example({"score": 1}, "", ""))


def sample(tokens, windows, real):
    generator = torch.Generator().manual_seed(tokens)
    ids = list(range(4, 4 + tokens))
    features = torch.randn(windows, 3, generator=generator)
    return Sample(ids, ids, features, torch.arange(windows) < real)


def test_collate_pads_to_the_batch_and_no_further():
    samples = [sample(5, 4, 2), sample(3, 8, 8)]
    batch = collate(samples, pad_id=1)
    assert batch["input_ids"].tolist() == [[4, 5, 6, 7, 8], [4, 5, 6, 1, 1]]
    assert batch["labels"].tolist() == [[4, 5, 6, 7, 8], [4, 5, 6, -100, -100]]
    assert batch["attention_mask"].tolist() == [[True] * 5, [True] * 3 + [False] * 2]
    assert batch["audio_features"].shape == (2, 8, 3)
    assert batch["audio_mask"].sum(1).tolist() == [2, 8]
    assert torch.equal(batch["audio_features"][0, :4], samples[0].audio_features)
    assert not batch["audio_features"][0, 4:].any()
    assert collate(samples[:1], 1)["audio_features"].shape == (1, 4, 3)


def test_collate_takes_dense_features_and_names_misfits():
    dense = Sample([1], [1], torch.zeros(2, 7, 3), torch.ones(2, dtype=torch.bool))
    assert collate([dense, dense], 1)["audio_features"].shape == (2, 2, 7, 3)
    with pytest.raises(ValueError, match="empty"):
        collate([], 1)
    with pytest.raises(ValueError, match="Sample 0 has 2 token ids and 1 labels"):
        collate([dataclasses.replace(dense, input_ids=[1, 2])], 1)
    with pytest.raises(ValueError, match="Sample 0 has 2 windows"):
        collate([dataclasses.replace(dense, audio_mask=torch.ones(3))], 1)


def make_esc(folder, upstream):
    (folder / "audio").mkdir(parents=True)
    soundfile.write(folder / "audio/x.wav", np.zeros(100), 16_000)
    soundfile.write(folder / "audio/y.wav", np.zeros(100), 16_000)
    if upstream:
        (folder / "meta").mkdir()
        table, head = "meta/esc50.csv", "filename,fold,target,category,esc10"
        lines = ["x.wav,1,0,dog,True", "y.wav,2,40,clock_tick,False"]
    else:
        table, head = "meta.csv", "filename,fold,label"
        lines = ["x.wav,1,dog", "y.wav,2,clock tick"]
    (folder / table).write_text("\n".join([head, *lines]) + "\n")
    return folder / table


@pytest.mark.parametrize("upstream", [False, True])
def test_both_esc_layouts(tmp_path, upstream):
    table = make_esc(tmp_path, upstream)
    examples = read_esc(tmp_path)
    assert [(e.label, e.output, e.fold) for e in examples] == [
        ("dog", "dog", 1),
        ("clock tick", "clock tick", 2),
    ]
    assert [e.fold for e in read_esc(tmp_path, folds=[2])] == [2]
    ten = [(e.label, e.output) for e in read_esc(tmp_path, ten=True)]
    assert ten[0] == ("dog bark", "dog bark") and len(ten) == (1 if upstream else 2)
    with pytest.raises(ValueError, match=r"folds are \[1, 2\]"):
        read_esc(tmp_path, folds=[9])
    text = table.read_text()
    table.write_text(text.replace("x.wav", "z.wav"))
    with pytest.raises(FileNotFoundError, match="no recording"):
        read_esc(tmp_path)
    table.write_text(text.replace("x.wav", "../x.wav"))
    with pytest.raises(ValueError, match="bare name"):
        read_esc(tmp_path)
    table.write_text(text.replace("fold", "part"))
    with pytest.raises(ValueError, match="fold is missing"):
        read_esc(tmp_path)
    table.write_text(text.replace("x.wav,1", "x.wav,one"))
    with pytest.raises(ValueError, match="line 2"):
        read_esc(tmp_path)


def test_a_folder_that_is_no_esc_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"neither meta\.csv"):
        read_esc(tmp_path)


@pytest.mark.skipif(not ESC10.is_dir(), reason="the ESC-10 recordings are not here")
def test_the_esc10_folder():
    examples = read_esc(ESC10)
    assert len(examples) == 400
    assert set(Counter(e.label for e in examples).values()) == {40}
    assert len(read_esc(ESC10, folds={1, 2})) == 160
    assert open_clip(examples[0]).sample_rate == 16_000

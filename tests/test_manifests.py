"""Manifests: what is read, what is refused, and that writing is the inverse."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from af_minimal.commands.index import read_examples
from af_minimal.data import (
    Example,
    ManifestError,
    open_clip,
    read_esc,
    read_manifest,
    write_manifest,
)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    (folder / "sounds").mkdir(parents=True)
    for name in ("a.wav", "b.wav"):
        soundfile.write(folder / "sounds" / name, np.zeros(1_600), 16_000)
    return folder


def manifest(rows, **more):
    fields = {"dataset_path": "", "split": "train", "split_path": "sounds"}
    fields |= {"flamingo_task": "My-AQA", "total_num": len(rows), "data": rows}
    return json.dumps(fields | more)


def row(name, prompt="what?", output="rain", **more):
    return {"name": name, "prompt": prompt, "output": output} | more


def test_a_manifest_is_read(root, tmp_path):
    rows = {"0": row("a.wav", output=3), "1": row("b.wav", audio_start=0.05)}
    rows["2"] = {"name": "a.wav", "dialogue": [{"user": "hi", "assistant": "yes"}]}
    path = tmp_path / "train.json"
    path.write_text(manifest(rows))
    first, second, chat = read_manifest(path, root)
    assert first == Example(str(root / "sounds/a.wav"), "what?", "3", "My-AQA")
    assert open_clip(second).duration_s == pytest.approx(0.05)
    assert chat.dialogue == (("hi", "yes"),)
    path.write_text(manifest(rows, dataset_path=str(root)))
    assert read_manifest(path, root)[0] == first


def test_every_broken_row_is_named(root, tmp_path):
    (tmp_path / "secret.wav").touch()
    (root / "sounds" / "link.wav").symlink_to(tmp_path / "secret.wav")
    rows = {
        "ok": row("a.wav"),
        "abs": row(str(root / "sounds/a.wav")),
        "up": row("../../secret.wav"),
        "link": row("link.wav"),
        "gone": row("c.wav"),
        "noname": {"prompt": "x", "output": "y"},
        "noprompt": row("a.wav", prompt=" "),
        "list": row("a.wav", output=["x"]),
        "start": row("a.wav", audio_start=-1),
        "notrow": "a.wav",
        "chat": {"name": "a.wav", "dialogue": []},
        "round": {"name": "a.wav", "dialogue": ["hi"]},
    }
    path = tmp_path / "train.json"
    path.write_text(manifest(rows))
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, root)
    message = str(caught.value)
    assert message.startswith(f"{path}: 11 broken") and "... and 1 more" in message
    assert "row ok" not in message
    for part in (
        "row abs: name",
        "row up: name '../../secret.wav' leaves the data root",
        "row link: name 'link.wav' leaves the data root",
        "row gone: there is no audio file",
        "row noprompt: prompt is ' '",
        "row start: audio_start is -1",
        "row notrow: an object is expected",
    ):
        assert part in message


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "is not JSON"),
        ("[]", "holds a list"),
        ("{}", "has no rows"),
        (manifest({"0": row("a.wav")}, total_num=7), "total_num is 7"),
        (manifest({"0": row("a.wav")}, total_num="1"), "total_num is '1'; rows: 1"),
        (manifest({"0": row("a.wav")}, split_path="../.."), "outside data_root"),
        (manifest({"0": row("a.wav")}, dataset_path="/etc"), "outside data_root"),
        (manifest({"0": row("a.wav")}, dataset_path=5), "dataset_path is 5"),
        (manifest({"0": row("a.wav", audio_start=math.nan)}), "audio_start is nan"),
    ],
)
def test_broken_manifests(root, tmp_path, text, message):
    path = tmp_path / "train.json"
    path.write_text(text)
    with pytest.raises(ManifestError, match=message):
        read_manifest(path, root)
    with pytest.raises(ManifestError, match="There is no manifest"):
        read_manifest(tmp_path / "none.json", root)


def test_a_bad_few_shot_index_is_named(root, tmp_path):
    (tmp_path / "train.json").write_text(manifest({"0": row("a.wav")}))
    rows = {"0": {"generation_index_in_split": 0, "fewshot_indices_in_train": [4]}}
    path = tmp_path / "interleaved_knn-train.json"
    path.write_text(json.dumps({"interleaved_data": rows}))
    with pytest.raises(ManifestError, match="row 0: .*index 4"):
        read_manifest(path, root)


def test_manifests_round_trip(root, tmp_path):
    path = tmp_path / "train.json"
    examples = [
        Example(
            str(root / "sounds/a.wav"), "what?", "naïve 🐕", "My-AQA", start_s=0.05
        ),
        Example(str(root / "sounds/b.wav"), "", "", "My-AQA", dialogue=(("a", "b"),)),
    ]
    write_manifest(path, examples, root, "My-AQA")
    assert read_manifest(path, root) == examples
    before = path.read_text()
    outside = dataclasses.replace(examples[0], audio="/etc/passwd")
    with pytest.raises(ManifestError, match="row 1"):
        write_manifest(path, [examples[0], outside], root, "My-AQA")
    assert path.read_text() == before and list(tmp_path.glob("*.tmp")) == []


def test_a_root_may_be_told_in_another_way_than_when_it_was_written(
    root, tmp_path, monkeypatch
):
    monkeypatch.chdir(root.parent)
    example = Example(f"{root.name}/sounds/a.wav", "what?", "a dog", "My-AQA")
    write_manifest(tmp_path / "train.json", [example], root.name, "My-AQA")
    (there,) = read_manifest(tmp_path / "train.json", root)
    assert Path(there.audio).samefile(root / "sounds/a.wav")
    monkeypatch.chdir("/")
    (there,) = read_manifest(tmp_path / "train.json", root)
    assert Path(there.audio).samefile(root / "sounds/a.wav")


def test_what_a_manifest_cannot_hold_is_refused(root, tmp_path):
    sound = str(root / "sounds/a.wav")
    examples = [
        Example(sound, "what?", "a dog"),
        Example(sound, "what?", "a dog", duration_s=0.5),
        Example(sound, "what?", "a dog", examples=(Example(sound, "what?", "a cat"),)),
        Example(sound, "what?", " "),
    ]
    with pytest.raises(ManifestError, match="no example came"):
        write_manifest(tmp_path / "train.json", [], root, "My-AQA")
    with pytest.raises(ManifestError, match="3 broken") as error:
        write_manifest(tmp_path / "train.json", examples, root, "My-AQA")
    assert "row 1" in str(error.value) and "write_interleaved" in str(error.value)
    assert not (tmp_path / "train.json").exists()


@pytest.mark.parametrize(
    "fault, message",
    [
        ({"dialogue": (("hi", ""),)}, "assistant is ''"),
        ({"start_s": -3.0}, "audio_start is -3.0"),
        ({"start_s": float("nan")}, "audio_start is nan"),
        ({"output": None}, "output is None"),
        ({"output": "a \udcfc"}, "can't encode"),
        ({"audio": "{root}/sounds/gone.wav"}, "there is no audio file"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(root, tmp_path, fault, message):
    if "audio" in fault:
        fault = {"audio": fault["audio"].format(root=root)}
    good = Example(str(root / "sounds/a.wav"), "what?", "a dog")
    write_manifest(tmp_path / "train.json", [good], root, "My-AQA")
    before = (tmp_path / "train.json").read_text()
    bad = dataclasses.replace(good, **fault)
    with pytest.raises(ManifestError, match=f"row 1: .*{message}"):
        write_manifest(tmp_path / "train.json", [good, bad], root, "My-AQA")
    with pytest.raises(ManifestError, match="row 0: it is no Example but a str"):
        write_manifest(tmp_path / "train.json", ["a.wav"], root, "My-AQA")
    assert (tmp_path / "train.json").read_text() == before
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("folds", ["5", ["1", "2"], [1.5]])
def test_folds_are_whole_numbers(tmp_path, folds):
    with pytest.raises(TypeError, match="folds is .*; whole numbers are expected"):
        read_esc(tmp_path, folds)


def test_a_manifest_of_the_command_line_finds_its_audio(root, tmp_path, monkeypatch):
    """By names as seen from its folder, or from here."""
    seen = {"own": "a.wav", "here": "root/sounds/a.wav"}
    monkeypatch.chdir(tmp_path)
    for place, name in seen.items():
        path = root / "sounds" / f"{place}.json"
        path.write_text(manifest({"0": row(name)}, dataset_path=".", split_path=""))
        (example,), begins = read_examples(path)
        assert Path(example.audio).samefile(root / "sounds/a.wav")
        assert begins == {"own": root / "sounds", "here": Path()}[place]
        (again,), _ = read_examples(path, begins)
        assert again == example
    with pytest.raises(ValueError, match="(?s)no audio file .*--data-root, which was"):
        read_examples(path, root)
    monkeypatch.chdir("/")
    with pytest.raises(ValueError, match="sounds/root/sounds/a.wav"):
        read_examples(path)

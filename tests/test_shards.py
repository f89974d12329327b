"""Recordings in shards: packed, heard and read once, in an order that resumes."""

import json
import os
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch as safetensors
import soundfile
import torch

from af_minimal import __main__ as cli
from af_minimal.clap import TEXT_FILE, MiniCLAP, load_clap, save_clap
from af_minimal.data import Example
from af_minimal.disk import checkpoints, shards
from af_minimal.disk.run_folder import difference
from af_minimal.soundworld import features, sharded
from af_minimal.soundworld.run import Run

COUNT, SIZE = 11, 4


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> list[Example]:
    """Short noises whose names say which they are."""
    root = tmp_path_factory.mktemp("audio")
    rng, examples = np.random.default_rng(0), []
    for i in range(COUNT):
        path = root / ("bell" if i % 2 else "dog_bark") / f"{i}.flac"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(8_000), 16_000)
        examples.append(Example(str(path), "classify.", f"sound {i}", "Sounds"))
    return examples


@pytest.fixture(scope="module")
def packed(recordings, tmp_path_factory) -> Path:
    root = Path(recordings[0].audio).parents[1]
    return shards.write_shards(recordings, tmp_path_factory.mktemp("s"), root, SIZE)


@pytest.fixture(scope="module")
def listened(packed, student, tmp_path_factory) -> Path:
    return sharded.hear_shards(student.encoder, packed, tmp_path_factory.mktemp("f"))


def outputs(stream: shards.Stream, places) -> list[str]:
    return [stream[at]["json"]["output"] for at in places]


def test_what_no_stage_learns_from_shards_is_refused(recordings, tmp_path):
    root = Path(recordings[0].audio).parents[1]
    talk = replace(recordings[0], dialogue=(("what?", "a dog"),))
    shown = replace(recordings[0], examples=(recordings[1],))
    for example, kind in ((talk, "a conversation"), (shown, "few-shot examples")):
        with pytest.raises(ValueError, match=f"has {kind}, and shards hold"):
            shards.write_shards([recordings[2], example], tmp_path, root)
    assert not list(tmp_path.iterdir())


def test_features_are_of_sounds_at_the_loudness_that_is_heard(student):
    encoder = deepcopy(student.encoder)
    encoder.audio = replace(encoder.audio, normalise="peak")
    wave = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    quiet, loud = features.hear(encoder, [0.1 * wave, wave])[0]
    torch.testing.assert_close(quiet, loud)


def test_an_epoch_meets_every_example_once_and_the_next_in_another_order(packed):
    assert sorted(path.name for path in packed.iterdir()) == [
        *[f"shard-{i:06d}.tar" for i in range(3)],
        "shards.json",
    ]
    stream = shards.Stream(packed)
    first, second = outputs(stream, range(11)), outputs(stream, range(11, 22))
    assert sorted(first) == sorted(second) == sorted(f"sound {i}" for i in range(11))
    assert first != second
    assert outputs(shards.Stream(packed), [17, 3]) == [second[6], first[3]]


def test_headers_are_read_once(packed):
    shards._rows_of.cache_clear()
    outputs(shards.Stream(packed), range(2 * COUNT))
    assert shards._rows_of.cache_info().misses == 3


def test_a_shard_that_was_written_anew_is_read_anew(packed, tmp_path):
    made = [{"__key__": f"{i}", "json": b"{}", "bin": b"x" * (9 + i)} for i in range(3)]
    for count in (3, 2):
        plan = {"examples": [count], "of": ""}
        shards.fill(tmp_path / "it", plan, [(0, made[:count])])
        path = shards.shard_path(tmp_path / "it", 0)
        assert len(shards.rows_of(path)) == count
        shutil.rmtree(tmp_path / "it")


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_shard_that_was_cut_off_is_named(packed, student, tmp_path, share):
    shutil.copytree(packed, tmp_path / "cut")
    path = shards.shard_path(tmp_path / "cut", 1)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match="shard-000001.tar is cut off or damaged"):
        sharded.hear_shards(student.encoder, tmp_path / "cut", tmp_path / "heard")
    with pytest.raises(ValueError, match="there is no encoder"):
        sharded.hear_shards(None, packed, tmp_path / "heard")


def test_a_recording_that_cannot_be_read_is_named_in_a_shard(student, tmp_path):
    row = json.dumps({"name": "dogs/rex.wav"}).encode()
    made = [{"__key__": "0", "wav": b"no sound at all", "json": row}]
    shards.fill(tmp_path / "odd", {"examples": [1], "of": ""}, [(0, made)])
    with pytest.raises(ValueError, match="in a shard, dogs/rex.wav"):
        sharded.hear_shards(student.encoder, tmp_path / "odd", tmp_path / "heard")


def test_half_a_recording_is_told_in_a_sentence(recordings, tmp_path, capsys):
    whole = Path(recordings[0].audio).read_bytes()
    folder = tmp_path / "sounds" / "dogs"
    folder.mkdir(parents=True)
    half, holes = folder / "rex.flac", folder / "nan.wav"
    half.write_bytes(whole[: len(whole) // 2])
    soundfile.write(holes, np.array([0.1] * 900 + [np.nan]), 16_000, "FLOAT")
    packed = ["shards", str(tmp_path / "sounds"), "--out", str(tmp_path / "packed")]
    assert cli.main(packed) == 2
    told = capsys.readouterr().err
    assert "2 broken" in told and "rex.flac" in told and "nan.wav" in told
    assert not (tmp_path / "packed").exists()
    # one that went bad behind that is told by a process that decodes ahead
    row = json.dumps({"name": "dogs/rex.flac"}).encode()
    made = [{"__key__": "0", "flac": half.read_bytes(), "json": row}]
    shards.fill(tmp_path / "odd", {"examples": [1], "of": ""}, [(0, made)])
    listen = ["features", str(tmp_path / "odd"), "--out", str(tmp_path / "heard")]
    assert cli.main([*listen, "--workers", "1"]) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("error: in a shard, dogs/rex.flac cannot be decoded")


def test_a_link_to_a_file_without_a_suffix(recordings, student, tmp_path):
    (tmp_path / "store").mkdir()
    blob, link = tmp_path / "store" / "a1b2", tmp_path / "rex.flac"
    blob.write_bytes(Path(recordings[0].audio).read_bytes())
    link.symlink_to(blob)
    example = replace(recordings[0], audio=str(link))
    packed = shards.write_shards([example], tmp_path / "packed", tmp_path)
    heard = sharded.hear_shards(student.encoder, packed, tmp_path / "heard")
    assert shards.Stream(heard)[0]["json"]["name"] == "store/a1b2"


def test_another_job_in_the_folder_takes_no_number(recordings, tmp_path, monkeypatch):
    """It makes the first shard after ours was counted as missing."""
    root, own = Path(recordings[0].audio).parents[1], shards.own_shards
    other = shards.write_shards(recordings, tmp_path / "other", root, SIZE)

    def before(folder, count):
        found = own(folder, count)
        folder.mkdir(exist_ok=True)
        first = shards.shard_path(folder, 0)
        if not first.exists():
            shutil.copy(shards.shard_path(other, 0), first)
            kept.append(first.stat().st_ino)
        return found

    kept: list[int] = []
    monkeypatch.setattr(shards, "own_shards", before)
    here = shards.write_shards(recordings, tmp_path / "here", root, SIZE)
    assert [shards.shard_path(here, 0).stat().st_ino] == kept
    for path in other.iterdir():
        assert (here / path.name).read_bytes() == path.read_bytes()
    assert len(list(here.iterdir())) == len(list(other.iterdir()))


def test_few_clips_are_cut_before_they_are_heard(student, monkeypatch):
    """All windows of a shard at once would be gigabytes of a published encoder."""
    cut, sizes, clips = [], [], features.TOGETHER * 2 + 3
    cut_one, listen = features.audio.hear, student.encoder.encode_windows

    def spy(clip, config):
        cut.append(clip)
        return cut_one(clip, config)

    def listened_to(windows, mask):
        sizes.append(len(cut))
        cut.clear()
        return listen(windows, mask)

    monkeypatch.setattr(features.audio, "hear", spy)
    monkeypatch.setattr(student.encoder, "encode_windows", listened_to)
    waves = list(0.1 * np.random.default_rng(0).normal(size=(clips, 4_000)))
    found = features.hear(student.encoder, waves)
    assert sizes == [16, 16, 3] and [len(tensor) for tensor in found] == [clips] * 2
    samples = [(str(i), b"{}", wave) for i, wave in enumerate(waves)]
    made = sharded.heard(student.encoder, samples)
    row = safetensors.load(next(made)[sharded.HEARD])
    assert sizes == [16, 16, 3, 16]  # the rest is heard when its turn comes
    assert torch.equal(row["features"], found[0][0].half())
    assert len(list(made)) == clips - 1


def test_features_of_other_windows_are_others(packed, listened, student, tmp_path):
    shutil.copytree(listened, tmp_path / "heard")
    encoder = deepcopy(student.encoder)
    encoder.audio = replace(encoder.audio, max_windows=encoder.audio.max_windows + 1)
    with pytest.raises(ValueError, match="or of another encoder"):
        sharded.hear_shards(encoder, packed, tmp_path / "heard")


def test_single_rows_are_those_of_the_whole_shard(packed, listened):
    for path in (*packed.glob("*.tar"), *listened.glob("*.tar")):
        whole = shards.read_shard(path)
        assert len(shards.rows_of(path)) == len(whole) > 0
        for number, sample in enumerate(whole):
            bytes_of = {k: v for k, v in sample.items() if not k.startswith("__")}
            assert shards.read_row(path, number) == bytes_of


def bytes_read() -> int:
    """What this process has had from files so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux counts")
@pytest.mark.parametrize("world", [1, 2, 4])
def test_a_process_reads_its_own_rows_alone(world, tmp_path):
    """All of them read each byte of the rows once, and the headers."""
    rows, size, large = 4, 8, 200_000
    made = [
        (
            number,
            [
                {"__key__": f"{i:06d}", "json": b"{}", "bin": bytes([i]) * large}
                for i in range(size)
            ],
        )
        for number in range(rows)
    ]
    shards.fill(tmp_path, {"examples": [size] * rows, "of": "noise"}, made)
    for rank in range(world):
        shards._rows_of.cache_clear()
        stream, before = shards.Stream(tmp_path), bytes_read()
        places = range(rank, len(stream), world)
        assert all(len(stream[at]["bin"]) == large for at in places)
        assert bytes_read() - before < 1.2 * large * len(places)


def test_shards_are_shared_out_and_nothing_is_made_twice(
    recordings, tmp_path, monkeypatch
):
    root = Path(recordings[0].audio).parents[1]
    for rank in (0, 1):
        monkeypatch.setattr(shards, "place", lambda rank=rank: (rank, 2))
        monkeypatch.setattr(shards, "wait", lambda: None)
        before = set(tmp_path.glob("*.tar"))
        shards.write_shards(recordings, tmp_path, root, SIZE)
        new = sorted(p.name for p in set(tmp_path.glob("*.tar")) - before)
        assert new == [f"shard-{i:06d}.tar" for i in range(rank, 3, 2)]
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.tar")}
    shards.write_shards(recordings, tmp_path, root, SIZE)
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    (tmp_path / "shard-000001.tar").unlink()
    with pytest.raises(FileNotFoundError, match="lacks 1 of 3 shards.*000001"):
        shards.Stream(tmp_path)


def test_what_does_not_fit_is_told(recordings, packed, listened, student, tmp_path):
    root = Path(recordings[0].audio).parents[1]
    with pytest.raises(ValueError, match="shards of other examples"):
        shards.write_shards(recordings[:5], packed, root, SIZE)
    with pytest.raises(ValueError, match="does not lie in"):
        shards.write_shards(recordings, tmp_path, root / "bell")
    with pytest.raises(FileNotFoundError, match="holds no shards.json"):
        shards.Stream(tmp_path)
    with pytest.raises(ValueError, match="features of encoder None"):
        sharded.check_heard_by(student.encoder, packed)
    sharded.check_heard_by(student.encoder, listened)


def test_features_are_those_of_the_recording(recordings, listened, student):
    by_name = {example.output: example for example in recordings}
    stream = shards.Stream(listened)
    for at in (0, 7):
        sample = stream[at]
        tensors = sharded.safetensors.torch.load(sample[sharded.HEARD])
        wave = sharded.load_audio(by_name[sample["json"]["output"]].audio).waveform
        wanted, mask = features.hear(student.encoder, [wave])
        assert torch.equal(tensors["features"], wanted[0].half())
        assert torch.equal(tensors["mask"], mask[0])


def test_batches_are_divided_and_resume(listened, student):
    batches = sharded.ShardBatches(listened, student.tokenizer, size=4)
    (whole,), fresh = batches(5), sharded.ShardBatches(listened, student.tokenizer, 4)
    for rank in (0, 1):
        (own,) = fresh.own(5, rank, 2)
        wide = own["input_ids"].shape[1]
        assert torch.equal(own["input_ids"], whole["input_ids"][rank::2, :wide])
        assert torch.equal(own["audio_features"], whole["audio_features"][rank::2])
    with pytest.raises(ValueError, match="4 rows is too small for 5"):
        batches.own(0, 0, 5)


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_that_decode_ahead_change_nothing(
    packed, listened, student, tmp_path, workers
):
    shards._rows_of.cache_clear()  # the processes would inherit what was read
    again = sharded.hear_shards(student.encoder, packed, tmp_path, workers)
    names = sorted(path.name for path in listened.iterdir())
    assert sorted(path.name for path in again.iterdir()) == names
    one, other = (
        sharded.ShardBatches(folder, student.tokenizer, 4, 0)(0)[0]
        for folder in (listened, again)
    )
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


@pytest.mark.slow
def test_two_processes_hear_what_one_does(
    packed, listened, student, tmp_path, two_processes
):
    student.save_pretrained(tmp_path / "student")
    hear = ["features", str(packed), "--out", str(tmp_path / "heard"), "--workers", "0"]
    done = subprocess.run(
        [*two_processes, *hear, "--model", str(tmp_path / "student")],
        capture_output=True,
        text=True,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = shards.Stream(listened), shards.Stream(tmp_path / "heard")
    assert len(one) == len(two) == COUNT
    for at in range(COUNT):
        assert one[at]["json"] == two[at]["json"]
        own, other = (safetensors.load(s[at][sharded.HEARD]) for s in (one, two))
        assert own.keys() == other.keys()
        assert all(torch.equal(tensor, other[name]) for name, tensor in own.items())


@pytest.mark.slow
def test_from_recordings_to_a_model_on_the_command_line(
    recordings, student, tmp_path, capsys
):
    student.save_pretrained(tmp_path / "student")
    clap = MiniCLAP(student.config.encoder, student.config.audio, student.tokenizer)
    clap.encoder = student.encoder
    save_clap(clap, tmp_path / "student")
    root, packed = Path(recordings[0].audio).parents[1], str(tmp_path / "packed")
    listened, out = str(tmp_path / "heard"), str(tmp_path / "run")
    model = ["--model", str(tmp_path / "student"), "--workers", "0"]
    assert cli.main(["shards", str(root), "--out", packed, "--size", "4"]) == 0
    assert cli.main(["features", packed, "--out", listened, *model]) == 0
    settings = ["--stage", "sft", "--start-from", str(tmp_path / "student")]
    settings += ["--shards", listened, "--steps", "3", "--batch", "4", "--workers", "1"]
    assert cli.main(["train", "--out", out, *settings]) == 0
    assert "waited for data" in capsys.readouterr().out
    assert checkpoints.newest(tmp_path / "run" / "sft").name == "step-0000003"
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
    text = (tmp_path / "student" / TEXT_FILE).read_bytes()
    assert (tmp_path / "run" / "model" / TEXT_FILE).read_bytes() == text
    load_clap(student.encoder, student.tokenizer, tmp_path / "run" / "model")
    # a run that is refused notes nothing
    noted = (tmp_path / "run" / "run.json").rename(tmp_path / "noted.json")
    assert cli.main(["train", "--out", out, *settings]) == 2
    assert "--resume" in capsys.readouterr().err
    assert not (tmp_path / "run" / "run.json").exists()
    noted.rename(tmp_path / "run" / "run.json")
    # this folder is that of a run on these shards, and of no other
    settings += ["--resume"]
    shutil.copytree(listened, tmp_path / "else" / "heard")
    plan = tmp_path / "else" / "heard" / "shards.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"of": "others"}))
    moved = [str(plan.parent) if word == listened else word for word in settings]
    assert cli.main(["train", "--out", out, *moved]) == 2
    assert "the folder of a run whose shards is 'heard " in capsys.readouterr().err
    noted = json.loads((tmp_path / "run" / "run.json").read_text())
    soundworld = Run(Path(out)).settings
    assert "whose shards is" in difference({"shards": noted["shards"]}, soundworld)
    for option in (["--scenes", "3"], ["--skip-pretrain"], ["--recordings", "x"]):
        assert cli.main(["train", "--out", out, *settings, *option]) == 2
        assert f"{option[0]} came with --shards" in capsys.readouterr().err


@pytest.mark.slow
def test_published_weights_that_learnt_our_spelling_have_another_name(
    listened, student, tmp_path
):
    """By the name "official" `ask` would spell as NVIDIA's scripts do."""
    model = deepcopy(student)
    model.config = replace(model.config, name="official")
    model.save_pretrained(tmp_path / "theirs")
    words = ["train", "--stage", "sft", "--start-from", str(tmp_path / "theirs")]
    words += ["--shards", str(listened), "--out", str(tmp_path / "run")]
    assert cli.main([*words, "--steps", "1", "--batch", "2", "--workers", "0"]) == 0
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["name"] == "official-sft"

"""A datastore on disk: what is loaded, added to and saved again, and what is broken."""

import json
import os
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
import soundfile
import torch
from safetensors.numpy import save_file

from af_minimal import __main__ as cli
from af_minimal.audio import Clip, load_audio
from af_minimal.config import PRESETS
from af_minimal.data import Example, open_clip
from af_minimal.disk import shards, stores
from af_minimal.disk.stored_sounds import file_of
from af_minimal.encoders import build_encoder
from af_minimal.retrieval import Datastore, FewNeighboursWarning, embed

RATE = 16_000
TINY = PRESETS["tiny"]


def encoder_of(seed: int, **changes):
    torch.manual_seed(seed)
    return build_encoder(replace(TINY.encoder, **changes), TINY.audio).eval()


@pytest.fixture(scope="module")
def encoder():
    return encoder_of(0)


def tone(hz: float) -> np.ndarray:
    time = np.arange(12_800) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def clip(i: int) -> Clip:
    return Clip.from_array(tone(200 * 1.5**i), RATE)


def about(audio, output: str = "a tone") -> Example:
    return Example(audio, "what is it?", output)


def clips_store(encoder, count: int = 3) -> Datastore:
    return Datastore.build([about(clip(i), f"tone {i}") for i in range(count)], encoder)


@pytest.fixture
def recordings(tmp_path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for i in range(3):
        soundfile.write(folder / f"{i}.wav", tone(150 + 90 * i), RATE)
    return folder


def listened(store: Datastore, encoder) -> bool:
    """Whether every example still leads to the sound of its embedding."""
    again = embed(store.examples, encoder)
    return np.allclose(again, store.embeddings, atol=1e-4)


def rows_of(folder: Path) -> list[dict]:
    text = (folder / "examples.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


def old_store(folder: Path, encoder, sounds: tuple = (0, 1)) -> None:
    """A store of the first format: numbered sounds, and no word of an encoder."""
    (folder / "audio").mkdir(parents=True)
    rows = []
    for i, sound in enumerate(sounds):
        name = f"audio/{i:06d}.wav"
        soundfile.write(folder / name, clip(sound).waveform, RATE, "FLOAT")
        rows.append({"here": name, "prompt": "", "output": f"old {sound}"})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "examples.jsonl").write_text(text)
    embeddings = embed([about(clip(sound)) for sound in sounds], encoder)
    save_file({"embeddings": embeddings}, folder / "embeddings.safetensors")
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings)
    faiss.write_index(index, str(folder / "index.faiss"))


# loaded, added to, saved


def test_a_store_of_clips_is_loaded_added_to_and_saved(tmp_path, encoder):
    clips_store(encoder).save(tmp_path / "store")
    for new in (3, 4):
        store = Datastore.load(tmp_path / "store", encoder)
        store.add([about(clip(new), f"tone {new}")])
        store.save(tmp_path / "store")
    (tmp_path / "store").rename(tmp_path / "moved")  # it needs no folder but itself
    store = Datastore.load(tmp_path / "moved", encoder)
    assert [e.output for e in store.examples] == [f"tone {i}" for i in range(5)]
    assert listened(store, encoder)
    assert len(list((tmp_path / "moved" / "audio").iterdir())) == 5


def test_clips_and_recordings_need_no_common_folder(tmp_path, encoder, recordings):
    store = clips_store(encoder, 2)
    store.add([about(recordings / "0.wav", "recorded")])
    store.save(tmp_path / "store", recordings)
    store = Datastore.load(tmp_path / "store", encoder, recordings)
    store.add([about(clip(5), "new"), about(str(recordings / "1.wav"), "recorded")])
    store.save(tmp_path / "store", data_root=recordings)
    places = [next(iter(row)) for row in rows_of(tmp_path / "store")]
    assert places == ["here", "here", "name", "here", "name"]
    assert listened(Datastore.load(tmp_path / "store", data_root=recordings), encoder)


def test_a_store_inside_its_root_needs_the_root_for_recordings_alone(tmp_path, encoder):
    clips_store(encoder).save(tmp_path / "store")
    store = Datastore.load(tmp_path / "store", encoder)
    store.save(tmp_path / "store", data_root=tmp_path / "store")
    store.save(tmp_path / "store", data_root=tmp_path)
    assert listened(Datastore.load(tmp_path / "store"), encoder)


def test_a_store_saved_elsewhere_takes_its_sounds_along(tmp_path, encoder):
    clips_store(encoder).save(tmp_path / "a")
    Datastore.load(tmp_path / "a").save(tmp_path / "b", data_root=tmp_path)
    for file in (tmp_path / "a").rglob("*.*"):
        file.unlink()
    assert listened(Datastore.load(tmp_path / "b"), encoder)
    assert not list((tmp_path / "b").rglob("*.part"))


def test_two_old_stores_become_one(tmp_path, encoder):
    """Both number their sounds from 0: none takes the place of another."""
    old_store(tmp_path / "a", encoder)
    old_store(tmp_path / "b", encoder, (2, 3))
    one, two = Datastore.load(tmp_path / "a"), Datastore.load(tmp_path / "b")
    examples = [*two.examples, *one.examples, about(clip(7), "new")]
    Datastore.build(examples, encoder).save(tmp_path / "a")
    store = Datastore.load(tmp_path / "a")
    said = [e.output for e in store.examples]
    assert said == ["old 2", "old 3", "old 0", "old 1", "new"]
    assert listened(store, encoder)


def test_what_lies_outside_is_told_before_anything_is_written(
    tmp_path, encoder, recordings
):
    store = clips_store(encoder, 1)
    store.add([about(recordings / "0.wav")])
    with pytest.raises(ValueError, match="0.wav is a file outside data_root None"):
        store.save(tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_clip_is_stored_from_its_beginning(tmp_path, encoder):
    """`open_clip` hears a Clip whole, whatever the example's start; so does a store."""
    example = replace(about(clip(0)), start_s=0.5)
    Datastore.build([example], encoder).save(tmp_path)
    (stored,) = Datastore.load(tmp_path).examples
    assert len(open_clip(stored).waveform) == len(clip(0).waveform)


# rows


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b\x0c\x1c", "\r\n"])
def test_any_text_comes_back(tmp_path, encoder, mark):
    examples = [about(clip(0), f"one{mark}two"), about(clip(1), mark)]
    Datastore.build(examples, encoder).save(tmp_path)
    loaded = Datastore.load(tmp_path).examples
    assert [e.output for e in loaded] == [f"one{mark}two", mark]


def test_every_field_comes_back(tmp_path, encoder):
    fields = {"task": "Clotho", "label": "", "fold": 0, "examples_are": "random"}
    example = replace(about(clip(0)), dialogue=(("who?", "me."),), **fields)
    Datastore.build([example], encoder).save(tmp_path)
    (loaded,) = Datastore.load(tmp_path).examples
    assert replace(loaded, audio=None) == replace(example, audio=None)
    row = shards.row_of(replace(example, audio=tmp_path / "0.wav"), tmp_path)
    assert (row["fold"], row["label"]) == (0, "")


# its own sound


def test_a_stored_clip_is_never_its_own_neighbour(tmp_path, encoder):
    store = clips_store(encoder, 4)
    store.save(tmp_path / "store")
    store = Datastore.load(tmp_path / "store", encoder)
    store.add([replace(store.examples[2], prompt="again?"), about(clip(2))])
    store.save(tmp_path / "moved")  # copies; and loaded once more
    for folder in ("store", "moved"):
        loaded = Datastore.load(tmp_path / folder, encoder)
        path = loaded.examples[2].audio
        for query in (clip(2), loaded.examples[2], path, load_audio(path)):
            with pytest.warns(FewNeighboursWarning, match="3 other"):
                places, cosines = loaded.nearest(query, k=4)
            assert sorted(places) == [0, 1, 3] and max(cosines) < 1


def test_the_rate_is_part_of_a_sound():
    fast = Clip.from_array(clip(0).waveform, 2 * RATE)
    assert file_of(about(fast)) != file_of(about(clip(0)))
    assert file_of(about(clip(0))) == file_of(about(clip(0)))


def test_a_recording_keeps_its_path(recordings):
    """Only in a store's folder is a name of 64 digits a hash of samples."""
    path = recordings / f"{'0' * 64}.wav"
    assert file_of(about(path)) == str(path.resolve())


# another encoder


def test_an_encoder_of_another_width_is_refused(tmp_path, encoder):
    store = clips_store(encoder)
    store.save(tmp_path)
    wider = encoder_of(0, embed_dim=24)
    with pytest.raises(ValueError, match="has 24 numbers; 16 are expected"):
        Datastore.load(tmp_path, wider)
    store.encoder = wider
    with pytest.raises(ValueError, match="has 24 numbers; 16 are expected"):
        store.nearest(clip(5), 1)
    with pytest.raises(ValueError, match="has 24 numbers; 16 are expected"):
        store.add([about(clip(5))])
    assert len(store) == len(store.files) == store.index.ntotal == 3
    store.encoder = encoder
    store.add([about(clip(5))])
    assert len(store) == len(store.files) == store.index.ntotal == 4


def test_an_encoder_with_other_weights_is_told(tmp_path, encoder, recwarn):
    clips_store(encoder).save(tmp_path)
    Datastore.load(tmp_path, encoder)
    Datastore.load(tmp_path, encoder_of(0).to(torch.bfloat16))  # the same, rounded
    assert not recwarn.list
    for _ in range(2):  # saved by another, it is still what the first one heard
        with pytest.warns(stores.OtherEncoderWarning, match="other weights"):
            store = Datastore.load(tmp_path, encoder_of(1))
        store.save(tmp_path)
    Datastore.load(tmp_path).save(tmp_path)  # without one, the note stays as well
    with pytest.warns(stores.OtherEncoderWarning):
        Datastore.load(tmp_path, encoder_of(1))


def test_an_encoder_that_was_saved_in_float16_is_the_same(tmp_path, encoder, recwarn):
    clips_store(encoder).save(tmp_path)
    rounded = encoder_of(0).half().float()
    assert stores.fingerprint(rounded) != stores.fingerprint(encoder)
    Datastore.load(tmp_path, rounded).add([about(clip(5))])
    assert not recwarn.list
    for sound in (tmp_path / "audio").iterdir():
        sound.unlink()  # now there is nothing to compare
    with pytest.warns(stores.OtherEncoderWarning):
        Datastore.load(tmp_path, rounded)


def test_a_store_is_of_the_encoder_that_built_it(tmp_path):
    encoder = encoder_of(0)
    store = clips_store(encoder)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(-1.5)  # trained on, between hearing and saving
    store.save(tmp_path)
    with pytest.warns(stores.OtherEncoderWarning):
        Datastore.load(tmp_path, encoder)


def test_what_another_encoder_adds_is_told(tmp_path, encoder):
    clips_store(encoder).save(tmp_path)
    store = Datastore.load(tmp_path, encoder)
    store.encoder = encoder_of(1)
    with pytest.warns(stores.OtherEncoderWarning, match="other weights"):
        store.add([about(clip(5))])


def test_an_old_store_loads_and_is_renewed(tmp_path, encoder, recwarn):
    old_store(tmp_path / "old", encoder)
    store = Datastore.load(tmp_path / "old", encoder)
    assert [e.output for e in store.examples] == ["old 0", "old 1"]
    assert not recwarn.list and store.heard_by is None
    store.add([about(clip(5), "new")])
    store.save(tmp_path / "new")
    new = Datastore.load(tmp_path / "new", encoder)
    assert listened(new, encoder) and new.heard_by == stores.fingerprint(encoder)
    assert file_of(new.examples[0]) == file_of(about(clip(0)))  # now by its samples
    store.save(tmp_path / "old")  # where it is, its numbered sounds stay
    assert [row["here"][:12] for row in rows_of(tmp_path / "old")[:2]] == [
        "audio/000000",
        "audio/000001",
    ]
    assert listened(Datastore.load(tmp_path / "old"), encoder)


# broken


@pytest.mark.parametrize("fault", ["missing", "cut", "foreign"])
def test_an_index_that_cannot_be_read_is_built_anew(tmp_path, encoder, fault):
    store = clips_store(encoder, 4)
    store.save(tmp_path)
    file = tmp_path / "index.faiss"
    if fault == "missing":
        file.unlink()
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:-20])
    if fault == "foreign":
        faiss.write_index(faiss.IndexFlatIP(3), str(file))
    with pytest.warns(UserWarning, match="index.faiss .* built anew"):
        loaded = Datastore.load(tmp_path, encoder)
    assert loaded.nearest(clip(1), 3) == store.nearest(clip(1), 3)
    loaded.save(tmp_path)
    assert faiss.read_index(str(file)).ntotal == 4


def test_embeddings_that_are_cut_off_are_told(tmp_path, encoder, capsys):
    clips_store(encoder).save(tmp_path)
    file = tmp_path / "embeddings.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ValueError, match="cut off or damaged"):
        Datastore.load(tmp_path)


def test_a_save_that_was_killed_is_told(tmp_path, encoder, monkeypatch):
    clips_store(encoder).save(tmp_path)
    moved, move = [], os.replace

    def killed(source, target):
        moved.append(target)
        if len(moved) == 2:
            raise KeyboardInterrupt
        move(source, target)

    other = Datastore.build([about(clip(i), "else") for i in range(3)], encoder)
    monkeypatch.setattr("af_minimal.disk.stores.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        other.save(tmp_path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="embeddings of other rows"):
        Datastore.load(tmp_path)
    other.save(tmp_path)
    assert [e.output for e in Datastore.load(tmp_path).examples] == ["else"] * 3
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith("tmp")]


def test_the_command_line_goes_on_without_an_index(
    tmp_path, student, monkeypatch, capsys
):
    soundfile.write(tmp_path / "query.wav", tone(300), RATE)
    clips_store(student.encoder).save(tmp_path / "store")
    (tmp_path / "store" / "index.faiss").unlink()
    monkeypatch.setattr("af_minimal.official.published.load", lambda name: student)
    monkeypatch.setattr(student, "ask", lambda clips, *rest, **more: ["a tone"])
    ask = ["ask", str(tmp_path / "query.wav"), "What is it?", "--shots", "2"]
    assert cli.main([*ask, "--store", str(tmp_path / "store")]) == 0
    assert "built anew" in capsys.readouterr().err


# what is no Example


def test_what_is_no_example_is_told(encoder, recordings):
    path = recordings / "0.wav"
    for wrong in ([path], [str(path)], [clip(0)], str(path), clip(0), about(path)):
        with pytest.raises(TypeError, match="a list of Examples is expected"):
            Datastore.build(wrong, encoder)
        store = clips_store(encoder, 2)
        with pytest.raises(TypeError, match="a list of Examples is expected"):
            store.add(wrong)
        assert len(store) == len(store.files) == store.index.ntotal == 2
    with pytest.raises(TypeError, match="a list of Examples is expected"):
        Datastore([path], np.ones((1, 4)))
    with pytest.raises(TypeError, match="expected; str came"):
        open_clip(str(path))


def test_adding_nothing_is_told(encoder):
    with pytest.raises(ValueError, match="at least one example"):
        clips_store(encoder).add([])


def test_a_piece_of_a_file_comes_back_as_that_piece(tmp_path, encoder):
    time = np.arange(4 * 16_000) / 16_000
    soundfile.write(tmp_path / "long.wav", 0.3 * np.sin(1000 * time), 16_000)
    piece = load_audio(tmp_path / "long.wav", start_s=1, duration_s=1)
    rest = load_audio(tmp_path / "long.wav", start_s=3)
    examples = [Example(piece, "what?", "piece"), Example(rest, "what?", "rest")]
    store = Datastore.build(examples, encoder)
    store.save(tmp_path / "store", data_root=tmp_path)
    loaded = Datastore.load(tmp_path / "store", encoder, data_root=tmp_path)
    assert loaded.files == store.files  # both are of one file, before and after
    back = loaded.examples
    heard = [open_clip(example, 16_000).waveform for example in back]
    np.testing.assert_array_equal(heard[0], piece.waveform)
    np.testing.assert_array_equal(heard[1], rest.waveform)


def test_few_shot_examples_are_refused(tmp_path, encoder):
    """They would be gone after loading, and nothing would say so."""
    shown = replace(about(clip(0)), examples=(about(clip(1)),), examples_are="similar")
    store = Datastore.build([shown, about(clip(2))], encoder)
    with pytest.raises(ValueError, match="has few-shot examples, which no store"):
        store.save(tmp_path / "store")
    assert not (tmp_path / "store").exists()


# an embedding that asks


def test_an_embedding_is_compared_at_unit_norm():
    for scale in (1.0, 1e-20, 1e30):
        vector = stores.check_vector(np.array([3, 4], np.float32) * scale, 2)
        assert vector.dtype == np.float32
        np.testing.assert_allclose(vector, [0.6, 0.8], rtol=1e-6)


def test_an_embedding_that_no_sound_is_like_is_told():
    for wrong in ([0, 0], [np.nan, 1], [1, -np.inf]):
        with pytest.raises(ValueError, match="it is like no sound"):
            stores.check_vector(np.array(wrong, np.float32), 2)
    with pytest.raises(ValueError, match="has 3 numbers; 2 are expected"):
        stores.check_vector(np.ones(3, np.float32), 2)

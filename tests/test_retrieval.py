"""The datastore: nearest first, never the query itself, one entry of each file."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from af_minimal.audio import Clip
from af_minimal.config import PRESETS
from af_minimal.data import Example
from af_minimal.disk.indexes import build_index
from af_minimal.encoders import build_encoder
from af_minimal.retrieval import (
    Datastore,
    FewNeighboursWarning,
    embed,
    file_of,
)

RATE = 16_000


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    config = PRESETS["tiny"]
    return build_encoder(config.encoder, config.audio).eval()


def tone(hz: float, seconds: float = 0.8) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * hz * time)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    for i in range(6):
        soundfile.write(tmp_path / f"{i}.wav", tone(200 * 1.5**i), RATE)
    return tmp_path


@pytest.fixture
def examples(folder):
    """Two questions about each of six files."""
    return [
        Example(str(folder / f"{i}.wav"), prompt, f"tone {i}")
        for i in range(6)
        for prompt in ("what is it?", "classify this sound.")
    ]


@pytest.fixture
def store(examples, encoder):
    return Datastore.build(examples, encoder, batch_size=4)


def test_neighbours_are_the_nearest_other_files(store, examples):
    found = store.neighbours(examples[0], k=3)
    files = [example.audio for example in found]
    assert len(set(files)) == 3 and examples[0].audio not in files
    places, cosines = store.nearest(examples[0], k=5)
    by_hand = store.embeddings @ store.embeddings[0]
    np.testing.assert_allclose(cosines, by_hand[places], rtol=1e-5)
    assert cosines == sorted(cosines, reverse=True)
    others = {examples[i].audio: by_hand[i] for i in range(2, 12)}
    assert files == sorted(others, key=others.get, reverse=True)[:3]


@pytest.mark.parametrize("as_what", ["path", "clip", "link"])
def test_the_query_is_never_its_own_neighbour(store, folder, as_what):
    from af_minimal.audio import load_audio

    path = folder / "2.wav"
    if as_what == "link":
        (folder / "same.wav").symlink_to(path)
        path = folder / "same.wav"
    query = load_audio(path) if as_what == "clip" else path
    with pytest.warns(FewNeighboursWarning, match="6 neighbours.*5 other files"):
        found = store.neighbours(query, k=6)
    assert str(folder / "2.wav") not in [example.audio for example in found]


def test_a_clip_without_a_file_is_known_by_its_samples(encoder):
    clips = [Clip.from_array(tone(300 + 100 * i), RATE) for i in range(3)]
    store = Datastore.build([Example(c, "what?", "a tone") for c in clips], encoder)
    again = Clip.from_array(clips[0].waveform.copy(), RATE)
    found = store.neighbours(again, k=2)
    assert all(example.audio is not clips[0] for example in found)
    assert file_of(Example(again, "", "")) == file_of(Example(clips[0], "", ""))


def test_an_embedding_can_be_asked_for(store):
    (place,), (cosine,) = store.nearest(store.embeddings[4], k=1)
    assert place // 2 == 4 // 2 and cosine == pytest.approx(1, abs=1e-5)
    asked = torch.from_numpy(store.embeddings[[4]])  # (1, C), as `liken` gives it
    for vector in (asked.requires_grad_(), asked.bfloat16()):
        assert store.nearest(vector, k=1)[0] == [place]
    with pytest.raises(ValueError, match="3 numbers; 16 are expected"):
        store.nearest(np.zeros(3), k=1)


def test_embeddings_of_half_precision_have_unit_norm(encoder, examples):
    rough = copy.deepcopy(encoder).to(torch.bfloat16)
    norms = np.linalg.norm(embed(examples, rough), axis=1)
    assert norms == pytest.approx(np.ones(len(examples)), abs=1e-6)


def test_embeddings_of_any_length_are_compared_by_their_cosine(examples):
    rows = np.array([[10.0, 0.0], [0.9, 0.1]])
    store = Datastore(examples[:6:5], rows)
    places, cosines = store.nearest(np.array([0.9, 0.1]), 2)
    assert places == [1, 0] and cosines[0] == pytest.approx(1) and cosines[1] < 1
    assert rows[0, 0] == 10, "who gave them keeps them"
    for odd in (np.nan, np.inf, 0.0):
        with pytest.raises(ValueError, match="are no sounds"):
            Datastore(examples[:6:5], np.array([[1.0, 0.0], [odd, 0.0]]))


def test_an_embedding_is_made_as_long_as_those_stored(store):
    places, cosines = store.nearest(5 * store.embeddings[3], 2)
    assert places[0] in (2, 3) and cosines[0] == pytest.approx(1)
    for odd in (np.zeros(32), np.full(32, np.nan)):
        with pytest.raises(ValueError, match="like no sound"):
            store.nearest(odd[: store.embeddings.shape[1]])


def test_adding_is_building_with_more(encoder, examples, store):
    grown = Datastore.build(examples[:4], encoder)
    grown.add(examples[4:])
    assert grown.examples == store.examples and len(grown) == 12
    np.testing.assert_allclose(grown.embeddings, store.embeddings, atol=1e-6)
    assert grown.nearest(examples[0], 3)[0] == store.nearest(examples[0], 3)[0]


def test_saved_and_loaded(tmp_path, store, folder, encoder, examples):
    place = tmp_path / "store"
    store.save(place, data_root=folder)
    assert not list(place.glob("*.part")) and not list(place.rglob("*.pkl"))
    loaded = Datastore.load(place, encoder, data_root=folder)
    assert loaded.examples == store.examples
    assert loaded.nearest(examples[3], 4) == store.nearest(examples[3], 4)
    assert loaded.kind == store.kind == "auto"


def test_clips_are_saved_beside_the_index(tmp_path, encoder):
    clip = Clip.from_array(tone(500), RATE)
    store = Datastore.build([Example(clip, "what?", "a tone", label="tone")], encoder)
    store.save(tmp_path)
    (example,) = Datastore.load(tmp_path, encoder).examples
    assert (example.prompt, example.output, example.label) == (
        "what?",
        "a tone",
        "tone",
    )
    np.testing.assert_allclose(embed([example], encoder), store.embeddings, atol=1e-5)


def test_saving_needs_the_folder_of_the_recordings(tmp_path, store):
    for root in (None, tmp_path / "elsewhere"):
        with pytest.raises(ValueError, match="outside data_root"):
            store.save(tmp_path / "store", data_root=root)


def test_a_path_that_leaves_the_folder_is_refused(tmp_path, store, folder):
    store.save(tmp_path / "store", data_root=folder)
    rows = tmp_path / "store" / "examples.jsonl"
    good = rows.read_text()
    rows.write_text(good.replace('"0.wav"', '"../../etc/0.wav"'))
    with pytest.raises(ValueError, match=r"line 1: the audio .* leaves"):
        Datastore.load(tmp_path / "store", data_root=folder)
    rows.write_text(good)
    with pytest.raises(ValueError, match="line 1: .*data_root"):
        Datastore.load(tmp_path / "store")
    with pytest.raises(FileNotFoundError, match="no datastore in"):
        Datastore.load(tmp_path / "nowhere")


def test_wrong_input_is_told(store, encoder, examples):
    with pytest.raises(ValueError, match="at least one example"):
        Datastore.build([], encoder)
    with pytest.raises(ValueError, match="k is 0"):
        store.neighbours(examples[0], k=0)
    with pytest.raises(ValueError, match="kind is 'tree'"):
        Datastore(examples, store.embeddings, kind="tree")
    with pytest.raises(ValueError, match="12 examples came with"):
        Datastore(examples, store.embeddings[:3])
    deaf = Datastore(examples, store.embeddings)
    with pytest.raises(ValueError, match="no encoder"):
        deaf.neighbours(examples[0])
    with pytest.raises(ValueError, match="no encoder to hear with: NoneType came"):
        Datastore.build(examples, None)
    with pytest.raises(ValueError, match="0 examples came with"):
        Datastore([], np.zeros((0, 16), np.float32))


def test_many_entries_of_few_files_are_ranked_to_the_last(folder, encoder, examples):
    """The first sixty neighbours are one file; the second file lies behind them."""
    crowd = [replace(examples[0], prompt=f"question {i}?") for i in range(100)]
    other = examples[-1]
    store = Datastore.build([*crowd, other], encoder)
    found = store.neighbours(examples[0].audio, k=1)
    assert found == [other]
    places, _ = store.nearest(store.embeddings[0], k=2)
    assert [store.files[p] for p in places] == [file_of(crowd[0]), file_of(other)]


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_approximate_indexes_find_nearly_the_same(kind):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((50, 32))
    rows = centres[rng.integers(50, size=3000)] + 0.3 * rng.standard_normal((3000, 32))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    exact = build_index(rows, "flat").search(rows[:100], 8)[1]
    found = build_index(rows, kind).search(rows[:100], 8)[1]
    same = [len(set(a) & set(b)) / 8 for a, b in zip(exact, found, strict=True)]
    assert np.mean(same) > 0.8


def test_an_answer_with_neighbours(store, encoder, examples):
    """The call of the README: neighbours go straight into `ask`."""
    from af_minimal.model import AudioFlamingo
    from af_minimal.soundworld.corpus import text_corpus
    from af_minimal.tokenizer import special_ids, train_tokenizer

    tokenizer = train_tokenizer(text_corpus(range(10)), 400)
    config, ids = PRESETS["tiny"], special_ids(tokenizer)
    tokens = {f"{name}_token_id": ids[name] for name in ("audio", "sep", "eoc")}
    lm = {**config.lm, "vocab_size": len(tokenizer)}
    model = AudioFlamingo(replace(config, lm=lm, **tokens), encoder).eval()
    model.tokenizer = tokenizer
    shots = store.neighbours(examples[0], k=2)
    answer = model.ask(examples[0].audio, "what?", examples=shots, max_new_tokens=2)
    assert isinstance(answer, str)

"""Interleaved manifests: what is chosen, written, read back, refused."""

import json

import numpy as np
import pytest
import soundfile

from af_minimal.audio import Clip
from af_minimal.data import Example, ManifestError, read_manifest, write_manifest
from af_minimal.disk.interleaved import keys, write_interleaved
from af_minimal.official.interleaving import interleave
from af_minimal.retrieval import Datastore, FewNeighboursWarning

FILES, CAPTIONS = 6, 2


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    for i in range(FILES):
        soundfile.write(folder / f"{i}.wav", np.zeros(160), 16_000)
    return folder


def rows_of(root, numbers) -> list[Example]:
    """Two captions of each file."""
    return [
        Example(str(root / f"{i}.wav"), f"prompt {c}", f"sound {i}", "My-AQA")
        for i in numbers
        for c in range(CAPTIONS)
    ]


@pytest.fixture
def folder(root, tmp_path):
    """Manifests: files 0 to 3 to train, 4 and 5 to test."""
    write_manifest(tmp_path / "train.json", rows_of(root, range(4)), root, "My-AQA")
    test = rows_of(root, [4, 5])
    write_manifest(tmp_path / "test.json", test, root, "My-AQA", split="test")
    return tmp_path


class Ear:
    """Hears a file as a place on a line, by the number in its name."""

    def __init__(self, monkeypatch):
        from af_minimal import retrieval

        monkeypatch.setattr(retrieval, "embed", self.embed)

    @staticmethod
    def embed(examples, encoder, batch_size=32):
        angles = np.array([0.1 * int(e.audio[-5]) for e in examples])
        return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


@pytest.fixture
def ear(monkeypatch):
    return Ear(monkeypatch)


def store_of(examples, ear) -> Datastore:
    return Datastore(examples, ear.embed(examples, None), encoder=ear)


# choosing


def test_the_most_similar_other_files_are_chosen(root, ear):
    examples = rows_of(root, range(FILES))
    rows = interleave(store_of(examples, ear), examples, k=2)
    assert [number for number, _ in rows] == list(range(len(examples)))
    nearest = {0: {1, 2}, 1: {0, 2}, 4: {3, 5}, 5: {3, 4}}
    for number, places in rows:
        files = [place // CAPTIONS for place in places]
        own = number // CAPTIONS
        assert own not in files and len(set(files)) == 2
        assert own not in nearest or set(files) == nearest[own]


@pytest.mark.parametrize("kind", ["knn", "random"])
def test_order_and_captions_are_drawn_and_seeds_repeat(root, ear, kind):
    examples = rows_of(root, range(FILES))
    store = store_of(examples, ear)
    rows = [interleave(store, examples[:1] * 60, 3, kind, seed) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]
    drawn = np.array([places for _, places in rows[0]])  # (60, 3)
    assert all(len(set(row)) == 3 for row in (drawn // CAPTIONS).tolist())
    assert set((drawn % CAPTIONS).ravel().tolist()) == {0, 1}
    assert 0 not in drawn // CAPTIONS
    first = {place // CAPTIONS for place in drawn[:, 0].tolist()}
    assert first == ({1, 2, 3} if kind == "knn" else {1, 2, 3, 4, 5})


@pytest.mark.parametrize("kind", ["knn", "random"])
def test_fewer_files_than_asked_for_is_said(root, ear, kind):
    examples = rows_of(root, range(3))
    store = store_of(examples, ear)
    with pytest.warns(FewNeighboursWarning, match="7 .* asked for; the store has 2"):
        ((_, places),) = interleave(store, examples[:1], kind=kind)
    assert sorted(place // CAPTIONS for place in places) == [1, 2]
    with pytest.warns(FewNeighboursWarning):
        alone = interleave(store_of(examples[:2], ear), examples[:1], kind=kind)
    assert alone == [(0, [])]


def test_two_seconds_of_one_file_are_two_sounds(root, ear):
    """A caption of another second says nothing about the second that was found."""
    early, late = (
        [Example(str(root / "1.wav"), "what?", f"{s} {c}", start_s=s) for c in "ab"]
        for s in (0.0, 3.0)
    )
    store = store_of(early + late, ear)
    store.nearest = lambda query, k: ([2], [1.0])
    queries = rows_of(root, [0]) * 20
    chosen = {place for _, (place,) in interleave(store, queries, k=1)}
    assert chosen == {2, 3}


def test_two_clips_of_one_file_are_two_sounds(root, ear):
    examples = [
        Example(Clip(np.zeros(160), 16_000, str(root / "1.wav"), s), "what?", f"{s}")
        for s in (0.0, 3.0)
    ]
    store = Datastore(examples, np.eye(2), encoder=ear)
    store.nearest = lambda query, k: ([1], [1.0])
    queries = rows_of(root, [0]) * 20
    assert {p for _, (p,) in interleave(store, queries, k=1)} == {1}


def test_faulty_wishes(root, ear):
    examples = rows_of(root, range(3))
    store = store_of(examples, ear)
    with pytest.raises(ValueError, match="kind is 'near' and k is 7"):
        interleave(store, examples, kind="near")
    with pytest.raises(ValueError, match="k is 0"):
        interleave(store, examples, k=0)


# writing and reading


@pytest.mark.parametrize("kind, word", [("knn", "similar"), ("random", "random")])
def test_round_trip(folder, root, ear, kind, word):
    train = read_manifest(folder / "train.json", root)
    test = read_manifest(folder / "test.json", root)
    rows = interleave(store_of(train, ear), test, 3, kind)
    path = write_interleaved(folder, "test", rows, kind)
    assert path.name == f"interleaved_{kind}-test.json"
    found = read_manifest(path, root)
    assert len(found) == len(test)
    for (number, places), example in zip(rows, found, strict=True):
        query = test[number]
        assert (example.audio, example.output) == (query.audio, query.output)
        assert example.examples == tuple(train[place] for place in places)
        assert example.examples_are == word
    assert not list(folder.glob("*.tmp"))


def test_the_file_is_laid_out_as_the_official_one(folder, root):
    path = write_interleaved(
        folder, "test", [(3, [1, 0]), (np.int64(0), np.array([2]))]
    )
    assert json.loads(path.read_text()) == {
        "dataset_path": str(root),
        "split": "test",
        "split_path": "",
        "flamingo_task": "My-AQA",
        "total_num": 2,
        "interleaved_data": {
            "0": {"generation_index_in_split": 3, "fewshot_indices_in_train": [1, 0]},
            "1": {"generation_index_in_split": 0, "fewshot_indices_in_train": [2]},
        },
    }


def test_indices_are_keys_of_rows_not_places(folder, root):
    """As official: an index is the key of a row, wherever the row stands."""
    manifest = json.loads((folder / "train.json").read_text())
    turned = dict(reversed(manifest["data"].items()))
    (folder / "train.json").write_text(json.dumps(manifest | {"data": turned}))
    path = write_interleaved(folder, "test", [(0, [0])])
    (example,) = read_manifest(path, root)
    assert example.examples[0].output == "sound 0"


def test_every_broken_row_is_named_and_nothing_is_written(folder):
    rows = [(0, [1]), (9, [1]), (0, [1, -1]), (True, [1]), (0, [1.0]), (1, [8])]
    with pytest.raises(ManifestError) as caught:
        write_interleaved(folder, "test", rows)
    message = str(caught.value)
    assert "interleaved_knn-test.json: 5 broken" in message and "row 0:" not in message
    for part in (
        "row 1: index 9 is not one of 4 rows of test",
        "row 2: index -1 is not one of 8 rows of train",
        "row 3: index True",
        "row 4: index 1.0",
        "row 5: index 8",
    ):
        assert part in message
    assert not list(folder.glob("interleaved*"))
    with pytest.raises(ManifestError, match="row 1: row 5 is among its own examples"):
        write_interleaved(folder, "train", [(0, [1]), (5, [2, 5])])
    with pytest.raises(ValueError, match="kind is 'near'"):
        write_interleaved(folder, "test", [], "near")
    with pytest.raises(ManifestError, match="There is no manifest .*val.json"):
        write_interleaved(folder, "val", [])


def test_what_was_there_stays_when_the_new_rows_are_broken(folder):
    path = write_interleaved(folder, "test", [(0, [1])])
    before = path.read_text()
    with pytest.raises(ManifestError):
        write_interleaved(folder, "test", [(0, [99])])
    assert path.read_text() == before


def test_every_broken_row_of_a_file_is_named(folder, root):
    path = write_interleaved(folder, "test", [(0, [1])])
    content = json.loads(path.read_text())
    content["interleaved_data"] |= {
        "a": {"generation_index_in_split": 4, "fewshot_indices_in_train": []},
        "b": {"generation_index_in_split": 0},
        "c": {"generation_index_in_split": 0, "fewshot_indices_in_train": [0, 8]},
        "d": {"generation_index_in_split": 0, "fewshot_indices_in_train": None},
        "e": [0, [1]],
        "f": {"generation_index_in_split": 0, "fewshot_indices_in_train": ["1"]},
    }
    path.write_text(json.dumps(content))
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, root)
    message = str(caught.value)
    assert f"{path}: 6 broken" in message and "row 0:" not in message
    assert all(f"row {key}: " in message for key in "abcdef")
    assert "row a: " in message and "index 4 is not one of 4 rows of test" in message


def test_a_name_or_a_layout_that_says_nothing_is_refused(folder, root):
    path = write_interleaved(folder, "test", [(0, [1])])
    other = path.rename(folder / "interleaved_near-test.json")
    with pytest.raises(ManifestError, match="is called interleaved_knn-SPLIT.json"):
        read_manifest(other, root)
    listed = folder / "interleaved_knn-test.json"
    listed.write_text('{"interleaved_data": []}')
    with pytest.raises(ManifestError, match="holds"):
        read_manifest(listed, root)


def test_a_row_is_found_without_a_search_and_order_is_kept(folder):
    found = keys(folder / "interleaved_knn-test.json", "train")
    assert isinstance(found, dict)  # a list is searched once for every row
    assert list(found) == [str(i) for i in range(4 * CAPTIONS)]

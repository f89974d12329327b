"""The benchmarks compare like with like, at sizes that take no time; none is judged."""

import json
import sys
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def beside_the_benchmarks(monkeypatch):
    """They import one another by name, as scripts of one folder do."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


def test_runs_take_turns_and_the_first_round_warms_up():
    from timing import in_turns, ratio

    order = []
    runs = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = in_turns(runs, rounds=2)
    assert "".join(order) == "ab" + "ba" + "ab"
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}
    assert ratio([2.0, 4.0, 90.0], [1.0, 2.0, 3.0]) == 2.0


def test_results_of_one_benchmark_leave_the_others_alone(tmp_path):
    from timing import write

    path = tmp_path / "runs" / "benchmarks.json"
    write("first", [{"what": "x", "ms": 1.0}], path)
    write("second", [], path)
    found = json.loads(path.read_text("utf-8"))
    assert found["first"]["rows"] == [{"what": "x", "ms": 1.0}]
    assert "cores" in found["second"]["machine"]


def test_generation_is_compared_with_two_bare_language_models():
    import generation
    from models import as_large, config_of, flamingo

    row = generation.against_bare("tiny", "windows", rounds=1, new=2)
    assert {"tokens/s", "of an LM as large", "of its LM alone"} <= set(row)
    assert generation.padded("tiny", rounds=1, new=2)["what"].startswith("tiny, 7 of 8")
    model = flamingo(config_of("tiny"))
    own = model.lm.config.num_hidden_layers
    assert as_large(model).config.num_hidden_layers > own


def test_padding_is_counted_by_audios_a_row_does_not_have():
    import few_shot

    one, like, full, beside = few_shot.one_audio("tiny", rounds=1, rows=2)
    assert one["surplus windows"] == like["surplus windows"] == 0.0
    assert beside["surplus windows"] == 1 - 1 / 8
    assert full["surplus windows"] == 1 - 4 / 128
    four, eight = few_shot.mixed("tiny", rounds=1, rows=2)
    assert four["surplus windows"] == 1 - 5 / 8  # one audio and four: eight places
    assert eight["surplus windows"] == 1 - 9 / 16


@pytest.mark.parametrize("hearing", [False, True])
def test_a_step_on_the_reference_path_gives_the_same_loss_and_gradients(hearing):
    import reference

    assert reference.training("tiny", 1, [1, 3], hearing)["what"].startswith("tiny")


def test_answers_and_features_on_the_reference_path_are_the_same():
    import reference

    assert "1,920" in reference.generating("tiny", rounds=1, new=3)["what"]
    assert "8 windows" in reference.extracting("tiny", 1, clips=2, most=8)["what"]


def test_the_looped_mask_is_the_mask_of_the_model():
    import reference
    from models import config_of, prompt

    from af_minimal.xattn import text_to_audio_mask

    config, ids = config_of("tiny"), prompt(2, 20, audios=3)
    real = torch.rand(2, 3 * config.windows_per_audio) < 0.7
    expected = text_to_audio_mask(
        ids, real, config.audio_token_id, config.tokens_per_audio
    )
    assert torch.equal(reference.looped_mask(ids, real, 20, config), expected)


def test_sound_is_rendered_pictured_and_waited_for():
    import sound

    rows = sound.speeds("tiny", rounds=1, scenes=2)
    assert all(row["seconds of sound a second"] > 0 for row in rows)
    assert 0 <= sound.waiting("tiny", 1, scenes=3, rows=4)["waiting share"] < 1
    row = sound.rendered_batches("tiny", rounds=1, rows=4)
    assert row["workers that keep up"] > 0


def test_the_exact_index_finds_all_and_blocks_change_no_vector(monkeypatch):
    import datastore

    queries = datastore.vectors("clustered", 5, 16, seed=2)
    rows = datastore.vectors("clustered", 400, 16, seed=1)
    flat = datastore.built(rows, "flat")
    found = datastore.measure(rows, queries, "flat", flat)
    assert found["recall"] == 1.0 and found["MB"] == pytest.approx(0.0256, abs=1e-3)
    assert 0 <= datastore.measure(rows, queries, "hnsw", flat)["recall"] <= 1
    for kind in ("clustered", "uniform"):
        norms = (datastore.vectors(kind, 7, 16, seed=3) ** 2).sum(1)
        torch.testing.assert_close(torch.from_numpy(norms), torch.ones(7))


def towers_args(tmp_path, **others):
    """Options of the towers' benchmark at a size that takes no time."""
    from argparse import Namespace

    sizes = {"steps": 2, "batch": 4, "clips": 3, "pairs": 3, "seed": 0, "lr": None}
    return Namespace(
        **sizes | {"preset": "mini", "out": tmp_path, "recordings": None} | others
    )


def test_both_towers_learn_from_the_same_batches_and_go_on(tmp_path):
    import towers
    from safetensors.torch import load_file

    args = towers_args(tmp_path)
    runs = {kind: towers.run_of(kind, args) for kind in towers.KINDS}
    marks = {towers.mark(towers.made(run)[1](1)[0]) for run in runs.values()}
    assert len(marks) == 1
    rows = []
    for kind, run in runs.items():
        clap, log = towers.trained(run, kind, args.lr)
        rows.append(towers.row_of(kind, clap, log, towers.examined(clap, args)))
    text = towers.table(rows)
    assert "zero-shot" in text and len(text.splitlines()) == len(rows[0])
    saved = load_file(tmp_path / "cnn" / "step-0000002" / "model.safetensors")
    again, log = towers.trained(runs["cnn"], "cnn", args.lr)  # nothing left to learn
    assert len(log) == 2
    for name, value in saved.items():
        assert torch.equal(again.state_dict()[name], value)
    other = towers.run_of("cnn", towers_args(tmp_path, seed=1))
    with pytest.raises(ValueError, match="other batches"):
        towers.trained(other, "cnn", args.lr)


def test_no_tower_is_trained_on_fold_five(tmp_path):
    import towers

    assert 5 not in towers.run_of("cnn", towers_args(tmp_path)).folds


def test_an_answer_about_long_audio_is_timed_with_its_reading():
    from queue import SimpleQueue

    import long_audio

    rows = [(1.0, 4.0, 7.0), (2.0, 1.0, 9.0), (3.0, 3.0, 8.0)]
    expected = {"read": 2.0, "answer": 3.0, "in all": 5.0, "memory": 8.0}
    assert long_audio.row_of(rows) == expected
    for way in long_audio.WAYS:
        queue = SimpleQueue()
        long_audio.measure(way, 1, 2, queue)
        read, answer, _ = queue.get()
        assert read >= 0 and answer > 0

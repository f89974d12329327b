"""A run's folder belongs to one run, and no step of it is lost."""

import json
import warnings

import pytest

from af_minimal.config import FlamingoConfig
from af_minimal.disk.checkpoints import write_json
from af_minimal.disk.run_folder import check_may_train, check_own, claim, origin


def trained(folder, steps):
    """What a checkpoint of so many steps looks like from outside."""
    (folder / "step").mkdir(parents=True)
    write_json(folder / "step" / "state.json", {"step": steps})
    write_json(folder / "latest.json", {"folder": "step"})


def test_a_claim_is_kept_and_added_to(tmp_path):
    out = tmp_path / "new" / "run"
    claim(out, {"seed": 0})
    claim(out, {"seed": 0, "folds": (1, 2)})
    claim(out, {"folds": [1, 2]})  # JSON knows no tuples
    assert json.loads((out / "run.json").read_text()) == {"seed": 0, "folds": [1, 2]}


def test_the_message_names_the_outermost_setting_that_differs(tmp_path):
    inner = {"encoder": {"kind": "cnn"}}
    claim(tmp_path, {"preset": "tiny", "config": inner})
    with pytest.raises(ValueError, match="whose preset is 'tiny'.*'mini'"):
        claim(tmp_path, {"preset": "mini", "config": {"encoder": {"kind": "htsat"}}})
    with pytest.raises(ValueError, match=r"whose config\.encoder\.kind is 'cnn'"):
        claim(tmp_path, {"config": {"encoder": {"kind": "htsat"}}})
    with pytest.raises(ValueError, match=r"config\.encoder\.width is 256"):
        claim(tmp_path, {"config": {"encoder": {"kind": "cnn", "width": 8}}})
    assert json.loads((tmp_path / "run.json").read_text())["config"] == inner


def test_what_is_refused_is_not_noted(tmp_path):
    claim(tmp_path, {"seed": 0})
    with pytest.raises(ValueError, match="whose seed is 0"):
        claim(tmp_path, {"seed": 1, "shards": "some"})
    claim(tmp_path, {"seed": 0, "shards": "others"})


def test_a_look_at_whose_a_folder_is_notes_nothing(tmp_path):
    check_own(tmp_path / "new", {"seed": 0})
    assert not (tmp_path / "new").exists()
    claim(tmp_path, {"seed": 0, "folds": (1, 2)})
    check_own(tmp_path, {"seed": 0, "folds": (1, 2), "later": 1})
    with pytest.raises(ValueError, match="whose seed is 0"):
        check_own(tmp_path, {"seed": 1})
    assert "later" not in json.loads((tmp_path / "run.json").read_text())


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_damaged_note_is_named(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match="run.json .*move its folder away"):
        claim(tmp_path, {"seed": 0})
    assert (tmp_path / "run.json").read_text() == text


def test_a_model_is_known_by_its_name_and_weights(tmp_path):
    assert origin(None) is None
    name, marked = origin("mini").split()
    assert name == "mini" and len(marked) == 12
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    assert origin(tmp_path).split()[1] != marked


def test_a_stage_begins_where_nothing_is_or_goes_on(tmp_path):
    check_may_train(tmp_path, "clap", 10, resume=False, later=["sft"])
    trained(tmp_path / "clap", 4)
    with pytest.raises(ValueError, match="holds 4 steps of stage clap"):
        check_may_train(tmp_path, "clap", 10, resume=False)
    check_may_train(tmp_path, "clap", 10, resume=True, later=["sft"])


def test_a_stage_that_others_learnt_from_stays_as_it_is(tmp_path):
    trained(tmp_path / "clap", 10)
    trained(tmp_path / "sft", 3)
    check_may_train(tmp_path, "clap", 10, resume=True, later=["sft"])
    with pytest.raises(ValueError, match="has 10 of 11 steps, and sft has learnt"):
        check_may_train(tmp_path, "clap", 11, resume=True, later=["sft"])


def test_a_folder_from_before_a_setting_existed_has_its_default(tmp_path):
    config = json.loads(json.dumps(FlamingoConfig().to_dict()))
    older = {"config": {**config, "encoder": dict(config["encoder"])}}
    del older["config"]["encoder"]["alike"]
    claim(tmp_path, older)
    claim(tmp_path, {"config": config})
    config["encoder"]["alike"] = 3
    with pytest.raises(ValueError, match=r"config.encoder.alike is 0, .* is 3"):
        claim(tmp_path, {"config": config})


def test_sizes_may_change_and_that_is_told(tmp_path):
    claim(tmp_path, {"seed": 0}, {"scenes": 24, "batch": 8})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        claim(tmp_path, {"seed": 0}, {"scenes": 24, "batch": 8})
    with pytest.warns(UserWarning, match="began with scenes 24; it goes on with sce"):
        claim(tmp_path, {"seed": 0}, {"scenes": 12, "batch": 8})
    noted = json.loads((tmp_path / "run.json").read_text())
    assert noted == {"seed": 0, "scenes": 24, "batch": 8}


def test_a_stage_begins_after_whole_ones_only(tmp_path):
    begin = {"resume": False, "before": {"clap": 10}}
    with pytest.raises(FileNotFoundError, match="run clap first"):
        check_may_train(tmp_path, "sft", 5, **begin)
    trained(tmp_path / "clap", 4)
    with pytest.raises(ValueError, match="4 of 10 steps.*--stage clap --resume.* 4 "):
        check_may_train(tmp_path, "sft", 5, **begin)
    check_may_train(tmp_path, "sft", 5, resume=False, before={"clap": 3})
    trained(tmp_path / "sft", 2)  # it has begun: now clap cannot go on
    check_may_train(tmp_path, "sft", 5, resume=True, before={"clap": 10})


def test_a_finished_model_stands_in_for_a_stage_of_any_length(tmp_path):
    trained(tmp_path / "clap", 4)
    write_json(tmp_path / "clap" / "step" / "state.json", {"step": 4, "log": []})
    check_may_train(tmp_path, "sft", 5, resume=False, before={"clap": 10})

"""The command line: answers on stdout, one sentence and exit code 2 for errors."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from huggingface_hub import constants

from af_minimal import __main__ as cli
from af_minimal.commands.words import plainly
from af_minimal.config import PRESETS
from af_minimal.data import Example, write_manifest
from af_minimal.disk.labelled import read_labelled
from af_minimal.model import AudioFlamingo
from af_minimal.official import published
from af_minimal.soundworld import examine, recipe


@pytest.fixture
def sound(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(32_000) / 10), 16_000)
    return str(path)


class Deaf:
    """Says how long each clip is and how it was asked."""

    def ask(self, clips, question, examples=None, **decoding):
        return [f"{question} {c.duration_s:g} s {decoding}" for c in clips]


@pytest.fixture
def deaf(monkeypatch):
    monkeypatch.setattr(published, "load", lambda name: Deaf())


def test_ask_prints_the_answer(deaf, sound, capsys):
    assert cli.main(["ask", sound, "What?", "--start", "0.5", "--beams", "3"]) == 0
    assert capsys.readouterr().out == "What? 1.5 s {'num_beams': 3}\n"
    assert cli.main(["ask", sound, "What?", "--max-new-tokens", "9"]) == 0
    assert "{'num_beams': 1, 'max_new_tokens': 9}" in capsys.readouterr().out


def test_a_file_comes_at_its_own_rate(monkeypatch, tmp_path):
    """Published models hear 44.1 or 48 kHz, of which 16 kHz would leave a third."""
    rates = []

    class Ear:
        def ask(self, clips, *rest, **decoding):
            rates.extend(clip.sample_rate for clip in clips)
            return [""] * len(clips)

    monkeypatch.setattr(published, "load", lambda name: Ear())
    path = str(tmp_path / "cd.wav")
    soundfile.write(path, 0.1 * np.sin(np.arange(44_100)), 44_100)
    assert cli.main(["ask", path, "What?"]) == 0
    assert rates == [44_100]


def test_a_question_may_be_longer_than_a_path(deaf, sound, capsys):
    assert cli.main(["ask", sound, "Which of these? " * 40]) == 0
    assert capsys.readouterr().out.startswith("Which of these?")


def test_ask_about_several_files(deaf, sound, capsys):
    assert cli.main(["ask", sound, sound, "What?"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith(f"{sound}: What? 2 s")


def test_many_files_are_heard_some_at_a_time(deaf, sound, capsys, monkeypatch):
    sizes, hear = [], Deaf.ask

    def counted(self, clips, *rest, **settings):
        sizes.append(len(clips))
        return hear(self, clips, *rest, **settings)

    monkeypatch.setattr(Deaf, "ask", counted)
    assert cli.main(["ask", *[sound] * 20, "What?"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 20 and sizes == [16, 4]
    assert "answer" in captured.err


def said_after_error(arguments, capsys) -> str:
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err
    return captured.err


def test_errors_are_told_in_a_sentence(deaf, sound, capsys):
    assert "missing.wav" in said_after_error(["ask", "missing.wav", "What?"], capsys)
    assert "in this order" in said_after_error(["ask", sound], capsys)
    assert "in this order" in said_after_error(["ask", sound, sound], capsys)


def test_unknown_model(sound, tmp_path, capsys):
    error = said_after_error(["ask", sound, "What?", "--model", str(tmp_path)], capsys)
    assert "no model in" in error


def test_as_a_program(tmp_path):
    command = [sys.executable, "-m", "af_minimal", "ask", "missing.wav", "What?"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from af_minimal.__main__ import make_parser; make_parser(); "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_train_hands_everything_to_the_recipe(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(recipe, "run_stage", lambda *args: called.append(args))
    arguments = ["--stage", "clap", "--out", str(tmp_path), "--tower", "htsat"]
    arguments += ["--steps", "7", "--scenes", "50", "--skip-pretrain"]
    assert cli.main(["train", *arguments]) == 0
    run, stage, resume = called[0]
    assert (run.out, run.steps, run.scenes) == (tmp_path, 7, 50)
    assert run.skip_pretrain
    assert (run.config.name, run.config.encoder.kind) == ("mini", "htsat")
    assert (stage, resume) == ("clap", False)


def test_train_hands_a_finished_model_to_the_recipe(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(recipe, "run_stage", lambda *args: called.append(args))
    arguments = ["--compare", "--start-from", "mini", "--stage", "sft", "--resume"]
    arguments += ["--seed", "5", "--recordings", "X", "--out", str(tmp_path)]
    assert cli.main(["train", *arguments]) == 0
    run, stage, resume = called[0]
    assert (stage, resume) == ("sft", True)
    assert (run.start_from, run.compare) == ("mini", True)
    assert (run.seed, run.recordings) == (5, "X")


def test_a_finished_model_goes_on_with_sft_only(tmp_path, capsys):
    arguments = ["train", "--start-from", "mini", "--out", str(tmp_path / "run")]
    assert "--stage sft only" in said_after_error(arguments, capsys)
    control = [*arguments, "--stage", "sft", "--skip-pretrain"]
    wanted = "--skip-pretrain came with --start-from"
    assert wanted in said_after_error(control, capsys)
    assert not (tmp_path / "run").exists()


def test_eval_prints_a_table_and_writes_a_report(monkeypatch, tmp_path, capsys):
    line = dict(measure="caption", n=4, score=0.75, low=0.25, high=1.0, chance=None)
    section = {"name": "Exam", "measures": [line], "rows": [{"prompt": "p"}]}
    monkeypatch.setattr(examine, "examine", lambda *args: [section])
    AudioFlamingo(PRESETS["tiny"]).save_pretrained(tmp_path)
    out = tmp_path / "eval.json"
    assert cli.main(["eval", "--model", str(tmp_path), "--out", str(out)]) == 0
    assert "0.750  0.250 - 1.000" in capsys.readouterr().out
    assert json.loads(out.read_text())["sections"] == [section]


def test_eval_tells_a_wrong_folder_first(tmp_path, capsys):
    arguments = ["eval", "--recordings", str(tmp_path / "nothing")]
    assert "not an ESC folder" in said_after_error(arguments, capsys)
    assert not Path(tmp_path / "nothing").exists()


@pytest.fixture
def sorted_sounds(tmp_path):
    """Two folders of two recordings, named by their label."""
    for label, pitch in (("low_hum", 200), ("high_beep", 3_000)):
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for i in range(2):
            wave = 0.3 * np.sin(
                2 * np.pi * (pitch + 20 * i) * np.arange(16_000) / 16_000
            )
            soundfile.write(tmp_path / "sounds" / label / f"{i}.wav", wave, 16_000)
    return tmp_path / "sounds"


def test_index_remembers_and_ask_uses_it(
    sorted_sounds, tmp_path, student, monkeypatch, capsys
):
    monkeypatch.setattr(published, "load", lambda name: student)
    store = str(tmp_path / "store")
    assert cli.main(["index", str(sorted_sounds), "--out", store]) == 0
    told = capsys.readouterr().out
    assert "4 examples with 2 different outputs" in told
    assert f"--store {store} --store-root {sorted_sounds}" in told
    seen = {}

    def ask(clips, question, examples, **decoding):
        seen["outputs"] = [example.output for example in examples[0]]
        return ["low hum"]

    monkeypatch.setattr(student, "ask", ask)
    query = sorted_sounds / "low_hum" / "0.wav"
    options = ["--store", store, "--store-root", str(sorted_sounds), "--shots", "3"]
    assert cli.main(["ask", str(query), "What is it?", *options]) == 0
    assert sorted(seen["outputs"]) == ["high beep", "high beep", "low hum"]


def test_a_download_is_asked_for_by_an_option(
    sound, student, tmp_path, monkeypatch, capsys
):
    asked = []

    def load(name, **options):
        asked.append((name, options))
        return student

    monkeypatch.setattr(published, "load", load)
    monkeypatch.setattr(student, "ask", lambda *_, **__: ["rain"])
    arguments = ["ask", sound, "What?", "--model", "nvidia/audio-flamingo"]
    assert cli.main(arguments) == cli.main([*arguments, "--download"]) == 0
    assert capsys.readouterr().out == "rain\nrain\n"
    name = "nvidia/audio-flamingo"
    assert asked == [(name, {}), (name, {"download": True})]
    monkeypatch.undo()
    said = said_after_error(["ask", sound, "What?", "--download"], capsys)
    assert "only published weights take --download" in said
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    said = said_after_error(arguments, capsys)
    assert "`ask --model NAME --download`" in said and "download=True" not in said


def test_index_of_a_wrong_folder_is_told(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    arguments = ["index", str(tmp_path / "empty"), "--out", str(tmp_path / "store")]
    assert "one folder for each label" in said_after_error(arguments, capsys)
    assert not (tmp_path / "store").exists()
    arguments[1] = str(tmp_path / "nowhere")
    assert "there is no folder" in said_after_error(arguments, capsys)


def test_index_says_what_is_wrong_before_it_hears(
    sorted_sounds, tmp_path, student, monkeypatch, capsys
):
    monkeypatch.setattr(published, "load", lambda name: student)
    monkeypatch.setattr(student.encoder, "embed", lambda *_: pytest.fail("it hears"))
    arguments = ["index", str(sorted_sounds), "--out", str(tmp_path / "store")]
    (tmp_path / "taken").write_text("a file")
    for out in (tmp_path / "taken", tmp_path / "taken" / "inside"):
        in_the_way = [*arguments[:-1], str(out)]
        assert "taken is a file" in said_after_error(in_the_way, capsys)
    for label in ("low_hum", "high_beep"):
        (sorted_sounds / label / "bad.wav").write_text("no sound")
    said = said_after_error(arguments, capsys)
    assert "2 broken" in said and "low_hum/bad.wav" in said
    for label in ("low_hum", "high_beep"):
        (sorted_sounds / label / "bad.wav").unlink()
    elsewhere = tmp_path / "elsewhere.wav"
    elsewhere.write_bytes((sorted_sounds / "low_hum" / "0.wav").read_bytes())
    (sorted_sounds / "low_hum" / "linked.wav").symlink_to(elsewhere)
    assert "outside data_root" in said_after_error(arguments, capsys)


def test_index_refuses_conversations(sorted_sounds, tmp_path, student, capsys):
    file = str(sorted_sounds / "low_hum" / "0.wav")
    talk = Example(file, "", "", dialogue=(("what?", "a hum"),))
    manifest = tmp_path / "sounds" / "talk.json"
    write_manifest(manifest, [talk], sorted_sounds, "Talks")
    arguments = ["index", str(manifest), "--out", str(tmp_path / "store")]
    assert "is a conversation" in said_after_error(arguments, capsys)
    assert not (tmp_path / "store").exists()


def test_index_takes_a_folder_that_holds_all(
    sorted_sounds, tmp_path, student, monkeypatch, capsys
):
    monkeypatch.setattr(published, "load", lambda name: student)
    shutil.move(sorted_sounds / "low_hum" / "0.wav", tmp_path / "elsewhere.wav")
    (sorted_sounds / "low_hum" / "0.wav").symlink_to(tmp_path / "elsewhere.wav")
    arguments = ["index", str(sorted_sounds), "--out", str(tmp_path / "store")]
    assert cli.main([*arguments, "--data-root", str(tmp_path)]) == 0
    assert "4 examples" in capsys.readouterr().out


def test_recordings_that_are_left_out_are_told(sorted_sounds):
    deeper = sorted_sounds / "low_hum" / "deep"
    deeper.mkdir()
    for place in (deeper / "0.wav", sorted_sounds / "loose.wav", deeper / "1.m4a"):
        place.write_bytes(b"")
    with pytest.warns(UserWarning, match="3 sounds of .* are left out"):
        assert len(read_labelled(sorted_sounds)) == 4
    (sorted_sounds / "_").mkdir()
    shutil.copy(sorted_sounds / "low_hum" / "0.wav", sorted_sounds / "_")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="says nothing"):
        read_labelled(sorted_sounds)


@pytest.mark.parametrize(
    "words",
    [["ask", "--beams", "0"], ["train", "--steps", "-3"], ["eval", "--scenes", "x"]],
)
def test_numbers_that_are_none_are_told(words, capsys):
    with pytest.raises(SystemExit):
        cli.main(words)
    assert "a number above 0 is expected" in capsys.readouterr().err


def test_a_mistyped_file_is_no_question(deaf, sound, capsys):
    said = said_after_error(["ask", sound, "O3_rain.OGG"], capsys)
    assert "a question is missing" in said and "no file O3_rain.OGG" in said
    assert cli.main(["ask", sound, "Is it a .wav"]) == 0


@pytest.mark.parametrize("option", ["--shots", "--store-root"])
def test_options_of_a_store_need_one(deaf, sound, capsys, option):
    said = said_after_error(["ask", sound, "What?", option, "3"], capsys)
    assert f"{option} came with no --store" in said


def test_index_refuses_a_model_that_takes_no_examples(sorted_sounds, tmp_path, capsys):
    arguments = ["index", str(sorted_sounds), "--out", str(tmp_path / "store")]
    said = said_after_error([*arguments, "--model", "mini2"], capsys)
    assert "mini2 takes no examples" in said
    assert not (tmp_path / "store").exists()


def test_index_names_the_folder_that_no_prompt_can_say(sorted_sounds, tmp_path, capsys):
    (sorted_sounds / "low_hum").rename(sorted_sounds / "Hund <audio>")
    arguments = ["index", str(sorted_sounds), "--out", str(tmp_path / "store")]
    said = said_after_error(arguments, capsys)
    assert "Hund <audio>/0.wav: The text" in said and "contains <audio>" in said


def test_index_finds_what_is_broken_further_on(sorted_sounds, tmp_path, capsys):
    wave = np.zeros(16_000)
    wave[9_000] = np.nan
    soundfile.write(sorted_sounds / "low_hum" / "0.wav", wave, 16_000, "FLOAT")
    arguments = ["index", str(sorted_sounds), "--out", str(tmp_path / "store")]
    assert "1 of 16000 samples are NaN" in said_after_error(arguments, capsys)


def test_index_says_where_names_of_a_manifest_begin(sorted_sounds, tmp_path, capsys):
    file = str(sorted_sounds / "low_hum" / "0.wav")
    manifest = sorted_sounds / "low_hum" / "some.json"
    write_manifest(
        manifest, [Example(file, "what?", "a hum")], sorted_sounds, "X", durations_s=[1]
    )
    arguments = ["index", str(manifest), "--out", str(tmp_path / "store")]
    said = said_after_error(arguments, capsys)
    assert f"begin at --data-root, which was {sorted_sounds / 'low_hum'};" in said


def test_advice_is_given_in_options():
    told = "hears 1 s: pass start_s=1.25 to load_audio to hear the rest."
    assert plainly(UserWarning(told)) == "hears 1 s: `ask --start 1.25` hears the rest."

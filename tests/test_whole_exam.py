"""The whole examinations behind the models' cards, at sizes that take seconds."""

import json
from functools import partial

import numpy as np
import pytest
import soundfile

from af_minimal import __main__ as cli
from af_minimal.evaluation import GREEDY
from af_minimal.soundworld import (
    CLASSES,
    clap_exam,
    examine,
    few_shot_exam,
    languages,
)
from af_minimal.systems.curriculum import exam as curriculum_exam

GERMAN = "in German"
FEW = dict(list(CLASSES.items())[:4])
HEARD = ["", ", hears noise", ", hears other"]  # what follows the name of an exam


@pytest.fixture(autouse=True)
def one_word_each(monkeypatch):
    """Answers of one token, so that an examination is seconds long."""
    monkeypatch.setitem(GREEDY, "max_new_tokens", 1)
    monkeypatch.setitem(curriculum_exam.DECODING, "max_new_tokens", 1)


@pytest.fixture
def small(monkeypatch):
    """Few sounds, pairs, names and seeds, where an examination takes no such option."""
    towers = partial(clap_exam.clap_exam, clips=4, pairs=4)
    shots = partial(few_shot_exam.few_shot_exam, queries=1, stored=2)
    styles = partial(few_shot_exam.style_rows, scenes=8)
    monkeypatch.setattr(examine, "clap_exam", towers)
    monkeypatch.setattr(examine, "few_shot_exam", shots)
    monkeypatch.setattr(examine, "SEEDS", (0,))
    monkeypatch.setattr(few_shot_exam, "style_rows", styles)
    monkeypatch.setattr(few_shot_exam, "CLASSES", FEW)
    monkeypatch.setattr(few_shot_exam, "SHOTS", (1, 4))
    monkeypatch.setattr(languages, "NAMES", {GERMAN: languages.NAMES[GERMAN]})


@pytest.fixture
def recordings(tmp_path):
    """A folder of ESC-10's layout: two labels, folds 1 to 5, half a second each."""
    rng, lines = np.random.default_rng(0), ["filename,fold,label"]
    folder = tmp_path / "esc10"
    (folder / "audio").mkdir(parents=True)
    for label in ("dog", "rain"):
        for fold in range(1, 6):
            name = f"{label}-{fold}.wav"
            wave = 0.1 * rng.standard_normal(8_000)
            soundfile.write(folder / "audio" / name, wave, 16_000)
            lines.append(f"{name},{fold},{label}")
    (folder / "meta.csv").write_text("\n".join(lines) + "\n")
    return folder


def report_of(capsys, out, *options: str) -> dict:
    """What `eval` of two scenes writes; its table has every line of it."""
    assert cli.main(["eval", "--scenes", "2", "--out", str(out), *options]) == 0
    printed, report = capsys.readouterr().out, json.loads(out.read_text("utf-8"))
    for section in report["sections"]:
        assert section["name"] in printed and section["measures"] and section["rows"]
        for line in section["measures"]:
            assert line["measure"] in printed
            if line["measure"] != "only":  # two conversations need not ask that
                assert line["n"] > 0 and np.isfinite(line["score"]), line
    return report


def test_the_shipped_model_takes_every_exam_of_its_card(
    small, recordings, tmp_path, capsys
):
    out = tmp_path / "eval.json"
    report = report_of(capsys, out, "--recordings", str(recordings))
    sections = {section["name"]: section for section in report["sections"]}
    assert list(sections) == [
        *(f"SoundWorld, held out{heard}" for heard in HEARD),
        "CLAP, held out",
        "Few-shot, 1 seeds",
        "Dialogue",
        "Dialogue, hears noise",
        "Dialogue, forgets what was said",
        "Real recordings",
        "Few-shot, real recordings, 1 seeds",
    ]
    real, shots = list(sections.values())[-2:]
    assert [row["truth"] for row in real["rows"]] == ["dog bark", "rain"]  # fold 5
    assert {line["n"] for line in [*real["measures"], *shots["measures"]]} == {2}
    known = {row["sound"] for row in shots["rows"]}
    assert known == {"dog-5.wav", "rain-5.wav"}
    shown = {name for row in shots["rows"] for name in row.get("example_sounds") or ()}
    assert shown and not any("-5" in name for name in shown)


def test_mini2_takes_every_exam_of_its_card(tmp_path, capsys):
    report = report_of(capsys, tmp_path / "eval.json", "--model", "mini2")
    names = ("SoundWorld", "AudioSkills", "LongAudioBench")
    expected = [f"{name}, held out{heard}" for name in names for heard in HEARD]
    assert [section["name"] for section in report["sections"]] == expected


def test_mini2_has_met_no_recordings_and_says_so_at_once(recordings, capsys):
    options = ["--model", "mini2", "--recordings", str(recordings)]
    assert cli.main(["eval", *options]) == 2
    assert "--recordings came with mini2" in capsys.readouterr().err

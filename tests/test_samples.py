"""The sample clips: what their list says is true of the files."""

import hashlib
import json

import numpy as np
import pytest
import soundfile
from conftest import ROOT

from af_minimal.audio import load_audio
from af_minimal.config import PRESETS
from af_minimal.disk.manifests import read_manifest
from af_minimal.soundworld import Score, render
from af_minimal.soundworld.captions import captions

FOLDER = ROOT / "data_samples"
ROWS = json.loads((FOLDER / "samples.json").read_text(encoding="utf-8"))
REMAKE = "run: python data_samples/make_samples.py"


def test_every_clip_is_listed_once():
    listed = [row["name"] for row in ROWS]
    assert sorted(listed) == sorted(p.name for p in FOLDER.glob("*.ogg"))
    assert 12 <= len(listed) <= 24


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_row_is_true(row):
    path = FOLDER / row["name"]
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == row["sha256"], REMAKE
    assert len(content) <= 100_000
    assert row["licence"] == "CC0-1.0"
    assert row["source"] == "synthesised by this project"
    info = soundfile.info(path)
    assert (info.samplerate, info.channels) == (16_000, 1)
    assert info.duration <= PRESETS["mini"].audio.max_s
    assert row["question"] and row["answer"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_clip_is_its_score(row):
    score = Score.from_json(json.dumps(row["score"]))
    assert row["caption"] in captions(score), REMAKE
    heard = load_audio(FOLDER / row["name"]).waveform
    made = render(score, 16_000)
    # Vorbis is lossy, most of all for noise such as rain; another scene loses it all
    lost = np.mean((heard - made) ** 2)
    assert lost < 0.25 * np.mean(made**2), REMAKE


def test_manifest_is_read_and_says_the_same():
    examples = read_manifest(FOLDER / "manifest.json", data_root=ROOT)
    assert [e.output for e in examples] == [row["caption"] for row in ROWS]
    header = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert not header["dataset_path"].startswith("/")

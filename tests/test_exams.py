"""The exams: every truth gets full marks, and the controls hear something else."""

import argparse
import json
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from af_minimal.audio import Clip
from af_minimal.clap import MiniCLAP
from af_minimal.commands import evaluate
from af_minimal.config import PRESETS
from af_minimal.data import Example
from af_minimal.disk.reports import make_report, table
from af_minimal.evaluation import GREEDY, caption_scores
from af_minimal.soundworld import CLASSES, QA, clap_exam, exam, marking, recordings_exam
from af_minimal.soundworld.caption_measures import add_spice, caption_measures

SCENES = 6


@pytest.fixture(scope="module")
def waves():
    return exam.render_held_out(SCENES)


def test_exam_of_a_random_model(student, waves, monkeypatch):
    monkeypatch.setitem(GREEDY, "max_new_tokens", 3)
    section = exam.exam(student, SCENES, waves=waves)
    json.dumps(section)
    assert {row["kind"] for row in section["rows"]} >= {"caption", "binary", "count"}
    captioned = [row for row in section["rows"] if row["kind"] == "caption"]
    assert len(captioned) == SCENES
    assert all(len(row["references"]) == 3 for row in captioned)
    by_name = {m["measure"]: m for m in section["measures"]}
    assert by_name["caption"]["score"] < 0.5
    assert by_name["yes or no"]["chance"] >= 0.5


def test_exam_gives_the_truth_full_marks(student, waves, monkeypatch):
    say_truth = lambda model, features, mask, asked: [qa.output for _, qa in asked]  # noqa: E731
    monkeypatch.setattr(exam, "answer_all", say_truth)
    section = exam.exam(student, SCENES, waves=waves)
    words = ("caption, CIDEr", "caption, BLEU-4", "caption, ROUGE-L")
    lines = {m["measure"]: m for m in section["measures"]}
    shares = [m for name, m in lines.items() if name not in words]
    assert shares and all(m["score"] == 1 for m in shares)
    assert lines["caption, CIDEr"]["low"] < lines["caption, CIDEr"]["score"]
    assert lines["caption, BLEU-4"]["low"] is None


def test_more_than_one_scene_or_batch_shows_a_bar(waves, monkeypatch, capsys):
    said = lambda model, texts, *_, **decoding: ["yes"] * len(texts)  # noqa: E731
    monkeypatch.setattr(exam, "complete", said)
    features, mask = torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool)
    asked = [(0, qa) for qa in exam.exam_questions(exam.held_out(1)[0], 0)]
    exam.answer_all(None, features, mask, asked, batch=len(asked))
    assert not capsys.readouterr().err
    exam.answer_all(None, features, mask, asked, batch=len(asked) - 1)
    exam.render_held_out(2)
    told = capsys.readouterr().err
    assert "answer" in told and "render scenes" in told


def test_the_help_says_what_scenes_do_not_change():
    parser = argparse.ArgumentParser()
    evaluate.add_eval(parser)
    assert "few-shot exams have a size of their own" in " ".join(
        parser.format_help().split()
    )


def test_controls_hear_something_else(student, waves, monkeypatch):
    heard = {}
    for audio in exam.AUDIOS:

        def listen(model, features, mask, asked, audio=audio):
            heard[audio] = features, [qa.prompt for _, qa in asked]
            return [""] * len(asked)

        monkeypatch.setattr(exam, "answer_all", listen)
        exam.exam(student, SCENES, audio=audio, waves=waves)
    assert heard["own"][1] == heard["noise"][1] == heard["other"][1]
    assert torch.equal(heard["other"][0], heard["own"][0].roll(1, 0))
    assert not torch.allclose(heard["noise"][0], heard["own"][0], atol=1e-3)
    noise = exam.replace_audio(waves, "noise", 0)
    assert np.std(noise[0]) == pytest.approx(np.sqrt(np.mean(waves[0] ** 2)), rel=0.05)
    loud = [np.full(16_000, 0.9, np.float32)]
    Clip.from_array(exam.replace_audio(loud, "noise", 0)[0], 16_000)  # no peak too high
    with pytest.raises(ValueError, match="expected one of"):
        exam.exam(student, SCENES, audio="silence")


def test_answers_come_back_in_order(student, monkeypatch):
    asked = [
        (i % 2, SimpleNamespace(kind=kind, prompt=f"q{i}", task=None))
        for i, kind in enumerate(["open", "caption", "open", "binary", "caption"])
    ]
    echo = lambda model, texts, features, mask, **kw: texts  # noqa: E731
    monkeypatch.setattr(exam, "complete", echo)
    said = exam.answer_all(student, torch.zeros(2, 4, 32), torch.ones(2, 4), asked, 2)
    assert all(f"q{i}\n" in text for i, text in enumerate(said))


def test_an_option_may_be_named_in_other_words():
    options = "\nOPTIONS:\n - dog bark.\n - rain.\n - siren."
    said = ["rain", "it is rain.", "rain, or a siren", "siren", "thunder"]
    rows = [
        {"kind": "classify_options", "topic": "", "prompt": f"what is it?{options}"}
        | {"answer": answer, "truth": "rain", "right": answer == "rain", "scene": i}
        for i, answer in enumerate(said)
    ]
    line = marking.by_options("one named", rows)
    assert (line["score"], line["n"]) == (0.4, 5)
    assert line["chance"] == pytest.approx(1 / 3)


def test_tags_are_right_in_any_order_and_in_part():
    scene = next(s for s in exam.held_out(20) if len(set(s.score.labels)) == 2)
    one, two = scene.score.labels
    other = next(label for label in CLASSES if label not in scene.score.labels)
    qa = QA("task", "what sounds are there?", f"{one}, {two}", "tags")
    said = [f"{two}, {one}", one, f"{one}, {two}, {other}", other]
    rows = [marking.mark(i, scene, qa, answer) for i, answer in enumerate(said)]
    assert [row["right"] for row in rows] == [True, False, False, False]
    parts = [marking.f1_of_tags(row) for row in rows]
    assert parts == pytest.approx([1, 2 / 3, 4 / 5, 0])
    told = marking.mark(9, scene, QA("task", "describe it.", "rain", "caption"), "rain")
    lines = {line["measure"]: line for line in marking.summarise([*rows, *rows, told])}
    assert lines["tags"]["score"] == 0.25
    assert lines["tags, F1"]["score"] == pytest.approx(np.mean(parts))


def test_guessing_knows_what_is_counted():
    """ "How many times" is mostly two, "how many sounds" mostly three."""
    rows = [
        {"kind": "count", "topic": "", "prompt": prompt, "truth": truth}
        for prompt, truths in (
            ("how many times does a dog bark?", ["2", "2", "3"]),
            ("how many different sounds are there?", ["3", "3", "1"]),
        )
        for truth in truths
    ]
    assert marking.guessing(rows) == pytest.approx(2 / 3)


def test_a_part_of_the_rows_has_its_own_lines():
    true = [["a dog barks twice"], ["rain falls on a roof"], ["a bell rings"]]
    rows = [
        {"answer": said, "references": refs}
        for said, refs in zip(["a dog barks", "rain falls", "a cat"], true, strict=True)
    ]
    whole = caption_measures(rows)
    parts = [caption_measures(rows, "{} of one", [i]) for i in range(3)]
    for metric, name in ((0, "CIDEr of one"), (2, "ROUGE-L of one")):
        of_each = [part[metric]["score"] for part in parts]
        assert whole[metric]["score"] == pytest.approx(np.mean(of_each))
        assert [part[metric]["measure"] for part in parts] == [name] * 3
    assert whole[0]["low"] < whole[0]["score"] < whole[0]["high"]
    assert whole[1]["low"] is None and whole[1]["measure"] == "BLEU-4"
    alone = caption_scores(["a cat"], [["a bell rings"]])["BLEU-4"]
    assert parts[2][1]["score"] == alone and parts[2][1]["n"] == 1


def described(answer: str) -> dict:
    row = {"kind": "caption", "answer": answer, "references": ["a dog barks"]}
    measures = [{"measure": f"caption, {name}"} for name in ("ROUGE-L", "other")]
    return {"name": "scenes", "measures": measures, "rows": [row, {"kind": "count"}]}


def test_spice_stands_behind_the_other_metrics_of_captions(monkeypatch):
    asked = []

    def score(answers, references):
        asked.append((answers, references))
        return 0.25

    monkeypatch.setattr("af_minimal.soundworld.caption_measures.spice", score)
    sections = [described("a dog"), {"measures": [], "rows": [{"prompt": "p"}]}]
    assert add_spice(sections) == []
    assert asked == [(["a dog"], [["a dog barks"]])]
    assert [m["measure"] for m in sections[0]["measures"]] == [
        "caption, ROUGE-L",
        "caption, SPICE",
        "caption, other",
    ]
    assert sections[0]["measures"][1]["score"] == 0.25 and not sections[1]["measures"]


def test_a_report_says_why_spice_is_left_out(monkeypatch):
    lacking = "af_minimal.official.spice.missing"
    monkeypatch.setattr(lacking, lambda: ["java"])
    sections = [described("a dog"), described("a cat")]
    assert add_spice(sections) == ["SPICE is left out: there is no java."]
    assert len(sections[0]["measures"]) == 2
    report = make_report("mini", sections, 0, GREEDY, notes=add_spice(sections))
    json.dumps(report)
    for section in sections:
        section["measures"] = []
    assert table(report).endswith("\n\nSPICE is left out: there is no java.")


def test_clap_exam(student):
    config = PRESETS["tiny"]
    clap = MiniCLAP(config.encoder, config.audio, student.tokenizer).eval()
    section = clap_exam.clap_exam(clap, clips=8, pairs=5)
    tagged, *retrieved, attribute, sound, order = section["measures"]
    assert [tagged["n"], *(m["n"] for m in retrieved)] == [8, 5, 5, 5]
    precise = retrieved[0]
    assert precise["measure"] == "tags by zero-shot, mAP" and 0 < precise["score"] <= 1
    assert attribute["n"] >= sound["n"] == 5 >= order["n"]
    assert section["measures"][0]["chance"] == pytest.approx(1 / len(CLASSES))
    assert len({row["truth"] for row in section["rows"][8:13]}) == 5
    json.dumps(section)


@pytest.mark.parametrize("label", CLASSES)
def test_every_class_has_a_clip_of_one_window(label, monkeypatch):
    found = []
    monkeypatch.setattr(
        clap_exam,
        "render_scene",
        lambda scene, _: found.append(scene) or np.ones(160_000),
    )
    assert len(clap_exam.single_sound(label, 3)) == 32_000
    assert found[0].score.labels == [label]


def test_recordings_exam(tmp_path, student):
    rng, time = np.random.default_rng(0), np.arange(16_000) / 16_000
    examples = []
    for i in range(14):
        whistle = np.sin(2 * np.pi * rng.uniform(900, 1100) * time)
        wave = 0.3 * (whistle if i % 2 else rng.standard_normal(len(time)).clip(-3, 3))
        soundfile.write(tmp_path / f"{i}.wav", wave, 16_000)
        label = "whistle" if i % 2 else "rain"
        path = str(tmp_path / f"{i}.wav")
        examples.append(Example(path, "classify this sound.", label, "Classification"))
    says = SimpleNamespace(
        encoder=student.encoder,
        ask=lambda clips, *rest, **kw: ["rain falls"] * len(clips),
    )
    section = recordings_exam.recordings_exam(says, examples[:4], examples[4:])
    score = {m["measure"]: m["score"] for m in section["measures"]}
    assert score["answer in free words"] == 0.5  # "rain falls" is matched to "rain"
    assert score["1 nearest neighbour"] == score["logistic regression"] == 1
    assert section["rows"][0]["matched"] == "rain"
    json.dumps(section)

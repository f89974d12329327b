"""The few-shot and dialogue exams: full marks for truths, bounds and facts right."""

import json

import numpy as np
import pytest
import torch

from af_minimal.evaluation import GREEDY
from af_minimal.soundworld import CLASSES, HELD_OUT, few_shot, few_shot_exam
from af_minimal.soundworld import dialogue_exam as talk
from af_minimal.soundworld.few_shot import Heard, answer_rows, new_names
from af_minimal.soundworld.names import EXAM


def heard(vectors, outputs) -> Heard:
    """Sounds of one window whose embedding is their only feature."""
    vectors = torch.tensor(vectors, dtype=torch.float32)
    mask = torch.ones(len(vectors), 1, dtype=torch.bool)
    return Heard(vectors[:, None], mask, vectors.numpy(), outputs)


STORE = heard([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], ["a", "a", "b", "b"])
ASKED = heard([[1, 0.1], [0.1, 1]], ["a", "b"])


def test_nearest_and_nearest_others():
    assert [sorted(row) for row in STORE.nearest(ASKED, 2)] == [[0, 1], [2, 3]]
    assert STORE.nearest_others(ASKED, 2) == [[3, 2], [1, 0]]
    assert all(len(set(row)) == 3 for row in STORE.any(ASKED, 3, seed=0))


def test_examples_stand_before_the_question(monkeypatch):
    seen = {}

    def listen(model, texts, features, mask, **decoding):
        seen.update(texts=texts, features=features, mask=mask)
        return ["A.", "c"]

    monkeypatch.setattr(few_shot, "complete", listen)
    rows = answer_rows(None, "x", ASKED, STORE, [[0, 2], [3, 0]], 5)
    assert seen["texts"][0].count("<audio>") == 3
    assert "<SEP>a<|endofchunk|><audio>" in seen["texts"][0]
    assert seen["texts"][0].endswith("<SEP>")
    assert torch.equal(seen["features"][1, -1], ASKED.features[1, 0])
    assert seen["features"].shape == (2, 3, 2) and seen["mask"].all()
    assert [row["right"] for row in rows] == [True, False]
    assert [row["examples"] for row in rows] == [["a", "b"], ["b", "a"]]
    assert [row["bound"] for row in rows] == [True, True]


def test_names_are_new_and_differ():
    names = new_names(list(HELD_OUT), 3)
    assert len(set(names.values())) == len(HELD_OUT)
    assert all(EXAM.fullmatch(name) for name in names.values())
    assert names == new_names(list(HELD_OUT), 3) != new_names(list(HELD_OUT), 4)


def test_half_of_the_names_are_wrong():
    names = ["dorim", "tavak", "ossel"] * 10
    said = few_shot_exam.half_misnamed(names, 0)
    assert sum(a != b for a, b in zip(names, said, strict=True)) == 15
    assert set(said) <= set(names)
    assert said == few_shot_exam.half_misnamed(names, 0)
    assert said != few_shot_exam.half_misnamed(names, 1)


def test_few_shot_exam_of_a_random_model(student, monkeypatch):
    monkeypatch.setitem(GREEDY, "max_new_tokens", 2)
    monkeypatch.setattr(few_shot_exam, "CLASSES", dict(list(CLASSES.items())[:3]))
    scenes = few_shot_exam.style_rows
    monkeypatch.setattr(few_shot_exam, "style_rows", lambda m, s: scenes(m, s, 4))
    monkeypatch.setattr(few_shot_exam, "SHOTS", (1, 2))

    def small(seed):
        return few_shot_exam.few_shot_exam(student, seed, queries=1, stored=2)

    section = few_shot_exam.over_seeds(small, (0, 1))
    json.dumps(section)
    lines = {line["measure"]: line for line in section["measures"]}
    assert lines["unseen names, no example"]["n"] == 2 * len(HELD_OUT)
    assert len(lines["unseen names, 1 similar"]["seeds"]) == 2
    assert lines["unseen names, 2 similar: true name is there"]["score"] > 0
    assert lines["known names, 4 similar with wrong names"]["n"] == 12
    wrong = "known names, 4 similar with wrong names"
    assert not any(r["bound"] for r in section["rows"] if r["measure"] == wrong)
    assert "new style, 8 similar, CIDEr" in lines
    assert lines["half misnamed, vote of 2 nearest"]["n"] == 2 * len(HELD_OUT)
    assert "half misnamed, 2 similar: true name is there" in lines


def test_facts_do_not_depend_on_wording():
    assert talk.facts("No, it is high pitched.") == {"no", "high pitched"}
    assert talk.facts("It is heard twice.") == talk.facts("two times")
    assert (
        talk.facts("a barking dog.") == talk.facts("the bark of a dog") == {"dog bark"}
    )
    assert talk.facts("nothing comes after it.") == {"nothing"}
    assert talk.facts("yes, a dog barks") != talk.facts("a dog barks")
    assert talk.facts("") == set()


@pytest.mark.parametrize("memory", [True, False])
def test_dialogue_exam_gives_the_truth_full_marks(student, monkeypatch, memory):
    truths = {}
    original = talk.dialogue

    def remember(score, rng, rounds):
        turns = original(score, rng, rounds)
        truths[len(truths)] = turns
        return turns

    prompts = []

    def say_truth(model, texts, features, mask, **decoding):
        turn = len(prompts)
        prompts.append(texts)
        return [t[turn].output for t in truths.values() if turn < len(t)]

    monkeypatch.setattr(talk, "dialogue", remember)
    monkeypatch.setattr(talk, "complete", say_truth)
    section = talk.dialogue_exam(student, 5, memory=memory)
    json.dumps(section)
    lines = {line["measure"]: line["score"] for line in section["measures"]}
    assert lines["all turns"] == lines["turn 1"] == 1 and lines["ROUGE-L"] == 1
    assert (prompts[1][0].count("user:") == 2) == memory
    assert np.isclose(sum(len(t) for t in truths.values()), len(section["rows"]))

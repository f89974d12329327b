"""The few-shot and dialogue exams: full marks for truths, bounds and facts right."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from af_minimal.config import AudioConfig
from af_minimal.evaluation import GREEDY
from af_minimal.soundworld import (
    CLASSES,
    HELD_OUT,
    few_shot,
    few_shot_exam,
    hard_stores,
    languages,
    timbre,
)
from af_minimal.soundworld import dialogue_exam as talk
from af_minimal.soundworld.few_shot import Heard, answer_rows, new_names
from af_minimal.soundworld.names import EXAM


def heard(vectors, outputs) -> Heard:
    """Sounds of one window whose embedding is their only feature."""
    vectors = torch.tensor(vectors, dtype=torch.float32)
    mask = torch.ones(len(vectors), 1, dtype=torch.bool)
    return Heard(vectors[:, None], mask, vectors.numpy(), outputs)


HELD_FIRST = next(iter(HELD_OUT))
STORE = heard([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]], ["a", "a", "b", "b"])
ASKED = heard([[1, 0.1], [0.1, 1]], ["a", "b"])


@pytest.mark.parametrize(("batch", "shown"), [(1, True), (2, False)])
def test_more_than_one_batch_shows_a_bar(batch, shown, monkeypatch, capsys):
    said = lambda model, texts, *_, **decoding: ["a"] * len(texts)  # noqa: E731
    monkeypatch.setattr(few_shot, "complete", said)
    for terminal in (False, True):  # a notebook is none
        monkeypatch.setattr(sys.stderr, "isatty", lambda t=terminal: t)
        answer_rows(None, "who is it", ASKED, STORE, None, 0, batch=batch)
        assert ("who is it" in capsys.readouterr().err) == (shown and terminal)


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
    assert [row["text"] for row in rows] == seen["texts"]
    assert rows[0]["task"] == "SoundWorld-EventClassification"
    assert [row["sound"] for row in rows] == ["0", "1"]
    assert [row["example_sounds"] for row in rows] == [["0", "2"], ["3", "0"]]


def test_each_batch_reads_its_own_texts(monkeypatch):
    read = []

    def listen(model, texts, features, mask, **decoding):
        read.extend(texts)
        assert len(texts) == len(features) == 1
        return ["a"]

    monkeypatch.setattr(few_shot, "complete", listen)
    rows = answer_rows(None, "x", ASKED, STORE, [[0], [2]], 5, batch=1)
    assert [row["text"] for row in rows] == read
    assert "<SEP>a<|endofchunk|>" in read[0] and "<SEP>b<|endofchunk|>" in read[1]


def test_rows_say_which_sounds_they_are_about(student):
    named = dict(list(new_names(list(HELD_OUT), 0).items())[:2])
    store = few_shot.single_sounds(student, named, 2, [0, 1])
    first, second = named
    assert store.which(1) == f"0/1/{first}/1" and store.which(2) == f"0/1/{second}/0"
    (row, *_) = few_shot.marked("vote", 0, store, ["x"] * 4)
    assert (row["sound"], row["examples"], row["text"]) == (f"0/1/{first}/0", [], "")


def answers(name, seed, sounds, truths, right, examples=("a",)):
    return [
        {"measure": name, "seed": seed, "sound": sound, "truth": truth, "right": good}
        | {"examples": [*examples], "bound": truth in examples, "answer": "x"}
        for sound, truth, good in zip(sounds, truths, right, strict=True)
    ]


def test_a_recording_that_is_asked_again_counts_once():
    sounds, right = [f"{i}.wav" for i in range(10)], [True] * 6 + [False] * 4
    truths = list("ab") * 5

    def one(seed):
        names = [f"{t}{seed}" for t in truths]
        rows = answers("recordings", seed, sounds, names, right, names[:1])
        return {"name": "E", "measures": few_shot_exam.summarise(rows), "rows": rows}

    alone, several = one(0), few_shot_exam.over_seeds(one, (0, 1, 2))
    (line, bound), (first, _) = several["measures"], alone["measures"]
    assert (line["n"], line["score"]) == (10, pytest.approx(0.6))
    # the same answers three times are no news: as unsure as once
    assert (line["low"], line["high"]) == pytest.approx((first["low"], first["high"]))
    assert line["seeds"] == [0.6, 0.6, 0.6] and len(several["rows"]) == 30
    assert (bound["n"], bound["score"]) == (10, pytest.approx(0.5))


def test_chance_is_that_of_one_seed_s_names():
    def one(seed):
        names = [f"{t}{seed}" for t in "aabbc"]  # 2 of 5 by saying "a" always
        sounds = [f"{seed}/{i}" for i in range(5)]
        rows = answers("unseen names", seed, sounds, names, [True] * 5)
        return {"name": "E", "measures": few_shot_exam.summarise(rows), "rows": rows}

    (line, _) = few_shot_exam.over_seeds(one, (0, 1, 2))["measures"]
    assert (line["n"], line["chance"]) == (15, pytest.approx(0.4))


def test_names_are_new_and_differ():
    names = new_names(list(HELD_OUT), 3)
    assert len(set(names.values())) == len(HELD_OUT)
    assert all(EXAM.fullmatch(name) for name in names.values())
    assert names == new_names(list(HELD_OUT), 3) != new_names(list(HELD_OUT), 4)


def test_half_of_the_names_are_wrong():
    names = ["dorim", "tavak", "ossel"] * 10
    said = hard_stores.half_misnamed(names, 0)
    assert sum(a != b for a, b in zip(names, said, strict=True)) == 15
    assert set(said) <= set(names)
    assert said == hard_stores.half_misnamed(names, 0)
    assert said != hard_stores.half_misnamed(names, 1)


def test_a_small_store_has_the_first_of_each_kind():
    names = ["dorim", "tavak", "dorim", "dorim", "tavak", "ossel"]
    assert hard_stores.few_of_a_kind(names, 2) == [0, 1, 2, 4, 5]


def test_sounds_are_named_in_each_language(monkeypatch):
    """The order of the classes and that of the names are two things."""
    given = new_names(list(HELD_OUT), 0)
    vectors = np.repeat(np.eye(len(given)), 4, axis=0)
    sounds = heard(vectors, [name for name in given.values() for _ in range(4)])
    words = languages.NAMES["in Finnish"].split(", ")
    true = dict(zip(languages.SOUNDS, words, strict=True))
    told = []

    def listen(model, texts, features, mask, **decoding):
        told.extend(zip(features[:, -1].argmax(-1).tolist(), texts, strict=True))
        return [""] * len(texts)

    monkeypatch.setattr(few_shot, "complete", listen)
    rows = languages.language_rows(None, sounds, sounds, 0)
    assert len(rows) == len(languages.NAMES) * len(sounds.outputs)
    finnish = [row for row in rows if "Finnish" in row["measure"]]
    for (which, text), row in zip(told[40:80], finnish, strict=True):
        name = true[list(HELD_OUT)[which]]
        assert row["truth"] == name and row["examples"] == [name] * 4
        assert text.count(f"<SEP>{name}<") == 4


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
    style = lines["new style, 8 similar, CIDEr"]
    assert style["low"] <= style["score"] <= style["high"]
    assert lines["unseen names, no example"]["chance"] == 1 / len(HELD_OUT)
    (row,) = (
        r
        for r in section["rows"]
        if r["sound"] == f"1/2/{HELD_FIRST}/0"
        and r["measure"] == "unseen names, 2 similar"
    )
    assert [s.split("/")[:2] for s in row["example_sounds"]] == [["1", "1"]] * 2
    assert row["text"].count(row["prompt"]) == 3
    assert lines["half misnamed, vote of 2 nearest"]["n"] == 2 * len(HELD_OUT)
    assert "half misnamed, 2 similar: true name is there" in lines
    assert "four of a kind, 2 similar" in lines
    assert lines["another ear, vote of 2 nearest"]["n"] == 2 * len(HELD_OUT)
    line = lines["another ear, 1 similar"]
    bound = lines["another ear, 1 similar: true name is there"]
    assert line["score"] <= bound["score"] and line["chance"] == 1 / len(HELD_OUT)


def test_timbre_tells_a_hum_from_a_hiss_however_loud(monkeypatch):
    """Of three hums and three hisses each finds its like; the model hears features."""
    rng, seconds = np.random.default_rng(0), np.arange(16_000) / 16_000

    def waves(gain):
        hums = [np.sin(2 * np.pi * f * seconds) for f in (110, 120, 130)]
        hisses = [rng.standard_normal(16_000) for _ in range(3)]
        return [(gain * wave).astype(np.float32) for wave in hums + hisses]

    kept, new = waves(0.1), waves(0.07)
    vectors, names = np.eye(6), ["hum"] * 3 + ["hiss"] * 3
    store = heard(vectors, names), kept
    # its own ear would find the other kind
    asked = heard(vectors[::-1].copy(), names), new
    known, query = timbre.by_timbre(store, asked, 16_000)
    assert known.embeddings.shape == (6, 2 * timbre.CEPSTRA)
    np.testing.assert_allclose(np.linalg.norm(known.embeddings, axis=1), 1, atol=1e-6)
    assert [set(found) for found in known.nearest(query, 3)] == 3 * [{0, 1, 2}] + 3 * [
        {3, 4, 5}
    ]
    told = []

    def listen(model, texts, features, mask, **decoding):
        told.extend(features[:, -1].argmax(-1).tolist())
        return ["hum"] * len(texts)

    monkeypatch.setattr(few_shot, "complete", listen)
    model = SimpleNamespace(encoder=SimpleNamespace(audio=AudioConfig()))
    rows = timbre.other_ear_rows(model, "other", store, asked, (1, 3), 0)
    assert told == 2 * list(range(6))[::-1], "the model hears its own features"
    assert all(set(r["examples"]) == {r["truth"]} for r in rows[:12]), "by timbre"
    assert [r["right"] for r in rows[:6]] == [True] * 3 + [False] * 3
    votes = [row for row in rows if row["measure"] == "other, vote of 3 nearest"]
    assert len(votes) == 6 and all(row["right"] for row in votes)
    own = [row for row in rows if row["measure"] == "other, likest of 3 by its own ear"]
    assert len(own) == 6 and all(row["right"] for row in own)


def test_of_names_as_common_the_vote_takes_the_nearer_sounds():
    """Not the one that comes first in the alphabet."""
    store = heard([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], ["z", "z", "a", "a"])
    asked = heard([[1, 0.1], [0.1, 1]], ["z", "a"])
    for neighbours in (2, 4):
        rows = hard_stores.vote_rows("vote", asked, store, neighbours, 0)
        assert [row["answer"] for row in rows] == ["z", "a"]
    store = heard([[1, 0], [0, 1]], ["z", "a"])
    (row, _) = hard_stores.vote_rows("vote", asked, store, 2, 0)
    assert row["answer"] == "z"


def test_each_wording_of_a_sound_states_that_sound_alone():
    """ "The two-tone horn of an ambulance" counts no ambulances."""
    for sound in (CLASSES | HELD_OUT).values():
        for phrase in sound.phrases:
            assert talk.facts(f"{phrase}.") == {sound.label}, phrase


def test_facts_do_not_depend_on_wording():
    assert talk.facts("No, it is high pitched.") == {"no", "high pitched"}
    assert talk.facts("It is heard twice.") == talk.facts("two times")
    assert (
        talk.facts("a barking dog.") == talk.facts("the bark of a dog") == {"dog bark"}
    )
    assert talk.facts("nothing comes after it.") == {"nothing"}
    assert talk.facts("it is heard 3 times.") == talk.facts("three times")
    assert talk.facts("no, there is no siren.") == {"no", "no siren"}
    assert talk.facts("no, a siren wails.") == {"no", "siren"}
    assert talk.facts("no, there are no more sounds.") == {"no"}
    assert talk.facts("no, there are more sounds.") == {"no", "more"}
    assert talk.facts("it is not low pitched.") == {"no low pitched"}
    assert talk.facts("yes, a dog barks") != talk.facts("a dog barks")
    assert talk.facts("") == set()


@pytest.mark.parametrize("memory", [True, False])
def test_dialogue_exam_gives_the_truth_full_marks(student, monkeypatch, memory, capsys):
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
    assert "talk: 100%" in capsys.readouterr().err
    json.dumps(section)
    by_name = {line["measure"]: line for line in section["measures"]}
    lines = {name: line["score"] for name, line in by_name.items()}
    assert lines["all turns"] == lines["turn 1"] == 1 and lines["ROUGE-L"] == 1
    assert (prompts[1][0].count("user:") == 2) == memory
    assert np.isclose(sum(len(t) for t in truths.values()), len(section["rows"]))
    for turn in range(1, 5):
        asked = sum(row["turn"] == turn for row in section["rows"])
        for metric in ("CIDEr", "BLEU-4", "ROUGE-L"):
            line = by_name.get(f"turn {turn}, {metric}")
            assert (line is None) == (not asked) and (not line or line["n"] == asked)
    parts = [by_name[f"turn {t}, ROUGE-L"] for t in range(1, len(prompts) + 1)]
    assert all(line["score"] == 1 for line in parts)

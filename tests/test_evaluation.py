"""Metrics against hand-computed values, and the reports."""

import hashlib
import json
import math
import re
import subprocess
import unicodedata
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import faiss
import numpy as np
import pytest
import torch

import af_minimal
from af_minimal.audio import Clip
from af_minimal.chat import Chat
from af_minimal.data import Example
from af_minimal.disk.reports import make_report, save_report, table
from af_minimal.evaluation import (
    GREEDY,
    accuracy,
    bootstrap_ci,
    caption_scores,
    caption_values,
    exact_match,
    f1,
    labels_in,
    majority,
    match_label,
    mean_average_precision,
    measure,
    run_manifest,
)
from af_minimal.official.options import option_match, read_options
from af_minimal.official.spice import SpiceWarning, spice


def cider_d(answers, references, sigma=6.0):
    """CIDEr-D from its definition (Vedantam et al., 2015), words split at spaces."""

    def grams(text, n):
        words = text.split()
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    def weigh(text, n):
        return {
            g: count * (math.log(items) - math.log(max(1, seen[g])))
            for g, count in grams(text, n).items()
        }

    items, scores = len(answers), []
    seen = Counter(
        g
        for refs in references
        for g in {g for r in refs for n in (1, 2, 3, 4) for g in grams(r, n)}
    )
    for answer, refs in zip(answers, references, strict=True):
        total = 0.0
        for ref in refs:
            delta = len(answer.split()) - len(ref.split())
            for n in (1, 2, 3, 4):
                a, r = weigh(answer, n), weigh(ref, n)
                dot = sum(min(a[g], r[g]) * r[g] for g in a.keys() & r.keys())
                size = math.hypot(*a.values()) * math.hypot(*r.values())
                total += (dot / size if size else 0.0) * math.exp(
                    -(delta**2) / (2 * sigma**2)
                )
        scores.append(10 * total / 4 / len(refs))
    return sum(scores) / items


ANSWERS = ["a dog barks twice", "rain falls on a tin roof", "a bell rings then a cat"]
REFERENCES = [
    ["a dog barks", "a barking dog is heard", "the dog barks two times"],
    ["rain falls on a roof", "it rains hard on a tin roof", "water drips"],
    ["a bell rings and then a cat meows", "first a bell then a cat", "a church bell"],
]


def test_cider_is_cider_d():
    found = caption_scores(ANSWERS, REFERENCES)["CIDEr"]
    assert found == pytest.approx(cider_d(ANSWERS, REFERENCES), abs=1e-9)
    assert found > 0.5


def test_bleu_and_rouge_by_hand():
    scores = caption_scores(["The cat sat on the mat."], [["the cat sat on a mat"]])
    # clipped n-gram precisions 5/6, 3/5, 2/4, 1/3; no brevity penalty; LCS of 5 words
    assert scores["BLEU-4"] == pytest.approx((5 / 6 * 3 / 5 * 2 / 4 / 3) ** 0.25)
    assert scores["ROUGE-L"] == pytest.approx(5 / 6)


def test_perfect_captions_and_faulty_input():
    scores = caption_scores([refs[0] for refs in REFERENCES], REFERENCES)
    assert scores["ROUGE-L"] == pytest.approx(1) and scores["BLEU-4"] > 0.999
    with pytest.raises(ValueError, match="1 answers and 2 truths"):
        caption_scores(["a"], [["a"], ["b"]])
    with pytest.raises(ValueError, match="no reference"):
        caption_scores(["a"], [[]])


def test_a_sentence_is_no_list_of_references():
    with pytest.raises(ValueError, match=r"'a dog barks' is no .*; write \[\[\"a dog"):
        caption_scores(["a dog barks"], ["a dog barks"])
    with pytest.raises(ValueError, match="'a dog barks' is no reference list"):
        spice(["a dog barks"], ["a dog barks"])


def test_the_scores_are_means_of_what_each_item_gets():
    values = caption_values(ANSWERS, REFERENCES)
    assert values["CIDEr"].shape == values["ROUGE-L"].shape == (3,)
    scores = caption_scores(ANSWERS, REFERENCES)
    assert {name: np.mean(value) for name, value in values.items()} == scores


def test_exact_match_and_accuracy():
    assert exact_match(["Yes.", "no"], ["yes", "yes"]) == [True, False]
    assert accuracy(["A dog,  barks!", "x"], ["a dog barks", "y"]) == 0.5
    with pytest.raises(ValueError, match="at least one"):
        accuracy([], [])


def test_answers_in_any_script_are_compared_to_the_letter():
    assert exact_match(["Волк!", "की", "🐺"], ["волк", "का", "🐕"]) == [1, 0, 0]
    assert exact_match(["🐺", "."], ["🐺", ""]) == [True, False]


LABELS = ["dog bark", "baby cry", "rain", "sea waves", "train"]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Sea waves.", "sea waves"),
        ("this is rain, and then a dog bark.", "rain"),
        ("the training of a crying baby", "baby cry"),  # "train" is not a word of it
        ("a violin", None),
        ("a dog bark", "dog bark"),
        ("", None),
    ],
)
def test_match_label(answer, label):
    assert match_label(answer, LABELS) == label


def test_a_label_to_the_letter_comes_first():
    assert [match_label(a, ["C", "C#"]) for a in ("C#", "C ")] == ["C#", "C"]


def test_labels_inside_longer_ones_are_not_meant():
    labels = ["rain", "heavy rain", "Dog bark.", "bark"]
    assert labels_in("heavy rain, a dog bark, rain", labels) == [
        "heavy rain",
        "Dog bark.",
        "rain",
    ]
    assert labels_in("brain", labels) == []


LETTERED = ["(A) rain", "(B) heavy rain", "(C) dog bark"]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("(B) heavy rain", True),
        ("(b)", True),
        ("b.", True),
        ("B) heavy rain", True),
        ("Heavy rain.", True),
        ("the answer is (b)", True),
        ("B. heavy rain", True),
        ("B, because it pours", True),
        ("The answer is B.", True),
        ("Answer: B", True),
        ("Option B", True),
        ("Letter B", True),
        ("B because it barks", True),
        ("The answer is B because of barking", True),
        ("B\nthe dog barks", True),
        ("B - heavy rain", True),
        ("**B**", True),
        ("the correct answer is **B**", True),
        ("[B]", True),
        ("(B", True),
        ("I think it is B", True),
        ("I hear rain", False),
        ("it is a dog", False),
        ("A. heavy rain", False),  # they contradict each other
        ("the answer is a dog", False),
        ("rain", False),
        ("(a) heavy rain", False),  # letter and words of two options
        ("heavy rain or a dog bark", False),
        ("a dog", False),  # "a" is a word here
        ("snow", False),
        ("", False),
    ],
)
def test_an_answer_chooses_one_of_its_options(answer, right):
    assert option_match([answer], ["(B) heavy rain"], [LETTERED]) == [right]


@pytest.mark.parametrize("spelled", ["{}: {}", "({}){}", "{}. {}", "({}) {}"])
def test_letters_of_options_are_seen_however_they_are_spelled(spelled):
    given = [spelled.format(*pair) for pair in zip("AB", ["rain", "wind"], strict=True)]
    for answer in ("B", "wind", given[1]):
        assert option_match([answer, "A"], given[1:] * 2, [given] * 2) == [True, False]


def test_words_that_begin_as_a_letter_does_stay_words():
    given = ["(A) B flat", "(B) C sharp", "(I) a dog"]
    assert option_match(["B flat"], given[:1], [given]) == [True]
    assert option_match(["a dog"], given[2:], [given]) == [True]
    for answer in ("the answer is a cat", "a cat", "i hear it"):
        for truth in given:
            assert option_match([answer], [truth], [given]) == [False]


def test_options_without_letters_have_none():
    plain = ["rain", "dog bark"]
    assert option_match(["a dog bark", "(a)"], plain[1:] * 2, [plain] * 2) == [
        True,
        False,
    ]
    with pytest.raises(ValueError, match="'cat' is none of the options"):
        option_match(["cat"], ["cat"], [plain])
    with pytest.raises(ValueError, match="read alike"):
        option_match(["C"], ["C#"], [["C", "C#", "D"]])
    with pytest.raises(ValueError, match="is none of the options"):
        option_match(["rain"], ["rain"], ["rain"])
    with pytest.raises(ValueError, match="2 answers and 1 truths"):
        option_match(["rain", "rain"], ["rain"], [plain])
    with pytest.raises(ValueError, match="1 lists of options came with 2 answers"):
        option_match(["rain", "rain"], ["rain", "rain"], [plain])


def test_options_are_read_from_a_prompt():
    assert read_options("what?\nOPTIONS:\n - rain.\n - dog bark.") == [
        "rain",
        "dog bark",
    ]
    assert read_options("is it?\nOPTIONS:\nyes.\nno.") == ["yes", "no"]
    for prompt in ("what is it?", "what?\nOPTIONS:\n"):
        with pytest.raises(ValueError, match="lists no options; write OPTIONS:"):
            read_options(prompt)


def test_match_label_by_meaning():
    meaning = {"a storm": 2, **{label: i for i, label in enumerate(LABELS)}}
    embed = lambda texts: torch.eye(len(LABELS))[[meaning[t] for t in texts]]  # noqa: E731
    assert match_label("a storm", LABELS, embed) == "rain"


def test_an_empty_answer_means_no_label():
    assert (
        match_label(" ", LABELS, lambda texts: pytest.fail("nothing to embed")) is None
    )


def test_match_label_needs_labels():
    for labels in ([], "rain"):
        with pytest.raises(ValueError, match="a list of one or more is expected"):
            match_label("rain", labels)
    assert match_label("rain", np.array(["dog", "rain"])) == "rain"


def test_no_answer_is_a_miss_and_a_text_is_no_list():
    assert exact_match([None, "rain"], ["rain", "rain"]) == [False, True]
    with pytest.raises(TypeError, match="two lists are expected"):
        accuracy("yes", "yes")
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_ci([0.0, 1.0], level=95)


def test_a_path_is_told_how_to_read_a_manifest():
    with pytest.raises(TypeError, match="read by read_manifest"):
        run_manifest(None, "manifest.json")


def test_f1_and_map_by_hand():
    # a: precision 1/2, recall 1; b: never said; macro F1 is their mean
    assert f1(["a", "b"], ["a", "a"]) == pytest.approx((2 / 3 + 0) / 2)
    # ranked by score, the positives of the class come first and third
    truth, scores = [[1, 0], [0, 0], [1, 0]], [[0.9, 0], [0.5, 0], [0.1, 0]]
    assert mean_average_precision(truth, scores) == pytest.approx((1 + 2 / 3) / 2)
    with pytest.raises(ValueError, match="No class"):
        mean_average_precision([[0]], [[0.3]])


def test_an_answer_that_names_no_label_is_a_miss_and_no_class():
    assert f1(["dog bark", "rain"], ["dog bark", None]) == 0.5
    assert f1([1, 2], [1, 2]) == 1.0


def test_a_curly_apostrophe_is_an_apostrophe():
    assert exact_match(
        ["it\N{RIGHT SINGLE QUOTATION MARK}s a dog"], ["it's a dog"]
    ) == [True]


def test_bootstrap_interval():
    values = [True] * 60 + [False] * 40
    low, high = bootstrap_ci(values, seed=1)
    spread = 1.96 * math.sqrt(0.6 * 0.4 / 100)
    assert (low, high) == pytest.approx((0.6 - spread, 0.6 + spread), abs=0.02)
    assert bootstrap_ci(values, seed=1) == (low, high)
    assert bootstrap_ci([1.0]) is None and bootstrap_ci([]) is None
    twice, about = values + values, [*range(100), *range(100)]
    for given in (about, np.array(about)):
        found = bootstrap_ci(twice, seed=1, about=given)
        assert found == pytest.approx((low, high))
    narrow = bootstrap_ci(twice, seed=1)
    assert narrow[1] - narrow[0] < 0.8 * (high - low)  # as if they were 200 sounds
    assert bootstrap_ci([1.0, 0.0], about=["one", "one"]) is None
    assert majority(["Yes", "yes.", "no"]) == pytest.approx(2 / 3)


class Parrot:
    """Answers every question with its task, and remembers what it was given."""

    def __init__(self):
        self.batches = []

    def ask(self, clips, questions, examples, task, **decoding):
        self.batches.append((len(clips), decoding))
        return [f"{q} {t}" for q, t in zip(questions, task, strict=True)]


def test_run_manifest_keeps_order_and_batches():
    clip = Clip(np.zeros(8, np.float32), 8000)
    examples = [Example(clip, f"q{i}", "yes", "AQA") for i in range(5)]
    parrot = Parrot()
    rows = run_manifest(parrot, examples, batch_size=2)
    assert [row["answer"] for row in rows] == [f"q{i} AQA" for i in range(5)]
    assert [size for size, _ in parrot.batches] == [2, 2, 1]
    seeds = [decoding["seed"] for _, decoding in parrot.batches]
    assert seeds == [0, 2, 4]  # or what is sampled would come again in each batch
    # how long an answer may be, the model says itself: published ones have 128 and 256
    own = {"num_beams": 1, "do_sample": False, "seed": 0}
    assert parrot.batches[0][1] == own
    json.dumps(rows)


def test_a_row_has_all_that_the_model_was_given():
    shown = (Example("b.wav", "what?", "a cat.", "AQA"),)
    asked = Example("a.wav", "what?", "a dog.", "AQA", 2.5, examples=shown)
    asked = replace(asked, examples_are="random", duration_s=4.0)
    (row,) = run_manifest(Parrot(), [asked])
    assert (row["audio"], row["start_s"], row["duration_s"]) == ("a.wav", 2.5, 4.0)
    assert row["examples_are"] == "random"
    assert row["examples"] == [
        {
            "audio": "b.wav",
            "start_s": 0.0,
            "duration_s": None,
            "prompt": "what?",
            "output": "a cat.",
        }
    ]
    clip = Clip(np.zeros(8, np.float32), 8000, "c.wav", 1.5)
    (row,) = run_manifest(Parrot(), [replace(asked, audio=clip, start_s=0.0)])
    assert (row["audio"], row["start_s"], row["duration_s"]) == ("c.wav", 1.5, 0.001)
    clips = [Clip(np.full(8, x, np.float32), 8000) for x in (0.1, 0.2)]
    rows = run_manifest(Parrot(), [replace(asked, audio=clip) for clip in clips])
    names = [row["audio"] for row in rows]  # samples of no file tell themselves apart
    assert all(re.fullmatch("samples sha256 [0-9a-f]{64}", name) for name in names)
    assert names[0] != names[1]


def test_a_dialogue_is_answered_after_the_model_s_own_answers(student):
    clip = Clip(np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32), 16000)
    rounds = (("what do you hear?", "a dog barks."), ("and then?", "rain falls."))
    talk = Example(clip, "", "", "Dialog", dialogue=rounds)
    plain = Example(clip, "what is it?", "a dog.", "AQA")
    short = GREEDY | {"max_new_tokens": 6}
    rows = run_manifest(student, [plain, talk, plain], 2, short)
    json.dumps(rows)
    assert [row.get("turn") for row in rows] == [None, 1, 2, None]
    asked = ["what is it?", "what do you hear?", "and then?", "what is it?"]
    truths = ["a dog.", "a dog barks.", "rain falls.", "a dog."]
    assert [row["prompt"] for row in rows] == asked
    assert [row["truth"] for row in rows] == truths
    assert rows[0] == rows[3] and rows[1]["task"] == "Dialog"
    chat = Chat(student, clip, **short)
    assert [row["answer"] for row in rows[1:3]] == [
        chat.say(user) for user, _ in rounds
    ]
    taught = replace(talk, examples=(plain,), examples_are="random")
    first = run_manifest(student, [taught], decoding=short)[0]
    assert first["answer"] == rows[1]["answer"] and first["examples"] == []
    alone = run_manifest(student, [talk], decoding=short)
    assert alone == rows[1:3]
    with pytest.raises(ValueError, match="num_beams"):
        run_manifest(student, [talk], decoding={"num_beams": 3})


def test_each_dialogue_is_one_conversation():
    class Counting:
        """Says how often it was asked before: it has not forgotten."""

        def __init__(self, example, **decoding):
            self.asked = -1

        def say(self, message):
            self.asked += 1
            return f"asked {self.asked} times before"

    talk = Example("a.wav", "", "", dialogue=(("a", "x"), ("b", "y")))
    rows = run_manifest(SimpleNamespace(chat=Counting), [talk, talk])
    assert [row["answer"][6] for row in rows] == ["0", "1", "0", "1"]
    assert rows[0]["audio"] == "a.wav"


def test_samples_of_one_conversation_differ_and_repeat():
    class Seeded:
        def __init__(self, example, seed, **decoding):
            self.seed = seed

        def say(self, message):
            return str(self.seed)

    talk = Example("a.wav", "", "", dialogue=(("a", "x"), ("b", "y")))
    rows = run_manifest(SimpleNamespace(chat=Seeded), [talk] * 40, batch_size=16)
    seeds = [int(row["answer"]) for row in rows[::2]]
    assert len({seed + turn for seed in seeds for turn in range(100)}) == 4000


@pytest.mark.parametrize("odd", ["test.json", ["a.wav"], iter([])])
def test_only_a_list_of_examples_is_answered(odd):
    with pytest.raises(TypeError, match="a list of Examples is expected"):
        run_manifest(Parrot(), odd)


def test_spice_is_none_when_something_is_missing(monkeypatch):
    def download(*_):
        raise AssertionError("nothing may be downloaded")

    monkeypatch.setattr("urllib.request.urlretrieve", download)
    module = "pycocoevalcap.spice.get_stanford_models.urlretrieve"
    monkeypatch.setattr(module, download)
    monkeypatch.setattr("af_minimal.official.spice.JARS", ("no.jar",))
    with pytest.warns(SpiceWarning, match="there is no .*no.jar"):
        assert spice(ANSWERS, REFERENCES) is None
    with pytest.raises(ValueError, match="no reference"):
        spice(["a"], [[]])


def test_spice_is_asked_where_all_is_there(monkeypatch):
    from pycocoevalcap.spice.spice import Spice

    def score(self, true, told):
        assert told[0] == [ANSWERS[0]] and true[2] == REFERENCES[2]
        return 0.25, []

    monkeypatch.setattr("af_minimal.official.spice.missing", list)
    monkeypatch.setattr(Spice, "__init__", lambda self: None)
    monkeypatch.setattr(Spice, "compute_score", score)
    assert spice(ANSWERS, REFERENCES) == 0.25

    def fail(*_):
        raise subprocess.CalledProcessError(1, "java")

    monkeypatch.setattr(Spice, "compute_score", fail)
    with pytest.warns(SpiceWarning, match="written for Java 8"):
        assert spice(ANSWERS, REFERENCES) is None


def test_report_is_complete_and_readable(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    rows = [{"prompt": "p", "answer": "a", "truth": "a"}]
    measures = [measure("yes or no", [True, False], 0.5), measure("one", [True])]
    section = {"name": "Exam", "measures": measures, "rows": rows}
    report = make_report("mini", [section], 7, GREEDY, tmp_path)
    save_report(tmp_path / "new" / "report.json", report)
    found = json.loads((tmp_path / "new" / "report.json").read_text())
    assert found["seed"] == 7 and found["decoding"] == GREEDY
    wanted = hashlib.sha256(b"weights").hexdigest()
    assert found["weights_sha256"] == {"model.safetensors": wanted}
    assert torch.__version__.startswith(found["versions"]["torch"])
    assert found["versions"]["af-minimal"] == af_minimal.__version__
    assert found["versions"]["faiss-cpu"].startswith(faiss.__version__)
    assert found["sections"][0]["rows"] == rows
    lines = table(report).splitlines()
    assert lines[4].split() == "yes or no 2 0.500 0.000 - 1.000 0.500".split()
    assert lines[5].split() == "one 1 1.000".split()


def test_a_report_names_its_weights_or_fails(tmp_path):
    assert "model.safetensors" in make_report("x", [], 0, {}, "mini")["weights_sha256"]
    with pytest.raises(FileNotFoundError, match="holds no safetensors"):
        make_report("x", [], 0, {}, tmp_path / "nowhere")


def test_an_accent_behind_its_letter_is_the_same_answer():
    apart = unicodedata.normalize("NFD", "köhögés")
    assert exact_match([apart], ["köhögés"]) == [True]

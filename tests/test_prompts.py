"""Prompts, labels and the tokenizer against the texts the official code writes."""

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch

from af_minimal import prompts
from af_minimal.official import prompts as prompts_official
from af_minimal.tokenizer import load_tokenizer, special_ids, train_tokenizer

REFERENCE = Path(__file__).parent / "reference"
GOLDEN = Path(__file__).parents[2] / "shared" / "golden"


def files(pattern):
    """The trimmed cases of the repository, and the full ones where they are at hand."""
    return sorted(REFERENCE.glob(pattern)) + sorted(GOLDEN.glob(pattern))


def where(path):
    return f"{path.parent.name}/{path.name}"


TRAINED_WITH = {  # what the official eval looks up for an item of these datasets
    "Clotho-v2-AudioCaptioning": {"AC_short": 1.0},
    "CochlScene-SceneClassification": {"provide_all_labels": 0.9, "default": 0.1},
    "Clotho-AQA-AQA": {"AQA_binary_instruction": 1.0},
    "chime-home-EventClassification": {"default": 0.5, "num_words": 0.5},
}


def ours(case):
    """Our text for one case of the official text builder."""
    item = case["item"]
    arguments = item["task"], item["prompt"], item["output"]
    kind = item.get("interleaved")
    if case["split"] == "train":
        entry = case["blending_entry"][f"{item['task']}/train"]
        rng = np.random.RandomState(case["np_seed"])
        return prompts_official.official_text(
            *arguments,
            entry["augmentations"],
            entry["prefix_prob"],
            rng,
            kind,
            official_faults=True,
        )
    entry = case["valid_dataset_config"][case["valid_dataset_name"]]
    names = TRAINED_WITH[item["task"]] if entry is True else entry["augmentations"]
    return prompts_official.official_eval_text(
        *arguments, names, interleaved=kind, name=item["name"]
    )


@pytest.mark.parametrize("path", files("prompts*.json"), ids=where)
@pytest.mark.filterwarnings("ignore:.*knows no augmentation")
def test_official_texts_are_reproduced(path):
    golden = json.loads(path.read_text())
    cases = [case for case in golden["foundation"] if "sample" in case]
    assert cases
    wrong = [case["desc"] for case in cases if ours(case) != case["sample"]]
    assert wrong == []


@pytest.mark.parametrize("path", files("prompts*.json"), ids=where)
def test_prefix_chat_inference_and_af2_texts_are_reproduced(path):
    golden = json.loads(path.read_text())
    for dataset, prefix in golden["prefixes"].items():
        assert f"The task is {prompts.task_words(dataset)}. " == prefix
    for case in golden["chat"]:
        text = prompts_official.official_chat_text(case["dialogue"], case.get("prefix"))
        assert text == case["sample"]
    for case in golden["af1_inference"]:
        text = prompts_official.official_inference_text(case["prefix"], case["prompt"])
        assert text == case["sample"]
    for case in golden["af2"]:
        item = case.get("item", case)
        text = prompts_official.af2_text(item["prompt"], item.get("output"))
        assert text == case["sample"]


def test_a_caption_without_a_period_stays_as_it_is():
    assert prompts_official.one_paragraph("a slow song") == "a slow song"
    assert prompts_official.one_paragraph("a. b. c.") == "a; b; c."
    assert prompts_official.one_paragraph("ab", official_faults=True) == "a.ab"


LABEL_FILES = files("labels_af*.json")


@pytest.mark.parametrize("path", LABEL_FILES, ids=where)
def test_labels_equal_the_official_loop(path):
    golden = json.loads(path.read_text())
    family = "AF1" if "af1" in path.name else "AF2"
    special = golden[f"special_tokens_{family}"]
    names = {"pad": "pad", "audio": "audio", "sep": "sep", "eos": "eos"}
    ids = {k: special[v] for k, v in names.items()} | {"eoc": special["endofchunk"]}
    cases = [
        c for kind in ("foundation", "chat", "cases") for c in golden.get(kind, [])
    ]
    assert cases
    for case in cases:
        input_ids = torch.tensor(case["input_ids"])
        first = 2 if family == "AF1" else 1
        labels = prompts.build_labels(input_ids, **ids, first=first)
        assert labels.tolist() == case["labels"], case["name"]


def slow_labels(row, pad, audio, sep, eoc, eos, first):
    """The rule of `build_labels` as a loop over positions."""
    out, on = [], False
    for t, token in enumerate(row):
        if t < first or token in (pad, audio):
            out.append(prompts.IGNORE)
            continue
        out.append(token if on or token == eos else prompts.IGNORE)
        on = (on or token == sep) and token != eoc
    while out and out[-1] not in (prompts.IGNORE, eos, eoc):
        out = out[:-1]
    return out + [prompts.IGNORE] * (len(row) - len(out))


def test_labels_equal_a_loop_on_random_tokens():
    ids = {"pad": 1, "audio": 4, "sep": 5, "eoc": 6, "eos": 2}
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 12, size=(500, 17))
    for first in (1, 2):
        labels = prompts.build_labels(torch.from_numpy(rows), **ids, first=first)
        expected = [slow_labels(row, **ids, first=first) for row in rows.tolist()]
        assert labels.tolist() == expected


def test_labels_leave_the_input_alone():
    ids = torch.tensor([[2, 2, 4, 5, 9, 6, 2]])
    before = ids.clone()
    prompts.build_labels(ids, pad=1, audio=4, sep=5, eoc=6, eos=2)
    assert torch.equal(ids, before)


EXAMPLES = [("What?", "Rain."), ("And now?", "Wind.")]


@pytest.mark.parametrize("examples", [(), EXAMPLES])
@pytest.mark.parametrize("task", [None, "AudioCaptioning"])
def test_inference_text_is_the_training_text_cut_after_sep(task, examples):
    full = prompts.training_text(task, " Describe it. ", "A DOG.", True, examples)
    start = prompts.inference_text("Describe it.", task, examples)
    assert full == start + "a dog.<|endofchunk|></s>"
    assert start.endswith("<audio>describe it.\nanswer:<SEP>")
    assert start.count("<audio>") == len(examples) + 1
    assert ("the task is audio captioning. " in start) == (task is not None)


def test_dialogue_inference_continues_the_training_text():
    rounds = [("What is it?", "A dog."), ("Is it loud?", "Yes.")]
    full = prompts.dialogue_text(rounds)
    start = prompts.dialogue_inference_text(rounds[:1], "Is it loud?")
    assert full == start + "yes.<|endofchunk|></s>"
    with pytest.raises(ValueError, match="at least one"):
        prompts.dialogue_text([])


@pytest.mark.parametrize("token", prompts.SPECIAL + prompts.FOREIGN)
def test_special_tokens_in_a_users_text_are_refused(token):
    with pytest.raises(ValueError, match="leave them out"):
        prompts.inference_text(f"what is {token} this?")
    for spelled in (token.upper(), token.title()):  # lower-cased, it is the token
        with pytest.raises(ValueError, match=re.escape(f"contains {token}")):
            prompts.inference_text(f"what is {spelled} this?")
        with pytest.raises(ValueError, match="leave them out"):
            prompts.training_text(None, "what?", "a dog.", True, [("what?", spelled)])


@pytest.mark.parametrize("kind, word", [(None, "similar"), ("random", "random")])
def test_the_opening_says_how_the_examples_were_chosen(kind, word):
    said = prompts.inference_text("And now?", None, EXAMPLES, kind)
    assert said.startswith(f"</s>here are {word} examples. <audio>what?")
    full = prompts.training_text(None, "And now?", "wind.", True, EXAMPLES, kind)
    assert full.startswith(said)
    assert "examples" not in prompts.inference_text("And now?", None, (), kind)


def test_spaces_around_a_prompt_go_as_in_the_official_script():
    """inference/data.py: preprocess_string_for_eval strips both parts."""
    spell = prompts_official.official_inference_text
    clean = spell("The task is audio captioning.", "Describe it.")
    assert spell(" The task is audio captioning. ", "\n Describe it.\t") == clean
    assert (
        clean == "</s>the task is audio captioning. <audio>describe it.\nanswer:<SEP>"
    )


@pytest.fixture(scope="module")
def tokenizer():
    texts = [
        prompts.training_text("AQA", f"what is sound {i}?", f"a dog barks {i} times.")
        for i in range(100)
    ]
    return train_tokenizer(texts, vocab_size=400)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " two  spaces\n\ttab ",
        "12.5 s, 440hz",
        "naïve 🐕 ﷽ e\u0301 \x00 \ufffd",
        "</s>the task is tagging. <audio>what?\nanswer:<SEP>a dog<|endofchunk|></s>",
    ],
)
def test_tokenizer_round_trips_any_text(tokenizer, text):
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_tokenizer_has_opt_ids_and_prepends_nothing(tokenizer, tmp_path):
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>"]) == [0, 1, 2]
    ids = special_ids(tokenizer)
    size = len(tokenizer)
    assert (ids["audio"], ids["eoc"], ids["sep"]) == (size - 3, size - 2, size - 1)
    assert ids["pad"] == 1 and ids["eos"] == tokenizer.bos_token_id == 2
    text = prompts.training_text("AQA", "what?", "a dog barks 12 times.")
    row = tokenizer(text).input_ids
    assert row[0] == 2 and row[1] != 2
    labels = prompts.build_labels(torch.tensor([row]), **ids)[0]
    learnt = labels[labels != prompts.IGNORE]
    assert tokenizer.decode(learnt) == "a dog barks 12 times.<|endofchunk|></s>"
    assert "1" in tokenizer.tokenize("12") and size <= 400
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(tmp_path)(text).input_ids == row
    assert special_ids(load_tokenizer(tmp_path)) == ids


def test_tokenizer_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)
    with pytest.raises(ValueError, match="need 263"):
        train_tokenizer(["a"], 200)


def test_an_accent_behind_its_letter_joins_it():
    apart = unicodedata.normalize("NFD", "tűzőgép")
    assert prompts.clean(apart) == "tűzőgép" != apart


def test_half_a_character_is_no_text():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        prompts.clean("what \ud83d is it?")


def test_a_task_in_words_keeps_its_hyphens():
    said = "Zero-shot audio classification", "sound event (real-time)"
    assert [prompts.task_words(task) for task in said] == [t.lower() for t in said]


@pytest.mark.parametrize("text", [None, b"what?", 3, {"what?": 1}])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TypeError, match=type(text).__name__):
        prompts.inference_text(text)

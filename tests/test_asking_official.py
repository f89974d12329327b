"""Published weights are asked as NVIDIA's scripts do; models of our own as ever."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from official_layouts import (
    base_lm,
    options_of,
    weights_of_case,
    write_chunks,
    write_opt_tokenizer,
    write_torch,
)
from test_published import by_family, small_clap
from tokenizers.processors import TemplateProcessing

import af_minimal as af
from af_minimal.disk import hub
from af_minimal.evaluation import run_manifest
from af_minimal.official import ask_official
from af_minimal.official.asking import chat_text, official_prompt
from af_minimal.prompts import inference_text

HERE = Path(__file__).parent
TEXTS = {  # of the question "W5 w6?"
    "af1": "</s>the task is audio question answering. <audio>w5 w6?\nanswer:<SEP>",
    "af2": "<audio>w5 w6?<SEP>",
}
each_family = pytest.mark.parametrize("family", TEXTS)


def clip_of(seed: int, seconds: float = 1.0) -> af.Clip:
    noise = np.random.default_rng(seed).normal(0, 0.1, int(16_000 * seconds))
    return af.Clip(noise.astype(np.float32), 16_000)


def place_of(family: str, folder: Path) -> Path:
    """A small checkpoint as NVIDIA writes it, its encoder, and `lm` beside them."""
    case = by_family(family)
    weights = weights_of_case(case)
    base_lm(case, folder / "lm", weights)
    if family == "af2":
        weights |= small_clap("afclap", "clap.nvclap.", 64)
        return write_chunks(weights, folder / "af2")
    clap = {"model": small_clap("clapcap", "clap.base.htsat.", 24)}
    place = write_torch(weights, folder / "af1" / "foundation.pt", "model_state_dict")
    torch.save(clap, place.parent / "clapcap_weights_2023.pth")
    return place


def options(family: str, folder: Path) -> dict:
    return options_of(by_family(family)) | {"lm": folder / "lm"}


@pytest.fixture
def given(monkeypatch) -> list:
    """The ids that reach `generate`, which says nothing here."""
    seen = []

    def generate(self, input_ids, attention_mask, features, audio_mask, **settings):
        seen.append((input_ids, settings))
        return input_ids

    monkeypatch.setattr(af.AudioFlamingo, "generate", generate)
    return seen


@each_family
def test_ask_gives_the_ids_of_the_official_scripts(family, tmp_path, given):
    model = af.load(place_of(family, tmp_path), **options(family, tmp_path))
    model.ask(clip_of(0), "W5 w6?")
    ask_official(model, clip_of(0), "W5 w6?")
    model.save_pretrained(tmp_path / "ours")  # the spelling travels with the weights
    af.AudioFlamingo.load(tmp_path / "ours").ask(clip_of(0), "W5 w6?")
    expected = model.tokenizer(TEXTS[family], return_tensors="pt").input_ids
    assert len(given) == 3
    for ids, settings in given:
        assert torch.equal(ids, expected)
        assert settings["max_new_tokens"] == {"af1": 128, "af2": 256}[family]
    special = [model.config.audio_token_id, model.config.sep_token_id]
    assert [x for x in expected[0].tolist() if x in special] == special


@each_family
def test_it_answers_lists_as_one_by_one(family, tmp_path):
    model = af.load(place_of(family, tmp_path), **options(family, tmp_path))
    clips, questions = [clip_of(0), clip_of(1)], ["w5 w6?", "w7?"]
    both = model.ask(clips, questions, max_new_tokens=4)
    alone = [
        model.ask(c, q, max_new_tokens=4) for c, q in zip(clips, questions, strict=True)
    ]
    assert both == alone and all(isinstance(answer, str) for answer in both)


def test_our_models_are_asked_in_our_spelling(student, given):
    student.ask(clip_of(0), "What is it?")
    expected = student.tokenizer(inference_text("What is it?"), return_tensors="pt")
    assert torch.equal(given[0][0], expected.input_ids)
    assert given[0][1]["max_new_tokens"] == 64
    for name in ("mini", "mini2"):
        assert af.load(name).config.name == name  # not "official"
    with pytest.raises(ValueError, match="an empty question"):
        student.ask(clip_of(0), ["What is it?", " "])
    shown = [af.Example(clip_of(1), "What is it?", "a tone")]
    with pytest.raises(ValueError, match="hears a row as one audio"):
        af.load("mini2").ask(clip_of(0), "What is it?", shown)
    asked = af.Example(clip_of(0), "What do you hear?", "a tone")
    (row,) = run_manifest(af.load("mini2"), [asked])  # gives each an empty list
    assert row["truth"] == "a tone" and row["examples"] == []
    with pytest.raises(ValueError, match="hears a row as one audio"):
        run_manifest(af.load("mini2"), [replace(asked, examples=tuple(shown))])
    with pytest.raises(ValueError, match="hears a row as one audio"):
        af.load("mini2").ask(replace(asked, examples=tuple(shown)), "What is it?")


def test_arguments_that_changed_places_are_told(student):
    clip, shown = clip_of(0), af.Example(clip_of(1), "What is it?", "a tone")
    for odd in (clip, [clip], ["What?", None]):
        with pytest.raises(TypeError, match=r"(Clip|NoneType) came.* comes second"):
            student.ask("What is it?", odd)
    for model in (student, af.load("mini2")):
        with pytest.raises(TypeError, match=r"list of Examples .* Example came"):
            model.ask(clip, "What is it?", examples=shown)
    for odd in (clip, "a.wav"):
        with pytest.raises(TypeError, match=r"a model is expected.* Chat\(model, clip"):
            af.Chat(odd, student)


def test_af1_reads_examples_as_in_its_validation_set(tmp_path, given):
    text = official_prompt(
        "af1", "What now?", "Clotho-v2-AudioCaptioning", [("A", "B")]
    )
    assert text == (
        "</s>Here are similar examples. The task is audio captioning. "
        "<audio>a\nanswer:<SEP>b<|endofchunk|><audio>what now?\nanswer:<SEP>"
    )
    model = af.load(place_of("af1", tmp_path), **options("af1", tmp_path))
    shots = [af.Example(clip_of(1), "w1?", "w2")]
    model.ask([clip_of(0)] * 2, "w3?", [shots, []], task=["audio captioning", None])
    ids = given[0][0]
    counts = (ids == model.config.audio_token_id).sum(1)
    assert counts.tolist() == [2, 1]


def prepend_eos(tokenizer):
    """As OPT's own tokenizer does to every text."""
    ends = tokenizer.eos_token, tokenizer.eos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{ends[0]} $A", special_tokens=[ends]
    )


def test_a_conversation_is_spelled_as_by_the_script_for_chat(tmp_path):
    cases = json.loads((HERE / "reference" / "prompts.json").read_text())["chat"]
    cases = [case for case in cases if "prefix" in case]
    for case in cases:
        *before, last = case["dialogue"]
        rounds = [(turn["user"], turn["assistant"]) for turn in before]
        assert chat_text(rounds, last["user"]) == case["sample"]
    assert len(cases) >= 2
    model = af.load(place_of("af1", tmp_path), **options("af1", tmp_path))
    prepend_eos(model.tokenizer)
    chat = af.Chat(model, clip_of(0), max_new_tokens=4)
    chat.say(" W5 w6? ")
    chat.say("w7?")
    first, second = chat.turns
    assert first.user == "W5 w6?"  # capitals are kept
    spelled = chat_text([(first.user, first.assistant)], "w7?")
    ids = model.tokenizer(spelled).input_ids
    assert ids[:2] == 2 * [model.tokenizer.eos_token_id]  # OPT's and the text's own
    assert second.read + second.reused == len(ids)
    talk = af.Example(clip_of(0), "", "", dialogue=((" W5 w6? ", "a"), ("w7?", "b")))
    rows = run_manifest(model, [talk], decoding={"max_new_tokens": 4})
    assert [row["answer"] for row in rows] == [turn.assistant for turn in chat.turns]
    with pytest.raises(ValueError, match="contains <SEP>"):
        chat.say("w5 <SEP>")


def test_af2_holds_no_conversation(tmp_path):
    model = af.load(place_of("af2", tmp_path), **options("af2", tmp_path))
    with pytest.raises(ValueError, match="one question at a time"):
        af.Chat(model, clip_of(0))


def test_what_the_official_prompts_cannot_say_is_refused():
    with pytest.raises(ValueError, match="1 examples came .* Leave examples out"):
        official_prompt("af2", "what?", None, [("a", "b")])
    for family in TEXTS:
        with pytest.raises(ValueError, match="contains <audio>"):
            official_prompt(family, "what is <audio>?")
    with pytest.raises(ValueError, match="contains <SEP>"):
        official_prompt("af1", "what?", None, [("a", "<SEP>")])


def test_names_of_the_hub_are_loaded_in_bfloat16(tmp_path, monkeypatch):
    name = "nvidia/audio-flamingo-2-0.5B"
    place = place_of("af2", tmp_path)
    monkeypatch.setattr(
        hub.huggingface_hub,
        "snapshot_download",
        lambda repo, **_: str(place if repo == name else tmp_path / "lm"),
    )
    sizes = {k: v for k, v in options("af2", tmp_path).items() if k != "lm"}

    def dtypes(path, **more):
        model = af.load(path, **sizes, **more)
        inside = {p.dtype for p in model.encoder.parameters()}
        assert inside == {torch.float32}
        assert model.ask(clip_of(0), "w5?", max_new_tokens=2) is not None
        named = model.named_parameters()
        return {p.dtype for k, p in named if not k.startswith("encoder.")}

    assert dtypes(name) == {torch.bfloat16}
    assert dtypes(name, dtype=torch.float32) == {torch.float32}
    assert dtypes(place, lm=tmp_path / "lm") == {torch.float32}
    assert torch.get_default_dtype() == torch.float32


def test_a_folder_with_vocab_and_merges_as_opt_has_them(tmp_path, given):
    """OPT's repository has no tokenizer.json; its tokenizer writes a `</s>` too."""
    place = place_of("af1", tmp_path)
    (tmp_path / "lm" / "tokenizer.json").unlink()
    words = write_opt_tokenizer(tmp_path / "lm")
    weights = weights_of_case(by_family("af1"))
    for name in [
        k for k in weights if k.endswith(("embed_tokens.weight", "lm_head.weight"))
    ]:
        weights[name] = torch.zeros(words + 3, weights[name].shape[1])
    write_torch(weights, place, "model_state_dict")
    model = af.load(place, **options("af1", tmp_path))
    config, tokenizer = model.config, model.tokenizer
    added = config.audio_token_id, config.eoc_token_id, config.sep_token_id
    assert added == (words, words + 1, words + 2)
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (1, 2)
    model.ask(clip_of(0), "Dog?\nÜ")
    said = tokenizer.convert_ids_to_tokens(given[0][0][0])
    assert said[:2] == ["</s>", "</s>"] and said[-1] == "<SEP>"  # the template's is one
    here = said.index("<audio>")
    assert said[here + 1 : here + 3] == ["dog", "?"]
    text = tokenizer.decode(given[0][0][0])
    assert text.endswith("answering. <audio>dog?\nü\nanswer:<SEP>")
    model.save_pretrained(tmp_path / "ours")
    again = af.load(tmp_path / "ours").tokenizer
    assert again(text).input_ids == tokenizer(text).input_ids

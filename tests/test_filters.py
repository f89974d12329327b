"""Filters of conversations: what refuses, what does not fit, what was planted."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from af_minimal.audio import Clip
from af_minimal.clap import load_clap
from af_minimal.disk.storage import model_folder
from af_minimal.model import load
from af_minimal.soundworld import captions, sample_score
from af_minimal.soundworld.dialogues import dialogue
from af_minimal.soundworld.exam import held_out, render_held_out
from af_minimal.soundworld.filters import (
    PLANTED,
    filter_dialogues,
    has_refusal,
    plant_bad,
    similarity_scores,
)


class Towers:
    """Sounds and sentences as points on a circle; sound i and "fits i" are one."""

    encoder = SimpleNamespace(pool=lambda features, mask: features)

    def embed_text(self, texts):
        angles = torch.tensor([float(text.split()[-1]) for text in texts])
        return torch.stack([angles.cos(), angles.sin()], 1)  # (N, 2)


@pytest.fixture
def towers(monkeypatch):
    heard = []

    def hear(encoder, waves):
        heard.append(len(waves))
        angles = torch.tensor([float(wave[0]) for wave in waves])
        return torch.stack([angles.cos(), angles.sin()], 1), None

    monkeypatch.setattr("af_minimal.soundworld.filters.hear", hear)
    towers = Towers()
    towers.heard = heard
    return towers


@pytest.mark.parametrize(
    "text",
    [
        "The audio doesn\N{RIGHT SINGLE QUOTATION MARK}t specify the instrument.",
        "It cannot be\ndetermined from the sound.",
        "It can't be reliably determined.",
        "Without additional context, one cannot say.",
        "The speaker's age is not explicitly mentioned.",
        "I'm sorry, I have no information about that.",
        "The location remains unclear.",
        "As an AI language model I do not hear.",
        "I don't know.",
        "I have no idea.",
        "I'm not sure.",
        "I can't hear anything.",
        "I am unable to answer.",
        "I'm unable to identify it.",
        "I cannot make out what it is.",
        "I don't have access to the audio.",
        "There is no way to know.",
        "unclear.",
        "It's unclear what makes the sound.",
        "It's unknown.",
        "It's not clear.",
        "The audio does not provide information about it.",
        "The description does not provide the tempo.",
        "The audio doesn't provide enough information.",
        "Sorry, I cannot help.",
        "i cannot answer that.",
        "not enough data to say.",
        "There's no way to know.",
        "We're afraid it is lost.",
        "the recording does not say anything about its place.",
        "As a text-based model I do not hear.",
        "As an artificial intelligence I only read.",
        *PLANTED[:-1],
    ],
)
def test_refusals_are_found(text):
    assert has_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "no, there are more sounds.",
        "nothing comes after it.",
        "the dog does not bark again.",
        "no, there is no siren.",
        "a person says something that is hard to understand.",
        "a cannon fires, then a clear bell rings.",
        "the speaker is not given a chance.",
        "no, a siren cannot be heard.",
        "the water is not clear.",
        "the dog does not say much.",
        "no, there is no information desk announcement.",
        "a hum swells as an airplane passes.",
        "a phone beeps as a text message arrives.",
        "it flickers as an artificial light does.",
        "a man says i am sorry, and a door closes.",
        "a child cries, i am afraid.",
        "it cannot be told apart from a siren.",
        "the man does not say anything.",
        "a woman cannot help laughing.",
        "it's a bell, and that's all.",
        PLANTED[-1],  # a list of phrases is never complete
    ],
)
def test_answers_are_not_taken_for_refusals(text):
    assert not has_refusal(text)


def talks(count: int) -> list[list[tuple[str, str]]]:
    rng = np.random.default_rng(0)
    return [
        [(qa.prompt, qa.output) for qa in dialogue(sample_score(rng), rng, 4)]
        for _ in range(count)
    ]


def test_no_true_answer_is_a_refusal():
    assert not any(has_refusal(said) for talk in talks(300) for _, said in talk)


def test_a_sound_is_compared_with_its_own_text_and_heard_once(towers):
    waves = [np.array([x], np.float32) for x in (0.0, 1.0)]
    pairs = [waves[0], waves[1], waves[0]]
    scores = similarity_scores(towers, pairs, ["fits 0", "fits 0", "fits 2"])
    np.testing.assert_allclose(scores, np.cos([0, 1, 2]), atol=1e-6)
    assert towers.heard == [2]
    assert similarity_scores(towers, [], []).shape == (0,)
    rows = np.stack(waves)  # its rows are other objects each time
    scores = similarity_scores(towers, rows, ["fits 0", "fits 0"])
    np.testing.assert_allclose(scores, np.cos([0, 1]), atol=1e-6)
    with pytest.raises(ValueError, match="2 sounds came with 1 texts"):
        similarity_scores(towers, waves, ["fits 0"])


def test_what_is_no_sound_no_round_and_no_clap_is_named(towers):
    clip = Clip.from_array(np.zeros(4, np.float32), 16_000)
    for sound, name in ((clip, "Clip"), ("dog.wav", "str")):
        with pytest.raises(TypeError, match=f"sound 0 is a {name}; samples .*waveform"):
            similarity_scores(towers, [sound], ["fits 0"])
    told = "round 1 of conversation 0 is .* expected: .user, assistant"
    for odd in ({"user": "a?", "assistant": "b"}, "ab", ("a?",), ("a?", None)):
        talk = [("a?", "fits 0"), odd]
        with pytest.raises(TypeError, match=told):
            filter_dialogues(towers, [clip.waveform], [talk])
        with pytest.raises(TypeError, match=told):
            plant_bad([talk], np.random.default_rng(0))
    with pytest.raises(TypeError, match="a MiniCLAP is expected, .*; object came"):
        filter_dialogues(object(), [clip.waveform], [[("a?", "fits 0")]])


def test_many_texts_go_in_batches(towers):
    wave = np.zeros(1, np.float32)
    angles = np.linspace(0, 1, 600)
    scores = similarity_scores(towers, [wave] * 600, [f"fits {a}" for a in angles])
    np.testing.assert_allclose(scores, np.cos(angles), atol=1e-5)


def test_every_dropped_round_says_why(towers):
    waves = [np.array([x], np.float32) for x in (0.0, 1.0)]
    dialogues = [
        [("a?", "fits 0"), ("b?", "that does not say 0"), ("c?", "fits 2")],
        [("d?", "fits 2.5")],
    ]
    kept, dropped = filter_dialogues(towers, waves, dialogues, threshold=0.5)
    assert kept == [[("a?", "fits 0")], []]
    assert [(d.dialogue, d.turn, d.user, d.why) for d in dropped] == [
        (0, 1, "b?", "refusal"),
        (0, 2, "c?", "unlike the sound: cosine -0.42"),
        (1, 0, "d?", "unlike the sound: cosine 0.07"),
    ]
    kept, dropped = filter_dialogues(towers, waves, dialogues, threshold=-1)
    assert [len(talk) for talk in kept] == [2, 1] and len(dropped) == 1
    with pytest.raises(ValueError, match="2 sounds came with 1 conversations"):
        filter_dialogues(towers, waves, dialogues[:1])


def test_what_is_planted_is_marked():
    dialogues = talks(200)
    spoilt, marks = plant_bad(dialogues, np.random.default_rng(1), share=0.3)
    assert (spoilt, marks) == plant_bad(dialogues, np.random.default_rng(1), share=0.3)
    kinds = []
    for talk, said, marked in zip(dialogues, spoilt, marks, strict=True):
        for before, after, kind in zip(talk, said, marked, strict=True):
            assert before[0] == after[0] and (before == after) == (kind is None)
            assert (after[1] in PLANTED) == (kind == "refusal")
            kinds.append(kind)
    count = len(kinds)
    for kind in ("refusal", "other scene"):
        assert 0.1 < kinds.count(kind) / count < 0.2


def test_an_empty_answer_is_dropped_unheard(towers):
    wave = np.zeros(4, np.float32)
    kept, dropped = filter_dialogues(towers, [wave], [[("a?", " ")]])
    assert kept == [[]] and dropped[0].why == "empty"


def test_one_conversation_alone_can_only_refuse():
    _, (marks,) = plant_bad(talks(1), np.random.default_rng(0), share=1.0)
    assert marks == ["refusal"] * 4


def test_the_shipped_towers_tell_a_sound_from_another():
    """Captions of the own scene are nearer than those of the scene before."""
    count, folder = 12, model_folder("mini")
    model = load(folder)
    clap = load_clap(model.encoder, model.tokenizer, folder)
    waves = render_held_out(count)
    texts = [captions(scene.score)[0] for scene in held_out(count)]
    own = similarity_scores(clap, waves, texts)
    other = similarity_scores(clap, waves, texts[1:] + texts[:1])
    assert own.mean() > other.mean() + 0.2
    threshold = np.quantile(own, 0.1)
    rounds = [[("what do you hear?", text)] for text in texts[1:] + texts[:1]]
    _, dropped = filter_dialogues(clap, waves, rounds, threshold)
    assert len(dropped) > count / 2

"""The exercises of notebook 12: the reference passes, likely mistakes do not."""

import pytest
from planted import assert_rejects

from af_minimal.course import checks_porting as check


def sep_before_pad(words, family, has_pad, has_sep):
    audio, eoc, sep = check.added_tokens.reference(words, family, has_pad, has_sep)
    return [audio, eoc, -1 if has_sep else words + 2]


def always_a_pad(words, family, has_pad, has_sep):
    return check.added_tokens.reference(words, family, False, has_sep)


def first_name_only(name):
    return check.stored_names.reference(name)[:1]


def our_name(name):
    return [name]


def twins_of_all(name):
    first = check.stored_names.reference(name)[0]
    return [first, first.replace("model.decoder.layers", "old_decoder_blocks")]


def the_other_audio(logits, ids, features, audio, per_audio):
    return check.positions_that_hear.reference(logits, ids, features, 1 - audio, 2)


def in_place(logits, ids, features, audio, per_audio):
    changed = features  # no copy: both runs hear the changed sound
    rows = slice(audio * per_audio, (audio + 1) * per_audio)
    changed[:, rows] = changed[:, rows].flip(-1)
    return (logits(ids, features) - logits(ids, changed))[0].abs().amax(-1) > 1e-6


def what_a_norm_removes(change):
    def hearers(logits, ids, features, audio, per_audio):
        changed = features.clone()
        rows = slice(audio * per_audio, (audio + 1) * per_audio)
        changed[:, rows] = change(changed[:, rows])
        return (logits(ids, features) - logits(ids, changed))[0].abs().amax(-1) > 1e-6

    return hearers


WRONG = {
    "added_tokens": [sep_before_pad, always_a_pad],
    "stored_names": [first_name_only, our_name, twins_of_all],
    "positions_that_hear": [
        the_other_audio,
        in_place,
        what_a_norm_removes(lambda heard: heard + 1),
        what_a_norm_removes(lambda heard: heard * 2),
    ],
}


@pytest.mark.parametrize("name", check.PORTING)
def test_reference_passes_and_mistakes_do_not(name):
    assert_rejects(check.PORTING[name], WRONG[name])


def test_the_stand_in_is_published_weights(student, tmp_path):
    import torch

    import af_minimal as af

    checkpoint, lm = check.stand_in(student, tmp_path)
    again = af.load(checkpoint, lm=lm, audio_heads=student.config.audio_heads)
    assert len(again.tokenizer) == len(student.tokenizer)
    assert again.config.audio_token_id == student.config.audio_token_id
    for name, tensor in again.lm.state_dict().items():
        assert torch.equal(tensor, student.lm.state_dict()[name])


@pytest.mark.parametrize("family", ["af1", "af2"])
def test_asking_in_the_official_spelling(student, family, monkeypatch):
    from dataclasses import replace

    import numpy as np

    import af_minimal as af
    from af_minimal import generation
    from af_minimal.official import asking

    said = []
    monkeypatch.setattr(
        generation, "complete", lambda model, texts, *_, **k: [said.append((texts, k))]
    )
    monkeypatch.setattr(student, "config", replace(student.config, family=family))
    clip = af.Clip(np.zeros(8_000, np.float32), 16_000)
    asking.ask_official(student, clip, "What is it?", do_sample=True)
    af1 = "</s>the task is audio question answering. <audio>what is it?\nanswer:<SEP>"
    text, new = (af1, 128) if family == "af1" else ("<audio>what is it?<SEP>", 256)
    assert said == [([text], {"do_sample": True, "max_new_tokens": new})]

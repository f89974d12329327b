"""SoundWorld language: every caption reads back as its scene, every answer is right."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from af_minimal.soundworld import (
    CLASSES,
    HELD_OUT,
    Event,
    Score,
    caption_is_right,
    captions,
    describe_score,
    heard_counts,
    heard_events,
    questions,
    sample_score,
)

DOG = Event("dog bark", 0.5, 0.4, {"pitch": "low", "distance": "far"})
RAIN = Event("rain", 4.0, 3.0, {"density": "dense"})
TWO = Score(9.5, (DOG, RAIN))
TOGETHER = Score(9.5, (RAIN, replace(DOG, onset_s=5.0)))


def scores(count: int, seed: int = 0) -> list[Score]:
    rng = np.random.default_rng(seed)
    return [sample_score(rng) for _ in range(count)]


def replaced(score: Score, rng) -> Score:
    """The score with one event of another class."""
    i = int(rng.integers(len(score.events)))
    others = [label for label in CLASSES if label not in score.labels]
    event = replace(score.events[i], label=others[rng.integers(len(others))])
    return replace(score, events=score.events[:i] + (event,) + score.events[i + 1 :])


def swapped(score: Score) -> Score:
    """The score with the labels of its first and last event exchanged."""
    first, *middle, last = score.events
    ends = replace(first, label=last.label), replace(last, label=first.label)
    return replace(score, events=(ends[0], *middle, ends[1]))


def test_captions_of_known_scenes():
    assert captions(TWO)[0] == "a dog barks, then rain falls."
    assert "rain falls after a dog barks." in captions(TWO)
    assert captions(TOGETHER)[0] == "a dog barks while rain falls."
    thrice = Score(9.5, (replace(DOG, repeats=3, gap_s=0.5),))
    assert captions(thrice)[0] == "a dog barks three times."
    detailed = captions(Score(9.5, (DOG,)), detail=True)[0]
    assert detailed == "a dog barks, low pitched and far away."
    hall = replace(Score(9.5, (DOG,)), room="hall")  # there all seems far away
    assert captions(hall, detail=True)[0] == "a dog barks, low pitched."
    recorded = Score(9.5, (replace(DOG, attributes={}),))  # nobody knows how it is
    assert captions(recorded, detail=True) == captions(recorded)


@pytest.mark.parametrize("detail", [False, True])
def test_every_caption_is_right_for_its_scene_and_for_no_other(detail):
    rng = np.random.default_rng(1)
    for score in scores(2_000 if not detail else 500):
        texts = captions(score, detail)
        assert len(set(texts)) == len(texts) >= 3 and texts == captions(score, detail)
        wrong = replaced(score, rng)
        for text in texts:
            assert text == text.lower() and text.endswith(".") and text.count(".") == 1
            assert caption_is_right(text, score, counts=True), (text, score.labels)
            assert not caption_is_right(text, wrong), text
            assert detail or len(text.split()) <= 27, text
            if len(score.groups) > 1:
                assert not caption_is_right(text, swapped(score)), text


def test_every_wording_of_every_class_is_read():
    for sound in [*CLASSES.values(), *HELD_OUT.values()]:
        for phrase in (*sound.phrases, sound.label):
            assert heard_events(f"there is {phrase} here.") == [sound.label], phrase


@pytest.mark.parametrize(
    "text",
    [
        "a dog barks, then rain falls.",
        "Rain falls after a dog barks.",
        "before the patter of rain, a dog barks.",
        "a dog barks before rain falls.",
        "rain, preceded by a barking dog",
        "after a dog barks, rain falls",
        "a dog barks and after that rain falls",
        "a loud dog barks followed by heavy rain",
        "a dog barks, after which rain falls.",
        "a dog barks, and after a while rain falls.",
        "a dog barks. after a few seconds rain falls.",
        "a dog barks; shortly after, rain falls.",
        "just before rain falls, a dog barks.",
        "rain falls just after a dog barks.",
    ],
)
def test_order_is_read_from_any_wording(text):
    assert heard_events(text) == ["dog bark", "rain"]
    assert caption_is_right(text, TWO)


def test_a_sound_of_one_word_may_come_before_another():
    assert heard_events("rain before a dog barks.") == ["rain", "dog bark"]
    assert heard_events("Thunder before rain") == ["thunder", "rain"]


def test_numbers_may_be_digits():
    text = "a dog barks 3 times, then a siren wails twice and rain falls."
    assert heard_counts(text) == {"dog bark": 3, "siren": 2, "rain": 1}


def test_what_is_wrong_is_called_wrong():
    for text in (
        "",
        "rain falls.",
        "a dog barks.",
        "rain falls, then a dog barks.",
        "a dog barks after rain falls.",
        "a dog barks, then a dog barks.",
        "a dog barks, then rain falls and then the wind blows.",
    ):
        assert not caption_is_right(text, TWO), text
    assert caption_is_right("rain falls while a dog barks", TOGETHER)
    assert not caption_is_right("a dog barks two times, then rain falls.", TWO, True)


def test_counts_are_read():
    text = "a barking dog heard three times, followed by falling rain."
    assert heard_counts(text) == {"dog bark": 3, "rain": 1}
    assert heard_counts("a dog barks twice, then a cat meows once") == {
        "dog bark": 2,
        "cat meow": 1,
    }


def test_silence_has_captions_and_questions():
    silence = Score(2.0, ())
    rng = np.random.default_rng(0)
    assert all(caption_is_right(text, silence) for text in captions(silence))
    answers = {
        asked.output for asked in questions(silence, rng) if asked.kind == "binary"
    }
    assert answers == {"no"}


def test_questions_are_well_formed():
    rng = np.random.default_rng(0)
    kinds = Counter()
    for score in scores(300):
        for asked in questions(score, rng):
            kinds[asked.kind] += 1
            assert asked.task.startswith("SoundWorld-")
            assert asked.output == asked.output.lower() and asked.output
            question, *options = asked.prompt.split("\nOPTIONS:\n")
            assert question == question.lower() and question[-1] in ".?"
            if asked.kind == "binary":
                assert asked.output in ("yes", "no")
                assert options in ([], ["yes.\nno."])
            if asked.kind == "classify_options":
                listed = options[0].split("\n")
                assert listed == sorted(listed) and f" - {asked.output}." in listed
    assert set(kinds) == {
        *("binary", "open", "count", "order"),
        *("classify", "classify_options", "tags", "caption"),
    }


def test_yes_and_no_are_balanced():
    rng = np.random.default_rng(0)
    asked = [q for s in scores(1_000) for q in questions(s, rng) if q.kind == "binary"]
    yes = np.mean([question.output == "yes" for question in asked])
    assert 0.46 < yes < 0.54
    with_options = np.mean(["OPTIONS" in question.prompt for question in asked])
    assert 0.45 < with_options < 0.55


def test_answers_follow_the_score():
    rng = np.random.default_rng(0)
    for score in scores(300):
        counts = {event.label: event.repeats for event in score.events}
        for asked in questions(score, rng):
            text, answer = asked.prompt.split("\n")[0], asked.output
            if asked.kind == "caption":
                assert caption_is_right(answer, score, counts=True)
            if asked.kind in ("tags", "order", "classify"):
                assert answer == ", ".join(score.labels)
            if "first?" in text:
                assert answer == score.labels[0]
            if "comes right after the" in text:
                here = score.labels.index(
                    text.removeprefix("what comes right after the ")[:-1]
                )
                assert score.labels[here + 1] == answer
            if text.startswith(("is there", "are there")):
                assert (answer == "yes") == (heard_events(text)[0] in counts)
            if text.startswith("how many times"):
                assert heard_counts(text) == {heard_events(text)[0]: 1}
                words = ("one", "two", "three", "four")
                assert answer == words[counts[heard_events(text)[0]] - 1]


def test_what_overlaps_is_not_asked_to_be_ordered():
    rng = np.random.default_rng(0)
    for _ in range(50):
        for asked in questions(TOGETHER, rng):
            assert asked.kind != "order"
            assert not any(
                w in asked.prompt for w in ("first", "last", "after", "before")
            )


def test_questions_repeat_with_the_same_generator():
    first, second = (questions(TWO, np.random.default_rng(4)) for _ in range(2))
    assert first == second


def test_describe_score_names_what_is_there():
    text = describe_score(replace(TWO, background="hum", snr_db=12.0))
    assert "dog bark" in text and "rain" in text and "hum" in text

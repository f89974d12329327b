"""Conversations: a listener who knows only the score and what was said checks them."""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from af_minimal.soundworld import Event, Score, caption_is_right, sample_score
from af_minimal.soundworld.batches import talk
from af_minimal.soundworld.captions import adjective, heard_events, mentions
from af_minimal.soundworld.corpus import Scene, sample_scene
from af_minimal.soundworld.dialogues import (
    BEFORE,
    CAPTION,
    ENDS,
    NEXT,
    ONLY,
    TIMES,
    dialogue,
    other,
    times,
)
from af_minimal.soundworld.score import find_class

OTHER = re.compile(r"do you also hear .*\?|(is|are) there .* too\?")
LIKE = re.compile(r"(?:is it|does it sound) (?P<offered>.*)\?")
TIMES_SAID = {"once": 1, "twice": 2, "three times": 3, "four times": 4}
KINDS = {"caption", "order", "count", "attribute", "presence", "only"}


@dataclass
class Listener:
    """Follows a conversation: what "it" is, and what has been asked."""

    score: Score
    it: Event | None = None
    meanings: list[tuple] = field(default_factory=list)

    def hear(self, prompt: str, answer: str) -> None:
        """Check one round; AssertionError when it is not true or leans on nothing."""
        leans = re.search(r"\bit\b", prompt) or prompt in (*NEXT, *TIMES)
        assert self.it is not None or not leans, f"what is it in {prompt!r}?"
        if prompt in CAPTION:
            self.caption(answer)
        elif prompt in ENDS[0] + ENDS[1]:
            self.end(prompt in ENDS[1], answer)
        elif prompt in NEXT or prompt in BEFORE:
            self.beside(1 if prompt in NEXT else -1, answer)
        elif prompt in TIMES:
            said = answer.removeprefix("it is heard ").removesuffix(".")
            assert TIMES_SAID[said] == self.it.repeats
            self.meanings.append(("times", self.it.label))
        elif prompt in ONLY:
            alone = len(self.score.events) == 1
            assert answer.startswith("yes, it is the only" if alone else "no, there")
            self.meanings.append(("only",))
        elif OTHER.fullmatch(prompt):
            self.other(prompt, answer)
        else:
            self.like(LIKE.fullmatch(prompt)["offered"], answer)

    def alone(self, event: Event) -> bool:
        """Whether no other sound is heard while this one is."""
        return not any(
            other is not event
            and other.onset_s < event.end_s
            and event.onset_s < other.end_s
            for other in self.score.events
        )

    def named(self, answer: str) -> Event:
        """The one sound of the scene that an answer names."""
        (label,) = heard_events(answer)
        (event,) = [event for event in self.score.events if event.label == label]
        return event

    def caption(self, answer: str) -> None:
        assert caption_is_right(answer, self.score, counts=True)
        self.it = self.score.events[0] if len(self.score.events) == 1 else None
        self.meanings.append(("caption",))

    def end(self, last: bool, answer: str) -> None:
        event = self.named(answer)
        earlier = [e for e in self.score.events if e.onset_s < event.onset_s]
        assert len(earlier) == (len(self.score.events) - 1 if last else 0)
        assert self.alone(event)
        self.it = event
        self.meanings.append(("place", event.label))

    def beside(self, step: int, answer: str) -> None:
        assert self.alone(self.it)
        row = sorted(self.score.events, key=lambda event: event.onset_s)
        place = row.index(self.it) + step
        if not 0 <= place < len(row):
            assert answer == f"nothing comes {'after' if step > 0 else 'before'} it."
            self.meanings.append(("edge", step))
            return
        assert self.named(answer) == row[place] and self.alone(row[place])
        self.it = row[place]
        self.meanings.append(("place", self.it.label))

    def other(self, prompt: str, answer: str) -> None:
        ((label, *_),) = mentions(prompt)
        there = label in self.score.labels
        assert answer.startswith("yes, " if there else "no, there")
        assert heard_events(answer) == [label]
        assert self.it is None or self.it.label != label
        self.it = self.named(answer) if there else None
        self.meanings.append(("there", label))

    def like(self, offered: str, answer: str) -> None:
        assert self.alone(self.it)
        words = {
            adjective(name, value): name
            for name, values in find_class(self.it.label).attributes.items()
            for value in values
        }
        name = words[offered.split(" or ")[0]]
        truth = adjective(name, self.it.attributes[name])
        if " or " in offered:
            assert {words[word] for word in offered.split(" or ")} == {name}
            assert answer == f"it is {truth}."
        else:
            assert answer == f"{'yes' if offered == truth else 'no'}, it is {truth}."
        assert name != "loudness" or self.it.gain_db > -3
        assert name != "distance" or self.score.room != "hall"
        self.meanings.append((name, self.it.label))


def check(score: Score, turns) -> None:
    listener = Listener(score)
    for turn in turns:
        assert turn.prompt == turn.prompt.lower() and turn.output.endswith(".")
        listener.hear(turn.prompt, turn.output)
    twice = [m for m, count in Counter(listener.meanings).items() if count > 1]
    assert not twice, "asked twice"


def scores(count: int, difficulty: str = "crowded") -> list[Score]:
    rng = np.random.default_rng(5)
    return [sample_score(rng, difficulty=difficulty) for _ in range(count)]


@pytest.mark.parametrize("difficulty", ["hard", "crowded"])
def test_all_that_is_said_is_true(difficulty):
    rng, kinds, lengths = np.random.default_rng(0), set(), Counter()
    for score in scores(400, difficulty):
        turns = dialogue(score, rng, 6)
        check(score, turns)
        kinds |= {turn.kind for turn in turns}
        lengths[len(turns)] += 1
    assert kinds == KINDS
    assert max(lengths) == 6 and lengths[6] > 350  # few scenes have less to ask about


def test_a_listener_notices_what_is_wrong():
    dog = Event("dog bark", 0.5, 0.4, {"pitch": "low"}, repeats=2, gap_s=0.5)
    rain = Event("rain", 4.0, 3.0, {"density": "dense"})
    score = Score(9.5, (dog, rain))
    wrong = [
        [("what happens first?", "rain falls.")],
        [("what happens first?", "a dog barks."), ("and then?", "a bell rings.")],
        [
            ("what happens first?", "a dog barks."),
            ("how many times?", "it is heard once."),
        ],
        [("what happens last?", "rain falls."), ("and then?", "a dog barks.")],
        [("and then?", "rain falls.")],
        [("is it low pitched?", "yes, it is low pitched.")],
        [
            ("what happens first?", "a dog barks."),
            ("is it high pitched?", "yes, it is low pitched."),
        ],
        [("is there a siren too?", "yes, a siren wails.")],
        [("what do you hear?", "a dog barks, then rain falls.")],  # it barks twice
    ]
    for said in wrong:
        listener = Listener(score)
        *fine, last = said
        for prompt, answer in fine:
            listener.hear(prompt, answer)
        with pytest.raises((AssertionError, ValueError)):
            listener.hear(*last)


def test_yes_and_no_are_about_as_likely():
    rng, said = np.random.default_rng(1), Counter()
    for score in scores(600):
        for turn in dialogue(score, rng, 4):
            first = re.split(r"[, ]", turn.output)[0]
            if first in ("yes", "no") and turn.kind in ("presence", "attribute"):
                said[turn.kind, first] += 1
    for kind in ("presence", "attribute"):
        yes, no = said[kind, "yes"], said[kind, "no"]
        assert min(yes, no) > 100 and 0.4 < yes / (yes + no) < 0.6


def test_rounds_and_seeds():
    (score,) = scores(1)
    for rounds in (1, 2, 4):
        first, again = (
            dialogue(score, np.random.default_rng(3), rounds) for _ in range(2)
        )
        assert first == again and len(first) == rounds
    assert dialogue(score, np.random.default_rng(4), 4) != first


def test_of_silence_there_is_one_thing_to_say():
    (turn,) = dialogue(Score(3.0, ()), np.random.default_rng(0), 4)
    assert turn.kind == "caption" and turn.prompt in CAPTION


def recorded_scenes(count: int) -> list[Scene]:
    recordings = {label: [np.zeros(8)] for label in ("dog bark", "rain", "siren")}
    drawn = (sample_scene(seed, recordings) for seed in range(10 * count))
    return [scene for scene in drawn if scene.recorded][:count]


def test_of_recordings_nobody_asks_how_often():
    rng = np.random.default_rng(2)
    for scene in recorded_scenes(100):
        turns = dialogue(scene.score, rng, 6, count_times=False)
        check(scene.score, turns)
        assert all(turn.kind != "count" for turn in turns)
        text = talk(scene, rng)
        assert not any(prompt in text for prompt in TIMES)


def test_the_text_of_a_talk_is_a_dialogue_about_one_audio():
    rng, rounds = np.random.default_rng(0), Counter()
    for score in scores(100):
        text = talk(Scene(score), rng)
        assert text.startswith("</s>the task is dialog. <audio>user: ")
        assert text.count("<audio>") == 1 and text.endswith("<|endofchunk|></s>")
        rounds[text.count("<SEP>")] += 1
    assert set(rounds) == {1, 2, 3, 4} and rounds[4] == max(rounds.values())


def test_some_follow_ups_are_asked_oftener():
    """With three tickets, "another one too?" comes up more often than with one."""
    scores = [sample_score(np.random.default_rng(i), (2, 3)) for i in range(80)]

    def asked(**how) -> Counter:
        rngs = map(np.random.default_rng, range(80))
        talks = (dialogue(s, r, 2, **how) for s, r in zip(scores, rngs, strict=True))
        return Counter(turn.kind for talk in talks for turn in talk[1:])

    assert asked(oftener=(other, other))["presence"] > 1.3 * asked()["presence"]
    assert not asked(count_times=False, oftener=(times,))["count"]

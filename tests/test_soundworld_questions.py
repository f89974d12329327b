"""Every question about a scene is answered a second time, from its words alone.

The reader here knows when what is heard, and nothing of the code that asks.
"""

import re

import numpy as np
import pytest

from af_minimal.soundworld import CLASSES, Event, Score, caption_is_right, heard_events
from af_minimal.soundworld.corpus import ask_scene, sample_scene
from af_minimal.soundworld.questions import questions
from af_minimal.soundworld.scenes import countable
from af_minimal.systems.audio_skills.solver_rules import MEANS
from af_minimal.systems.audio_skills.timeline import Disagreement, read_timeline
from af_minimal.systems.long_audio.solver import LABEL as L

NUMBER = ("zero", "one", "two", "three", "four", "five")
W = "(" + "|".join(MEANS) + ")"
BE, DO = "(?:is|are)", "(?:do|does)"


def alone(heard, place):
    """The label that stands there in the row of sounds; Disagreement if it overlaps."""
    one = heard.soundings[place]
    if any(one.overlaps(other) for other in heard.soundings if other is not one):
        raise Disagreement(f"{one.label} overlaps")
    return one.label


def begin(heard, label):
    """Where a sound stands in the row, overlapping none."""
    place = heard.soundings.index(heard.of(label)[0])
    assert alone(heard, place) == label
    return place


def beside(heard, label, step):
    """What comes right after a sound (1) or right before it (-1)."""
    place = begin(heard, label) + step
    assert place >= 0, f"nothing comes before {label}"
    return alone(heard, place)


def word_for(heard, one, name):
    """How an attribute of a sound is said; Disagreement where nobody can tell."""
    meant = name, heard.value(one, name)
    (word,) = (word for word, other in MEANS.items() if other == meant)
    return word


def is_there(heard, said):
    (label,) = heard_events(said)
    return "yes" if label in heard.labels else "no"


def is_like(heard, label, word):
    name, value = MEANS[word]
    return "yes" if heard.value(heard.of(label)[0], name) == value else "no"


def why(heard, label, word):
    true = word_for(heard, heard.of(label)[0], MEANS[word][0])
    it = "they are" if label.endswith("s") else "it is"
    return f"{is_like(heard, label, word)}, {it} {true}."


def either(heard, label, one, other):
    assert MEANS[one][0] == MEANS[other][0]
    (true,) = (w for w in (one, other) if is_like(heard, label, w) == "yes")
    return true


def told(heard, label):
    """All that a listener can tell of a sound; loudness only where nothing else is."""
    one, found = heard.of(label)[0], {}
    for name in one.values:
        try:
            found[name] = word_for(heard, one, name)
        except Disagreement:
            continue
    best = {name: word for name, word in found.items() if name != "loudness"}
    return set((best or found).values())


def which(heard, word):
    name, value = MEANS[word]
    (one,) = (o for o in heard.soundings if heard.value(o, name) == value)
    return one.label


def times(heard, label):
    assert countable(CLASSES[label])
    return NUMBER[heard.of(label)[0].times]


def earlier(heard, first, second):
    return "yes" if begin(heard, first) < begin(heard, second) else "no"


def in_turn(heard):
    return ", ".join(one.label for one in heard.soundings)


def only(heard):
    (one,) = heard.soundings
    return one.label


RULES = {
    rf"{BE} there (.*)\?|(?:do|can) you hear (.*)\?|can (.*) be heard\?": is_there,
    r"how many different sounds are there\?|how many kinds of sound are heard\?|"
    r"how many different sounds do you hear\?": lambda h: NUMBER[len(h.soundings)],
    r"use a few labels to describe this sound\.|generate tags\.|"
    r"which labels fit this sound\?|what sounds are there\?": in_turn,
    r"list the sounds in order\.|which sounds are heard, in order\?|"
    r"name the sounds from first to last\.|"
    r"what do you hear, from first to last\?": lambda h: ", ".join(
        one.label for one in h.order()
    ),
    r"classify this sound\.|what is this sound\?|which sound is this\?|"
    r"name this sound\.": only,
    r"what is heard first\?|which sound comes first\?|what is the first sound\?|"
    r"what do you hear first\?": lambda h: alone(h, 0),
    r"what is heard last\?|which sound comes last\?|what is the last sound\?|"
    r"what do you hear last\?": lambda h: alone(h, -1),
    rf"what comes right after the {L}\?|what is heard next after the {L}\?|"
    rf"which sound is heard right after the {L}\?": lambda h, x: beside(h, x, 1),
    rf"what comes right before the {L}\?|what is heard last before the {L}\?|"
    rf"which sound is heard right before the {L}\?": lambda h, x: beside(h, x, -1),
    rf"{DO} the {L} come before the {L}\?|{BE} the {L} heard before the {L}\?": earlier,
    rf"{DO} the {L} come after the {L}\?": lambda h, x, y: earlier(h, y, x),
    rf"{BE} the {L} {W}\?|{DO} the {L} sound {W}\?|"
    rf"would you say that the {L} {BE} {W}\?": is_like,
    rf"{BE} the {L} {W}\? why\?|{DO} the {L} sound {W}\? why\?|"
    rf"would you say that the {L} {BE} {W}\? why\?": why,
    rf"{BE} the {L} {W} or {W}\?|{DO} the {L} sound {W} or {W}\?|"
    rf"how {DO} the {L} sound, {W} or {W}\?": either,
    rf"what {BE} the {L} like\?|describe the {L}\.|tell me all about the {L}\.": told,
    rf"which sound is {W}\?|what sounds {W}\?|name the sound that is {W}\.": which,
    rf"how many times {BE} the {L} heard\?|how many times do you hear the {L}\?|"
    rf"count how many times the {L} {BE} heard\.": times,
    r"how many times can you hear (.*)\?": lambda h, x: times(h, *heard_events(x)),
}
PATTERNS = [(re.compile(text), rule) for text, rule in RULES.items()]


def solve(score, prompt):
    """The answer to a question, a set where its parts may come in any order."""
    found = [(rule, m) for p, rule in PATTERNS if (m := p.fullmatch(prompt))]
    assert len(found) == 1, f"{len(found)} rules read {prompt!r}"
    ((rule, match),) = found
    return rule(read_timeline(score), *filter(None, match.groups()))


def test_a_second_reader_finds_the_same_answers():
    used = set()
    for seed in range(600):
        scene, rng = sample_scene(50_000_000 + seed, {}), np.random.default_rng(seed)
        for asked in ask_scene(scene, rng):
            prompt, *options = asked.prompt.split("\nOPTIONS:\n")
            if asked.kind == "caption":
                assert caption_is_right(asked.output, scene.score, counts=True)
                continue
            found, said = solve(scene.score, prompt), asked.output
            if isinstance(found, set):
                assert found == set(said.split(", ")), asked
            else:
                assert found == said, asked
            if asked.kind == "classify_options":
                listed = re.findall(r" - (.*)\.", options[0])
                assert set(listed) & {*scene.score.labels} == {said}
            used |= {rule for p, rule in PATTERNS if p.fullmatch(prompt)}
    assert used == set(RULES.values())


def test_only_what_means_the_same_for_all_sounds_is_compared():
    cow = Event("cow moo", 0.0, 1.0, {"pitch": "high", "distance": "near"})
    bird = Event("bird song", 2.0, 1.0, {"pitch": "low", "distance": "far"})
    asked = questions_of(Score(4.0, (cow, bird)))
    compared = {
        q.prompt: q.output for q in asked if re.search("which sound is ", q.prompt)
    }
    assert compared.pop("which sound is far away?") == "bird song"
    assert not any("pitched" in prompt for prompt in compared)


def test_nobody_counts_what_comes_several_times_by_itself():
    cough = Score(3.0, (Event("cough", 1.0, 0.8, {"distance": "near"}),))
    assert not any("times" in q.prompt for q in questions_of(cough))
    bark = Score(3.0, (Event("dog bark", 1.0, 0.4, {"distance": "near"}),))
    assert any("times" in q.prompt for q in questions_of(bark))


def questions_of(score):
    """What may be asked about a scene, in fifty draws."""
    draws = map(np.random.default_rng, range(50))
    return [asked for rng in draws for asked in questions(score, rng)]


@pytest.mark.parametrize("seed", range(20))
def test_an_answer_of_another_scene_is_not_taken(seed):
    rng = np.random.default_rng(seed)
    one, other = (sample_scene(60_000_000 + 2 * seed + i, {}) for i in (0, 1))
    listed = next(q for q in ask_scene(one, rng) if q.kind == "tags")
    assert solve(other.score, listed.prompt) != listed.output

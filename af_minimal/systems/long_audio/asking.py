"""Six ways to ask about a long recording, each with an answer in words and in facts.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...soundworld.captions import NUMBERS, captions, say_event
from ...soundworld.catalogue import ANIMALS
from ...soundworld.score import Event, find_class
from ...soundworld.wordings import a, agree
from ..audio_skills.asking import one_of
from .composing import Part, Recording
from .facts import Fact, in_turn


@dataclass(frozen=True)
class LongQuestion:
    """A question, the answer in words, and the facts that the answer consists of.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    skill: str  # a key of ASKS
    prompt: str
    output: str
    facts: frozenset[Fact]


def events_of(recording: Recording, part: Part) -> list[Event]:
    """The events of one part."""
    by_label = {event.label: event for event in recording.score.events}
    return [by_label[label] for label in part.labels]


def order_facts(labels: list[str]) -> set[Fact]:
    """Which sounds are heard, and which follows which."""
    return {("heard", label) for label in labels} | in_turn("then", labels)


def times_facts(events: list[Event]) -> set[Fact]:
    """How often, of what is heard more than once."""
    return {("times", e.label, e.repeats) for e in events if e.repeats > 1}


def ask(rng, skill: str, wordings, output: str, facts: set[Fact]) -> LongQuestion:
    """A question in one of its wordings."""
    return LongQuestion(skill, str(one_of(rng, wordings)), output, frozenset(facts))


def captioning(recording: Recording, rng: np.random.Generator) -> LongQuestion:
    """Everything that is heard, how often, in order."""
    score, sentences = recording.score, []
    for part in recording.parts:
        said = captions(score.crop(part.start_s, min(part.end_s, score.duration_s)))
        sentences.append(said[0])  # in time order, as the others are not
    wordings = (
        "describe the recording in detail.",
        "what is heard from beginning to end?",
        "write a dense caption of this recording.",
    )
    facts = order_facts(score.labels) | times_facts(list(score.events))
    return ask(rng, "captioning", wordings, " ".join(sentences), facts)


def plot(recording: Recording, rng: np.random.Generator) -> LongQuestion:
    """The walk from place to place, and what happens where."""
    opening = ["first", *["then"] * (len(recording.parts) - 2), "finally"]
    sentences, facts = [], set()
    for word, part in zip(opening, recording.parts, strict=True):
        said = ", then ".join(find_class(label).clause for label in part.labels)
        sentences.append(f"{word}, {part.place}, {said}.")
        facts |= {("in", part.place, label) for label in part.labels}
    walk = [part.place for part in recording.parts]
    facts |= {("place", name) for name in walk} | in_turn("place then", walk)
    wordings = (
        "tell the story: where does the recording lead, and what happens there?",
        "how does the recording move from place to place, and what is heard at each?",
        "sum up the plot of this recording, place by place.",
    )
    return ask(rng, "plot", wordings, " ".join(sentences), facts)


def needle(recording: Recording, rng: np.random.Generator) -> LongQuestion:
    """The one sound that fits nowhere, between its neighbours."""
    label, labels = recording.needle, recording.score.labels
    it, its = agree(label, "it", "them"), agree(label, "its", "their")
    i = labels.index(label)
    around = labels[max(0, i - 1) : i + 2]
    wordings = (
        f"somewhere there {agree(label, 'is', 'are')} {a(label)}. which three sounds "
        f"stand there, the {label} in the middle?",
        f"find the {label}. name {it} between {its} two neighbours, in time order.",
        f"name the {label} and {its} two neighbours in this recording, in order.",
    )
    said = ", then ".join(find_class(x).clause for x in around)
    facts = order_facts(around)
    return ask(rng, "needle", wordings, f"{said}.", facts)


def subscene(recording: Recording, rng: np.random.Generator) -> LongQuestion:
    """What is heard at one place, or between two times."""
    part = one_of(rng, recording.parts)
    wordings = (
        f"what is heard {part.place}?",
        f"describe only what happens {part.place}.",
        f"what is heard between {part.start_s:.0f} and {part.end_s:.0f} seconds?",
    )
    events = events_of(recording, part)
    said = ", then ".join(say_event(e, "clause") for e in events)
    facts = order_facts(list(part.labels)) | times_facts(events)
    return ask(rng, "subscene", wordings, f"{said}.", facts)


def temporal(recording: Recording, rng: np.random.Generator) -> LongQuestion:
    """Which of two sounds is earlier; what opens or closes the recording."""
    labels = recording.score.labels
    if rng.random() < 0.5:
        word, i = ("first", 0) if rng.random() < 0.5 else ("last", -1)
        wordings = (
            f"which sound is the {word} of all?",
            f"of everything that is heard, what comes {word}?",
        )
        said = f"{find_class(labels[i]).clause}."
        return ask(rng, "temporal", wordings, said, {("heard", labels[i])})
    x, y = (labels[i] for i in rng.permutation(len(labels))[:2])
    says = "yes" if labels.index(x) < labels.index(y) else "no"
    wordings = (
        f"{agree(x, 'is', 'are')} the {x} heard earlier than the {y}?",
        f"{agree(x, 'does', 'do')} the {x} come before the {y}?",
    )
    return ask(rng, "temporal", wordings, f"{says}.", {("says", says)})


def general(recording: Recording, rng: np.random.Generator) -> LongQuestion:
    """What follows from the whole: how many places, where a sound is, where animals."""
    if rng.random() < 0.5:
        label = recording.needle  # of the others the sound alone tells the place
        which = next(part for part in recording.parts if label in part.labels)
        be = agree(label, "is", "are")
        wordings = (
            f"at what place {be} the {label} heard?",
            f"where is one when the {label} {be} heard?",
        )
        said, facts = f"{which.place}.", {("place", which.place)}
        return ask(rng, "general", wordings, said, facts)
    if rng.random() < 0.5:
        wordings = (
            "how many different places does the recording visit?",
            "through how many places does this recording lead?",
        )
        count = len(recording.parts)
    else:
        wordings = (
            "at how many of the places is an animal heard?",
            "how many of the places have animals?",
        )
        count = sum(
            any(find_class(x).family == ANIMALS for x in part.labels)
            for part in recording.parts
        )
    return ask(rng, "general", wordings, f"{NUMBERS[count]}.", {("number", str(count))})


ASKS: dict[str, Callable[[Recording, np.random.Generator], LongQuestion]] = {
    "captioning": captioning,
    "plot": plot,
    "needle": needle,
    "subscene": subscene,
    "temporal": temporal,
    "general": general,
}

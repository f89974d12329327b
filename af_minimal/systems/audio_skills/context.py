"""Questions about sounds among others: context, people, what is told, what follows.

Of the official skill "contextual speech" only what needs no words is here: who is heard
beside the other sounds and in which state. SoundWorld's people say nothing that could
be understood, so what is said, by whom, and to whom is left out; so are the keys,
tempos and genres of music.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import numpy as np

from ...soundworld.captions import NUMBERS
from ...soundworld.catalogue import FAMILIES, MUSIC, PEOPLE
from ...soundworld.score import Score, find_class
from .asking import MOST_OPTIONS, Question, choose, one_of
from .rules import PLACES, RESPONSES, SOURCES, STATES
from .scenes import draw_classes
from .temporal import ORDINALS, in_a_row


def of_family(labels, family: str) -> list[str]:
    """The labels of one family, each once."""
    return [x for x in dict.fromkeys(labels) if find_class(x).family == family]


def decoys(rng: np.random.Generator, score: Score, family: str | None = None):
    """Three sounds that a scene does not have, as likely to be in one as any it has.

    They are taken from scenes drawn in the same way. Were they drawn evenly, sounds
    that belong to a place would be heard more often than they are shown, and who knew
    that could answer without hearing. With a family, each is the only one of it.
    """
    found: list[str] = []
    while len(found) < MOST_OPTIONS - 1:
        labels = [c.label for c in draw_classes(rng, int(rng.integers(2, 5)))]
        labels = labels if family is None else of_family(labels, family)
        if family is None or len(labels) == 1:
            label = one_of(rng, labels)
            found += [label] if label not in [*score.labels, *found] else []
    return found


def between(score: Score, rng: np.random.Generator) -> list[Question]:
    """What is heard between two sounds, and what sounds together with another one."""
    labels, found = score.labels, []
    if in_a_row(score) and len(labels) > 2:
        i = int(rng.integers(1, len(labels) - 1))
        before, after = labels[i - 1], labels[i + 1]
        wordings = (
            f"what is heard between the {before} and the {after}?",
            f"which sound comes after the {before} and before the {after}?",
            f"name the sound that separates the {before} from the {after}.",
        )
        wrong = [x for x in labels if x not in (before, after)]
        found += choose(rng, "contextual sound, between", wordings, labels[i], wrong)
    for group in score.groups:
        if len(group) == 2 and all(event.repeats == 1 for event in group):
            under, over = (group[i].label for i in rng.permutation(2))
            wordings = (
                f"which sound overlaps with the {under}?",
                f"what is heard at the same time as the {under}?",
                f"together with the {under}, what do you hear?",
            )
            wrong = [x for x in labels if x not in (under, over)]
            found += choose(rng, "contextual sound, together", wordings, over, wrong)
    return found


def presence(score: Score, rng: np.random.Generator) -> list[Question]:
    """Which of four sounds is heard, and which of two is not."""
    label, others = one_of(rng, score.labels), decoys(rng, score)
    wordings = (
        "which of these is heard in the recording?",
        "which of these sounds is there?",
        "one of these sounds occurs: which?",
    )
    heard = choose(rng, "contextual sound, present", wordings, label, others)
    wordings = (
        "which of these is not heard?",
        "which of these sounds is missing from the recording?",
        "one of these sounds does not occur: which?",
    )
    kind, missing = "contextual sound, missing", others[0]
    return heard + choose(rng, kind, wordings, missing, [label])


def people(score: Score, rng: np.random.Generator) -> list[Question]:
    """What the only person does, and in which state that person is."""
    persons = of_family(score.labels, PEOPLE)
    if len(persons) != 1:
        return []
    label = persons[0]
    deeds = [find_class(x).clause for x in decoys(rng, score, PEOPLE)]
    wordings = (
        "among the other sounds, what does a person do?",
        "what is heard of people?",
        "there is someone in this recording: what happens?",
    )
    clause = find_class(label).clause
    found = choose(rng, "contextual speech, deed", wordings, clause, deeds)
    if label in STATES:
        wordings = (
            "in which state is the person who is heard?",
            "how is the person, going by the voice?",
            "what does the voice tell about its owner?",
        )
        state, states = STATES[label], list(STATES.values())
        found += choose(rng, "contextual speech, state", wordings, state, states)
    return found


def information(score: Score, rng: np.random.Generator) -> list[Question]:
    """The only instrument; how many kinds of sound, of one family and in all."""
    labels, found = list(dict.fromkeys(score.labels)), []
    instruments = of_family(labels, MUSIC)
    if len(instruments) == 1:
        wordings = (
            "which instrument plays?",
            "what is the music played on?",
            "name the instrument in this recording.",
        )
        others = decoys(rng, score, MUSIC)
        kind, right = "information, instrument", instruments[0]
        found += choose(rng, kind, wordings, right, others)
    wordings = (
        "how many different sounds are there?",
        "how many kinds of sound does the recording hold?",
        "count the different sounds.",
    )
    numbers = NUMBERS[2:5]
    kinds = NUMBERS[len(labels)]
    found += choose(rng, "information, kinds", wordings, kinds, numbers)
    family = one_of(rng, FAMILIES)
    source = SOURCES[family]
    wordings = (
        f"how many different sounds come from {source}?",
        f"of how many kinds of sound is {source} the source?",
        f"how many of the different sounds are made by {source}?",
    )
    of_it, numbers = NUMBERS[len(of_family(labels, family))], NUMBERS[:3]
    if of_it in numbers:
        found += choose(rng, "information, family", wordings, of_it, numbers)
    return found


def reasoning(score: Score, rng: np.random.Generator) -> list[Question]:
    """What follows by a rule: the place, the source of a sound, what to do about it."""
    return [
        *where(score, rng),
        *(source(score, rng) + response(score, rng) if in_a_row(score) else ()),
    ]


def where(score: Score, rng: np.random.Generator) -> list[Question]:
    """The place that two of the sounds belong to, where no other place has any."""
    found = {p: len(set(PLACES[p]) & set(score.labels)) for p in PLACES}
    right = [place for place, count in found.items() if count]
    if len(right) != 1 or found[right[0]] < 2:
        return []
    wordings = (
        "where was this recorded, most likely?",
        "which place do these sounds belong to?",
        "guess from the sounds where the microphone stood.",
    )
    return choose(rng, "reasoning, place", wordings, right[0], list(PLACES))


def source(score: Score, rng: np.random.Generator) -> list[Question]:
    """What makes the sound that is heard at a certain place."""
    which = int(rng.integers(len(score.events)))
    word = ORDINALS[which]
    wordings = (
        f"what makes the {word} sound?",
        f"where does the sound that comes {word} come from?",
        f"the {word} sound: what is its source?",
    )
    right = SOURCES[find_class(score.labels[which]).family]
    return choose(rng, "reasoning, source", wordings, right, list(SOURCES.values()))


def response(score: Score, rng: np.random.Generator) -> list[Question]:
    """What to do about the last sound, or the first one."""
    word = "first" if rng.random() < 0.5 else "last"
    label = score.labels[0 if word == "first" else -1]
    if label not in RESPONSES:
        return []
    wordings = (
        f"what would one do about the {word} sound?",
        f"what does the {word} sound call for?",
        f"how to respond to the sound that is heard {word}?",
    )
    right = RESPONSES[label]
    return choose(rng, "reasoning, response", wordings, right, list(RESPONSES.values()))

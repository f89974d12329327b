"""Questions about a scene and their answers, all computed from the score.

Prompts follow the official forms: `OPTIONS:` blocks, and task names whose last part
says what is asked. Every question comes in several wordings (`wordings.py`), so that a
model trained on them survives rewording.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

import numpy as np

from . import wordings
from .asking import QA, binary, qa
from .captions import NUMBERS, adjective, captions
from .catalogue import CLASSES
from .scenes import told_apart
from .score import Score, audible, find_class
from .wordings import a, agree

CAPTIONING = "SoundWorld-AudioCaptioning"
CLASSIFICATION = "SoundWorld-EventClassification"
# what is there -> what a listener may call it as well
ALSO_CALLED = {"ambulance": ["siren"], "siren": ["ambulance"], "murmur": ["talking"]}


def questions(score: Score, rng: np.random.Generator) -> list[QA]:
    """One question of every kind that the scene answers without doubt.

    Yes and no are equally likely; half of the absent sounds asked for are of the
    family of one that is there.
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    asked = [*caption_questions(score, rng), *presence_questions(score, rng)]
    asked.append(qa(rng, wordings.KINDS_PROMPTS, NUMBERS[len(score.events)], "count"))
    if score.events:
        asked += label_questions(score, rng)
        asked += attribute_questions(score, rng)
        asked += count_questions(score, rng)
        asked += order_questions(score, rng)
    return asked


def caption_questions(score: Score, rng) -> list[QA]:
    """Describe the scene, plainly and with details."""
    asked = []
    for prompts, texts in (
        (wordings.CAPTION_PROMPTS, captions(score)),
        (wordings.DETAIL_PROMPTS, captions(score, detail=True)),
    ):
        text = texts[rng.integers(len(texts))]
        asked.append(qa(rng, prompts, text, "caption", CAPTIONING))
    return asked


def presence_questions(score: Score, rng) -> list[QA]:
    """Is a certain sound there? Asked once, of a sound that is there or is not."""
    truth = bool(score.events) and rng.random() < 0.5
    label = (
        score.labels[rng.integers(len(score.events))] if truth else absent(score, rng)
    )
    sound = find_class(label)
    prompts = (
        f"{agree(label, 'is', 'are')} there {a(label)}?",
        f"do you hear {a(label)}?",
        f"can {a(label)} be heard?",
        f"{agree(sound.noun, 'is', 'are')} there {sound.noun}?",
        f"can you hear {sound.noun}?",
        f"do you hear {sound.sound}?",
    )
    return [binary(rng, prompts, truth, "presence")]


def absent(score: Score, rng) -> str:
    """A label that the scene does not have, half of the time from the same family.

    Nor what a listener may well say of something that is there.
    """
    there = {score.background, *score.labels}
    there |= {other for what in there for other in ALSO_CALLED.get(what, ())}
    others = [c for c in CLASSES.values() if c.label not in there]
    families = {c.family for c in CLASSES.values() if c.label in score.labels}
    if families and rng.random() < 0.5:
        others = [c for c in others if c.family in families]
    return others[rng.integers(len(others))].label


def label_questions(score: Score, rng) -> list[QA]:
    """Tags, the list of sounds in order and, for a single sound, its class."""
    listed = ", ".join(score.labels)
    asked = [qa(rng, wordings.TAG_PROMPTS, listed, "tags", CLASSIFICATION)]
    if len(score.events) == len(score.groups):
        asked.append(qa(rng, wordings.ORDER_PROMPTS, listed, "order"))
    if len(score.events) == 1:
        asked.append(
            qa(rng, wordings.CLASSIFY_PROMPTS, listed, "classify", CLASSIFICATION)
        )
        asked.append(options_question(score, rng))
    return asked


def options_question(score: Score, rng, options: int = 6) -> QA:
    """Choose the class of a single sound among a few, sorted as official."""
    labels = set(score.labels)
    while len(labels) < options:
        labels.add(absent(score, rng))
    listed = "".join(f"\n - {label}." for label in sorted(labels))
    prompts = [f"{p}\nOPTIONS:{listed}" for p in wordings.CLASSIFY_PROMPTS]
    return qa(rng, prompts, score.labels[0], "classify_options", CLASSIFICATION)


def attribute_questions(score: Score, rng) -> list[QA]:
    """What one sound is like (yes/no), and which sound is the only one like that."""
    event = score.events[rng.integers(len(score.events))]
    names = audible(score, event)
    if not names:
        return []
    name = names[rng.integers(len(names))]
    value = event.attributes[name]
    sound = find_class(event.label)
    values = sound.attributes[name]
    truth = rng.random() < 0.5
    if not truth:
        value = str(rng.choice([v for v in values if v != value]))
    word, label = adjective(name, value), event.label
    be = agree(label, "is", "are")
    either = " or ".join(adjective(name, v) for v in values)
    yes_no = (
        f"{be} the {label} {word}?",
        f"{agree(label, 'does', 'do')} the {label} sound {word}?",
        f"would you say that the {label} {be} {word}?",
    )
    choose = (
        f"{be} the {label} {either}?",
        f"{agree(label, 'does', 'do')} the {label} sound {either}?",
        f"how {agree(label, 'does', 'do')} the {label} sound, {either}?",
    )
    answer = adjective(name, event.attributes[name])
    told = [n for n in names if n != "loudness"]  # nobody hears when it may be told
    like = ", ".join(adjective(n, event.attributes[n]) for n in told or names)
    whole = (
        f"what {be} the {label} like?",
        f"describe the {label}.",
        f"tell me all about the {label}.",
    )
    why = [f"{prompt} why?" for prompt in yes_no]
    it = agree(label, "it is", "they are")
    because = f"{'yes' if truth else 'no'}, {it} {answer}."
    return [
        binary(rng, yes_no, truth, "attribute"),
        qa(rng, why, because, "open", topic="why"),
        qa(rng, choose, answer, "open", topic="attribute"),
        qa(rng, whole, like, "open", topic="like"),
        *which_question(score, name, rng),
    ]


def which_question(score: Score, name: str, rng) -> list[QA]:
    """Which sound is far away? Only if that can be told of all, and of one alone.

    No other attribute is compared: a high cow is lower than a low bird.
    """
    heard = all(name in audible(score, event) for event in score.events)
    if len(score.events) < 2 or name != "distance" or not heard:
        return []
    found = [event.attributes.get(name) for event in score.events]
    alone = [v for v in found if found.count(v) == 1]
    if not alone:
        return []
    value = alone[rng.integers(len(alone))]
    word = adjective(name, value)
    prompts = (
        f"which sound is {word}?",
        f"what sounds {word}?",
        f"name the sound that is {word}.",
    )
    return [qa(rng, prompts, score.labels[found.index(value)], "open")]


def count_questions(score: Score, rng) -> list[QA]:
    """How many times one sound is heard, if its occurrences can be told apart."""
    events = [e for e in score.events if told_apart(find_class(e.label))]
    if not events:
        return []
    event = events[rng.integers(len(events))]
    label, be = event.label, agree(event.label, "is", "are")
    prompts = (
        f"how many times {be} the {label} heard?",
        f"how many times do you hear the {label}?",
        f"count how many times the {label} {be} heard.",
        f"how many times can you hear {find_class(label).noun}?",
    )
    return [qa(rng, prompts, NUMBERS[event.repeats], "count")]


def order_questions(score: Score, rng) -> list[QA]:
    """First, last, next and before, asked only of sounds that do not overlap."""
    groups = score.groups
    asked = []
    if len(groups) < 2:
        return asked
    if len(groups[0]) == 1:
        asked.append(qa(rng, wordings.FIRST_PROMPTS, groups[0][0].label, "open"))
    if len(groups[-1]) == 1:
        asked.append(qa(rng, wordings.LAST_PROMPTS, groups[-1][0].label, "open"))
    i = int(rng.integers(len(groups) - 1))
    if len(groups[i]) == len(groups[i + 1]) == 1:
        asked += neighbour_questions(groups[i][0].label, groups[i + 1][0].label, rng)
    return asked


def neighbour_questions(first: str, second: str, rng) -> list[QA]:
    """What comes after, what comes before, and which of two comes earlier."""
    truth = rng.random() < 0.5
    x, y = (first, second) if truth else (second, first)
    after = (
        f"what comes right after the {first}?",
        f"what is heard next after the {first}?",
        f"which sound is heard right after the {first}?",
    )
    before = (
        f"what comes right before the {second}?",
        f"what is heard last before the {second}?",
        f"which sound is heard right before the {second}?",
    )
    earlier = (
        f"{agree(x, 'does', 'do')} the {x} come before the {y}?",
        f"{agree(x, 'is', 'are')} the {x} heard before the {y}?",
        f"{agree(y, 'does', 'do')} the {y} come after the {x}?",
    )
    return [
        qa(rng, after, second, "open"),
        qa(rng, before, first, "open"),
        binary(rng, earlier, truth, "order"),
    ]

"""Scores into words and words back into sounds: captions and their reader.

`captions` writes a scene in several wordings. `heard_events` reads any of them, and
what a model says, back into class labels in time order, so a caption can be marked
right or wrong without a human.

Taught in: notebooks/08_staged_training.ipynb, notebooks/11_evaluation.ipynb
"""

import re
from dataclasses import replace
from functools import cache

from .catalogue import CLASSES, HELD_OUT
from .score import Event, Score, audible, find_class

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
SILENCE = ["nothing is heard.", "there is silence.", "you can hear nothing."]
ADJECTIVES = {  # other values are said as they are
    ("pitch", "low"): "low pitched",
    ("pitch", "high"): "high pitched",
    ("distance", "near"): "close by",
    ("distance", "far"): "far away",
}

# "after which", "after a while", "shortly after," go on; "after a dog barks" goes back
SWAPPED = re.compile(
    r"\b(after(?! that\b| this\b| which\b| it\b| an? (?:while|moment|second|pause)\b"
    r"| (?:some|a few|several)\b| ?[,.;]| ?$)|preceded by)\b"
)
BEFORE = re.compile(
    r"\s*(?:(?:just|right|shortly|immediately|soon|long|directly) )?"
    r"before(?! that| this| which| it\b)\b"
)
COUNTED = re.compile(rf"\b(?:({'|'.join(NUMBERS)}|\d+) times|(once)|(twice))\b")
# what is denied, up to a comma or a "but"; a "no" before a comma is an answer
DENIED = re.compile(r"\b(?:no(?= )|not|never|without|nor)\b(?:(?!\bbut\b)[^,.;!?\n])*")


def captions(score: Score, detail: bool | str = False) -> list[str]:
    """At least three captions of a scene, the plainest first.

    `detail` adds what each sound is like, as in "a dog barks, low and far away"; the
    name of an attribute adds that one alone, wherever a sound has it.
    Taught in: notebooks/08_staged_training.ipynb
    """
    if not score.events:
        return list(SILENCE)
    if detail:
        score = replace(score, events=tuple(told(score, e) for e in score.events))
    clauses, nouns, sounds = (
        [say_group(group, style, detail) for group in score.groups]
        for style in ("clause", "noun", "sound")
    )
    if len(score.groups) == 1:
        texts = one_group(clauses, nouns, sounds, score.groups[0], detail)
    elif len(score.groups) == 2:
        texts = two_groups(clauses, nouns, sounds)
        if len(score.events) == 2:
            texts += swapped(clauses, nouns)
    else:
        texts = more_groups(clauses, nouns, sounds)
    return [text + "." for text in texts]


def told(score: Score, event: Event) -> Event:
    """The event with those attributes alone that a listener can tell."""
    known = {name: event.attributes[name] for name in audible(score, event)}
    return replace(event, attributes=known)


def one_group(clauses, nouns, sounds, group, detail: bool | str) -> list[str]:
    """Wordings of one sound, or of several that sound together."""
    texts = [clauses[0], nouns[0], sounds[0], f"you can hear {nouns[0]}"]
    if len(group) > 1:
        texts.append(say_group(group[::-1], "clause", detail))
    return texts


def two_groups(clauses, nouns, sounds) -> list[str]:
    """Wordings of two sounds, said in time order."""
    return [
        f"{clauses[0]}, then {clauses[1]}",
        f"{nouns[0]}, followed by {nouns[1]}",
        f"first {sounds[0]}, then {sounds[1]}",
        f"first {clauses[0]}, later {clauses[1]}",
    ]


def swapped(clauses, nouns) -> list[str]:
    """Wordings that say the second sound first."""
    return [
        link(clauses[1], "after", clauses[0]),
        f"before {nouns[1]}, {clauses[0]}",
    ]


def more_groups(clauses, nouns, sounds) -> list[str]:
    """Wordings of three or more sounds, said in time order."""
    comma = "," if "," in "".join(clauses) else ""
    return [
        f"{', then '.join(clauses[:-1])}{comma} and then {clauses[-1]}",
        f"{', followed by '.join(nouns[:-1])}, and then {nouns[-1]}",
        f"first {', then '.join(sounds[:-1])}, and finally {sounds[-1]}",
    ]


def say_group(events: tuple[Event, ...], style: str, detail: bool | str) -> str:
    """One sound, or "a dog barks while rain falls": the one that starts last leads."""
    said = [say_event(event, style, detail) for event in events]
    if len(said) == 1:
        return said[0]
    word = "while" if style == "clause" else "over"
    return link(said[-1], word, " and ".join(said[:-1]))


def say_event(event: Event, style: str, detail: bool | str = False) -> str:
    """One event as a clause, a noun or a sound, with its count and its details."""
    sound = find_class(event.label)
    text = getattr(sound, style)
    if event.repeats > 1:
        heard = {"clause": " ", "noun": " heard ", "sound": ", "}[style]
        text += f"{heard}{NUMBERS[event.repeats]} times"
    if isinstance(detail, str):
        value = event.attributes.get(detail)
        return text if value is None else f"{text}, {adjective(detail, value)}"
    said = say_details(event) if detail else ""
    return f"{text}, {said}" if said else text


def say_details(event: Event) -> str:
    """What the sound is like, such as "low pitched and far away"; "" if none knows."""
    own = [n for n in find_class(event.label).own_attributes if n in event.attributes]
    own, distance = own[:1], event.attributes.get("distance")
    if distance == "far" or (distance and not own):
        own.append("distance")
    return " and ".join(adjective(name, event.attributes[name]) for name in own)


def adjective(name: str, value: str) -> str:
    """How an attribute is said: pitch "low" is "low pitched"."""
    return ADJECTIVES.get((name, value), value)


def link(first: str, word: str, second: str) -> str:
    """Join two parts; a part that has a comma inside gets one at its end."""
    return f"{first}{',' if ',' in first else ''} {word} {second}"


@cache
def mention_pattern() -> tuple[re.Pattern, dict[str, str]]:
    """A pattern that finds any wording of any class, and wording -> label."""
    labels = {}
    for sound in [*HELD_OUT.values(), *CLASSES.values()]:
        for phrase in (*sound.phrases, sound.label):
            labels[re.sub(r"^(a|an|the) ", "", phrase)] = sound.label
    longest_first = sorted(labels, key=len, reverse=True)
    words = "|".join(re.escape(phrase) for phrase in longest_first)
    return re.compile(rf"\b({words})(?:s)?\b"), labels


def mentions(text: str) -> list[tuple[str, int, int]]:
    """Label, start and end (in letters) of every class that a text names, as said."""
    pattern, labels = mention_pattern()
    found = pattern.finditer(text.lower())
    return [(labels[m.group(1)], m.start(), m.end()) for m in found]


def heard_events(text: str) -> list[str]:
    """The class labels that a caption names, in the order in which they sound.

    "rain falls after a dog barks" gives ["dog bark", "rain"]. It does not read "not":
    notebook 11 shows what that costs.
    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    said, text = mentions(text), text.lower()
    labels = [label for label, _, _ in said]
    turn = SWAPPED.search(text)
    if turn:
        earlier = sum(start < turn.start() for _, start, _ in said)
        labels = labels[earlier:] + labels[:earlier]
    elif BEFORE.match(text) and len(labels) > 1:
        labels = labels[1:] + labels[:1]
    return labels


def heard_counts(text: str) -> dict[str, int]:
    """How many times a caption says that each class is heard; 1 if it does not say.

    Taught in: notebooks/11_evaluation.ipynb
    """
    said, counts = mentions(text), {}
    ends = [start for _, start, _ in said[1:]] + [len(text)]
    for (label, _, end), next_start in zip(said, ends, strict=True):
        match = COUNTED.search(text.lower(), end, next_start)
        word = next(filter(None, match.groups())) if match else "once"
        counts[label] = number_of(word)
    return counts


def number_of(word: str) -> int:
    """The number that "three", "3", "once" or "twice" says."""
    if word.isdecimal():
        return int(word)
    return {"once": 1, "twice": 2}.get(word) or NUMBERS.index(word)


def caption_is_right(text: str, score: Score, counts: bool = False) -> bool:
    """Whether a text names exactly the sounds of a scene, in the right order.

    Sounds that overlap may come in either order. Whether it says "then" or "while" is
    not marked. `counts` also asks for the right number of repeats.
    Taught in: notebooks/11_evaluation.ipynb
    """
    heard = heard_events(text)
    if len(heard) != len(score.events):
        return False
    for group in score.groups:
        here, heard = heard[: len(group)], heard[len(group) :]
        if sorted(here) != sorted(event.label for event in group):
            return False
    truth = {event.label: event.repeats for event in score.events}
    return not counts or heard_counts(text) == truth


def describe_score(score: Score) -> str:
    """A score as a small table for reading.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    rows = [
        f"{e.onset_s:5.2f}-{e.end_s:5.2f} s  {e.label:16s} x{e.repeats} "
        f"{e.gain_db:6.1f} dB  {', '.join(e.attributes.values())}"
        for e in score.events
    ]
    bed = "no background"
    if score.background is not None:
        bed = f"{score.background} {score.snr_db} dB below the quietest sound"
    return "\n".join([*rows, f"{score.duration_s:.2f} s, {score.room}, {bed}"])

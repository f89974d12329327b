"""Answers questions about long recordings anew, from their text and the timeline.

It knows nothing of the parts that a recording was made of: where one is, it tells by
what is heard there.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import re
from collections.abc import Callable

from ...soundworld.catalogue import ANIMALS, CLASSES
from ...soundworld.score import Score, find_class
from ..audio_skills.rules import PLACES
from ..audio_skills.timeline import Disagreement, Sounding, read_timeline
from .asking import LongQuestion
from .facts import Fact, read_facts

LABEL = "(" + "|".join(sorted(CLASSES, key=len, reverse=True)) + ")"
HOME = {label: name for name, labels in PLACES.items() for label in labels}
PLACE = "(" + "|".join(PLACES) + ")"


def solve(score: Score, prompt: str) -> frozenset[Fact]:
    """The facts that answer a question.

    Raises Disagreement when no rule, or more than one, reads the prompt.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rule, given = rule_for(prompt)
    heard = read_timeline(score).order()
    try:
        return frozenset(rule(heard, *given))
    except ValueError as error:  # not heard, or nobody can tell where
        raise Disagreement(f"{prompt!r} has no answer: {error}") from None


def rule_for(prompt: str) -> tuple[Callable[..., set[Fact]], list[str]]:
    """The rule that answers a question, and what the question gives it.

    Raises Disagreement when no rule, or more than one, reads the prompt.
    """
    found = [(rule, match) for p, rule in RULES if (match := p.fullmatch(prompt))]
    if len(found) != 1:
        raise Disagreement(f"{len(found)} rules read {prompt!r}; one is expected.")
    ((rule, match),) = found
    return rule, list(filter(None, match.groups()))


def verify(score: Score, question: LongQuestion) -> None:
    """Raise Disagreement unless facts, solver and the words of the answer agree.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    true = solve(score, question.prompt)
    kinds = {fact[0] for fact in true}
    said = {fact for fact in read_facts(question.output) if fact[0] in kinds}
    for name, facts in (("the facts", question.facts), ("the words", said)):
        if facts != true:
            raise Disagreement(
                f"{question.prompt!r}: {name} {question.output!r} lack "
                f"{sorted(true - facts)} and add {sorted(facts - true)}."
            )


def place_of(heard: list[Sounding], one: Sounding) -> str:
    """Where a sound is heard: at the place it belongs to, or that of both neighbours.

    Raises Disagreement where these are two places, and where a neighbour is missing.
    """
    if one.label in HOME:
        return HOME[one.label]
    i = heard.index(one)
    beside = [HOME.get(x.label) for x in heard[max(0, i - 1) : i + 2] if x is not one]
    if len(beside) != 2 or beside[0] != beside[1] or beside[0] is None:
        raise Disagreement(f"nobody can tell at what place the {one.label} is heard.")
    return beside[0]


def places(heard: list[Sounding], some: list[Sounding]) -> list[str]:
    """The places of some of the sounds, in the order in which one comes to them."""
    return list(dict.fromkeys(place_of(heard, one) for one in some))


def follow(heard: list[Sounding]) -> set[Fact]:
    """What is heard, and each next sound."""
    facts: set[Fact] = {("heard", one.label) for one in heard}
    for i in range(1, len(heard)):
        facts.add(("then", heard[i - 1].label, heard[i].label))
    return facts


def told(heard: list[Sounding]) -> set[Fact]:
    """What is heard in order, and how often."""
    often = {("times", one.label, one.times) for one in heard if one.times >= 2}
    return follow(heard) | often


def walk(heard: list[Sounding]) -> set[Fact]:
    """Place after place, and what is heard there."""
    names = places(heard, heard)
    facts: set[Fact] = {("place", name) for name in names}
    facts |= {("place then", *names[i : i + 2]) for i in range(len(names) - 1)}
    return facts | {("in", place_of(heard, one), one.label) for one in heard}


def around(heard: list[Sounding], label: str) -> set[Fact]:
    """A sound with its neighbours."""
    i = [one.label for one in heard].index(label)
    return follow([heard[k] for k in (i - 1, i, i + 1) if 0 <= k < len(heard)])


def at_place(heard: list[Sounding], name: str) -> set[Fact]:
    """What is heard at one place."""
    return told([x for x in heard if place_of(heard, x) == name])


def in_time(heard: list[Sounding], *borders: str) -> set[Fact]:
    """What is heard between two times.

    Raises Disagreement when a sound goes on across one of them.
    """
    low, high = map(float, borders)
    for one in heard:
        if any(one.start_s < border < one.end_s for border in (low, high)):
            raise Disagreement(f"the {one.label} is heard across a border.")
    return told([x for x in heard if low <= x.start_s < high])


def earlier(heard: list[Sounding], x: str, y: str) -> set[Fact]:
    """Yes or no: does x begin before y?

    Raises ValueError when one of them is not heard.
    """
    begins = {one.label: one.start_s for one in heard}
    if x not in begins or y not in begins:
        raise ValueError(f"{x} or {y} is not heard")
    return {("says", "yes" if begins[x] < begins[y] else "no")}


def extreme(heard: list[Sounding], word: str) -> set[Fact]:
    """The first sound or the last one."""
    return {("heard", heard[0 if word == "first" else -1].label)}


def place_where(heard: list[Sounding], label: str) -> set[Fact]:
    """The place of a sound."""
    (one,) = [x for x in heard if x.label == label]
    return {("place", place_of(heard, one))}


def count_places(heard: list[Sounding]) -> set[Fact]:
    """How many places there are."""
    return {("number", str(len(places(heard, heard))))}


def count_animals(heard: list[Sounding]) -> set[Fact]:
    """How many places have an animal."""
    animals = [x for x in heard if find_class(x.label).family == ANIMALS]
    return {("number", str(len(places(heard, animals))))}


def _wording(text: str) -> re.Pattern:
    return re.compile(text.replace("<label>", LABEL).replace("<place>", PLACE))


RULES: list[tuple[re.Pattern, Callable[..., set[Fact]]]] = [
    (_wording(text), rule)
    for rule, texts in {
        told: (
            r"describe the recording in detail\.",
            r"what is heard from beginning to end\?",
            r"write a dense caption of this recording\.",
        ),
        walk: (
            r"tell the story: where does the recording lead, and what happens there\?",
            r"how does the recording move from place to place, and what is heard at "
            r"each\?",
            r"sum up the plot of this recording, place by place\.",
        ),
        around: (
            r"somewhere there (?:is|are) (?:an? )?<label>\. which three sounds stand "
            r"there, the \1 in the middle\?",
            r"find the <label>\. name (?:it|them) between (?:its|their) two "
            r"neighbours, in time order\.",
            r"name the <label> and (?:its|their) two neighbours in this recording, "
            r"in order\.",
        ),
        at_place: (
            r"what is heard <place>\?",
            r"describe only what happens <place>\.",
        ),
        in_time: (r"what is heard between (\d+) and (\d+) seconds\?",),
        earlier: (
            r"(?:is|are) the <label> heard earlier than the <label>\?",
            r"(?:does|do) the <label> come before the <label>\?",
        ),
        extreme: (
            r"which sound is the (first|last) of all\?",
            r"of everything that is heard, what comes (first|last)\?",
        ),
        place_where: (
            r"at what place (?:is|are) the <label> heard\?",
            r"where is one when the <label> (?:is|are) heard\?",
        ),
        count_places: (
            r"how many different places does the recording visit\?",
            r"through how many places does this recording lead\?",
        ),
        count_animals: (
            r"at how many of the places is an animal heard\?",
            r"how many of the places have animals\?",
        ),
    }.items()
    for text in texts
]

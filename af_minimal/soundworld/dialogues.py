"""Conversations about a scene, turn by turn, all computed from its score.

The first question stands alone. The later ones lean on what was said: "it" is the sound
that the last answer or question named. So a model that forgets the conversation cannot
know what it is asked.

Official: chat/data, where GPT-4 writes the rounds from labels and time stamps
Taught in: notebooks/10_dialogue.ipynb
"""

from collections.abc import Callable, Sequence

import numpy as np

from .asking import QA
from .captions import NUMBERS, adjective, captions
from .questions import absent
from .scenes import told_apart
from .score import Event, Score, audible, find_class
from .wordings import a, agree

TASK = "SoundWorld-Dialog"
CAPTION = ("what do you hear?", "what is happening?", "describe the sound.")
ENDS = (
    ("what happens first?", "what is heard first?", "what comes first?"),
    ("what happens last?", "what is heard last?", "what comes last?"),
)
NEXT = ("and after it?", "what comes after it?", "what follows it?", "and then?")
BEFORE = ("and before it?", "what comes before it?", "what is heard before it?")
TIMES = ("how many times is it heard?", "how often is it heard?", "how many times?")
ONLY = ("is it the only sound?", "is it all that you hear?")

Turn = tuple[QA, Event | None]  # question and answer; the sound that "it" is from here


def dialogue(
    score: Score,
    rng: np.random.Generator,
    rounds: int,
    count_times: bool = True,
    oftener: Sequence[Callable] = (),
) -> list[QA]:
    """At most `rounds` questions and answers; nothing is asked twice.

    `count_times=False` leaves out how often a sound is heard: of real recordings that
    is not known. Some of `FOLLOW_UPS` may be asked `oftener`, once more for each time
    they are in it.

    Taught in: notebooks/10_dialogue.ipynb
    """
    asked, focus = opening(score, rng)
    turns, done = [asked], {asked.topic}
    follow_ups = [*FOLLOW_UPS, *oftener]
    if not count_times:
        follow_ups = [f for f in follow_ups if f is not times]
    while len(turns) < rounds and score.events:
        offered = [follow_up(score, focus, rng) for follow_up in follow_ups]
        offered = [turn for turn in offered if turn and turn[0].topic not in done]
        if not offered:
            break
        asked, focus = offered[rng.integers(len(offered))]
        turns.append(asked)
        done.add(asked.topic)
    return turns


def opening(score: Score, rng: np.random.Generator) -> Turn:
    """A question that leans on nothing before it: all sounds, the first or the last."""
    found = end(score, None, rng) if rng.random() < 0.5 else None
    if found is not None:
        return found
    texts = captions(score)
    only_one = score.events[0] if len(score.events) == 1 else None
    said = texts[rng.integers(len(texts))]
    return turn(rng, CAPTION, said, "caption", "caption", only_one)


def end(score: Score, focus: Event | None, rng) -> Turn | None:
    """The first or the last sound, if it is heard alone."""
    which = int(rng.integers(2))
    groups = score.groups
    if not groups or len(groups[-which]) > 1:
        return None
    event = groups[-which][0]
    return turn(rng, ENDS[which], sentence(event, rng), "order", place(event), event)


def neighbour(score, focus, rng, step: int, prompts) -> Turn | None:
    """The sound before or after "it", which then is "it"; asked if order is clear."""
    groups = score.groups
    here = next((i for i, g in enumerate(groups) if g == (focus,)), None)
    if here is None:
        return None
    if not 0 <= here + step < len(groups):
        answer = f"nothing comes {'after' if step > 0 else 'before'} it."
        return turn(rng, prompts, answer, "order", f"{place(focus)} {step}", focus)
    beside = groups[here + step]
    if len(beside) > 1:
        return None
    answer = sentence(beside[0], rng)
    return turn(rng, prompts, answer, "order", place(beside[0]), beside[0])


def after(score: Score, focus: Event | None, rng) -> Turn | None:
    """What follows "it"?"""
    return neighbour(score, focus, rng, 1, NEXT)


def before(score: Score, focus: Event | None, rng) -> Turn | None:
    """What comes before "it"?"""
    return neighbour(score, focus, rng, -1, BEFORE)


def times(score: Score, focus: Event | None, rng) -> Turn | None:
    """How often is "it" heard?"""
    if focus is None or not told_apart(find_class(focus.label)):
        return None
    said = {1: "once", 2: "twice"}.get(focus.repeats)
    answer = f"it is heard {said or NUMBERS[focus.repeats] + ' times'}."
    return turn(rng, TIMES, answer, "count", f"times {focus.label}", focus)


def like(score: Score, focus: Event | None, rng) -> Turn | None:
    """What is "it" like? A choice, or a guess to be confirmed or mended."""
    names = audible(score, focus) if focus is not None else []
    if not names:
        return None
    name = names[rng.integers(len(names))]
    values = find_class(focus.label).attributes[name]
    truth, guess = adjective(name, focus.attributes[name]), str(rng.choice(values))
    if rng.random() < 0.4:
        offered = " or ".join(adjective(name, value) for value in values)
        answer = f"it is {truth}."
    else:
        offered = adjective(name, guess)
        answer = f"{'yes' if offered == truth else 'no'}, it is {truth}."
    prompts = (f"is it {offered}?", f"does it sound {offered}?")
    return turn(rng, prompts, answer, "attribute", f"{name} {focus.label}", focus)


def other(score: Score, focus: Event | None, rng) -> Turn | None:
    """Is another sound there? If so, that one is "it" from now on."""
    others = [event for event in score.events if event is not focus]
    there = bool(others) and rng.random() < 0.5
    event = others[rng.integers(len(others))] if there else None
    label = event.label if there else absent(score, rng)
    prompts = (
        f"do you also hear {a(label)}?",
        f"{agree(label, 'is', 'are')} there {a(label)} too?",
    )
    clause = find_class(label).clause
    be = agree(label, "is", "are")
    answer = f"yes, {clause}." if there else f"no, there {be} no {label}."
    return turn(rng, prompts, answer, "presence", label, event)


def only(score: Score, focus: Event | None, rng) -> Turn | None:
    """Is "it" all there is?"""
    if focus is None:
        return None
    alone = len(score.events) == 1
    answer = "yes, it is the only sound." if alone else "no, there are more sounds."
    return turn(rng, ONLY, answer, "only", "only", focus)


FOLLOW_UPS: tuple[Callable[..., Turn | None], ...] = (
    *(after, before, times, other, only, end),
    *(like, like, like),  # there is most to ask about what a sound is like
)


def turn(rng, prompts, answer: str, kind: str, topic: str, focus: Event | None) -> Turn:
    """A question in one of its wordings; `topic` keeps it from being asked twice."""
    prompt = prompts[rng.integers(len(prompts))]
    return QA(TASK, prompt, answer, kind, topic), focus


def sentence(event: Event, rng) -> str:
    """One sound in one of its wordings."""
    phrases = find_class(event.label).phrases
    return f"{phrases[rng.integers(len(phrases))]}."


def place(event: Event) -> str:
    """The sound that an answer is about, as a topic."""
    return f"sound at {event.onset_s} s"

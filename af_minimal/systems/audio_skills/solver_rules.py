"""How each question is worded, in patterns of its own, and when an option is true.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ...soundworld.catalogue import CLASSES, MUSIC
from . import holds
from .holds import MEANS, NUMBER
from .rules import RESPONSES, SOURCES

LABEL = "(" + "|".join(sorted(CLASSES, key=len, reverse=True)) + ")"
WORD = "(" + "|".join(MEANS) + ")"
NTH = "(first|second|third|fourth|last)"
SOURCE = "(" + "|".join(SOURCES.values()) + ")"


@dataclass(frozen=True)
class Rule:
    """How a question is worded, and when an option of it is true."""

    pattern: re.Pattern
    holds: Callable[..., bool]  # (timeline, option, all options, *what was caught)


def _rule(truth: Callable[..., bool], *wordings: str) -> Rule:
    words = {"label": LABEL, "word": WORD, "nth": NTH, "source": SOURCE}
    spelt = "|".join(wordings)
    for name, pattern in words.items():
        spelt = spelt.replace(f"<{name}>", pattern)
    return Rule(re.compile(spelt), truth)


RULES = (
    _rule(
        lambda heard, said, _: said == ", ".join(holds.names_of(heard)),
        r"in which order are the sounds heard\?",
        r"what is the order of the sounds, from first to last\?",
        r"which list has the sounds in the order in which they begin\?",
    ),
    _rule(
        holds.earlier,
        r"(?:does|do) the <label> come before the <label>\?",
        r"(?:is|are) the <label> heard earlier than the <label>\?",
    ),
    _rule(
        lambda heard, said, options, later, first: holds.earlier(
            heard, said, options, first, later
        ),
        r"(?:does|do) the <label> come after the <label>\?",
    ),
    _rule(
        holds.changes,
        r"the <label> comes? twice: what is different\?",
        r"how (?:does|do) the <label> change from the first time to the second\?",
        r"what becomes of the <label> when (?:it comes|they come) again\?",
    ),
    _rule(
        lambda heard, said, _, word: said == holds.at(heard, word).label,
        r"which sound is heard <nth>\?",
        r"what is the <nth> sound\?",
        r"which of the sounds comes <nth>\?",
    ),
    _rule(
        holds.beside,
        r"which sound comes right (after|before) the <label>\?",
        r"what is heard directly (after|before) the <label>\?",
        r"name the sound immediately (after|before) the <label>\.",
    ),
    _rule(
        holds.in_third,
        r"when (?:is|are) the <label> heard\?",
        r"in which part of the recording (?:is|are) the <label>\?",
        r"where in the recording (?:does|do) the <label> sound\?",
    ),
    _rule(
        holds.times,
        r"how many times (?:is|are) the <label> heard\?",
        r"how often do you hear the <label>\?",
        r"count how often the <label> (?:is|are) repeated, the first time included\.",
    ),
    _rule(
        holds.times_at,
        r"how many times is the <nth> sound heard\?",
        r"how often do you hear the sound that comes <nth>\?",
        r"count how often the <nth> sound occurs\.",
    ),
    _rule(
        holds.is_like,
        r"how (?:does|do) the <label> sound\?",
        r"which of the two fits the <label>\?",
        r"what (?:is|are) the <label> like\?",
    ),
    _rule(
        holds.which_is,
        r"which sound is <word>\?",
        r"what sounds <word>\?",
        r"one of the sounds is <word>: which\?",
    ),
    _rule(
        holds.which_time,
        r"the <label> comes? three times: when (?:is it|are they) <word>\?",
        r"at which of (?:its|their) three times (?:is|are) the <label> <word>\?",
        r"which time (?:does|do) the <label> sound <word>\?",
    ),
    _rule(
        holds.echoes,
        r"how much does the place echo\?",
        r"how much reverberation is there\?",
        r"how much do the walls throw the sound back\?",
    ),
    _rule(
        holds.longest,
        r"which of these lasts longest\?",
        r"which of these sounds goes on for the longest time\?",
        r"of these sounds, which has the longest duration\?",
    ),
    _rule(
        holds.between,
        r"what is heard between the <label> and the <label>\?",
        r"which sound comes after the <label> and before the <label>\?",
        r"name the sound that separates the <label> from the <label>\.",
    ),
    _rule(
        holds.together,
        r"which sound overlaps with the <label>\?",
        r"what is heard at the same time as the <label>\?",
        r"together with the <label>, what do you hear\?",
    ),
    _rule(
        lambda heard, said, _: said in heard.labels,
        r"which of these is heard in the recording\?",
        r"which of these sounds is there\?",
        r"one of these sounds occurs: which\?",
    ),
    _rule(
        lambda heard, said, _: said not in heard.labels,
        r"which of these is not heard\?",
        r"which of these sounds is missing from the recording\?",
        r"one of these sounds does not occur: which\?",
    ),
    _rule(
        holds.deed,
        r"among the other sounds, what does a person do\?",
        r"what is heard of people\?",
        r"there is someone in this recording: what happens\?",
    ),
    _rule(
        holds.state,
        r"in which state is the person who is heard\?",
        r"how is the person, going by the voice\?",
        r"what does the voice tell about its owner\?",
    ),
    _rule(
        lambda heard, said, _: said == holds.only(heard, MUSIC),
        r"which instrument plays\?",
        r"what is the music played on\?",
        r"name the instrument in this recording\.",
    ),
    _rule(
        lambda heard, said, _: NUMBER[said] == len(heard.labels),
        r"how many different sounds are there\?",
        r"how many kinds of sound does the recording hold\?",
        r"count the different sounds\.",
    ),
    _rule(
        holds.made_by,
        r"how many different sounds come from <source>\?",
        r"of how many kinds of sound is <source> the source\?",
        r"how many of the different sounds are made by <source>\?",
    ),
    _rule(
        holds.place,
        r"where was this recorded, most likely\?",
        r"which place do these sounds belong to\?",
        r"guess from the sounds where the microphone stood\.",
    ),
    _rule(
        holds.source,
        r"what makes the <nth> sound\?",
        r"where does the sound that comes <nth> come from\?",
        r"the <nth> sound: what is its source\?",
    ),
    _rule(
        lambda heard, said, _, word: RESPONSES.get(holds.at(heard, word).label) == said,
        r"what would one do about the <nth> sound\?",
        r"what does the <nth> sound call for\?",
        r"how to respond to the sound that is heard <nth>\?",
    ),
)

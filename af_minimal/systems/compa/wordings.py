"""Expressions into sentences, in several wordings.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

from functools import lru_cache

from ...soundworld.captions import adjective
from ...soundworld.score import find_class
from .expressions import THEN, WITH, Expression, Sound

# of CompA's list, without "proceeded by", which is read as "preceded by"; "after" is
# ours: the only one that says the second sound first
CONNECTIVES = {
    THEN: (
        "{0} followed by {1}",
        "{0} and then {1}",
        "{0} before {1}",
        "{1} after {0}",
        "{0} and later {1}",
        "{0} succeeded by {1}",
    ),
    WITH: (
        "{0} with {1}",
        "{0} overlaid by {1}",
        "{0} accompanied by {1}",
        "{0} and {1}",
        "{0} surrounded by {1}",
        "{0} coupled with {1}",
    ),
}
WORDINGS = len(CONNECTIVES[THEN])


@lru_cache(maxsize=65536)
def say(expression: Expression, wording: int = 0) -> str:
    """A sentence for an expression; brackets stay where a part has parts itself.

    The same `wording` says an expression and what is almost true in the same way.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    if isinstance(expression, Sound):
        return say_sound(expression)
    sides = expression.left, expression.right
    said = [
        say(side, wording) if isinstance(side, Sound) else f"({say(side, wording)})"
        for side in sides
    ]
    return CONNECTIVES[expression.operator][wording % WORDINGS].format(*said)


def say_sound(sound: Sound) -> str:
    """A noun with its attributes in front: "a low pitched barking dog"."""
    article, space, rest = find_class(sound.label).noun.partition(" ")
    if article not in ("a", "an"):
        article, space, rest = "", "", f"{article}{space}{rest}"
    said = [adjective(name, value) for name, value in sound.attributes]
    if said and article:
        article = "a"  # no adjective of SoundWorld begins with a vowel
    return f"{article}{space}{' '.join([*said, rest])}"


def wordings(expression: Expression) -> list[str]:
    """Every sentence for an expression, each once.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    return list(dict.fromkeys(say(expression, i) for i in range(WORDINGS)))

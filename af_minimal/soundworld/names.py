"""Words that mean nothing yet: names for sounds that a model must learn from examples.

Training and examination draw from different sets, so a name of the exam has never been
read in training.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import re
from collections.abc import Sequence

import numpy as np

from .catalogue import CLASSES, HELD_OUT

VOWELS = list("aeiou")
CONSONANTS = list("bcdfghjklmnpqrstvwxyz")
LETTERS = CONSONANTS + VOWELS
KNOWN = sorted(CLASSES)
EXAM = re.compile(r"([vzjkfg][aeiou]){3}")
SCRIPTS = {  # first and last letter, most letters in a word; small, as prompts are
    "latin": (0xDF, 0x17F, 9),
    "greek": (0x3AC, 0x3CE, 12),
    "cyrillic": (0x430, 0x45F, 12),
    "armenian": (0x561, 0x586, 7),
    "hebrew": (0x5D0, 0x5EA, 6),
    "arabic": (0x621, 0x64A, 7),
    "devanagari": (0x905, 0x94D, 6),
    "thai": (0xE01, 0xE4C, 6),
    "georgian": (0x10D0, 0x10F0, 7),
    "kana": (0x3041, 0x30FA, 6),
    "han": (0x4E00, 0x9FA5, 4),
    "hangul": (0xAC00, 0xD7A3, 4),
    "pictures": (0x1F300, 0x1F5FF, 2),
}
OFTEN = {"latin": 6, "greek": 4, "cyrillic": 4, "han": 2}  # times as often as others
PLAIN, SIGNS = 0.7, 0.05  # shares of latin letters without an accent, and of signs
SYLLABLES, PIECES = 0.25, 0.3  # shares of names; the others are of any script
STRANGE_PARTS = 0.35  # share of the parts of such a word that no class has
INSIDE, LONGEST_PART = 0.6, 7  # share of the others from within a word; letters
JOINED = {" ": 0.6, "_": 0.2, "-": 0.1, "": 0.1}  # what stands between two words


def nonsense_name(rng: np.random.Generator) -> str:
    """A name for exams, such as "zivofu"; no class, phrase or attribute contains it.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    return "".join(rng.choice(list("vzjkfg")) + rng.choice(VOWELS) for _ in range(3))


def invented_name(rng: np.random.Generator) -> str:
    """A name for training: one to three words, perhaps a number; none is of the exam.

    Words are syllables, pieces of words that the model knows, or letters of any script:
    a reader may call a sound anything, and each byte must have been copied before.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    of = rng.choice(3, p=[SYLLABLES, PIECES, 1 - SYLLABLES - PIECES])
    make = (invented_word, piece_of_a_word, foreign_word)[of]
    words = [make(rng) for _ in range(rng.choice([1, 2, 3], p=[0.7, 0.22, 0.08]))]
    if rng.random() < 0.1:
        words.append(f"{rng.integers(100):0{rng.integers(1, 3)}}")
    name = str(rng.choice(list(JOINED), p=list(JOINED.values()))).join(words)
    return invented_name(rng) if EXAM.fullmatch(name) else name


def invented_names(rng: np.random.Generator, count: int) -> list[str]:
    """So many names, all different.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    names: dict[str, None] = {}  # a set that keeps its order, so that seeds repeat
    while len(names) < count:
        names[invented_name(rng)] = None
    return list(names)


def alike_names(rng: np.random.Generator, count: int) -> list[str]:
    """So many names of few letters between them, such as "kavo", "vaka", "vokako".

    One who copies by "what followed this piece?" alone mixes them up.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    names: dict[str, None] = {}
    few = rng.choice(CONSONANTS, rng.integers(3, 8), replace=False)
    foreign = rng.random() < 0.5
    if foreign:
        few = few_letters(rng, draw_script(rng))[:7]
    while len(names) < count:
        length = range(rng.integers(2, 5))
        if foreign:
            word = "".join(some_of(rng, few, 2 * len(length)))
        else:
            word = "".join(one_of(rng, few) + one_of(rng, VOWELS) for _ in length)
        if not EXAM.fullmatch(word):
            names[word] = None
    return list(names)


def invented_word(rng: np.random.Generator) -> str:
    """A word for training, such as "kavo" or "tendrum"; never a name of the exam.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    while EXAM.fullmatch(word := any_word(rng)):
        pass
    return word


def piece_of_a_word(rng: np.random.Generator) -> str:
    """One to three parts, mostly of words of the classes: "ooster", "wolfsikuli".

    The model has read such pieces in other words, and is tempted to go on with those:
    most of all after the beginning of a word.
    """
    while True:
        parts = []
        for _ in range(rng.integers(1, 4)):
            if rng.random() < STRANGE_PARTS:
                parts.append(any_word(rng)[:LONGEST_PART])
                continue
            word = one_of(rng, KNOWN).replace(" ", "")
            start = rng.integers(len(word) - 1) if rng.random() < INSIDE else 0
            parts.append(word[start : start + rng.integers(2, LONGEST_PART)])
        word = "".join(parts)
        if word not in CLASSES | HELD_OUT and not EXAM.fullmatch(word):
            return word


def foreign_word(rng: np.random.Generator) -> str:
    """Letters of one script that mean nothing; of few of them, or of many."""
    script = draw_script(rng)
    letters = few_letters(rng, script)
    length = int(rng.integers(1, SCRIPTS[script][2] + 1))
    while EXAM.fullmatch(word := "".join(some_of(rng, letters, length))):
        pass
    return word


def draw_script(rng: np.random.Generator) -> str:
    """One of `SCRIPTS`."""
    often = np.array([OFTEN.get(script, 1) for script in SCRIPTS], float)
    return str(rng.choice(list(SCRIPTS), p=often / often.sum()))


def few_letters(rng: np.random.Generator, script: str) -> list[str]:
    """Three to twelve letters of a script; latin ones mostly without accents."""
    first, last, _ = SCRIPTS[script]
    found: dict[str, None] = {}  # of one letter alone there are few words
    count = int(rng.integers(3, 13))
    while len(found) < count:
        letter = chr(rng.integers(first, last + 1)).lower()
        if script == "latin" and rng.random() < PLAIN:
            sign = rng.random() < SIGNS
            letter = one_of(rng, "'&.,!+#()/" if sign else LETTERS)
        if len(letter) == 1 and letter.isprintable():
            found[letter] = None
    return list(found)


def any_word(rng: np.random.Generator) -> str:
    """One to four syllables, each perhaps closed by a consonant.

    Half of the words have few letters, so that pieces come twice, as in "kikuku". One
    who copies by "what followed this piece?" alone goes round in circles there.
    """
    consonants, vowels = CONSONANTS, VOWELS
    if rng.random() < 0.5:
        consonants = rng.choice(consonants, rng.integers(1, 4), replace=False)
        vowels = rng.choice(VOWELS, 2, replace=False)
    syllables = []
    for _ in range(rng.integers(1, 5)):
        start = one_of(rng, consonants) if rng.random() < 0.9 else ""
        close = one_of(rng, consonants) if rng.random() < 0.3 else ""
        syllables.append(start + one_of(rng, vowels) + close)
    return "".join(syllables)


def one_of(rng: np.random.Generator, things: Sequence[str]) -> str:
    """Any of them; `rng.choice` takes six times as long."""
    return things[rng.integers(len(things))]


def some_of(rng: np.random.Generator, things: Sequence[str], count: int) -> list[str]:
    """So many of them, any of them as often as it comes."""
    return [things[i] for i in rng.integers(len(things), size=count)]

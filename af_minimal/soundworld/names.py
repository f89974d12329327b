"""Words that mean nothing yet: names for sounds that a model must learn from examples.

Training and examination draw from different sets, so a name of the exam has never been
read in training.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import re

import numpy as np

VOWELS = list("aeiou")
EXAM = re.compile(r"([vzjkfg][aeiou]){3}")


def nonsense_name(rng: np.random.Generator) -> str:
    """A name for exams, such as "zivofu"; no class, phrase or attribute contains it.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    return "".join(rng.choice(list("vzjkfg")) + rng.choice(VOWELS) for _ in range(3))


def invented_name(rng: np.random.Generator) -> str:
    """A name for training: one or two words, perhaps a number; none is of the exam.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    name = " ".join(invented_word(rng) for _ in range(1 + (rng.random() < 0.2)))
    return name + (f" {rng.integers(100)}" if rng.random() < 0.1 else "")


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
    consonants = list("bcdfghjklmnpqrstvwxyz")
    few = rng.choice(consonants, rng.integers(3, 8), replace=False)
    names: dict[str, None] = {}
    while len(names) < count:
        syllables = rng.integers(2, 5)
        word = "".join(rng.choice(few) + rng.choice(VOWELS) for _ in range(syllables))
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


def any_word(rng: np.random.Generator) -> str:
    """One to four syllables, each perhaps closed by a consonant.

    Half of the words have few letters, so that pieces come twice, as in "kikuku". One
    who copies by "what followed this piece?" alone goes round in circles there.
    """
    consonants, vowels = list("bcdfghjklmnpqrstvwxyz"), VOWELS
    if rng.random() < 0.5:
        consonants = rng.choice(consonants, rng.integers(1, 4), replace=False)
        vowels = rng.choice(VOWELS, 2, replace=False)
    syllables = []
    for _ in range(rng.integers(1, 5)):
        start = rng.choice(consonants) if rng.random() < 0.9 else ""
        close = rng.choice(consonants) if rng.random() < 0.3 else ""
        syllables.append(start + rng.choice(vowels) + close)
    return "".join(syllables)

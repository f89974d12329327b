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
    """A name for training: one or two words, perhaps a number; never one of the exam's.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    while True:
        name = " ".join(invented_word(rng) for _ in range(1 + (rng.random() < 0.2)))
        if rng.random() < 0.1:
            name += f" {rng.integers(100)}"
        if not EXAM.fullmatch(name):
            return name


def invented_word(rng: np.random.Generator) -> str:
    """One to four syllables, each perhaps closed by a consonant: "kavo", "tendrum"."""
    consonants = list("bcdfghjklmnpqrstvwxyz")
    syllables = []
    for _ in range(rng.integers(1, 5)):
        start = rng.choice(consonants) if rng.random() < 0.9 else ""
        close = rng.choice(consonants) if rng.random() < 0.3 else ""
        syllables.append(start + rng.choice(VOWELS) + close)
    return "".join(syllables)

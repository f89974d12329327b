"""How far one gets without hearing: what a question betrays about its answer.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ...evaluation import measure
from .asking import LETTERS, Question
from .generator import Item
from .solver import solve
from .timeline import Disagreement

FEATURES = 2**18  # of the reader's hashed pairs of words


def blind_accuracies(items: Sequence[Item]) -> list[dict]:
    """Measures of four ways to answer without the sound, each beside its chance.

    The letter that is right most often; the longest option; a reader of text alone,
    trained on one half and asked about the other; and the solver, which hears the scene
    of another item of the same kind, and guesses where that leaves it open.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    questions, half = [item.question for item in items], len(items) // 2
    taught, asked = questions[:half], questions[half:]
    chance = mean_chance(questions)
    return [
        measure("most frequent letter", commonest_letter(questions), chance),
        measure("longest option", longest_option(questions), chance),
        measure("reader of text", read(taught, asked), mean_chance(asked)),
        measure("another sound", other_sound(items), chance),
    ]


def mean_chance(questions: Sequence[Question]) -> float:
    """What guessing scores: the mean over questions of one over their options."""
    return float(np.mean([1 / len(q.options) for q in questions]))


def commonest_letter(questions: Sequence[Question]) -> list[bool]:
    """Right or wrong by always saying the letter that is right most often."""
    ((place, _),) = Counter(q.answer for q in questions).most_common(1)
    return [q.answer == place for q in questions]


def longest_option(questions: Sequence[Question]) -> list[float]:
    """The share of the longest options of each question that are right."""
    found = []
    for q in questions:
        most = max(map(len, q.options))
        longest = [i for i, said in enumerate(q.options) if len(said) == most]
        found.append((q.answer in longest) / len(longest))
    return found


def read(taught: Sequence[Question], asked: Sequence[Question]) -> list[bool]:
    """Right or wrong by a logistic regression on pairs of (word asked, option)."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import LogisticRegression

    hashed = HashingVectorizer(analyzer=pairs_of_words, n_features=FEATURES)
    rows = hashed.transform([(q, i) for q in taught for i in range(len(q.options))])
    right = [i == q.answer for q in taught for i in range(len(q.options))]
    reader = LogisticRegression(max_iter=300).fit(rows, right)
    likely = reader.decision_function(
        hashed.transform([(q, i) for q in asked for i in range(len(q.options))])
    )
    ends = np.cumsum([len(q.options) for q in asked])[:-1]
    best = [int(part.argmax()) for part in np.split(likely, ends)]
    return [i == q.answer for i, q in zip(best, asked, strict=True)]


def pairs_of_words(option: tuple[Question, int]) -> list[str]:
    """Every word and word pair of a question beside one option and its letter."""
    question, place = option
    said, words = question.options[place], question.text.split()
    asked = [question.kind, *words, *map("_".join, zip(words, words[1:], strict=False))]
    letter = LETTERS[place]
    return [said, *(f"{word}|{said}" for word in asked), f"{question.kind}|{letter}"]


def other_sound(items: Sequence[Item]) -> list[float]:
    """What the solver scores on average when it hears another scene.

    It is drawn, not the next one: where answers are balanced, neighbours differ.
    """
    rng = np.random.default_rng(len(items))
    by_kind: dict[str, list[Item]] = {}
    for item in items:
        by_kind.setdefault(item.question.kind, []).append(item)
    found = []
    for row in by_kind.values():
        for place, item in enumerate(row):
            if len(row) == 1:  # there is no other scene with such a question
                found.append(1 / len(item.question.options))
                continue
            other = row[(place + rng.integers(1, len(row))) % len(row)]
            try:
                said = solve(other.score, item.question.prompt)
            except Disagreement:
                said = frozenset()
            letters = LETTERS[: len(item.question.options)]
            said = said or frozenset(letters)
            found.append((letters[item.question.answer] in said) / len(said))
    return found

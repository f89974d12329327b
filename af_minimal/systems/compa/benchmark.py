"""CompA's two questions: which order, and whose attribute; and the exact rule.

An instance is two sounds and two sentences made of the same words, or three of each. A
model is right when every sentence is nearest to its own sound and the reverse.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...evaluation import measure
from ...soundworld.render import render
from ...soundworld.score import find_class
from .composing import compose
from .expressions import THEN, WITH, Expression, Pair, Sound
from .wordings import WORDINGS, say

ATTRIBUTES = {"pitch": ("low", "high"), "loudness": ("soft", "loud")}
SCORES = ("text", "audio", "group")


@dataclass(frozen=True)
class Instance:
    """Two or three clips and as many sentences; number i of one belongs to i."""

    texts: tuple[str, ...]
    waves: tuple[np.ndarray, ...]  # each (samples,), at 16 kHz
    expressions: tuple[Expression, ...] = ()  # where they are known


def compa_scores(similar: Tensor | np.ndarray) -> tuple[bool, bool, bool]:
    """Text, audio and group score of one instance.

        text:  s(c_i, a_i) > s(c_j, a_i) for all i and j other than i
        audio: s(c_i, a_i) > s(c_i, a_j)
        group: both

    Ties lose. Three pairs are right only when all six comparisons of a score are.

    Args:
        similar: (n, n), row c is a sentence, column a a sound.

    Official: CompA `evaluation/scores.py`, which leaves the third pair out
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    similar = torch.as_tensor(similar)
    own = similar.diagonal()
    other = ~torch.eye(len(similar), dtype=torch.bool)
    text = bool((own[None, :] > similar)[other].all())  # every sound: over its column
    audio = bool((own[:, None] > similar)[other].all())  # every sentence: over its row
    return text, audio, text and audio


def chance(sizes: Sequence[int], draws: int = 20_000, seed: int = 0) -> dict:
    """What guessing scores on instances of these sizes, simulated for their mix.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    rng, total = np.random.default_rng(seed), np.zeros(3)
    for size in sorted(set(sizes)):
        similar = rng.random((draws, size, size))  # (draws, c, a)
        own = similar.diagonal(axis1=1, axis2=2)  # (draws, n)
        text = (own == similar.max(1)).all(1)
        audio = (own == similar.max(2)).all(1)
        found = np.stack([text, audio, text & audio]).mean(1)  # (3,)
        total += found * list(sizes).count(size) / len(sizes)
    return dict(zip(SCORES, total.tolist(), strict=True))


def order_expressions(first: str, second: str, triplet: bool) -> list[Expression]:
    """a then b, b then a, and for a triplet both at once.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    a, b = Sound(first), Sound(second)
    pair = [Pair(THEN, a, b), Pair(THEN, b, a)]
    return [*pair, Pair(WITH, a, b)] if triplet else pair


def attribute_expressions(
    rng: np.random.Generator, first: str, second: str
) -> list[Expression]:
    """A low dog and a high bell, a high dog and a low bell; in a row or at once.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    name = str(rng.choice(shared_attributes(first, second)))
    operator, values = str(rng.choice([THEN, WITH])), rng.permutation(ATTRIBUTES[name])
    return [
        Pair(operator, Sound(first, ((name, one),)), Sound(second, ((name, other),)))
        for one, other in (values.tolist(), values[::-1].tolist())
    ]


def shared_attributes(first: str, second: str) -> list[str]:
    """Which attributes of the benchmark both sounds have: loudness, perhaps pitch."""
    both = (find_class(label).attributes for label in (first, second))
    return [name for name in ATTRIBUTES if all(name in a for a in both)]


def make_instance(
    rng: np.random.Generator, expressions: Sequence[Expression]
) -> Instance:
    """Each expression rendered, and all of them said in one wording.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    wording = int(rng.integers(WORDINGS))
    return Instance(
        tuple(say(expression, wording) for expression in expressions),
        tuple(render(compose(rng, expression)) for expression in expressions),
        tuple(expressions),
    )


def compa_order(
    pairs: Sequence[tuple[str, str]], count: int, triplets: int, seed: int
) -> list[Instance]:
    """So many instances of order, of which the last `triplets` have a third pair.

    Official: CompA-order has 400, 100 of them triplets, of real recordings
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    rng = np.random.default_rng([seed, 21])
    asked = [pairs[i % len(pairs)] for i in range(count)]
    return [
        make_instance(rng, order_expressions(*pair, triplet=i >= count - triplets))
        for i, pair in enumerate(asked)
    ]


def compa_attribute(
    pairs: Sequence[tuple[str, str]], count: int, seed: int
) -> list[Instance]:
    """So many instances of attributes.

    Official: CompA-attribute has 200
    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    rng = np.random.default_rng([seed, 22])
    asked = [pairs[i % len(pairs)] for i in range(count)]
    return [make_instance(rng, attribute_expressions(rng, *pair)) for pair in asked]


def examine(
    instances: Sequence[Instance],
    embed_audio: Callable[[list[np.ndarray]], Tensor],
    embed_text: Callable[[list[str]], Tensor],
    name: str = "CompA",
) -> dict:
    """A section of a report: the three scores with chance, and a row an instance.

    Args:
        embed_audio: waveforms at 16 kHz -> (N, C), unit norm.
        embed_text: sentences -> (N, C), unit norm.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """
    audio = embed_audio([wave for one in instances for wave in one.waves])
    text = embed_text([said for one in instances for said in one.texts])
    sizes, rows = [len(one.texts) for one in instances], []
    sides = zip(instances, audio.split(sizes), text.split(sizes), strict=True)
    for one, heard, said in sides:
        found = compa_scores(said @ heard.T)
        rows.append({"texts": one.texts, **dict(zip(SCORES, found, strict=True))})
    guessed = chance(sizes)
    measures = [
        measure(f"{score} score", [row[score] for row in rows], guessed[score])
        for score in SCORES
    ]
    return {"name": name, "measures": measures, "rows": rows}

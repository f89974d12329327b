"""When, and not only what: windows against one vector for the whole sound.

The same scenes, questions and steps, once with a vector for each window and once with
their mean. Both know what was heard; the mean of a sequence does not know its order.

Taught in: notebooks/03_audio_transformer.ipynb, notebooks/20_findings.ipynb
"""

from dataclasses import replace

import numpy as np
import torch

from ..evaluation import GREEDY, exact_match, majority
from ..generation import complete
from ..prompts import inference_text
from ..soundworld.episodes import Episode
from .rows import Numbers, mean
from .toy import NAMES, WIDTH, Toy, as_features, teach, toy_model, toy_tokenizer, unit

CLASSES = 24
TRAINED, EXAMINED = 4000, 200  # scenes
TOY = Toy(steps=1500, windows=8, most=1, batch=32)
SETTING = TOY, CLASSES, TRAINED, EXAMINED, WIDTH
QUESTIONS = {  # of which the mean knows as much as the windows, or not
    "first": ("order", "what is first?"),
    "second": ("order", "what is second?"),
    "both": ("presence", "what is there?"),
}


class OrderWorld:
    """Scenes of two sounds, one after the other, for `EpisodeBatches`.

    Taught in: notebooks/03_audio_transformer.ipynb
    """

    def __init__(self, seed: int, part: int, scenes: int, toy: Toy = TOY):
        rng = np.random.default_rng([seed, 0])  # both parts have the same classes
        names = rng.permutation(NAMES)[:CLASSES].tolist()
        classes = rng.standard_normal((CLASSES, WIDTH))
        rng = np.random.default_rng([seed, 1, part])
        pairs = np.array([rng.permutation(CLASSES)[:2] for _ in range(scenes)])
        turn = rng.integers(3, toy.windows - 2, size=(scenes, 1))  # the second starts
        late = (np.arange(toy.windows) >= turn).astype(int)  # (scenes, W)
        heard = classes[np.take_along_axis(pairs, late, 1)]  # (scenes, W, E)
        heard = heard + toy.noise * rng.standard_normal(heard.shape)
        self.features = as_features(heard, rng)
        self.mask = torch.ones(self.features.shape[:2], dtype=torch.bool)
        self.answers = [answers(*(names[i] for i in pair)) for pair in pairs]

    def __call__(self, rng: np.random.Generator, audios: int) -> Episode:
        """One scene with one of its questions."""
        place = int(rng.integers(len(self.answers)))
        asked = list(QUESTIONS)[rng.integers(len(QUESTIONS))]
        prompt, answer = QUESTIONS[asked][1], self.answers[place][asked]
        return Episode([place], None, [prompt], [answer], [True])


def answers(first: str, second: str) -> dict[str, str]:
    """Question -> answer; of both in the order of the alphabet, not of the scene."""
    both = ", ".join(sorted((first, second)))
    return {"first": first, "second": second, "both": both}


def averaged(world: OrderWorld) -> None:
    """Replace the windows of every scene by one: their mean, of unit norm."""
    whole = unit(world.features.mean(dim=1, keepdim=True).numpy())  # (N, 1, E)
    world.features = torch.tensor(whole, dtype=torch.float32)
    world.mask = world.mask[:, :1]


def windows_or_one_vector(
    seed: int, toy: Toy = TOY, scenes: tuple[int, int] = (TRAINED, EXAMINED)
) -> Numbers:
    """T-F8: order and presence, learnt from windows and from their mean.

    Taught in: notebooks/03_audio_transformer.ipynb
    """
    numbers = {}
    words = tuple(prompt for _, prompt in QUESTIONS.values())
    for name in ("windows", "one vector"):
        train, exam = (OrderWorld(seed, i, n, toy) for i, n in enumerate(scenes))
        small = toy
        if name == "one vector":
            averaged(train)
            averaged(exam)
            small = replace(toy, windows=1)
        model = toy_model(seed, small, toy_tokenizer(words))
        teach(model, train, small, seed)
        for kind in ("order", "presence"):
            numbers[f"{kind}, {name}"] = score(model, exam, kind)
    for kind in ("order", "presence"):
        gain = numbers[f"{kind}, windows"] - numbers[f"{kind}, one vector"]
        numbers[f"{kind}, windows minus one vector"] = gain
        truths = [truth for _, truth in asked_of(exam, kind)]
        numbers[f"{kind}, chance"] = majority(truths)
    return numbers


def asked_of(exam: OrderWorld, kind: str) -> list[tuple[str, str]]:
    """(prompt, true answer) of a kind, scene after scene for each question."""
    return [
        (prompt, row[asked])
        for asked, (its_kind, prompt) in QUESTIONS.items()
        if its_kind == kind
        for row in exam.answers
    ]


def score(model, exam: OrderWorld, kind: str) -> float:
    """Share of right answers to one kind of question, asked about every scene."""
    asked = asked_of(exam, kind)
    texts = [inference_text(prompt) for prompt, _ in asked]
    times = len(asked) // len(exam.answers)
    heard = exam.features.repeat(times, 1, 1), exam.mask.repeat(times, 1)
    said = complete(model, texts, *heard, **GREEDY)
    return mean(exact_match(said, [truth for _, truth in asked]))

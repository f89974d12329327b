"""Batches for the language model's stages: questions and conversations about scenes.

Taught in: notebooks/08_staged_training.ipynb
"""

from collections.abc import Callable
from copy import copy

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from ..data import Sample, collate
from ..prompts import build_labels, dialogue_text, training_text
from ..tokenizer import special_ids
from .corpus import Scene, ask_scene
from .dialogues import dialogue

# how often each kind of question is drawn, where the scene has it; of a yes/no question
# one token alone is worth learning, so these are many. What a sound is like is asked in
# four ways: to find an attribute comes before comparing it with the one in the question
WEIGHTS = {"caption": 24, "count": 5, "open": 3, "dialogue": 12}
WEIGHTS |= {"open like": 10, "open attribute": 8, "open why": 8}
WEIGHTS |= {"binary attribute": 20, "binary presence": 10, "binary order": 16}
OTHER_WEIGHT = 1
TOKENS = 40  # in a batch for each row it may have, padding included
ROUNDS = 6  # of questions about a scene, each with other sounds and wordings


class FlamingoBatches:
    """Step number -> batch of scenes, each with a question or a conversation.

    Without features there is no audio in the batch and every token is learnt: the
    language model's own training.

    Taught in: notebooks/08_staged_training.ipynb
    """

    LIKE = 4  # batches drawn for one that is kept, of rows of like length

    def __init__(
        self,
        scenes: list[Scene],
        tokenizer,
        features: Tensor | None = None,  # (N, L, E) of all scenes
        mask: Tensor | None = None,  # (N, L)
        size: int = 64,
        seed: int = 0,
        workers: int = 0,  # processes that ask
    ):
        self.size, self.seed, self.ids = size, seed, special_ids(tokenizer)
        self.text_only = features is None
        if self.text_only:
            features, mask = torch.zeros(len(scenes), 0, 1), torch.zeros(len(scenes), 0)
        self.features, self.mask = features, mask
        asking = DataLoader(
            AskedScenes(scenes, tokenizer),
            batch_size=None,
            num_workers=workers,
            collate_fn=dict,  # as it is: token ids stay lists
        )
        quiet = len(scenes) < 1000
        self.asked = list(tqdm(asking, desc="ask about scenes", disable=quiet))

    def hearing(self, features: Tensor, mask: Tensor) -> "FlamingoBatches":
        """The same questions with the sound of their scenes, (N, L, E) and (N, L)."""
        other = copy(self)
        other.features, other.mask, other.text_only = features, mask, False
        return other

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        chosen = rng.integers(len(self.asked), size=self.LIKE * self.size)
        drawn = [(i, draw_question(self.asked[i], rng)) for i in chosen]
        samples = [
            Sample(ids, ids, self.features[i].float(), self.mask[i])
            for i, ids in alike(drawn, self.size, TOKENS * self.size, rng)
        ]
        batch = collate(samples, self.ids["pad"])
        if self.text_only:
            del batch["audio_features"], batch["audio_mask"]
        else:
            batch["labels"] = build_labels(batch["input_ids"], **self.ids)  # (B, T)
        return [batch]


class AskedScenes(Dataset):
    """The questions of each scene, so that `DataLoader` can share out the work."""

    def __init__(self, scenes: list[Scene], tokenizer):
        self.scenes, self.tokenizer = scenes, tokenizer

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, i: int) -> dict[str, list]:
        return tokenised_questions(self.scenes[i], i, self.tokenizer)


def alike(
    drawn: list[tuple], size: int, tokens: int, rng: np.random.Generator
) -> list[tuple]:
    """Rows of like length, which pad little: at most `size`, and so many tokens.

    Each row is a pair whose second part are its token ids. So a batch of long rows
    costs what a batch of short ones costs.
    """
    drawn = sorted(drawn, key=lambda pair: len(pair[1]))
    start = size * int(rng.integers(max(1, len(drawn) // size)))
    rows = drawn[start : start + size]
    fit = max(1, tokens // len(rows[-1][1]))
    start = int(rng.integers(max(1, len(rows) - fit + 1)))
    return rows[start : start + fit]


def tokenised_questions(scene: Scene, seed: int, tokenizer) -> dict[str, list]:
    """Token ids of some rounds of questions about a scene, by kind.

    Every other round names its task first: a user may do either.
    """
    rng = np.random.default_rng(seed)
    rounds = [(qa, r % 2 == 0) for r in range(ROUNDS) for qa in ask_scene(scene, rng)]
    asked = [qa for qa, _ in rounds]
    texts = [training_text(qa.task, qa.prompt, qa.output, on) for qa, on in rounds]
    rows = tokenizer(texts, add_special_tokens=False).input_ids
    by_kind: dict[str, list] = {}
    for qa, ids in zip(asked, rows, strict=True):
        by_kind.setdefault(f"{qa.kind} {qa.topic}".strip(), []).append(ids)
    talks = [talk(scene, rng) for _ in range(ROUNDS)]
    by_kind["dialogue"] = tokenizer(talks, add_special_tokens=False).input_ids
    return by_kind


def talk(scene: Scene, rng: np.random.Generator) -> str:
    """The training text of a conversation of one to four rounds; four most often."""
    rounds = int(rng.choice([1, 2, 3, 4], p=[0.1, 0.2, 0.3, 0.4]))
    turns = dialogue(scene.score, rng, rounds, count_times=not scene.recorded)
    return dialogue_text([(turn.prompt, turn.output) for turn in turns])


def draw_question(asked: dict[str, list], rng: np.random.Generator) -> list[int]:
    """One of a scene's questions: first the kind, by `WEIGHTS`, then the question."""
    weights = np.array([WEIGHTS.get(kind, OTHER_WEIGHT) for kind in asked], float)
    kind = list(asked)[rng.choice(len(asked), p=weights / weights.sum())]
    return asked[kind][rng.integers(len(asked[kind]))]


def mixed(
    first: Callable, second: Callable, share: float, seed: int = 0
) -> Callable[[int], list[dict]]:
    """Batches of the second kind in a share of the steps, else of the first kind."""

    def batches(step: int) -> list[dict]:
        rng = np.random.default_rng([seed, step, 2])
        return (second if rng.random() < share else first)(step)

    return batches


def scattered(
    batches: Callable[[int], list[dict]], longest: int, seed: int = 0
) -> Callable[[int], list[dict]]:
    """The same batches, half of their rows at places drawn anew, not at the start.

    A learnt position knows nothing of its neighbours. Were short rows always first,
    the places behind them would meet long rows alone and learn to copy last.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def moved(step: int) -> list[dict]:
        rng = np.random.default_rng([seed, step, 3])
        out = []
        for batch in batches(step):
            rows, length = batch["input_ids"].shape
            room = max(0, longest - length)
            starts = rng.integers(room + 1, size=(rows, 1))
            starts[rng.random(rows) < 0.5] = 0
            places = torch.arange(length) + torch.from_numpy(starts)  # (B, T)
            out.append({**batch, "position_ids": places})
        return out

    return moved

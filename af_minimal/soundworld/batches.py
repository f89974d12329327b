"""Batches for the language model's stages: questions and conversations about scenes.

Taught in: notebooks/08_staged_training.ipynb
"""

from collections import Counter
from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from ..prompts import IGNORE, build_labels, dialogue_text, training_text
from ..tokenizer import special_ids
from .corpus import Scene, ask_scene
from .dialogues import dialogue, other
from .places import with_sounds
from .rows import Rows, alike

# how often each kind of question is drawn, where the scene has it; of a yes/no question
# one token alone is worth learning, so these are many. What a sound is like is asked in
# four ways: to find an attribute comes before comparing it with the one in the question
WEIGHTS = {"caption": 30, "count": 6, "open": 4, "dialogue": 40}
WEIGHTS |= {"open like": 10, "open attribute": 12, "open why": 8}
WEIGHTS |= {"binary attribute": 56, "binary presence": 22, "binary order": 18}
OTHER_WEIGHT = 1
OFTENER = (other, other)  # "is there a siren too?" is learnt last in conversations
TOKENS = 40  # in a batch for each row it may have, padding included
ROUNDS = 6  # of questions about a scene, each with other sounds and wordings


class FlamingoBatches:
    """Step number -> batch of scenes, each with a question or a conversation.

    Without features there is no audio in the batch and every token is learnt: the
    language model's own training.

    Raises ValueError when no scene has a question of these kinds.

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
        kinds: Collection[str] | None = None,  # of question, as in WEIGHTS; None: all
    ):
        self.size, self.seed, self.ids = size, seed, special_ids(tokenizer)
        self.features, self.mask = features, mask
        asked = AskedScenes(scenes, tokenizer, kinds)
        asking = DataLoader(asked, batch_size=None, num_workers=workers)
        bar = tqdm(asking, desc="ask about scenes", disable=len(scenes) < 1000)
        self.rows = Rows.joined(list(bar))
        if not len(self.rows.lengths):
            raise ValueError(
                f"None of the {len(scenes)} scenes has a question of the kinds "
                f"{kinds}. Choose others, such as {', '.join(WEIGHTS)}; or give more "
                "scenes."
            )

    def __call__(self, step: int) -> list[dict]:
        if self.features is None:
            return self.texts(step)
        return [with_sounds(b, self.features, self.mask) for b in self.places(step)]

    def texts(self, step: int) -> list[dict]:
        """The batch without its sounds; every token is learnt."""
        return [self.batch(self.drawn(step))]

    def places(self, step: int) -> list[dict]:
        """The batch with the numbers of its scenes, `places` (B, 1)."""
        rows = self.drawn(step)
        batch = self.batch(rows)
        batch["labels"] = build_labels(batch["input_ids"], **self.ids)  # (B, T)
        batch["places"] = torch.from_numpy(self.rows.scenes[rows]).unsqueeze(1)
        return [batch]

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Rows (B,) as a batch of texts."""
        ids, real = self.rows.padded(rows, self.ids["pad"])  # (B, T)
        labels = ids.masked_fill(~real, IGNORE)
        return {"input_ids": ids, "attention_mask": real, "labels": labels}

    def drawn(self, step: int) -> np.ndarray:
        """Numbers of the rows of a step."""
        rng = np.random.default_rng([self.seed, step])
        rows = self.rows.draw(rng, self.LIKE * self.size)
        lengths = self.rows.lengths[rows]
        return rows[alike(lengths, self.size, TOKENS * self.size, rng)]


class AskedScenes(Dataset):
    """The questions of each scene, so that `DataLoader` can share out the work."""

    def __init__(self, scenes: list[Scene], tokenizer, kinds=None):
        self.scenes, self.tokenizer, self.kinds = scenes, tokenizer, kinds

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, i: int) -> Rows:
        return tokenised_questions(self.scenes[i], i, self.tokenizer, self.kinds)


def tokenised_questions(
    scene: Scene, number: int, tokenizer, kinds: Collection[str] | None = None
) -> Rows:
    """Some rounds of questions about a scene; its kinds are drawn as `WEIGHTS` says.

    Every other round names its task first: a user may do either.
    """
    rng = np.random.default_rng([number, 9])  # not the draws that made the scene
    rounds = [(qa, r % 2 == 0) for r in range(ROUNDS) for qa in ask_scene(scene, rng)]
    texts = [
        (f"{a.kind} {a.topic}".strip(), training_text(a.task, a.prompt, a.output, on))
        for a, on in rounds
    ]
    texts += [("dialogue", talk(scene, rng)) for _ in range(ROUNDS)]
    texts = [(kind, text) for kind, text in texts if kinds is None or kind in kinds]
    said = [text for _, text in texts]
    ids = tokenizer(said, add_special_tokens=False).input_ids if said else []
    count = Counter(kind for kind, _ in texts)
    weight = {kind: WEIGHTS.get(kind, OTHER_WEIGHT) for kind in count}
    total = sum(weight.values())  # all scenes are drawn equally often
    weights = [weight[kind] / count[kind] / total for kind, _ in texts]
    return Rows.of(ids, number, weights)


def talk(scene: Scene, rng: np.random.Generator) -> str:
    """The training text of a conversation of one to four rounds; four most often."""
    rounds = int(rng.choice([1, 2, 3, 4], p=[0.1, 0.2, 0.3, 0.4]))
    known = not scene.recorded
    turns = dialogue(scene.score, rng, rounds, known, oftener=OFTENER)
    return dialogue_text([(turn.prompt, turn.output) for turn in turns])


def mixed(
    first: Callable, second: Callable, share: float, seed: int = 0
) -> Callable[[int], list[dict]]:
    """Batches of the second kind in a share of the steps, else of the first kind."""

    def batches(step: int) -> list[dict]:
        rng = np.random.default_rng([seed, step, 2])
        return (second if rng.random() < share else first)(step)

    return batches


def gathered(batches: Callable[[int], list[dict]], count: int) -> Callable:
    """The batches of so many steps as the micro-batches of one."""
    return lambda step: [
        batch for i in range(count) for batch in batches(count * step + i)
    ]


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

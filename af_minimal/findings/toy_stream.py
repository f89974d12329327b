"""A toy world of streams: rows of vectors in which sounds begin, stop and come again.

A class is a direction, a sound a run of vectors near it, and between sounds there is a
background. The encoder is left out; the model, its language model Qwen2, the rows,
batches and training loop are those of `mini2`, at a small size.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb, notebooks/20_findings.ipynb
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..config import AudioConfig, FlamingoConfig
from ..evaluation import GREEDY, exact_match
from ..generation import complete
from ..model import AudioFlamingo
from ..prompts import inference_text
from ..soundworld.asking import QA
from ..stages import StageConfig
from ..systems.curriculum.asked import Asked
from ..systems.curriculum.batches import CurriculumBatches, pack
from ..systems.curriculum.building import new_tokenizer
from ..tokenizer import special_ids
from ..training import train
from .rows import mean
from .toy import WIDTH, unit

NAMES = [c + v for c in "bdkm" for v in "ao"]  # a token each
NOISE = 0.3  # of each vector, where a class has length 1 in each direction
VOCABULARY = 420
LONGEST = 12  # tokens of an answer
PARTS = ("early", "in the middle", "late")

Ask = Callable[[list[tuple[int, int, int]], int], list[QA]]
# a scene is (class, start, length[, is high]) of each run, in time order; and how long


@dataclass(frozen=True)
class Toy:
    """Sizes of a model and of a training.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    steps: int = 500
    scenes: int = 3000
    examined: int = 300
    width: int = 64  # of the language model
    layers: int = 2
    every: int = 1  # a gated block before every so manieth of them
    positions: str = "rotary"
    lr: float = 2e-3
    gate_lr: float = 3.0  # times lr
    tokens: int = 1600  # in a batch at most, padding and audio included

    def stage(self, name: str, seed: int, steps: int | None = None) -> StageConfig:
        """The recipe of a stage."""
        steps = self.steps if steps is None else steps
        return StageConfig(
            name, steps, self.lr, min(50, steps // 4), gate_lr=self.gate_lr, seed=seed
        )


@dataclass(frozen=True)
class Stream:
    """Scenes with their questions, and what is heard of each.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    asked: list[Asked]
    heard: list[Tensor]  # float32 (L, E), unit norm; [] for an exam in silence

    def pooled(self) -> "Stream":
        """The same with one vector for each scene: the mean, of unit norm."""
        means = [unit(h.mean(0, keepdim=True).numpy()) for h in self.heard]
        return Stream(self.asked, [torch.tensor(m) for m in means])


def qa(kind: str, prompt: str, output: str) -> QA:
    """A question of the toy world."""
    return QA("Toy", prompt, output, kind)


def draw_stream(
    seed: int, part: int, count: int, draw: Callable, ask: Ask, length: int
) -> Stream:
    """So many scenes; a seed has the same classes in each of its parts.

    Args:
        draw: (rng, length) -> runs, each (class, start, length) or with "is high".
        ask: (runs, length) -> questions.
        length: vectors of a scene, L.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rng = np.random.default_rng([seed, 51])
    classes = rng.standard_normal((len(NAMES) + 1, WIDTH))  # the last: background
    # features of an encoder have a mean that is not zero, and so do these
    classes += rng.standard_normal(WIDTH)
    pitch = rng.standard_normal(WIDTH)  # what a high run has beside its class
    rng = np.random.default_rng([seed, 52, part])
    asked, heard = [], []
    for _ in range(count):
        runs = draw(rng, length)
        who, high = np.full(length, len(NAMES)), np.zeros((length, 1))  # (L,) (L, 1)
        for kind, start, lasts, *raised in runs:
            who[start : start + lasts] = kind
            high[start : start + lasts] = any(raised)
        noise = NOISE * rng.standard_normal((length, WIDTH))
        vectors = classes[who] + high * pitch + noise
        heard.append(torch.tensor(unit(vectors), dtype=torch.float32))
        questions = tuple(ask(runs, length))
        asked.append(Asked(None, questions, (1.0,) * len(questions)))
    return Stream(asked, heard)


def spread(rng: np.random.Generator, lengths: Sequence[int], length: int) -> list[int]:
    """Starts of runs in a row, with a background of one vector or more between them."""
    free = length - sum(lengths) - (len(lengths) - 1)
    cuts = np.sort(rng.integers(free + 1, size=len(lengths)))
    return [int(c + sum(lengths[:i]) + i) for i, c in enumerate(cuts)]


def some_classes(rng: np.random.Generator, count: int) -> list[int]:
    """So many different classes."""
    return rng.permutation(len(NAMES))[:count].tolist()


def toy_model(seed: int, toy: Toy, tokenizer, length: int) -> AudioFlamingo:
    """An untrained small Audio Flamingo 2 that hears up to `length` vectors.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    ids = special_ids(tokenizer)
    config = FlamingoConfig(
        name="toy2",
        family="af2",
        audio=AudioConfig(overlap_s=0.0, max_windows=length),
        audio_width=WIDTH,
        audio_layers=2,
        audio_heads=1,
        audio_ff=2 * WIDTH,
        positions=toy.positions,
        location_mask=False,
        xattn_every=toy.every,
        xattn_heads=4,
        xattn_head_width=16,
        xattn_ff_mult=2,
        lm={
            "model_type": "qwen2",
            "vocab_size": len(tokenizer),
            "hidden_size": toy.width,
            "num_hidden_layers": toy.layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "intermediate_size": 2 * toy.width,
            "max_position_embeddings": 256,
            "tie_word_embeddings": True,
        },
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    torch.manual_seed(seed)
    model = AudioFlamingo(config)
    model.tokenizer = tokenizer
    model.lm.set_attn_implementation("eager")  # its backward is faster on a CPU
    return model


def toy_tokenizer(streams: Mapping[str, Stream]):
    """A tokenizer in which names and the words of the questions are tokens."""
    scenes = {name: stream.asked for name, stream in streams.items()}
    return new_tokenizer(scenes, VOCABULARY)


def batches_of(
    streams: Mapping[str, Stream], tokenizer, toy: Toy, seed: int, hear: bool = True
) -> CurriculumBatches:
    """Packed batches of some streams, as `mini2` has them.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rows = {
        name: pack(s.asked, tokenizer, [len(h) for h in s.heard], seed, rows=1)
        for name, s in streams.items()
    }

    def sound(name: str, scene: int) -> tuple[Tensor, Tensor]:
        heard = streams[name].heard[scene]
        return heard, torch.ones(len(heard), dtype=torch.bool)

    blend = dict.fromkeys(rows, 1.0)
    ears = sound if hear else None
    return CurriculumBatches(
        rows, blend, tokenizer, ears, seed, most=24, tokens=toy.tokens
    )


def teach(
    model: AudioFlamingo,
    streams: Mapping[str, Stream],
    toy: Toy,
    seed: int,
    stage: str = "sft",
    steps: int | None = None,
) -> list[dict]:
    """Train one stage on a blend of streams; stage "lm" reads the text alone.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    batches = batches_of(streams, model.tokenizer, toy, seed, stage != "lm")
    log = train(model, batches, toy.stage(stage, seed, steps), progress=False)
    model.to("cpu")  # where the exam's features are
    return log


def answers(model: AudioFlamingo, stream: Stream, *kinds: str) -> list[tuple[str, str]]:
    """(said, true) of a first question in each scene; ValueError when there is none."""
    asked = [
        (place, next(q for q in scene.questions if q.kind in kinds))
        for place, scene in enumerate(stream.asked)
        if any(q.kind in kinds for q in scene.questions)
    ]
    if not asked:
        raise ValueError(f"no scene of {len(stream.asked)} is asked about {kinds}.")
    texts = [inference_text(question.prompt) for _, question in asked]
    heard = [stream.heard[place] for place, _ in asked] if stream.heard else None
    heard = heard and torch.stack(heard)  # (N, L, E)
    settings = GREEDY | {"max_new_tokens": LONGEST}
    said = complete(model, texts, heard, None, **settings)
    return list(zip(said, [question.output for _, question in asked], strict=True))


def score(model: AudioFlamingo, stream: Stream, *kinds: str) -> float:
    """Share of right answers to the questions of some kinds, one of each scene.

    Raises ValueError when no scene is asked one of them.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    said, true = zip(*answers(model, stream, *kinds), strict=True)
    return mean(exact_match(said, true))

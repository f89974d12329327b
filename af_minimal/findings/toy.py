"""A toy world in which a training takes a minute: vectors instead of sounds.

A class is a direction, a sound its class and noise, heard in windows. Nothing but the
encoder is a toy: the model, its prompts, labels, batches, training loop and exams are
those of `mini`, at a small size.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

import hashlib
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from ..config import AudioConfig, FlamingoConfig, opt_config
from ..model import AudioFlamingo
from ..prompts import training_text
from ..soundworld.episode_batches import EpisodeBatches
from ..soundworld.few_shot import Heard
from ..soundworld.questions import CAPTIONING
from ..stages import StageConfig
from ..tokenizer import special_ids, train_tokenizer
from ..training import train

CONSONANTS, VOWELS = "bcdfgjktvz", "aeiou"
# spelled letter by letter, so that a name never read before is made of known tokens
NAMES = [" ".join(letters) for letters in product(CONSONANTS, VOWELS, CONSONANTS)]
SPREAD = 0.2  # how much two windows of a sound differ
WIDTH = 32  # E


@dataclass(frozen=True)
class Toy:
    """Sizes of a world and of a training in it."""

    steps: int
    windows: int = 2  # W
    most: int = 5  # audios in a row
    batch: int = 16  # of the longest rows; more of shorter ones
    lr: float = 3e-3
    gate_lr: float = 5.0  # times lr
    warmup: int = 100  # steps
    schedule: str = "cosine"
    noise: float = 0.8  # of a sound, where a class has length 1 in each direction

    def stage(self, seed: int) -> StageConfig:
        """The recipe of the training: all but the encoder learns, from nothing."""
        recipe = self.lr, self.warmup, self.schedule, self.gate_lr
        return StageConfig("sft", self.steps, *recipe, seed=seed)


def digest(drawn) -> str:
    """Twelve letters that change with numbers and texts, in lists as deep as need be.

    Numbers that were measured of other draws are told from ours by them.

    Taught in: notebooks/20_findings.ipynb
    """
    return hashlib.sha256(repr(drawn).encode()).hexdigest()[:12]


def sounds_of(classes: np.ndarray, names: list[str], each: int, toy: Toy, rng) -> Heard:
    """So many sounds of each class; `classes` is (classes, E).

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    centre = np.repeat(classes, each, axis=0)  # (N, E)
    sounds = centre + toy.noise * rng.standard_normal(centre.shape)
    features = as_features(np.repeat(sounds[:, None], toy.windows, axis=1), rng)
    mask = torch.ones(features.shape[:2], dtype=torch.bool)  # (N, W)
    outputs = [name for name in names for _ in range(each)]
    return Heard(features, mask, unit(sounds), outputs)


def as_features(windows: np.ndarray, rng) -> torch.Tensor:
    """Windows (N, W, E), each a little different and of unit norm, as an encoder's."""
    windows = windows + SPREAD * rng.standard_normal(windows.shape)
    return torch.tensor(unit(windows), dtype=torch.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length one along the last axis."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def toy_tokenizer(words: tuple[str, ...] = ()):
    """A token for each letter of a name and for each word of the template.

    `words` are the others that are said, each with the space or not before it.
    """
    template = training_text(CAPTIONING, "", "", True, [("", "")])
    spelled = [f" {letter}" for letter in CONSONANTS + VOWELS]
    # often enough that all of them fit: what is left over is never reached
    return train_tokenizer([template, *words] * 9 + spelled * 99, 400)


def toy_model(seed: int, toy: Toy, tokenizer) -> AudioFlamingo:
    """An untrained Audio Flamingo of about 0.3 M parameters; it hears features.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    ids = special_ids(tokenizer)
    config = FlamingoConfig(
        name="toy",
        audio=AudioConfig(max_windows=toy.windows),
        audio_width=WIDTH,
        audio_layers=1,
        audio_heads=4,
        audio_ff=2 * WIDTH,
        max_positions=toy.windows * toy.most,
        xattn_heads=4,
        xattn_head_width=16,
        lm=opt_config(layers=3, width=64, heads=4, vocab=len(tokenizer), positions=128),
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    torch.manual_seed(seed)
    model = AudioFlamingo(config)
    model.tokenizer = tokenizer
    model.lm.set_attn_implementation("eager")  # its backward is faster on a CPU
    return model


def batches_of(episodes, tokenizer, toy: Toy, seed: int) -> EpisodeBatches:
    """Batches of episodes with `features` (N, W, E) and `mask`, as `mini` has them.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    sounds = episodes.features, episodes.mask
    audios = toy.batch * (toy.most + 1)  # `batch` of the longest rows
    batches = EpisodeBatches(episodes, tokenizer, *sounds, audios, seed)
    batches.MOST = toy.most  # 1 to so many audios in a row
    return batches


def teach(model: AudioFlamingo, episodes, toy: Toy, seed: int, out=None) -> list[dict]:
    """Train on episodes and return the log.

    With `out`, go on where an earlier call with the same folder stopped.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    batches, stage = batches_of(episodes, model.tokenizer, toy, seed), toy.stage(seed)
    log = train(model, batches, stage, out, resume=out is not None, progress=False)
    model.to("cpu")  # where the exam's features are
    return log

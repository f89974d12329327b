"""Two small towers that can hear and read order, and pictures for them to hear.

They are of the size at which a training takes seconds: coarse log-mel pictures and
whole words. `MiniCLAP` has the same interface at the size that ships.

Taught in: notebooks/14_af_clap_and_compa.ipynb
"""

import math
import re
from functools import cache, lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...audio import log_mel
from ...config import AudioConfig, EncoderConfig
from ...soundworld.captions import adjective
from ...soundworld.catalogue import CLASSES
from ...soundworld.render import render_event
from ...towers import masked_mean
from .benchmark import ATTRIBUTES
from .composing import CLIP_S, EVENT_S, event_of
from .expressions import Sound
from .wordings import CONNECTIVES, say_sound

RATE, MEL = AudioConfig().sample_rate, EncoderConfig()
FRAMES, BINS = 5, 2  # log-mel frames (50 ms) and mel bins in one cell of a picture
STEP_S = FRAMES * MEL.mel_hop / RATE
STEPS = round(CLIP_S / STEP_S)  # of a clip: 40
PATCH = 4  # steps in one token of the audio tower
FLOOR_DB, SPAN_DB = -60.0, 40.0  # quieter is silence; about two standard deviations
WIDTH, EMBED, LAYERS, MAX_WORDS = 64, 64, 1, 16
UNKNOWN = 1  # id of a word never read; 0 is padding


def power_picture(waves: Tensor) -> Tensor:
    """Mean mel power in coarse cells: (N, samples) -> (N, steps, bins)."""
    power = 10 ** (log_mel(waves, MEL, RATE) / 10)  # (N, F, M)
    cells = F.avg_pool2d(power.unsqueeze(1), (FRAMES, BINS))  # (N, 1, F / 5, M / 2)
    return cells.squeeze(1)


def decibels(power: Tensor) -> Tensor:
    """Mel power as the audio tower hears it: 0 is silence, and about 1 is loud."""
    level = 10 * power.clamp(min=10 ** (FLOOR_DB / 10)).log10()
    return (level - FLOOR_DB) / SPAN_DB


@lru_cache(maxsize=4096)
def take(sound: Sound, number: int, seed: int) -> np.ndarray:
    """The power picture of one sound alone, (steps of an event, bins).

    Takes differ in the draw of the sound and in where in a cell it begins.
    """
    place = list(CLASSES).index(sound.label)
    rng = np.random.default_rng([seed, place, number, 23])
    wave = render_event(rng, event_of(sound), RATE)
    before = int(rng.integers(FRAMES * MEL.mel_hop))  # samples
    steps = round(EVENT_S / STEP_S) + 1
    wave = np.pad(wave, (before, steps * FRAMES * MEL.mel_hop - len(wave) - before))
    return power_picture(torch.from_numpy(wave)[None])[0, :steps].numpy()


@cache
def words_of() -> re.Pattern:
    """Finds the words of a sentence: "barking dog" is one, "a" is none."""
    nouns = {re.sub(r"^(a|an) ", "", say_sound(Sound(label))) for label in CLASSES}
    longest_first = sorted(nouns, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(longest_first)}|(?!an?\b)\w+)\b|[()]")


@cache
def vocabulary() -> dict[str, int]:
    """Every word that `say` can use, with its id."""
    said = [say_sound(Sound(label)) for label in CLASSES]
    said += [text.format("", "") for both in CONNECTIVES.values() for text in both]
    said += [adjective(name, v) for name in ATTRIBUTES for v in ATTRIBUTES[name]]
    found = sorted(
        {word for text in [*said, "()"] for word in words_of().findall(text)}
    )
    return {word: number for number, word in enumerate(found, UNKNOWN + 1)}


def split_words(text: str) -> list[str]:
    """The words of a sentence as the text tower has them."""
    return words_of().findall(text.lower())


@lru_cache(maxsize=65536)
def word_ids(text: str) -> tuple[int, ...]:
    """Ids of the words of a sentence, cut at `MAX_WORDS`."""
    found = split_words(text)[:MAX_WORDS]
    return tuple(vocabulary().get(word, UNKNOWN) for word in found)


class Tower(nn.Module):
    """Positions, a transformer layer, the mean, a projection of unit norm.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """

    def __init__(self, inputs: nn.Module, length: int, position_std: float):
        super().__init__()
        self.inputs = inputs
        self.positions = nn.Parameter(position_std * torch.randn(length, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, 4, 2 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.out = nn.Linear(WIDTH, EMBED)

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """(N, T, ...) and bool (N, T), True is no padding -> (N, C)."""
        x = self.inputs(x)  # (N, T, D)
        x = x + self.positions[: x.shape[1]]
        if real is None:
            return F.normalize(self.out(self.layers(x).mean(1)), dim=-1)  # (N, C)
        x = self.layers(x, src_key_padding_mask=~real)
        return F.normalize(self.out(masked_mean(x, real)), dim=-1)


class Towers(nn.Module):
    """An audio tower, a text tower, a temperature.

    `position_std` is the size of the positions at the start; small ones are hard to
    learn order from.

    Taught in: notebooks/14_af_clap_and_compa.ipynb
    """

    def __init__(self, position_std: float = 1.0):
        super().__init__()
        patch = PATCH * (MEL.n_mels // BINS)
        words = nn.Embedding(len(vocabulary()) + UNKNOWN + 1, WIDTH, padding_idx=0)
        cells = nn.Sequential(
            nn.Linear(patch, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )
        self.audio = Tower(cells, STEPS // PATCH, position_std)
        self.text = Tower(words, MAX_WORDS, position_std)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def logit_scale(self) -> Tensor:
        """Inverse temperature, at most 100 as in CLIP."""
        return self.log_scale.exp().clamp(max=100)

    def hear(self, power: Tensor) -> Tensor:
        """Power pictures (N, steps, bins) of one clip each -> (N, C)."""
        patches = decibels(power).unflatten(1, (-1, PATCH)).flatten(2)  # (N, T, D)
        return self.audio(patches)

    def read(self, texts: list[str]) -> Tensor:
        """Sentences -> (N, C)."""
        rows = [word_ids(text) for text in texts]
        longest = max(map(len, rows))
        ids = torch.tensor(
            [row + (0,) * (longest - len(row)) for row in rows]
        )  # (N, T)
        return self.text(ids, ids > 0)

    @torch.no_grad()
    def embed_audio(self, waves: list[np.ndarray]) -> Tensor:
        """Clips of `CLIP_S` at 16 kHz -> (N, C).

        Raises ValueError when a clip has another length.
        """
        samples = {len(wave) for wave in waves}
        if samples != {round(CLIP_S * RATE)}:
            raise ValueError(
                f"clips have {sorted(samples)} samples; these towers hear exactly "
                f"{round(CLIP_S * RATE)}, {CLIP_S} s at {RATE} Hz. Cut or pad them."
            )
        return self.hear(power_picture(torch.from_numpy(np.stack(waves)))[:, :STEPS])

    @torch.no_grad()
    def embed_text(self, texts: list[str]) -> Tensor:
        """Sentences -> (N, C)."""
        return self.read(texts)

"""A stage of its own kind: a finished model learns to weigh examples by ear.

Its own map says which sounds are alike (`likeness.py`); episodes ask for the likest of
several names (`comparing.py`); heads are told where the map would look (`guidance.py`).

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..model import AudioFlamingo, load
from ..scale.processes import make_accelerator
from ..towers import masked_mean
from .catalogue import HELD_OUT
from .comparing import Comparing, invented_scene, invented_sound
from .episode_batches import EpisodeBatches
from .episodes import single_sounds
from .features import build_features
from .few_shot import single_sounds as sounds_of
from .guidance import Readings
from .run import Run

FEW_SHOT = 0.75  # share of the steps of such a stage that learn from examples
COMPARED = 0.45  # share of these whose answer is the likest
SHOTS = 2, 8  # examples, fewest and most
SHUNNED = 6  # sounds of each held-out class, from which invented ones are kept apart
AT_ONCE = 500  # sounds that go through the map


def teacher_of(run: Run) -> AudioFlamingo:
    """The model that a run starts from, whose encoder has a map.

    Raises ValueError when it has none.
    """
    teacher = load(run.start_from)
    if teacher.encoder.alike is None:
        raise ValueError(
            f"{run.start_from} has no map of what sounds alike, so it cannot learn to "
            "compare; start from a model that heard more scenes."
        )
    teacher.encoder.to(make_accelerator().device)
    return teacher


def with_invented(run: Run, encoder, sounds) -> tuple[Tensor, Tensor]:
    """Features and mask of the scenes, and behind them of invented sounds."""
    told = encoder, {}, run.out / "invented", run.invented, run.workers
    both = zip(sounds, build_features(*told, invented_sound), strict=True)
    return tuple(torch.cat(parts) for parts in both)


def add_readings(model: AudioFlamingo, ear) -> None:
    """Give a model what is trained with it and thrown away behind the stage."""
    model.readings = Readings(model.config.lm["hidden_size"], ear.config.alike)


@torch.no_grad()
def comparing_batches(
    run: Run, teacher: AudioFlamingo, features: Tensor, mask: Tensor, **sizes
) -> Callable[[int], list[dict]]:
    """Step number -> batch of episodes among the scenes and invented sounds.

    Args:
        features: (N, L, E) of `with_invented`, with mask (N, L).
        sizes: of `EpisodeBatches`.
    """
    ear, device = teacher.encoder, next(teacher.encoder.parameters()).device
    mapped = [
        ear.alike(masked_mean(some.float().to(device), real.bool().to(device))).cpu()
        for some, real in zip(features.split(AT_ONCE), mask.split(AT_ONCE), strict=True)
    ]
    exam = sounds_of(teacher, {label: label for label in HELD_OUT}, SHUNNED, [0, 4])
    means = exam.embeddings.reshape(len(HELD_OUT), SHUNNED, -1).mean(1)  # (K, C)
    scenes = [*run.sampled, *map(invented_scene, run.invented)]
    episodes = Comparing(single_sounds(scenes), torch.cat(mapped).numpy(), means)
    sounds = teacher.tokenizer, features, mask
    return EpisodeBatches(episodes, *sounds, shots=SHOTS, **sizes).places

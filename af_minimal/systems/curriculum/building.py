"""What every run of the curriculum needs: a tokenizer, a model, and batches of a stage.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ...audio import num_windows
from ...config import FlamingoConfig
from ...soundworld.corpus import RATE
from ...tokenizer import special_ids, train_tokenizer
from .asked import Asked
from .batches import MAX_ROWS, CurriculumBatches, Row, pack
from .ears import HearingFlamingo, check_heard, dense_encoder
from .sounds import Features, Windows
from .stages import CurriculumStage

TEXTS = 600  # scenes of each dataset that the tokenizer is made from


def new_tokenizer(scenes: Mapping[str, Sequence[Asked]], vocab: int):
    """A tokenizer trained on the questions and answers about some scenes.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    texts = [
        f"{qa.prompt}\nanswer:{qa.output}".lower()
        for rows in scenes.values()
        for scene in rows[:TEXTS]
        for qa in scene.questions
    ]
    return train_tokenizer(texts, vocab)


def new_model(
    config: FlamingoConfig, tokenizer, encoder: str | Path | None = None, seed: int = 0
) -> HearingFlamingo:
    """An untrained model with a tokenizer and the encoder that it begins with.

    Args:
        encoder: the model whose encoder to take over, as `dense_encoder` has it.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    ids = special_ids(tokenizer)
    config = replace(
        config,
        lm={**config.lm, "vocab_size": len(tokenizer)},
        audio_token_id=ids["audio"],
        sep_token_id=ids["sep"],
        eoc_token_id=ids["eoc"],
    )
    torch.manual_seed(seed)
    model = HearingFlamingo(config, dense_encoder(config, encoder))
    model.tokenizer = tokenizer
    if not torch.cuda.is_available():  # on a CPU the fused kernel's backward is slower
        model.lm.set_attn_implementation("eager")
    return model


def rows_of(
    scenes: Mapping[str, Sequence[Asked]],
    tokenizer,
    config: FlamingoConfig,
    seed: int = 0,
) -> dict[str, list[Row]]:
    """The packed rows of each dataset, each with the audio tokens that it brings.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    found = {}
    for name, rows in scenes.items():
        samples = [round(scene.score.duration_s * RATE) for scene in rows]
        counts = [num_windows(n, config.audio) for n in samples]
        audio = [config.encoder.steps * count for count in counts]
        found[name] = pack(rows, tokenizer, audio, seed)
    return found


def text_batches(
    rows: Mapping[str, Sequence[Row]], tokenizer, seed: int = 0, batch: int = MAX_ROWS
) -> CurriculumBatches:
    """Batches without sound, for the language model; long answers twice as often.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    blend = {name: 1.0 if name == next(iter(rows)) else 2.0 for name in rows}
    return CurriculumBatches(rows, blend, tokenizer, seed=seed, most=batch)


def stage_batches(
    stage: CurriculumStage,
    model: HearingFlamingo,
    scenes: Mapping[str, Sequence[Asked]],
    seed: int = 0,
    folder: str | Path | None = None,
    batch: int = MAX_ROWS,
    workers: int = 0,
) -> CurriculumBatches:
    """The batches of a stage: windows where its encoder learns, else features.

    Args:
        scenes: of each dataset in the blend of the stage.
        folder: where features are kept; None hears them anew.
        batch: most rows of a step.
        workers: processes that render, where features are heard.

    Raises:
        ValueError: when a scene is longer than the stage hears.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    scenes = {name: scenes[name] for name in stage.blend}
    for rows in scenes.values():
        longest = max(scene.score.duration_s for scene in rows)
        check_heard(longest, model.config, stage.windows)
    if "encoder" in stage.trains:
        sounds, name = Windows(scenes, model.config), "windows"
    else:
        sounds, name = (
            Features(model.encoder, scenes, folder, workers),
            "audio_features",
        )
    rows = rows_of(scenes, model.tokenizer, model.config, seed)
    return CurriculumBatches(
        rows, stage.blend, model.tokenizer, sounds, seed, batch, name
    )

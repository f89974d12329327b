"""The whole curriculum in seconds: a tiny model, a few scenes, nothing on disk.

It has every part of `mini2` at a small size, and the same stages, batches and training
loop. Of what it is asked it learns little more than the manner; what each stage is good
for is measured in the findings T-B2 to T-B8, in a world of vectors.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ...config import PRESETS, EncoderConfig
from ...stages import StageConfig
from ...training import train
from .asked import SCENES, Asked
from .building import new_model, new_tokenizer, rows_of, stage_batches, text_batches
from .ears import HearingFlamingo
from .stages import LONG, SKILLS, SOUNDWORLD, TEXT, remaining

VOCABULARY = 700
SMALL = replace(
    PRESETS["mini2"],
    name="small2",
    encoder=EncoderConfig(kind="toy", width=32, embed_dim=16, steps=2),
    audio_width=32,
    audio_layers=1,
    audio_heads=1,
    audio_ff=64,
    xattn_heads=2,
    xattn_head_width=16,
    xattn_ff_mult=2,
    lm=PRESETS["mini2"].lm
    | {
        "vocab_size": VOCABULARY,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
    },
)


def some_scenes(count: int = 4, seed: int = 0) -> dict[str, list[Asked]]:
    """A few scenes of each dataset, a third as many long ones.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    sizes = {SOUNDWORLD: count, SKILLS: count, LONG: max(1, count // 3)}
    return {name: SCENES[name](n, n * seed) for name, n in sizes.items()}


def small_curriculum(
    scenes: Mapping[str, Sequence[Asked]] | None = None,
    skip: Sequence[str] = (),
    steps: int = 8,
    seed: int = 0,
    progress: bool = False,
) -> tuple[HearingFlamingo, dict[str, list[dict]]]:
    """Train text and all stages that are not skipped; the model and the log of each.

    Args:
        scenes: of each dataset, as `some_scenes` makes them; None makes some.
        skip: names of stages to leave out.
        steps: of each stage; the text before them has three times as many.

    Returns:
        the model, and stage -> rows of its training log (`training.train`).

    Raises:
        ValueError: when `skip` names no stage, or a scene is too long for its stage.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    stages = remaining(skip)
    scenes = some_scenes(seed=seed) if scenes is None else scenes
    tokenizer = new_tokenizer(scenes, VOCABULARY)
    model = new_model(SMALL, tokenizer, seed=seed)
    rows = rows_of(scenes, tokenizer, model.config, seed)
    text, logs = text_batches(rows, tokenizer, seed), {}

    def short(recipe: StageConfig, times: int = 1) -> StageConfig:
        warmup = max(1, steps // 4)
        return replace(recipe, steps=times * steps, warmup=warmup, lr=3e-3, seed=seed)

    logs["lm"] = train(model, text, short(TEXT, 3), progress=progress)
    for stage in stages:
        batches = stage_batches(stage, model, scenes, seed)
        recipe = short(stage.recipe_for(tokenizer))
        logs[stage.name] = train(model, batches, recipe, progress=progress)
    return model, logs

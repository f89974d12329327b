"""The three stages of Audio Flamingo 2: longer audio each time, other parts awake.

The language model learns text first (`lm`), because a frozen one that cannot speak
teaches nothing; official AF2 starts from Qwen2.5. It then keeps still in all three
stages, but for the embedding rows of `<audio>` and `<|endofchunk|>`: these learn, as
in the official loop without FSDP (with it, all rows do). Stage 3 was not released.

Official: audio_flamingo_2 configs/pretrain.yaml and sft.yaml; stage 3 is in the paper
Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from transformers import PreTrainedTokenizerFast

from ...stages import StageConfig, trained_parts
from ...tokenizer import special_ids

SOUNDWORLD, SKILLS, LONG = "SoundWorld", "AudioSkills", "LongAudio"
TOKEN_ROWS = "token rows"  # of <audio> and <|endofchunk|>, in the embeddings
GATED = "gated_cross_attn"  # in the names of what official AF2 lets decay


@dataclass(frozen=True)
class CurriculumStage:
    """What one stage hears, what it learns from, and its recipe.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    name: str
    windows: int  # W, most windows of an audio; official: 3, 9 (12 in sft.yaml), 30
    blend: Mapping[str, float]  # dataset -> weight in a virtual epoch
    recipe: StageConfig

    @property
    def trains(self) -> tuple[str, ...]:
        """The parts that learn."""
        return (*trained_parts(self.recipe.stage), TOKEN_ROWS)

    def recipe_for(self, tokenizer: PreTrainedTokenizerFast) -> StageConfig:
        """The recipe, with the embedding rows that learn; only gated blocks decay."""
        ids = special_ids(tokenizer)
        rows = ids["audio"], ids["eoc"]  # official: these two, not <SEP>
        return replace(self.recipe, only_token_rows=rows, decay_only=GATED)


TEXT = StageConfig("lm", 1100, 2e-3)
CURRICULUM = (
    CurriculumStage(
        "short",
        5,
        {SOUNDWORLD: 1.0},
        StageConfig("pretrain", 1350, 1e-3, gate_lr=20),
    ),
    CurriculumStage(
        "skills",
        12,
        {SOUNDWORLD: 0.4, SKILLS: 1.0},
        StageConfig("af2-sft", 1000, 8e-4, gate_lr=5, checkpoint_every=50),
    ),
    CurriculumStage(
        "long",
        30,
        {SOUNDWORLD: 0.2, SKILLS: 0.3, LONG: 1.0},
        StageConfig("pretrain", 350, 8e-4, warmup=70, gate_lr=5),
    ),
)
NAMES = tuple(stage.name for stage in CURRICULUM)


def remaining(
    skip: Container[str] = (), stages: Sequence[CurriculumStage] = CURRICULUM
) -> list[CurriculumStage]:
    """The stages without those to be skipped.

    Raises ValueError when `skip` names no stage, or nothing is left.
    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    names = [stage.name for stage in stages]
    unknown = sorted(set(skip) - set(names))
    left = [stage for stage in stages if stage.name not in skip]
    if unknown or not left:
        raise ValueError(
            f"skip is {sorted(skip)} and the stages are {names}; skip some of these, "
            "and not all."
        )
    return left


def after(name: str) -> tuple[str, ...]:
    """The stages that learn from what this one leaves; all of them from "lm"."""
    return NAMES[NAMES.index(name) + 1 :] if name in NAMES else NAMES


def stage_table(stages: Sequence[CurriculumStage] = CURRICULUM) -> str:
    """The stages as text for people: windows, data, and who learns.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    head = f"{'stage':<8}{'windows':>8}  {'learns from':<53}{'trains'}"
    lines = [head]
    for stage in stages:
        blend = ", ".join(f"{name} x {w:g}" for name, w in stage.blend.items())
        trains = ", ".join(stage.trains)
        lines.append(f"{stage.name:<8}{stage.windows:>8}  {blend:<53}{trains}")
    return "\n".join(lines)

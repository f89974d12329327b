"""The names of the hub whose weights `af.load` knows, and what belongs to each.

Of several that are as wide, the first stands for weights without a name.
"""

from dataclasses import dataclass

from ..config import PRESETS

AF1_LICENCE = (
    "non-commercial use only; also the OPT-IML licence, OpenAI's terms of use for "
    "generated data, and the licences of the training sets (official README)"
)
AF2_LICENCE = (
    "non-commercial use only (NVIDIA OneWay Noncommercial License); also the Qwen "
    "Research licence, OpenAI's terms of use for generated data, and the licences of "
    "the training sets (official README)"
)


@dataclass(frozen=True)
class Published:
    """What a name of the hub stands for."""

    family: str
    lm_repo: str
    lm: dict  # its config, where its own config.json is not at hand
    licence: str


QWEN = PRESETS["af2"].lm  # Qwen2.5-3B; the smaller ones as their config.json has them
QWEN_15 = {"hidden_size": 1536, "num_hidden_layers": 28, "num_attention_heads": 12}
QWEN_05 = {"hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14}
PUBLISHED = {
    "nvidia/audio-flamingo": Published(
        "af1", "facebook/opt-iml-max-1.3b", PRESETS["af1"].lm, AF1_LICENCE
    ),
    "nvidia/audio-flamingo-2": Published("af2", "Qwen/Qwen2.5-3B", QWEN, AF2_LICENCE),
    "nvidia/audio-flamingo-2-SoundCoT": Published(
        "af2", "Qwen/Qwen2.5-3B", QWEN, AF2_LICENCE
    ),
    "nvidia/audio-flamingo-2-1.5B": Published(
        "af2",
        "Qwen/Qwen2.5-1.5B",
        QWEN | QWEN_15 | {"intermediate_size": 8960},
        AF2_LICENCE,
    ),
    "nvidia/audio-flamingo-2-0.5B": Published(
        "af2",
        "Qwen/Qwen2.5-0.5B",
        QWEN | QWEN_05 | {"intermediate_size": 4864},
        AF2_LICENCE,
    ),
}

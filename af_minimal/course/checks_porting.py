"""Exercise checks of notebook 12: tokens in their order, names, and who hears whom.

They work like those of `checks.py`. A stand-in for published weights is here too.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..model import AudioFlamingo
from ..official.layouts import write_official
from ..official.names import LAYERS, official, twin_of
from ..prompts import AUDIO, EOC, SEP
from .checks import Check, reveal
from .checks_attention import latest_only_mask

__all__ = [
    "added_tokens",
    "positions_that_hear",
    "reveal",
    "stand_in",
    "stored_names",
]


def token_ids(words: int, family: str, has_pad: bool, has_sep: bool) -> list[int]:
    """Ids of `<audio>`, `<|endofchunk|>` and `<SEP>` behind a tokenizer of `words`.

    A sep that is already there keeps its id, which nobody here knows: it is -1.

    Taught in: notebooks/12_real_weights.ipynb
    """
    added = [AUDIO, EOC]
    if family == "af2" or not has_pad:
        added.append("pad")
    if not has_sep:
        added.append(SEP)
    places = {token: words + i for i, token in enumerate(added)}
    return [places[AUDIO], places[EOC], places.get(SEP, -1)]


def names_in_checkpoint(name: str) -> list[str]:
    """All names under which an official AF1 checkpoint stores our tensor `name`.

    Taught in: notebooks/12_real_weights.ipynb
    """
    first = official(name, "af1")
    twin = twin_of(first, LAYERS["opt"])
    return [first] if twin is None else [first, twin]


def which_positions_hear(
    logits: Callable, input_ids: Tensor, features: Tensor, audio: int, per_audio: int
) -> Tensor:
    """Bool (T,): does the output there change when one audio of row 0 does?

    `logits(input_ids, features)` is (B, T, V); `features` are (B, L, E).

    Taught in: notebooks/12_real_weights.ipynb
    """
    changed = features.clone()
    rows = slice(audio * per_audio, (audio + 1) * per_audio)
    changed[:, rows] = changed[:, rows].flip(-1)  # a constant is what LayerNorm removes
    moved = logits(input_ids, features) - logits(input_ids, changed)  # (B, T, V)
    return moved[0].abs().amax(-1) > 1e-6  # (T,)


def stand_in(model: AudioFlamingo, folder: str | Path) -> tuple[Path, Path]:
    """A trained AF1 of ours, written as published: its checkpoint, and its LM's folder.

    Taught in: notebooks/12_real_weights.ipynb
    """
    folder = Path(folder)
    checkpoint = write_official(model, folder / "audio-flamingo")
    lm = folder / "language-model"
    model.tokenizer.save_pretrained(lm)
    (lm / "config.json").write_text(json.dumps(model.config.lm))
    return checkpoint, lm


def _vocabularies() -> list[tuple]:
    return [
        (50_265, "af1", True, False),
        (50_257, "af1", False, False),
        (151_665, "af2", False, False),
        (100, "af2", True, False),
        (100, "af1", True, True),
    ]


def _our_names() -> list[tuple]:
    layer = "lm.model.decoder.layers.3."
    return [
        (layer + "gated_cross_attn_layer.attn.to_q.weight",),
        (layer + "decoder_layer.fc1.bias",),
        ("audio_transformer.layer_norm.weight",),
        ("lm.model.decoder.final_layer_norm.bias",),
        ("lm.model.decoder.layers.11.gated_cross_attn_layer.ff_gate",),
    ]


@dataclass(frozen=True)
class MeanOfWhatIsHeard:
    """Stands for a model in a case: a position gets the mean of what it may hear.

    LayerNorm comes before it, as in the audio transformer: it takes out a constant
    that is added, or multiplied by.
    """

    rule: Callable

    def __repr__(self) -> str:
        return f"a toy model with {self.rule.__name__}"

    def __call__(self, input_ids: Tensor, features: Tensor) -> Tensor:
        """The mean at every position, (B, T, E); 9 is the id of <audio>."""
        features = F.layer_norm(features, features.shape[-1:], eps=1e-12)
        mask = torch.ones(features.shape[:2], dtype=torch.bool)
        heard = self.rule(input_ids, mask, 9, 2).float()  # (B, T, L)
        count = heard.sum(-1, keepdim=True).clamp(min=1)
        return (heard / count) @ features  # (B, T, E)


def _models_and_texts() -> list[tuple]:
    from ..xattn import text_to_audio_mask

    ids = torch.tensor([[5, 9, 5, 5, 9, 5]])
    features = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(0))
    rules = (text_to_audio_mask, latest_only_mask)
    return [
        (MeanOfWhatIsHeard(rule), ids.clone(), features.clone(), audio, 2)
        for rule in rules
        for audio in (0, 1)
    ]


def spelled(answer) -> str | None:
    """A list of numbers or names as text, to be compared exactly; None as it is."""
    if answer is None:
        return None
    if isinstance(answer, list | tuple | Tensor | np.ndarray):
        return str([getattr(one, "item", lambda one=one: one)() for one in answer])
    return str(answer)


added_tokens = Check(
    "added_tokens",
    token_ids,
    _vocabularies,
    run=lambda answer, *given: spelled(answer(*given)),  # beside 50,265, 1 is little
)
stored_names = Check(
    "stored_names",
    names_in_checkpoint,
    _our_names,
    run=lambda answer, *given: spelled(answer(*given)),
)
positions_that_hear = Check(
    "positions_that_hear", which_positions_hear, _models_and_texts
)

PORTING = {c.name: c for c in (added_tokens, stored_names, positions_that_hear)}

"""Exercise checks of the notebooks 06 to 08, where a whole model is put together.

They work like those of `checks.py`. Where the package has the answer only in the middle
of a longer function, the reference stands here.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..blending import blend as _blend
from ..config import PRESETS
from ..data import Sample
from ..data import collate as _collate
from ..model import AudioFlamingo
from ..prompts import IGNORE
from ..stages import STAGE_TRAINS, StageConfig, group_of, trained_parts
from ..stages import lr_factor as _lr_factor
from ..xattn import GatedCrossAttentionBlock
from .checks import Check, build_labels, reveal

__all__ = [
    "blend",
    "block_parameters",
    "build_labels",
    "collate",
    "fair_shares",
    "greedy",
    "learns",
    "lr_factor",
    "next_token_loss",
    "reveal",
    "split_batch",
]


def count_block_parameters(
    width: int, audio_width: int, heads: int, head_width: int, ff_mult: int
) -> int:
    """Parameters of one gated block, counted on a model that takes no memory.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    with torch.device("meta"):
        block = GatedCrossAttentionBlock(width, audio_width, heads, head_width, ff_mult)
    return sum(parameter.numel() for parameter in block.parameters())


def shifted_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, T, V) against labels (B, T), one step ahead.

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    guesses = logits[:, :-1].flatten(0, 1)  # (B*(T-1), V)
    return F.cross_entropy(guesses, labels[:, 1:].flatten(), ignore_index=IGNORE)


@torch.no_grad()
def greedy_loop(
    model: AudioFlamingo, input_ids: Tensor, features: Tensor, mask: Tensor, new: int
) -> Tensor:
    """Append the likeliest token `new` times, without any cache: (B, T + new).

    Taught in: notebooks/06_the_audio_flamingo.ipynb
    """
    for _ in range(new):
        logits = model(input_ids, None, features, mask).logits  # (B, T, V)
        best = logits[:, -1].argmax(-1, keepdim=True)  # (B, 1)
        input_ids = torch.cat([input_ids, best], dim=1)  # (B, T + 1)
    return input_ids


def learns_in_stage(name: str, stage: str) -> bool:
    """Whether the parameter called `name` is trained in a stage.

    Raises ValueError for a stage that does not exist.

    Taught in: notebooks/08_staged_training.ipynb
    """
    return group_of(name) in trained_parts(stage)


def split_rows(batch: dict[str, Tensor], parts: int) -> list[dict[str, Tensor]]:
    """A batch as `parts` micro-batches of equal size, rows in their order.

    Taught in: notebooks/08_staged_training.ipynb
    """
    pieces = {key: value.chunk(parts) for key, value in batch.items()}
    return [{key: pieces[key][i] for key in batch} for i in range(parts)]


def learnt_token_shares(labels: Tensor, parts: int) -> Tensor:
    """Share of the learnt tokens that each of `parts` micro-batches holds: (parts,).

    The losses of the micro-batches, weighed by these, add up to the loss of the whole
    batch. `labels` is (B, T); its first column is predicted by nobody.

    Taught in: notebooks/08_staged_training.ipynb
    """
    learnt = (labels[:, 1:] != IGNORE).sum(1)  # (B,)
    counts = torch.stack([rows.sum() for rows in learnt.chunk(parts)])  # (parts,)
    return counts / counts.sum()


def tiny_hearing_model() -> AudioFlamingo:
    """An untrained tiny model with open gates, the same at every call."""
    special = {"audio_token_id": 509, "eoc_token_id": 510, "sep_token_id": 511}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AudioFlamingo(replace(PRESETS["tiny"], **special)).eval()
    for block in model.gated_blocks:
        block.attn_gate.data.fill_(2.0)
        block.ff_gate.data.fill_(2.0)
    return model


def _block_sizes() -> list[tuple]:
    return [(8, 6, 2, 4, 2), (64, 32, 8, 64, 4), (2048, 1024, 8, 64, 4)]


def _logits_and_labels() -> list[tuple]:
    cases = []
    one, two = [[-100, 3, 1, 2]], [[-100, -100, 0, 4], [-100, 1, -100, 2]]
    # a row may have more to learn than another, and a label where it begins
    for labels in (one, two, [[-100, -100, -100, 4], [2, 1, 0, 2]]):
        labels = torch.tensor(labels)
        g = torch.Generator().manual_seed(len(labels))
        cases.append((torch.randn(*labels.shape, 5, generator=g), labels))
    return cases


def _prompts_with_audio() -> list[tuple]:
    cases = []
    for seed, new in ((0, 1), (1, 4), (2, 6)):
        g = torch.Generator().manual_seed(seed)
        ids = torch.randint(4, 500, (2, 5), generator=g)
        ids[:, 2] = 509
        features = torch.randn(2, 4, 32, generator=g)
        mask = torch.tensor([[True] * 4, [True, True, False, False]])
        cases.append((tiny_hearing_model(), ids, features, mask, new))
    return cases


def _datasets() -> list[tuple]:
    data = {"barks": range(7), "bells": range(100, 110)}
    weights = {"bells": 0.5, "barks": 1.0}  # their order is that of the items
    return [(data, weights, 1.0, 0), (data, weights, 0.6, 1), (data, weights, 0.6, 4)]


def _samples() -> list[tuple]:
    def sample(seed: int, tokens: int, windows: int) -> Sample:
        g = torch.Generator().manual_seed(seed)
        ids = torch.randint(4, 90, (tokens,), generator=g)
        labels = ids.masked_fill(torch.arange(tokens) < 2, IGNORE)
        heard = torch.randn(windows, 3, generator=g)
        ids = ids.tolist() if seed % 2 else ids  # both kinds may come, also in a batch
        return Sample(ids, labels, heard, torch.arange(windows) % 4 < 3)

    sizes = ([(4, 4)], [(3, 4), (5, 4)], [(6, 4), (2, 12), (4, 8)])
    return [([sample(i, *size) for i, size in enumerate(s)], 1) for s in sizes]


def _names_and_stages() -> list[tuple]:
    names = (
        "encoder.proj.weight",
        "text.embed.weight",
        "log_scale",
        "audio_transformer.layer_stack.0.slf_attn.w_qs.weight",
        "lm.model.decoder.embed_tokens.weight",
        "lm.model.decoder.layers.0.gated_cross_attn_layer.attn_gate",
        "lm.model.decoder.layers.0.decoder_layer.fc1.weight",
    )
    return [(name, stage) for stage in STAGE_TRAINS for name in names]


def _labels_and_parts() -> list[tuple]:
    even = [[-100, 5, 6], [-100, 7, 8], [-100, 9, 5], [-100, 6, 7]]
    mixed = [[-100, -100, 5], [-100, 6, 7], [-100, 8, 9], [-100, 5, 6]]
    first = [[4, 5, 6, 7], [-100, -100, -100, 8]]  # nobody predicts the 4
    cases = (even, 2), (mixed, 2), (mixed, 4), (first, 2)
    return [(torch.tensor(rows), parts) for rows, parts in cases]


def _steps_and_recipes() -> list[tuple]:
    cosine = StageConfig("lm", 50, 1e-3, warmup=10)
    constant = replace(cosine, schedule="constant")
    steps = 0, 2, 10, 20, 30, 50  # in the middle of a way, curve and line are one
    return [(step, c) for c in (cosine, constant) for step in steps]


def _batches() -> list[tuple]:
    rows = {"a": torch.arange(12).reshape(6, 2), "b": torch.arange(6)}
    return [(dict(rows), parts) for parts in (1, 2, 3)]


block_parameters = Check("block_parameters", count_block_parameters, _block_sizes)
next_token_loss = Check("next_token_loss", shifted_loss, _logits_and_labels)
greedy = Check("greedy", greedy_loop, _prompts_with_audio)
blend = Check("blend", _blend, _datasets)
collate = Check("collate", _collate, _samples)
learns = Check("learns", learns_in_stage, _names_and_stages)
lr_factor = Check("lr_factor", _lr_factor, _steps_and_recipes)
split_batch = Check("split_batch", split_rows, _batches)
fair_shares = Check("fair_shares", learnt_token_shares, _labels_and_parts)

_here = [v for v in list(globals().values()) if isinstance(v, Check)]
ASSEMBLY = {c.name: c for c in _here if c is not build_labels}  # that is in checks.py

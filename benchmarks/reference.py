"""Against a path that works as the official code does, with the same weights.

    python benchmarks/reference.py [--rounds 3]

That path, written anew here: every gated block keeps the audio and the ids to itself,
makes its mask with Python loops and the keys and values of the audio afresh at every
call, also for every new token; every row is padded to 128 windows; and the encoder
hears one row after the other, padding included. Outputs are compared before anything is
timed. The audio transformer runs once for an answer on both paths and is not timed.
(The official few-shot answers hear the wrong audio from the second token on; that fault
is not copied, or the outputs would differ.)
"""

import argparse
from contextlib import contextmanager

import torch
from generation import answer
from models import (
    config_of,
    features,
    flamingo,
    prompt,
    room_for_all,
    samples,
    train_step,
)
from timing import in_turns, median, ratio, show, write
from torch import Tensor, nn

from af_minimal.config import FlamingoConfig
from af_minimal.data import collate
from af_minimal.language_model import decoder_layers
from af_minimal.model import AudioFlamingo

MOST = 128  # windows of a row that may hold eight audios
CLOSE = {"rtol": 1e-3, "atol": 1e-5}  # sums in another order


class ParkedBlock(nn.Module):
    """A gated block that holds what it needs and computes all of it at every call."""

    def __init__(self, block: nn.Module, config: FlamingoConfig, ids: Tensor):
        super().__init__()
        self.block, self.config, self.ids = block, config, ids
        self.audio = self.audio_mask = None

    def forward(self, x: Tensor, audio, mask, keys_values=None, need_weights=False):
        """(B, T, D) -> (B, T, D); mask, keys and values that come in are not used."""
        audio = self.audio if audio is None else audio
        visible = looped_mask(self.ids, self.audio_mask, x.shape[1], self.config)
        return self.block(x, audio, visible, need_weights=need_weights)


def looped_mask(ids: Tensor, real: Tensor, last: int, config: FlamingoConfig) -> Tensor:
    """`heard` with loops over rows and <audio> tokens: bool (B, last, L).

    New tokens, behind `ids`, hear what the last one of `ids` hears.
    """
    mask = torch.zeros(len(ids), ids.shape[1], real.shape[1], dtype=torch.bool)
    for row in range(len(ids)):
        places = (ids[row] == config.audio_token_id).nonzero().flatten().tolist()
        if not config.location_mask:
            mask[row] = True
        elif places:
            mask[row, :, : config.tokens_per_audio] = True
        for number, place in enumerate(places):
            mask[row, place:, : (number + 1) * config.tokens_per_audio] = True
        for column in range(real.shape[1]):
            if not real[row, column]:
                mask[row, :, column] = False
    return mask[:, -last:]


@contextmanager
def parked(model: AudioFlamingo, ids: Tensor, audio_mask: Tensor, audio=None):
    """The model with every gated block working the other way, for a while."""
    layers = [
        x for x in decoder_layers(model.lm) if x.gated_cross_attn_layer is not None
    ]
    blocks = [layer.gated_cross_attn_layer for layer in layers]
    for layer, block in zip(layers, blocks, strict=True):
        own = ParkedBlock(block, model.config, ids)
        own.audio, own.audio_mask = audio, audio_mask
        layer.gated_cross_attn_layer = own
    try:
        yield
    finally:
        for layer, block in zip(layers, blocks, strict=True):
            layer.gated_cross_attn_layer = block


def row_by_row(model: AudioFlamingo, windows: Tensor) -> Tensor:
    """Features (B, L, E) of windows (B, L, samples): each row alone, padding too."""
    with torch.no_grad():
        return torch.stack([model.encoder(row) for row in windows])


def training(size: str, rounds: int, audios: list[int], hearing: bool) -> dict:
    """A few-shot step from windows (`hearing`) or from features kept on disk."""
    config = config_of(size)
    model = flamingo(config, hearing)
    batch = collate(samples(config, audios, windows=hearing), pad_id=0)
    full = room_for_all(batch, max(MOST, batch["audio_mask"].shape[1]))

    def ours() -> Tensor:
        now = dict(batch)
        if hearing:
            now["audio_features"], _ = model.encoder.encode_windows(
                batch["audio_features"], batch["audio_mask"]
            )
        return train_step(model, now)

    def theirs() -> Tensor:
        now = dict(full)
        if hearing:
            now["audio_features"] = row_by_row(model, full["audio_features"])
        with parked(model, full["input_ids"], full["audio_mask"]):
            return train_step(model, now)

    if hearing:
        model.encoder.requires_grad_(False)
    losses, gradients = [], []
    for step in (ours, theirs):
        losses.append(step())
        gradients.append(model.gated_blocks[0].attn.to_kv.weight.grad.clone())
    torch.testing.assert_close(*losses, **CLOSE)
    torch.testing.assert_close(*gradients, **CLOSE)
    what = "windows" if hearing else "features"
    return compared(f"{size}, few-shot step from {what}", ours, theirs, rounds)


def generating(size: str, rounds: int, new: int = 16) -> dict:
    """An answer about 1,920 vectors of one audio."""
    config = config_of(size, "dense")
    model, ids, audio = flamingo(config), prompt(1, 32), features(config)
    with torch.no_grad():
        heard = model.hears(ids, audio, None)
        inner = model._audio(ids, audio, None)[0]  # (1, 1920, E)
    nothing = heard | {"audio_keys_values": torch.zeros(1, len(model.gated_blocks))}

    def ours() -> Tensor:
        with torch.no_grad():
            blocks = [block.attn.keys_values(inner) for block in model.gated_blocks]
        hears = heard | {"audio_keys_values": torch.stack(blocks, 1)}
        return answer(model.lm, ids, new, **hears)

    def theirs() -> Tensor:
        with parked(model, ids, heard["audio_mask"], inner):
            return answer(model.lm, ids, new, **nothing)

    assert torch.equal(ours(), theirs()), "the two paths say different things"
    return compared(f"{size}, {new} tokens about 1,920", ours, theirs, rounds)


def extracting(size: str, rounds: int, clips: int, most: int) -> dict:
    """Features of clips of one audio, with `most` windows each on the other path."""
    config = config_of(size)
    model = flamingo(config, hearing=True)
    batch = collate(samples(config, [1] * clips, windows=True), pad_id=0)
    windows, mask = batch["audio_features"], batch["audio_mask"]
    full = room_for_all(batch, max(most, mask.shape[1]))["audio_features"]

    def ours() -> Tensor:
        return model.encoder.encode_windows(windows, mask)[0][mask]

    def theirs() -> Tensor:
        return row_by_row(model, full)[:, : mask.shape[1]][mask]

    torch.testing.assert_close(ours(), theirs(), **CLOSE)
    what = f"{size}, features, {full.shape[1]} windows a row"
    return compared(what, ours, theirs, rounds)


def compared(what: str, ours, theirs, rounds: int) -> dict:
    """Both paths in turns."""
    seconds = in_turns({"ours": ours, "theirs": theirs}, rounds)
    return {
        "what": what,
        "ours ms": 1000 * median(seconds["ours"]),
        "reference ms": 1000 * median(seconds["theirs"]),
        "times as fast": ratio(seconds["theirs"], seconds["ours"]),
    }


def main() -> None:
    """Compare, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="mini")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    size, rounds, rows = options.size, options.rounds, []
    for measure in (
        lambda: training(size, rounds, [1, 2, 4, 8], hearing=False),
        lambda: training(size, rounds, [1, 2, 4], hearing=True),
        lambda: generating(size, rounds),
        lambda: extracting(size, rounds, 4, most=16),
        lambda: extracting(size, rounds, 4, most=MOST),
    ):
        rows.append(measure())
        show(rows[-1:])
    write("reference", rows)


if __name__ == "__main__":
    main()

"""What rows of one audio cost where others bring eight: a training step's time.

    python benchmarks/few_shot.py [--rounds 5] [--rows 8]

A batch with rows of one audio less the same batch without them, in four configurations.
1-shot: no row has more than one audio, and the model has no room for more. 8-shot, a
model with room for 128 windows: in batches of equally many audios, as `EpisodeBatches`
makes them; the same padded to 128 windows, as the official collator does; and beside a
row of eight audios, whose text is longer too, as `collate` pads it.

Then a batch of one to eight audios a row: which share of its windows belongs to no
audio of the row, and the time of a step.
"""

import argparse
from dataclasses import replace
from functools import partial

import torch
from models import config_of, flamingo, room_for_all, samples, train_step
from timing import in_turns, median, ratio, show, write

from af_minimal.data import collate

PAD = 0
MOST = 8  # audios of a row


def surplus(batch: dict, audios: list[int], per_audio: int) -> float:
    """The share of a batch's windows that stand for audios a row does not have."""
    return 1 - sum(audios) * per_audio / batch["audio_mask"].numel()


def one_audio(size: str, rounds: int, rows: int) -> list[dict]:
    """The cost of rows of one audio, added to a batch that has a row already."""
    config = config_of(size)
    per_audio = config.windows_per_audio
    one = flamingo(replace(config, max_positions=per_audio))
    eight = flamingo(replace(config, max_positions=max(128, config.max_positions)))
    ways = {  # model, audios of the row that is there already, padding
        "1-shot": (one, 1, dict),
        "8-shot, among their like": (eight, 1, dict),
        "8-shot, padded to 128": (eight, 1, room_for_all),
        "8-shot, beside a row of 8": (eight, MOST, dict),
    }
    runs, shares = {}, {}
    for name, (model, audios, pad) in ways.items():
        for own in (rows, 0):
            batch = pad(collate(samples(config, [audios] + own * [1]), PAD))
            runs[f"{name}, {own}"] = partial(train_step, model, batch)
        shares[name] = 1 - per_audio / batch["audio_mask"].shape[1]
    seconds = in_turns(runs, rounds)
    costs = {
        name: [
            a - b
            for a, b in zip(
                seconds[f"{name}, {rows}"], seconds[f"{name}, 0"], strict=True
            )
        ]
        for name in ways
    }
    return [
        {
            "what": f"{size}, rows of one audio, {name}",
            "ms a row": 1000 * median(cost) / rows,
            "times the first": ratio(cost, costs["1-shot"]),
            "surplus windows": shares[name],
        }
        for name, cost in costs.items()
    ]


def mixed(size: str, rounds: int, rows: int) -> list[dict]:
    """Rows of one to eight audios, padded to the most of the batch and to 128."""
    config = config_of(size)
    model = flamingo(replace(config, max_positions=max(128, config.max_positions)))
    found = []
    for most in (4, MOST):
        audios = [1 + i * (most - 1) // max(1, rows - 1) for i in range(rows)]
        batch = collate(samples(config, audios), PAD)
        assert batch["audio_mask"].shape[1] == max(audios) * config.windows_per_audio
        full = room_for_all(batch)
        seconds = in_turns(
            {
                "own": lambda b=batch: train_step(model, b),
                "128": lambda b=full: train_step(model, b),
            },
            rounds,
        )
        found.append(
            {
                "what": f"{size}, 1 to {most} audios a row",
                "step ms": 1000 * median(seconds["own"]),
                "surplus windows": surplus(batch, audios, config.windows_per_audio),
                "padded to 128": surplus(full, audios, config.windows_per_audio),
                "times as fast as that": ratio(seconds["128"], seconds["own"]),
            }
        )
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="mini")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = one_audio(options.size, options.rounds, options.rows)
    rows += mixed(options.size, options.rounds, options.rows)
    show(rows)
    write("few_shot", rows)


if __name__ == "__main__":
    main()

"""What room for many examples costs those who send few: a training step's time.

    python benchmarks/few_shot.py [--rounds 5] [--rows 8]

The same items of one audio go through a model that may hear one audio and one that may
hear nine; and, for comparison, through the second with every row padded to 128 windows,
as the official collator does. Then a batch of one to eight audios a row: which share of
its windows belongs to no audio of the row, and the time of a step.
"""

import argparse
from dataclasses import replace

import torch
from models import config_of, flamingo, room_for_all, samples, train_step
from timing import in_turns, median, ratio, show, write

from af_minimal.data import collate

PAD = 0


def surplus(batch: dict, audios: list[int], per_audio: int) -> float:
    """The share of a batch's windows that stand for audios a row does not have."""
    return 1 - sum(audios) * per_audio / batch["audio_mask"].numel()


def one_audio(size: str, rounds: int, rows: int) -> list[dict]:
    """Items of one audio where one, or nine, may come."""
    config = config_of(size)
    narrow = replace(config, max_positions=config.windows_per_audio)
    wide = replace(config, max_positions=max(128, config.max_positions))
    one, nine = flamingo(narrow), flamingo(wide)
    batch = collate(samples(config, [1] * rows), PAD)
    full = room_for_all(batch)
    seconds = in_turns(
        {
            "room for one": lambda: train_step(one, batch),
            "room for nine": lambda: train_step(nine, batch),
            "padded to 128": lambda: train_step(nine, full),
        },
        rounds,
    )
    ones = [1] * rows
    shares = [surplus(b, ones, config.windows_per_audio) for b in (batch, batch, full)]
    return [
        {
            "what": f"{size}, one audio a row, {name}",
            "step ms": 1000 * median(times),
            "times the first": ratio(times, seconds["room for one"]),
            "surplus windows": share,
        }
        for (name, times), share in zip(seconds.items(), shares, strict=True)
    ]


def mixed(size: str, rounds: int, rows: int) -> list[dict]:
    """Rows of one to eight audios, padded to the most of the batch and to 128."""
    config = config_of(size)
    model = flamingo(replace(config, max_positions=max(128, config.max_positions)))
    found = []
    for most in (4, 8):
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

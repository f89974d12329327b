"""Tokens a second of an answer, against a language model that does not hear.

    python benchmarks/generation.py [--sizes mini small] [--rounds 7] [--new 24]

Each size answers about 16 windows, and about 1,920 vectors of one audio. The same
prompt goes through the same language model with its gated blocks left out, and through
one with more layers, which has as many weights as a new token meets here. The prompt is
part of what is timed; the audio transformer, which runs once for an answer, is timed by
itself.
Then: 16 real windows alone, and with room for seven more audios that nobody sent; the
audio transformer is part of that time.
"""

import argparse

import torch
from models import KINDS, as_large, config_of, features, flamingo, prompt
from timing import in_turns, median, ratio, show, write

PROMPT = 32  # tokens


def answer(lm, ids: torch.Tensor, new: int, **hears) -> torch.Tensor:
    """Exactly `new` greedy tokens after the prompt."""
    settings = {"do_sample": False, "max_new_tokens": new, "min_new_tokens": new}
    settings |= {"attention_mask": torch.ones_like(ids), "pad_token_id": 1}
    with torch.no_grad():
        return lm.generate(ids, **settings, **hears)


def against_bare(size: str, kind: str, rounds: int, new: int) -> dict:
    """One size and one kind of audio, the two bare language models beside it."""
    config = config_of(size, kind)
    model, ids = flamingo(config), prompt(1, PROMPT)
    audio, large = features(config), as_large(model)
    with torch.no_grad():
        hears = model.hears(ids, audio, None)
        seconds = in_turns(
            {
                "hearing": lambda: answer(model.lm, ids, new, **hears),
                "as large": lambda: answer(large, ids, new),
                "bare": lambda: answer(model.lm, ids, new),
                "audio": lambda: model.hears(ids, audio, None),
            },
            rounds,
        )
    return {
        "what": f"{size}, {hears['audio_mask'].shape[1]:,} audio tokens",
        "tokens/s": new / median(seconds["hearing"]),
        "of an LM as large": ratio(seconds["as large"], seconds["hearing"]),
        "of its LM alone": ratio(seconds["bare"], seconds["hearing"]),
        "audio once, ms": 1000 * median(seconds["audio"]),
    }


def padded(size: str, rounds: int, new: int, audios: int = 8) -> dict:
    """One real audio, alone and in a row with room for more of them."""
    config = config_of(size)
    model, ids = flamingo(config), prompt(1, PROMPT)
    row = features(config, audios=audios)
    mask = torch.arange(row.shape[1])[None] < config.windows_per_audio  # (1, L)
    row[~mask] = 0.0
    alone = row[:, : config.windows_per_audio]

    def whole(features: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        # what is padding is found out in `hears`: it belongs to the time
        with torch.no_grad():
            hears = model.hears(ids, features, mask)
        return answer(model.lm, ids, new, **hears)

    ways = {
        "alone": lambda: whole(alone, None),
        "padded": lambda: whole(row, mask),
    }
    said = [way() for way in ways.values()]
    assert torch.equal(*said), "padding changed an answer"
    seconds = in_turns(ways, rounds)
    return {
        "what": f"{size}, {audios - 1} of {audios} audios are padding",
        "tokens/s": new / median(seconds["padded"]),
        "time of unpadded": ratio(seconds["padded"], seconds["alone"]),
    }


def main() -> None:
    """Measure every size and kind, print and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["mini", "small"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--new", type=int, default=24, help="tokens to generate")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for size in options.sizes:
        for kind in KINDS:
            rows.append(against_bare(size, kind, options.rounds, options.new))
            show(rows[-1:])
        rows.append(padded(size, options.rounds, options.new))
        show(rows[-1:])
    write("generation", rows)


if __name__ == "__main__":
    main()

"""Time and memory of an answer about long audio: cross-attention, and a soft prompt.

    python benchmarks/long_audio.py [--windows 3 9 30] [--new 32] [--rounds 3]

The same small random Qwen2 hears 64 vectors a window in two ways. By cross-attention
the vectors stand beside the text: the audio transformer reads them once, and every new
token looks at the keys and values made then. As a soft prompt they stand in the text,
in front of the question, and in every layer of the language model all look at all.
Who asks one question waits for both, the column "in all". By cross-attention the answer
grows as a line, but reading does not: there, too, all vectors look at all.
Each number comes from a process of its own, that had not run a model before.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from dataclasses import replace

import torch
from timing import median
from transformers import AutoConfig, Qwen2ForCausalLM

from af_minimal.config import PRESETS, FlamingoConfig
from af_minimal.model import AudioFlamingo

PER_WINDOW, PROMPT = 64, 32  # audio tokens of a window, tokens of the question


def config_of(windows: int) -> FlamingoConfig:
    """The preset mini2, with 64 vectors a window and room for a long soft prompt."""
    preset = PRESETS["mini2"]
    lm = preset.lm | {"max_position_embeddings": windows * PER_WINDOW + 512}
    encoder = replace(preset.encoder, steps=PER_WINDOW)
    return replace(preset, lm=lm, encoder=encoder, audio_token_id=9)


class Listener:
    """One way to hear: `read` the audio once, then `answer`."""

    def __init__(self, windows: int, new: int):
        torch.manual_seed(0)
        self.config, self.new = config_of(windows), new
        shape = (1, windows, PER_WINDOW, self.config.audio_width)
        self.features = torch.randn(shape)  # (1, L, n, E)
        self.ids = torch.randint(10, 500, (1, PROMPT))  # (1, T)
        self.build()

    def decode(self, lm, **inputs) -> None:
        """Exactly `new` greedy tokens."""
        length = {"max_new_tokens": self.new, "min_new_tokens": self.new}
        lm.generate(**inputs, **length, do_sample=False, pad_token_id=0)


class CrossAttention(Listener):
    """AF2: the audio beside the text."""

    def build(self) -> None:
        self.model = AudioFlamingo(self.config).eval()

    def read(self) -> None:
        self.hears = self.model.hears(self.ids, self.features, None)

    def answer(self) -> None:
        mask = torch.ones_like(self.ids)
        self.decode(
            self.model.lm, input_ids=self.ids, attention_mask=mask, **self.hears
        )


class SoftPrompt(Listener):
    """Prefix tuning: the audio in front of the text."""

    def build(self) -> None:
        self.lm = Qwen2ForCausalLM(AutoConfig.for_model(**self.config.lm)).eval()
        self.project = torch.nn.Linear(
            self.config.audio_width, self.lm.config.hidden_size
        )

    def read(self) -> None:
        audio = self.project(self.features.flatten(1, 2))  # (1, L * n, D)
        text = self.lm.get_input_embeddings()(self.ids)  # (1, T, D)
        self.prompt = torch.cat([audio, text], dim=1)  # (1, L * n + T, D)

    def answer(self) -> None:
        mask = torch.ones(self.prompt.shape[:2], dtype=torch.long)
        self.decode(self.lm, inputs_embeds=self.prompt, attention_mask=mask)


WAYS = {"cross-attention": CrossAttention, "soft prompt": SoftPrompt}


def peak_mb() -> float:
    """The most memory this process has held so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


@torch.no_grad()
def measure(way: str, windows: int, new: int, queue) -> None:
    """Seconds of processor time to read and to answer, and memory on top, MB."""
    torch.set_num_threads(1)
    listener = WAYS[way](windows, new)
    before, began = peak_mb(), time.process_time()
    listener.read()
    read = time.process_time()
    listener.answer()
    done = time.process_time()
    queue.put((read - began, done - read, peak_mb() - before))


def in_its_own_process(way: str, windows: int, new: int) -> tuple[float, ...]:
    """What `measure` found, in a process that ends with it."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=measure, args=(way, windows, new, queue))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{way}, {windows} windows: exit code {process.exitcode}.")
    return queue.get()


def row_of(rounds: list[tuple[float, float, float]]) -> dict[str, float]:
    """Medians over rounds of (read s, answer s, memory MB), and of their sums in s."""
    read, answer, memory = map(median, zip(*rounds, strict=True))
    total = median([one[0] + one[1] for one in rounds])
    return {"read": read, "answer": answer, "in all": total, "memory": memory}


def main() -> None:
    """Measure every length and way in turn; print medians of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, nargs="+", default=[3, 9, 30])
    parser.add_argument("--new", type=int, default=32, help="tokens of the answer")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    names = "| way | windows | audio tokens | read, s | answer, s | in all, s |"
    print(f"{names} memory on top, MB |\n" + "|---" * 7 + "|")
    for way in WAYS:
        for windows in options.windows:
            rounds = [
                in_its_own_process(way, windows, options.new)
                for _ in range(options.rounds)
            ]
            row = row_of(rounds)
            seconds = " | ".join(f"{row[x]:.2f}" for x in ("read", "answer", "in all"))
            print(
                f"| {way} | {windows} | {windows * PER_WINDOW} | {seconds} | "
                f"{row['memory']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""A baseline for real recordings: the tower of mini, from scratch, on ESC-10 alone.

    python benchmarks/esc_cnn.py --recordings FOLDER [--steps 400]

It trains on folds 1 to 4 with mixup and random cuts and is asked fold 5, as in
`python -m af_minimal eval --recordings FOLDER`.
"""

import argparse

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from af_minimal.audio import hear, load_audio
from af_minimal.config import PRESETS
from af_minimal.data import Example, read_esc
from af_minimal.disk.reports import line
from af_minimal.encoders import AudioEncoder, build_encoder
from af_minimal.evaluation import measure

CONFIG = PRESETS["mini"]


def load(examples: list[Example]) -> list[np.ndarray]:
    """Waveforms of recordings at the rate of mini."""
    rate = CONFIG.audio.sample_rate
    return [load_audio(example.audio, rate).waveform for example in examples]


def draw_batch(
    rng: np.random.Generator, waves: list[np.ndarray], targets: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """Random cuts (B, samples) of random loudness, mixed in pairs with their labels."""
    window, chosen = CONFIG.audio.window, rng.integers(len(waves), size=size)
    cuts = np.zeros((size, window), np.float32)
    for row, i in zip(cuts, chosen, strict=True):
        start = int(rng.integers(max(1, len(waves[i]) - window + 1)))
        cut = waves[i][start : start + window]
        row[: len(cut)] = cut * 10 ** (rng.uniform(-12, 6) / 20)
    share = torch.from_numpy(rng.beta(0.4, 0.4, size=(size, 1)).astype(np.float32))
    cuts, labels = torch.from_numpy(cuts), targets[torch.from_numpy(chosen)]  # (B, C)
    other = torch.from_numpy(rng.permutation(size))
    mixed = share * cuts + (1 - share) * cuts[other]
    return mixed, share * labels + (1 - share) * labels[other]


def train(
    waves: list[np.ndarray], targets: Tensor, steps: int, seed: int
) -> tuple[AudioEncoder, nn.Linear]:
    """The tower and a linear head, trained together."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    encoder = build_encoder(CONFIG.encoder, CONFIG.audio)
    head = nn.Linear(encoder.width, targets.shape[1])
    parameters = [*encoder.tower.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, 1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    bar = tqdm(range(steps), desc="train")
    for _ in bar:
        sounds, labels = draw_batch(rng, waves, targets, size=32)
        # unit-norm features need a scale, or the head cannot be sure of anything
        loss = F.cross_entropy(head(10 * encoder(sounds)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.2f}")
    return encoder.eval(), head


@torch.no_grad()
def classify(encoder: AudioEncoder, head: nn.Linear, example: Example) -> int:
    """The class with the highest mean probability over the windows of a recording."""
    clip = load_audio(example.audio, CONFIG.audio.sample_rate)
    windows, mask = hear(clip, CONFIG.audio)  # (W, samples), (W,)
    features = encoder(torch.from_numpy(windows[mask]))  # (W, E)
    return int(head(10 * features).softmax(-1).mean(0).argmax())


def main() -> None:
    """Train, classify, print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", required=True, help="ESC-10 or ESC-50 folder")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    seen, asked = (
        read_esc(args.recordings, (1, 2, 3, 4), ten=True),
        read_esc(args.recordings, 5, ten=True),
    )
    labels = sorted({example.output for example in seen})
    numbers = torch.tensor([labels.index(example.output) for example in seen])
    targets = F.one_hot(numbers, len(labels)).float()  # (N, classes)
    encoder, head = train(load(seen), targets, args.steps, args.seed)
    right = [labels[classify(encoder, head, e)] == e.output for e in asked]
    name = f"CNN from scratch, {args.steps} steps"
    print(line(measure(name, right, 1 / len(labels)), len(name)))


if __name__ == "__main__":
    main()

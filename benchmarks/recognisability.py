"""Can SoundWorld's classes be told apart, and only by listening over time?

Makes single-event clips of two seconds (random attributes, onset, gain, equaliser
and light noise), then trains two listeners: logistic regression on the mean log-mel
spectrum, which must do badly, and a small CNN on the log-mel picture, which must do
well. Prints both accuracies, the worst confusions and the rendering speed.

    python benchmarks/recognisability.py --train 100 --test 20
"""

import argparse
import time

import librosa
import numpy as np
import torch
from scipy.signal import lfilter
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from tqdm.auto import tqdm

from af_minimal.soundworld.catalogue import CLASSES
from af_minimal.soundworld.sound_class import SoundClass

SAMPLE_RATE = 16000
CLIP_S = 2.0
BANDS = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=512, n_mels=64).astype(np.float32)


def equalise(rng: np.random.Generator, wave: np.ndarray) -> np.ndarray:
    """A random microphone: a spectral tilt and one random resonance."""
    pole = rng.uniform(-0.6, 0.6)
    wave = lfilter([1 - abs(pole)], [1, -pole], wave)
    angle, radius = rng.uniform(0.05, 0.95) * np.pi, 0.85
    peak = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], wave)
    return wave + rng.uniform(-1, 2) * peak


def make_clip(rng: np.random.Generator, sound: SoundClass) -> np.ndarray:
    """One event somewhere in two seconds: float32 (samples,)."""
    attributes = sound.sample_attributes(rng)
    duration = min(sound.sample_duration(rng, attributes), CLIP_S)
    wave = equalise(rng, sound.synth(rng, duration, attributes, SAMPLE_RATE))
    clip = np.zeros(int(CLIP_S * SAMPLE_RATE))
    onset = rng.integers(0, len(clip) - len(wave) + 1)
    clip[onset : onset + len(wave)] = wave
    level = np.sqrt(np.mean(wave**2)) + 1e-9
    noise = rng.standard_normal(len(clip)) * level * 10 ** (-rng.uniform(20, 40) / 20)
    return ((clip + noise) / level * 10 ** (-rng.uniform(15, 35) / 20)).astype(
        np.float32
    )


def log_mel(clip: np.ndarray) -> np.ndarray:
    """Log-mel power (F, 64), 10 ms per frame."""
    power = np.abs(librosa.stft(clip, n_fft=512, hop_length=160)) ** 2
    return np.log(BANDS @ power + 1e-7).T.astype(np.float32)


def make_set(seed: int, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-mels (N, F, 64) and class numbers (N,)."""
    rng = np.random.default_rng(seed)
    mels, labels = [], []
    for index, sound in enumerate(tqdm(CLASSES.values(), desc="sounds")):
        for _ in range(per_class):
            mels.append(log_mel(make_clip(rng, sound)))
            labels.append(index)
    return np.stack(mels), np.array(labels)


def mean_spectrum_accuracy(train, test) -> float:
    """Logistic regression on the standardised mean log-mel (N, 64)."""
    scaler = StandardScaler().fit(train[0].mean(1))
    probe = LogisticRegression(max_iter=500)
    probe.fit(scaler.transform(train[0].mean(1)), train[1])
    return probe.score(scaler.transform(test[0].mean(1)), test[1])


def small_cnn(classes: int) -> nn.Module:
    """Four strided convolutions, then the mean and maximum over time and pitch."""
    layers, width = [], 1
    for out in (24, 48, 96, 160):
        layers += [nn.Conv2d(width, out, 3, stride=2, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(out), nn.ReLU()]
        width = out
    return nn.Sequential(
        *layers, Pool(), nn.Dropout(0.2), nn.Linear(3 * width, classes)
    )


class Pool(nn.Module):
    """Mean, maximum and spread of every channel: (B, C, F, M) -> (B, 3 C)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.flatten(2)
        return torch.cat([flat.mean(-1), flat.amax(-1), flat.std(-1)], -1)


def train_cnn(train, test, epochs: int) -> np.ndarray:
    """Predicted classes of the test clips (N,)."""
    torch.manual_seed(0)
    mean, spread = train[0].mean(), train[0].std()
    inputs = torch.from_numpy((train[0] - mean) / spread)[:, None]  # (B, 1, F, M)
    targets = torch.from_numpy(train[1])
    model = small_cnn(len(CLASSES))
    steps = epochs * (len(inputs) // 64 + 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in tqdm(range(epochs), desc="CNN"):
        for batch in torch.randperm(len(inputs)).split(64):
            shift = tuple(int(s) for s in torch.randint(-3, 4, (1,)))
            picture = inputs[batch].roll(shift, dims=3)
            picture = picture + 0.3 * torch.randn(len(batch), 1, 1, 1)
            loss = nn.functional.cross_entropy(model(picture), targets[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        inputs = torch.from_numpy((test[0] - mean) / spread)[:, None]
        return torch.cat([model(b).argmax(-1) for b in inputs.split(64)]).numpy()


def rendering_speed(seconds: float = 2.0, repeats: int = 5) -> dict[str, float]:
    """Seconds of sound per second of processor time, for every class."""
    speeds = {}
    for label, sound in CLASSES.items():
        rng = np.random.default_rng(0)
        duration = min(seconds, sound.duration_s[1])
        start = time.process_time()
        for _ in range(repeats):
            sound.synth(rng, duration, None, SAMPLE_RATE)
        speeds[label] = repeats * duration / (time.process_time() - start)
    return speeds


def report_confusions(predicted: np.ndarray, labels: np.ndarray, top: int = 12) -> None:
    """Print the pairs of classes most often taken for one another."""
    names = list(CLASSES)
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, predicted), 1)
    np.fill_diagonal(counts, 0)
    for cell in np.argsort(counts.ravel())[::-1][:top]:
        true, said = divmod(int(cell), len(names))
        if counts[true, said]:
            print(
                f"  {names[true]:16s} heard as {names[said]:16s} {counts[true, said]}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train", type=int, default=100, help="clips per class")
    parser.add_argument("--test", type=int, default=20, help="clips per class")
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    speeds = rendering_speed()
    slowest = sorted(speeds, key=speeds.get)[:5]
    total = len(speeds) / sum(1 / s for s in speeds.values())
    print(f"rendering {total:.0f}x real time (processor time); slowest classes:")
    print("  " + ", ".join(f"{name} {speeds[name]:.0f}x" for name in slowest))
    train, test = make_set(0, arguments.train), make_set(1, arguments.test)
    probe = mean_spectrum_accuracy(train, test)
    print(f"linear probe on mean log-mel: {100 * probe:.1f} %")
    predicted = train_cnn(train, test, arguments.epochs)
    print(f"small CNN on log-mel:         {100 * np.mean(predicted == test[1]):.1f} %")
    report_confusions(predicted, test[1])


if __name__ == "__main__":
    main()

"""Recordings in shards through a frozen encoder, and training on what it heard.

    recordings -> write_shards -> hear_shards -> ShardBatches -> train

Taught in: notebooks/08_staged_training.ipynb
"""

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

from ..audio import load_audio
from ..data import Sample, collate
from ..disk.labelled import SUFFIXES
from ..disk.shards import (
    Stream,
    damaged,
    digest_of,
    fill,
    own_shards,
    read_plan,
    read_shard,
    shard_path,
)
from ..disk.stores import check_hears
from ..encoders import AudioEncoder
from ..prompts import build_labels, training_text
from ..scale.processes import make_accelerator
from ..tokenizer import special_ids
from .features import TOGETHER, fingerprint, hear

HEARD = "safetensors"  # the extension of features and mask in a shard


def hear_shards(
    encoder: AudioEncoder, shards: str | Path, out: str | Path, workers: int = 0
) -> Path:
    """Shards of audio -> equally numbered shards of features (L, E) and mask (L,).

    Each of many processes takes every so manieth shard; `workers` of each decode ahead.
    What is there already is not heard again.

    Raises:
        ValueError: when `out` holds features of other shards or of another encoder, a
            shard is not whole, or there is no encoder.
    """
    check_hears(encoder)
    plan = read_plan(shards)
    of = digest_of([plan, fingerprint(encoder), asdict(encoder.audio)])
    encoder.eval().to(make_accelerator().device)
    numbers = own_shards(out, len(plan["examples"]))
    decoded = DataLoader(
        DecodedShards(shards, numbers, encoder.audio.sample_rate),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=1 if workers else None,
    )
    bar = tqdm(decoded, desc="hear shards", disable=len(numbers) < 2)
    pairs = zip(numbers, bar, strict=True)
    made = ((number, heard(encoder, samples)) for number, samples in pairs)
    plan = {"examples": plan["examples"], "of": of, "encoder": fingerprint(encoder)}
    return fill(out, plan, made)


class DecodedShards(Dataset):
    """The samples of each shard with their waveforms, so that workers can decode."""

    def __init__(self, folder: str | Path, numbers: Sequence[int], sample_rate: int):
        self.folder, self.numbers, self.rate = folder, numbers, sample_rate
        self.counts = read_plan(folder)["examples"]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, i: int) -> list[tuple]:
        path = shard_path(self.folder, self.numbers[i])
        samples = read_shard(path)
        if len(samples) != (wanted := self.counts[self.numbers[i]]):
            raise damaged(path, f"it has {len(samples)} of {wanted} samples")
        return [(s["__key__"], s["json"], decoded(s, self.rate)) for s in samples]


def decoded(sample: dict, sample_rate: int):
    """The waveform of a sample, from `start_s` of its row on.

    Raises ValueError, naming the recording, when it is missing or cannot be read.
    """
    row = json.loads(sample["json"])
    suffix = next((s for s in SUFFIXES if s.removeprefix(".") in sample), "")
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:  # decoders want a file
        file.write(sample.get(suffix.removeprefix("."), b""))
        file.flush()
        stretch = row.get("start_s", 0.0), row.get("duration_s")
        try:
            return load_audio(file.name, sample_rate, *stretch).waveform
        except ValueError as error:
            told = str(error).replace(file.name, row["name"])
            raise ValueError(f"in a shard, {told}") from error


def heard(encoder: AudioEncoder, samples: list[tuple]) -> Iterable[dict]:
    """The samples of one shard with features in place of audio."""
    for start in range(0, len(samples), TOGETHER):  # what is written, none keeps
        part = samples[start : start + TOGETHER]
        with torch.no_grad():
            features, mask = hear(encoder, [wave for _, _, wave in part])
        for (key, row, _), f, m in zip(part, features.half(), mask, strict=True):
            tensors = safetensors.torch.save({"features": f, "mask": m})
            yield {"__key__": key, HEARD: tensors, "json": row}


class ShardBatches:
    """Step number -> batch of rows that follow each other in the shuffled shards.

    `own` reads the rows of one process alone, and the headers of the shards in which
    they lie. Every other row names its task.
    """

    def __init__(self, folder: str | Path, tokenizer, size: int = 64, seed: int = 0):
        self.stream, self.tokenizer = Stream(folder, seed), tokenizer
        self.size, self.ids = size, special_ids(tokenizer)

    def __call__(self, step: int) -> list[dict[str, Tensor]]:
        return self.own(step, 0, 1)

    def own(self, step: int, rank: int, world: int) -> list[dict[str, Tensor]]:
        """The rows of a step that are one process's.

        Raises:
            ValueError: when there are fewer rows than processes.
        """
        if self.size < world:
            raise ValueError(
                f"a batch of {self.size} rows is too small for {world} processes."
            )
        places = range(step * self.size + rank, (step + 1) * self.size, world)
        batch = collate([self.sample(at) for at in places], self.ids["pad"])
        batch["labels"] = build_labels(batch["input_ids"], **self.ids)  # (B, T)
        return [batch]

    def sample(self, at: int) -> Sample:
        """One row, tokenised."""
        sample = self.stream[at]
        row, tensors = sample["json"], safetensors.torch.load(sample[HEARD])
        asked = row.get("task"), row["prompt"], row["output"]
        text = training_text(*asked, prefix=at % 2 == 0)
        ids = self.tokenizer(text, add_special_tokens=False).input_ids
        return Sample(ids, ids, tensors["features"].float(), tensors["mask"])


def check_heard_by(encoder: AudioEncoder, folder: str | Path) -> None:
    """ValueError when the features are another encoder's, or there is none."""
    check_hears(encoder)
    theirs, ours = read_plan(folder).get("encoder"), fingerprint(encoder)
    if theirs != ours:
        raise ValueError(
            f"{folder} holds features of encoder {theirs}, and the model's is {ours}; "
            "run `features` with this model."
        )

"""Rows of several questions about one sound, in batches of like length.

A question is a short text and its sound a long row. Where text hears the whole row, as
in AF2, several questions may stand behind each other and share one sound. Each counts
its places from 0: so `transformers` knows that they are separate texts, and none can
read its answer off the one before it. Where sound is heard, the `</s>` that opens a
text is not learnt from the end of the one before it, though every other `</s>` is. Text
alone is learnt whole.

Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ...data import Sample, collate
from ...prompts import IGNORE, build_labels, training_text
from ...tokenizer import special_ids
from ..long_audio.batching import epoch_batches, padded_share
from .asked import Asked

PACKED = 160  # tokens of a row, unless one question alone has more
EDGES = (150, 200, 250)  # buckets of rows by length, audio and text together
MAX_ROWS = 12  # of a batch
TOKENS = 107  # in a batch for each row it may have, padding included

Hear = Callable[[str, int], tuple[Tensor, Tensor]]  # dataset, scene -> sound, mask


@dataclass(frozen=True)
class Row:
    """Questions about one scene, as token ids, and the audio tokens beside them."""

    scene: int  # place in its dataset
    texts: tuple[tuple[int, ...], ...]  # token ids of each question with its answer
    audio: int  # L, vectors of the sound

    @property
    def ids(self) -> list[int]:
        """All texts behind each other: T token ids."""
        return [token for text in self.texts for token in text]

    @property
    def places(self) -> list[int]:
        """T places; each text begins at 0."""
        return [place for text in self.texts for place in range(len(text))]

    @property
    def length(self) -> int:
        """Tokens of text and of audio together: what the row costs."""
        return sum(map(len, self.texts)) + self.audio


def pack(
    scenes: Sequence[Asked], tokenizer, audio: Sequence[int], seed: int = 0, rows=2
) -> list[Row]:
    """`rows` rows for each scene, filled with different questions, drawn by weight.

    Args:
        audio: the vectors that the sound of each scene brings.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """
    rng, found = np.random.default_rng([seed, 44]), []
    for place, scene in enumerate(scenes):
        share = np.array(scene.weights) / sum(scene.weights)
        order = rng.choice(len(share), len(share), replace=False, p=share)
        asked = [scene.questions[i] for i in order]
        # every other question names its task first: a user may do either
        texts = [
            training_text(qa.task, qa.prompt, qa.output, prefix=i % 2 == 0)
            for i, qa in enumerate(asked)
        ]
        tokens = tokenizer(texts, add_special_tokens=False).input_ids
        for _ in range(rows):
            taken: list[tuple[int, ...]] = []
            while tokens and len(tokens[0]) + sum(map(len, taken)) <= PACKED:
                taken.append(tuple(tokens.pop(0)))
            if tokens and not taken:  # longer than a row should be, and alone in it
                taken.append(tuple(tokens.pop(0)))
            if taken:
                found.append(Row(place, tuple(taken), audio[place]))
    return found


class CurriculumBatches:
    """Step number -> batch of a blend of datasets, rows of like length together.

    Batches follow each other as virtual epochs do. Without `hear` there is no audio and
    every token is learnt: the language model's own training.

    Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
    """

    def __init__(
        self,
        rows: Mapping[str, Sequence[Row]],
        blend: Mapping[str, float],
        tokenizer,
        hear: Hear | None = None,
        seed: int = 0,
        most: int = MAX_ROWS,  # rows of a batch
        name: str = "audio_features",  # of what `hear` gives; or "windows"
        tokens: int | None = None,  # of a batch; None: `TOKENS` for each of its rows
    ):
        self.rows = {dataset: rows[dataset] for dataset in blend}
        self.blend, self.hear, self.name = dict(blend), hear, name
        self.ids = special_ids(tokenizer)
        self.limits = tokens or TOKENS * most, most
        self.first = 1_000 * seed  # virtual epoch: other seeds, other epochs
        self.epochs: list[list] = []  # batches of the virtual epochs so far
        self.ends: list[int] = []  # steps up to the end of each

    def lengths(self, dataset: str) -> list[int]:
        """What each row of a dataset costs; of text alone, where nothing is heard."""
        rows = self.rows[dataset]
        return [row.length - (0 if self.hear else row.audio) for row in rows]

    def chosen(self, step: int) -> list[tuple[str, int]]:
        """The rows of a step: (dataset, place) each."""
        lengths = {name: self.lengths(name) for name in self.rows}
        tokens, most = self.limits
        # however few rows are asked for, the longest one fits alone
        tokens = max(tokens, *(n for some in lengths.values() for n in some))
        while not self.ends or self.ends[-1] <= step:
            epoch = self.first + len(self.epochs)
            made = epoch_batches(lengths, self.blend, EDGES, tokens, most, epoch=epoch)
            self.epochs.append(made)
            self.ends.append((self.ends or [0])[-1] + len(made))
        number = bisect_right(self.ends, step)
        return self.epochs[number][step - self.ends[number]]  # counted from its end

    def __call__(self, step: int) -> list[dict]:
        samples, places = [], []
        for dataset, place in self.chosen(step):
            row = self.rows[dataset][place]
            sound, mask = self.hear(dataset, row.scene) if self.hear else _silence()
            samples.append(Sample(row.ids, row.ids, sound, mask))
            places.append(torch.tensor(row.places))
        batch = collate(samples, self.ids["pad"])
        # without a mask of padding the places alone say which tokens belong together;
        # padding stands behind all that is learnt, so nothing that counts can see it
        del batch["attention_mask"]
        batch["position_ids"] = pad_sequence(places, batch_first=True)  # (B, T)
        sound, mask = batch.pop("audio_features"), batch.pop("audio_mask")
        if self.hear:
            batch |= {self.name: sound, "audio_mask": mask}
            labels = build_labels(batch["input_ids"], **self.ids)  # (B, T)
            opens = batch["position_ids"] == 0
            batch["labels"] = labels.masked_fill(opens, IGNORE)
        return [batch]

    def padding(self) -> dict[str, float]:
        """Share of padding of the first epoch: rows at random, and as batched here.

        Both have batches of the same numbers of rows.

        Taught in: notebooks/15_audio_skills_and_long_audio.ipynb
        """
        self.chosen(0)
        flat = [pair for batch in self.epochs[0] for pair in batch]
        lengths = [self.lengths(name) for name in self.rows]
        by_name = dict(zip(self.rows, lengths, strict=True))
        costs = [by_name[name][place] for name, place in flat]
        sizes = np.cumsum([len(batch) for batch in self.epochs[0]])[:-1]
        order = np.random.default_rng([self.first, 45]).permutation(len(flat))
        shares = {}
        for name, places in (("random", order), ("dynamic", np.arange(len(flat)))):
            batches = [part.tolist() for part in np.split(places, sizes)]
            shares[name] = padded_share(costs, batches)
        return shares


def _silence() -> tuple[Tensor, Tensor]:
    """Sound of no window, for text alone."""
    return torch.zeros(0, 1), torch.zeros(0, dtype=torch.bool)

"""Another ear: sounds compared by their timbre, with nothing learnt.

Audio Flamingo looks for examples with one model (LAION-CLAP) and hears them with
another (ClapCap). What the first takes for alike the second can still tell apart. A
model that finds examples with its own ear finds first what it would choose itself, and
more of them have nothing to add. So the exam also asks with neighbours of this ear.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Sequence
from dataclasses import replace

import librosa
import numpy as np

from .few_shot import Heard, answer_rows, marked
from .hard_stores import vote_rows

CEPSTRA, N_FFT, HOP = 20, 512, 160  # at 16 kHz windows of 32 ms, one every 10 ms


def timbre(waves: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
    """Mean and deviation over time of the cepstra (MFCC) of waveforms: (N, 40).

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    settings = {"sr": sample_rate, "n_mfcc": CEPSTRA}
    settings |= {"n_fft": N_FFT, "hop_length": HOP}
    found = [librosa.feature.mfcc(y=wave, **settings) for wave in waves]  # (20, F)
    return np.stack([np.concatenate([c.mean(1), c.std(1)]) for c in found])


def by_timbre(
    store: tuple[Heard, Sequence[np.ndarray]],
    asked: tuple[Heard, Sequence[np.ndarray]],
    sample_rate: int,
) -> tuple[Heard, Heard]:
    """Both again, compared by timbre; each comes as what was heard, and its waveforms.

    Every number is centred and scaled as it varies in the store.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    from sklearn.preprocessing import StandardScaler, normalize

    old, new = (timbre(waves, sample_rate) for _, waves in (store, asked))
    scale = StandardScaler().fit(old)
    return tuple(
        replace(heard, embeddings=normalize(scale.transform(numbers)))
        for (heard, _), numbers in ((store, old), (asked, new))
    )


def other_ear_rows(
    model,
    name: str,
    store: tuple[Heard, Sequence[np.ndarray]],
    asked: tuple[Heard, Sequence[np.ndarray]],
    shots: Sequence[int],
    seed: int,
) -> list[dict]:
    """Questions with neighbours of this ear, heard by the model.

    Beside them stand the vote of the same neighbours, and the likest of them by the
    model's own ear: what it would name if it compared as its encoder's map does.

    Args:
        name: begins the name of each measure.
        store, asked: what was heard, and its waveforms.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    known, query = by_timbre(store, asked, model.encoder.audio.sample_rate)
    near = {k: known.nearest(query, k) for k in shots}
    rows = []
    for k in shots:
        told = f"{name}, {k} similar"
        rows += answer_rows(model, told, query, known, near[k], seed)
    for k in shots:
        rows += vote_rows(f"{name}, vote of {k} nearest", query, known, k, seed)
    likeness = asked[0].embeddings @ store[0].embeddings.T  # (asked, stored)
    for k in shots:
        best = [
            max(row, key=own.__getitem__)
            for row, own in zip(near[k], likeness, strict=True)
        ]
        told = f"{name}, likest of {k} by its own ear"
        rows += marked(told, seed, query, [known.outputs[i] for i in best])
    return rows

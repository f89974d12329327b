"""The exam on real recordings: what an answer in free words is worth.

The baselines see the same folds. Neighbours and logistic regression use the encoder's
embeddings, so they say how much of the answer the encoder knows already.

Taught in: notebooks/08_staged_training.ipynb
"""

import numpy as np
import torch

from ..clap import MiniCLAP
from ..data import Example, open_clip
from ..encoders import AudioEncoder
from ..evaluation import match_label, measure, run_manifest
from .features import hear


def recordings_exam(
    model, test: list[Example], train: list[Example], clap: MiniCLAP | None = None
) -> dict:
    """Classify recordings: in free words, by zero-shot CLAP, and by the baselines.

    Args:
        test: examples of `data.read_esc` that no training has heard (ESC-10: fold 5).
        train: the other folds, for the baselines.
        clap: the towers of the model, for the zero-shot line; None leaves it out.

    Returns:
        a section of a report: name, measures, and one row per recording.

    Taught in: notebooks/08_staged_training.ipynb
    """
    labels = sorted({example.output for example in test})
    rows = run_manifest(model, test)
    for row in rows:
        row["matched"] = match_label(row["answer"], labels)
        row["right"] = row["matched"] == row["truth"]
    embeddings = embed(model.encoder, test)  # (N, C)
    guesses = baselines(model.encoder, train, embeddings)
    if clap is not None:
        heard = torch.from_numpy(embeddings).to(clap.log_scale.device)  # (N, C)
        similar = clap.zero_shot(heard, labels)  # (N, labels)
        guesses["zero-shot CLAP"] = [labels[i] for i in similar.argmax(1).tolist()]
    chance, truths = 1 / len(labels), [row["truth"] for row in rows]
    measures = [measure("answer in free words", [r["right"] for r in rows], chance)]
    for name, guessed in guesses.items():
        right = [g == t for g, t in zip(guessed, truths, strict=True)]
        measures.append(measure(name, right, chance))
        for row, guess in zip(rows, guessed, strict=True):
            row[name] = str(guess)
    return {"name": "Real recordings", "measures": measures, "rows": rows}


def baselines(
    encoder: AudioEncoder, train: list[Example], embeddings: np.ndarray
) -> dict[str, list[str]]:
    """Labels (N,) that classical methods give embeddings (N, C), by method."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    methods = {
        "1 nearest neighbour": KNeighborsClassifier(1, metric="cosine"),
        "5 nearest neighbours": KNeighborsClassifier(5, metric="cosine"),
        "logistic regression": LogisticRegression(C=10.0, max_iter=2000),
    }
    seen, labels = embed(encoder, train), [example.output for example in train]
    return {
        name: method.fit(seen, labels).predict(embeddings).tolist()
        for name, method in methods.items()
    }


def embed(encoder: AudioEncoder, examples: list[Example]) -> np.ndarray:
    """Joint embeddings (N, C) of the recordings of examples."""
    rate = encoder.audio.sample_rate
    waves = [open_clip(example, rate).waveform for example in examples]
    with torch.no_grad():
        return encoder.pool(*hear(encoder, waves)).float().cpu().numpy()

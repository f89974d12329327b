"""The exam on real recordings: what an answer in free words is worth.

The baselines see the same folds. Neighbours are those of a datastore, and logistic
regression reads joint embeddings, so they say how much of the answer the encoder knows
already.

Taught in: notebooks/08_staged_training.ipynb
"""

import torch
from torch import Tensor

from ..clap import MiniCLAP
from ..data import Example, open_clip
from ..encoders import AudioEncoder
from ..evaluation import match_label, measure, run_manifest
from .features import hear
from .hard_stores import vote


def recordings_exam(
    model, test: list[Example], train: list[Example], clap: MiniCLAP | None = None
) -> dict:
    """Classify recordings: in free words, by CLAP, and by the baselines.

    What is said in free words counts as the label it names, or shares most words with;
    once more, as the label nearest in meaning.

    Args:
        test: examples of `data.read_esc` that no training has heard (ESC-10: fold 5).
        train: the other folds, for the baselines.
        clap: the towers of the model, for zero-shot and for what is nearest in meaning;
            None leaves both lines out.

    Returns:
        a section of a report: name, measures, and one row per recording.

    Taught in: notebooks/08_staged_training.ipynb
    """
    labels = sorted({example.output for example in test})
    rows = run_manifest(model, test)
    for row in rows:
        row["matched"] = match_label(row["answer"], labels)
        row["right"] = row["matched"] == row["truth"]
    sounds = hear_all(model.encoder, test)
    guesses = baselines(model.encoder, train, sounds)
    if clap is not None:
        with torch.no_grad():
            joint = model.encoder.pool(*sounds).to(clap.log_scale)  # (N, C)
        similar = clap.zero_shot(joint, labels)  # (N, labels)
        guesses["zero-shot CLAP"] = [labels[i] for i in similar.argmax(1).tolist()]
    chance, truths = 1 / len(labels), [row["truth"] for row in rows]
    measures = [measure("answer in free words", [r["right"] for r in rows], chance)]
    if clap is not None:
        meant = [match_label(r["answer"], labels, clap.embed_text) for r in rows]
        guesses["answer, the nearest label by CLAP"] = meant
    for name, guessed in guesses.items():
        right = [g == t for g, t in zip(guessed, truths, strict=True)]
        measures.append(measure(name, right, chance))
        for row, guess in zip(rows, guessed, strict=True):
            row[name] = str(guess)
    return {"name": "Real recordings", "measures": measures, "rows": rows}


@torch.no_grad()
def baselines(
    encoder: AudioEncoder, train: list[Example], sounds: tuple[Tensor, Tensor]
) -> dict[str, list[str]]:
    """Labels that classical methods give features (N, L, E) with mask, by method."""
    from sklearn.linear_model import LogisticRegression

    seen, labels = hear_all(encoder, train), [example.output for example in train]
    old, new = (encoder.liken(*s).float().cpu().numpy() for s in (seen, sounds))
    guesses = {
        "1 nearest neighbour": vote(new @ old.T, labels, 1),
        "5 nearest neighbours": vote(new @ old.T, labels, 5),
    }
    old, new = (encoder.pool(*s).float().cpu().numpy() for s in (seen, sounds))
    regression = LogisticRegression(C=10.0, max_iter=2000).fit(old, labels)
    return guesses | {"logistic regression": regression.predict(new).tolist()}


def hear_all(encoder: AudioEncoder, examples: list[Example]) -> tuple[Tensor, Tensor]:
    """Features (N, L, E) and mask (N, L) of the recordings of examples."""
    rate = encoder.audio.sample_rate
    return hear(encoder, [open_clip(example, rate).waveform for example in examples])

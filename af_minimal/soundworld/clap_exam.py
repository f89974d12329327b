"""The exam of the two towers alone: name a sound, find a sound, find a sentence.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import numpy as np
import torch
from torch import Tensor

from ..clap import MiniCLAP
from ..evaluation import measure
from .captions import captions
from .catalogue import CLASSES
from .clap_batches import WINDOW_S
from .corpus import HELD_OUT_SEED, RATE, Scene, render_scene
from .features import hear
from .scenes import Score, sample_score


def clap_exam(
    clap: MiniCLAP, clips: int = 580, pairs: int = 200, seed: int = HELD_OUT_SEED
) -> dict:
    """Zero-shot tagging over all classes, and retrieval in both directions.

    Args:
        clips: single sounds of 2 s, every class equally often, to be named.
        pairs: sounds of 1 or 2 events, no two alike, each with a detailed caption.

    Returns:
        a section of a report: name, measures, and one row per clip or pair.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    tagged, retrieved = (
        tagging_rows(clap, clips, seed),
        retrieval_rows(clap, pairs, seed),
    )
    measures = [
        measure(
            f"zero-shot top-1 of {len(CLASSES)} classes",
            [row["right"] for row in tagged],
            1 / len(CLASSES),
        ),
        measure(
            "text to audio R@1", [r["text_to_audio"] for r in retrieved], 1 / pairs
        ),
        measure(
            "audio to text R@1", [r["audio_to_text"] for r in retrieved], 1 / pairs
        ),
    ]
    return {"name": "CLAP, held out", "measures": measures, "rows": tagged + retrieved}


def tagging_rows(clap: MiniCLAP, clips: int, seed: int) -> list[dict]:
    """Each clip's label, and the label whose prompt lies nearest."""
    labels = list(CLASSES)
    truths = [labels[i % len(labels)] for i in range(clips)]
    waves = [single_sound(label, seed + i) for i, label in enumerate(truths)]
    similar = clap.zero_shot(embed(clap, waves), labels)  # (clips, classes)
    named = [labels[i] for i in similar.argmax(1).tolist()]
    return [
        {
            "prompt": "the sound of {label}.",
            "answer": answer,
            "truth": truth,
            "right": answer == truth,
        }
        for truth, answer in zip(truths, named, strict=True)
    ]


def retrieval_rows(clap: MiniCLAP, pairs: int, seed: int) -> list[dict]:
    """Whether each caption finds its sound first, and each sound its caption."""
    scores = different_scores(pairs, seed)
    queries = [captions(score, detail=True)[0] for score in scores]
    waves = [render_scene(Scene(score), {}) for score in scores]
    audio, text = embed(clap, waves), clap.embed_text(queries)
    similar = text @ audio.T  # (texts, audios)
    found, named = similar.argmax(1).tolist(), similar.argmax(0).tolist()
    return [
        {
            "prompt": queries[i],
            "answer": captions(scores[found[i]], detail=True)[0],
            "truth": queries[i],
            "text_to_audio": found[i] == i,
            "audio_to_text": named[i] == i,
        }
        for i in range(pairs)
    ]


def single_sound(label: str, seed: int) -> np.ndarray:
    """One window's length of a scene with one sound, from where that sound begins."""
    rng = np.random.default_rng([seed, 3])
    shortest = CLASSES[label].duration_s[0]
    duration = max(WINDOW_S, shortest / 0.9)  # a scene must be a little longer
    score = sample_score(rng, (1, 1), duration, classes={label: CLASSES[label]})
    start = min(score.events[0].onset_s, duration - WINDOW_S)
    wave = render_scene(Scene(score), {})
    return wave[round(start * RATE) :][: round(WINDOW_S * RATE)]


def different_scores(count: int, seed: int) -> list[Score]:
    """Scores of one window's length; no two have the same sounds in the same order."""
    rng = np.random.default_rng([seed, 4])
    found: dict[tuple, Score] = {}
    while len(found) < count:
        score = sample_score(rng, (1, 2), WINDOW_S)
        found.setdefault(tuple(score.labels), score)
    return list(found.values())


@torch.no_grad()
def embed(clap: MiniCLAP, waves: list[np.ndarray]) -> Tensor:
    """Joint embeddings (N, C) of sounds, each (samples,)."""
    return clap.encoder.pool(*hear(clap.encoder, waves))

"""The exam of the two towers alone: name a sound, find a sound, find a sentence.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import numpy as np
import torch
from torch import Tensor

from ..clap import MiniCLAP
from ..evaluation import mean_average_precision, measure
from .caption_measures import BLANK
from .captions import captions
from .catalogue import CLASSES
from .corpus import HELD_OUT_SEED, RATE, Scene, render_scene
from .exam import bar
from .features import hear
from .near_misses import near_misses
from .scenes import Score, sample_score
from .windows import WINDOW_S

AT_ONCE = 64  # sounds that go through the encoder


def clap_exam(
    clap: MiniCLAP, clips: int = 580, pairs: int = 200, seed: int = HELD_OUT_SEED
) -> dict:
    """Zero-shot tagging over all classes, retrieval both ways, and near misses.

    Args:
        clips: single sounds of 2 s, every class equally often, to be named.
        pairs: sounds of 1 or 2 events, no two alike, each with a detailed caption.

    Returns:
        a section of a report: name, measures, and one row per clip, pair or near miss.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    tagged = tagging_rows(clap, clips, seed)
    scores = different_scores(pairs, seed)
    audio = embed(clap, [render_scene(Scene(score), {}) for score in scores])
    retrieved = retrieval_rows(clap, scores, audio)
    precise = precision_of_tags(clap, scores, audio)
    misses = near_miss_rows(clap, pairs, seed)
    measures = [
        measure(
            f"zero-shot top-1 of {len(CLASSES)} classes",
            [row["right"] for row in tagged],
            1 / len(CLASSES),
        ),
        {"measure": "tags by zero-shot, mAP", "n": pairs, "score": precise, **BLANK},
        measure(
            "text to audio R@1", [r["text_to_audio"] for r in retrieved], 1 / pairs
        ),
        measure(
            "audio to text R@1", [r["audio_to_text"] for r in retrieved], 1 / pairs
        ),
    ]
    for kind in ("attribute", "sound", "order"):
        rows = [row for row in misses if row["kind"] == kind]
        right, about = [[row[key] for row in rows] for key in ("right", "clip")]
        name = f"right of two sentences: {kind}"
        measures.append(measure(name, right, 0.5, about=about))
    rows = tagged + retrieved + misses
    return {"name": "CLAP, held out", "measures": measures, "rows": rows}


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


def near_miss_rows(clap: MiniCLAP, clips: int, seed: int) -> list[dict]:
    """Which of two sentences lies nearer to each sound: the right or the near miss?"""
    scores = different_scores(clips, seed)
    rng = np.random.default_rng([seed, 5])
    misses = [(i, m) for i, s in enumerate(scores) for m in near_misses(s, rng)]
    audio = embed(clap, [render_scene(Scene(score), {}) for score in scores])
    audio = audio[[i for i, _ in misses]]  # (misses, C)
    right = (audio * clap.embed_text([m.right for _, m in misses])).sum(-1)
    wrong = (audio * clap.embed_text([m.wrong for _, m in misses])).sum(-1)
    return [
        {
            "prompt": "right or wrong?",
            "clip": i,
            "kind": m.kind,
            "answer": m.right if good else m.wrong,
            "truth": m.right,
            "right": good,
        }
        for (i, m), good in zip(misses, (right > wrong).tolist(), strict=True)
    ]


def retrieval_rows(clap: MiniCLAP, scores: list[Score], audio: Tensor) -> list[dict]:
    """Whether each caption finds its sound first, and each sound its caption."""
    queries = [captions(score, detail=True)[0] for score in scores]
    similar = clap.embed_text(queries) @ audio.T  # (texts, audios)
    found, named = similar.argmax(1).tolist(), similar.argmax(0).tolist()
    return [
        {
            "prompt": query,
            "answer": queries[found[i]],
            "truth": query,
            "text_to_audio": found[i] == i,
            "audio_to_text": named[i] == i,
        }
        for i, query in enumerate(queries)
    ]


def precision_of_tags(clap: MiniCLAP, scores: list[Score], audio: Tensor) -> float:
    """mAP of all classes over sounds of one or two: are those with a class first?"""
    labels = list(CLASSES)
    truth = np.array([[x in score.labels for x in labels] for score in scores])
    return mean_average_precision(truth, clap.zero_shot(audio, labels).numpy())


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
    starts = bar(range(0, len(waves), AT_ONCE), "hear")
    parts = (hear(clap.encoder, waves[i : i + AT_ONCE]) for i in starts)
    return torch.cat([clap.encoder.pool(*part) for part in parts])

"""The held-out exam: scenes that no training has heard, marked without a human.

Each scene is rendered and encoded once; then the model answers all its questions. Two
controls hear something else and are asked the same: noise, and the sound of another
scene. What a model scores there, it knows from the question alone.

Taught in: notebooks/11_evaluation.ipynb
"""

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm as terminal_bar
from tqdm.auto import tqdm

from ..disk.audio_files import MAX_PEAK
from ..evaluation import GREEDY
from ..generation import complete
from ..prompts import inference_text
from .corpus import HELD_OUT_SEED, Scene, ask_scene, render_scene, sample_scene
from .features import hear
from .marking import mark, summarise
from .questions import QA
from .wordings import CAPTION_PROMPTS

AUDIOS = ("own", "noise", "other")


def exam(
    model,
    scenes: int = 300,
    seed: int = HELD_OUT_SEED,
    audio: str = "own",
    waves: list[np.ndarray] | None = None,
) -> dict:
    """Examine a model on the scenes with seeds `seed`, `seed + 1`, ...

    Args:
        audio: what is heard: "own", "noise" of the same length and level, or the sound
            of the "other" scene, the one before.
        waves: sounds of these scenes from `render_held_out`; None renders them.

    Returns:
        a section of a report: name, measures, and rows with every answer.

    Raises:
        ValueError: for another `audio`, or fewer than two scenes.

    Taught in: notebooks/11_evaluation.ipynb
    """
    if audio not in AUDIOS or scenes < 2:
        raise ValueError(
            f"audio is {audio!r} and scenes is {scenes}; expected one of {AUDIOS} and "
            "at least 2 scenes."
        )
    if waves is None:
        waves = render_held_out(scenes, seed)
    worlds = held_out(scenes, seed)
    features, mask = hear(model.encoder, replace_audio(waves, audio, seed))
    if audio == "other":
        features, mask = features.roll(1, dims=0), mask.roll(1, dims=0)
    asked = [
        (i, qa) for i in range(scenes) for qa in exam_questions(worlds[i], seed + i)
    ]
    answers = answer_all(model, features, mask, asked)
    rows = [
        mark(seed + i, worlds[i], qa, answer)
        for (i, qa), answer in zip(asked, answers, strict=True)
    ]
    name = "SoundWorld, held out" + ("" if audio == "own" else f", hears {audio}")
    return {"name": name, "measures": summarise(rows), "rows": rows}


def held_out(scenes: int, seed: int = HELD_OUT_SEED) -> list[Scene]:
    """The scenes of the exam; none has a real recording in it."""
    return [sample_scene(seed + i, {}, "hard") for i in range(scenes)]


def render_held_out(scenes: int, seed: int = HELD_OUT_SEED) -> list[np.ndarray]:
    """Their sounds, each float32 (samples,)."""
    worlds = held_out(scenes, seed)
    return [
        render_scene(world, {})
        for world in tqdm(worlds, desc="render scenes", disable=scenes < 2)
    ]


def bar(steps, name: str):
    """Steps of one of many exams, behind a bar that vanishes when they are done.

    In a terminal alone: a notebook keeps a gap, and `tqdm.auto` shows it there anyway.
    """
    return terminal_bar(steps, name, leave=False, disable=len(steps) < 2 or None)


def replace_audio(waves: list[np.ndarray], audio: str, seed: int) -> list[np.ndarray]:
    """White noise of each sound's length and root mean square, if that is asked for.

    Peaks that no audio may have are cut.
    """
    if audio != "noise":
        return waves
    rng = np.random.default_rng([seed, 1])
    noise = [rng.standard_normal(len(w)) * np.sqrt(np.mean(w**2)) for w in waves]
    return [n.clip(-MAX_PEAK, MAX_PEAK).astype(np.float32) for n in noise]


def exam_questions(scene: Scene, seed: int) -> list[QA]:
    """All questions of a scene but the caption with details."""
    asked = ask_scene(scene, np.random.default_rng([seed, 2]))
    return [qa for qa in asked if qa.kind != "caption" or qa.prompt in CAPTION_PROMPTS]


def answer_all(
    model,
    features: Tensor,
    mask: Tensor,
    asked: list[tuple[int, QA]],
    batch: int = 64,
    decoding: dict = GREEDY,
) -> list[str]:
    """Greedy answers to (scene, question) pairs, in their order.

    Args:
        features: (scenes, L, E) of the encoder, with mask (scenes, L).
        decoding: how to generate, where the longest answer needs more tokens.
    """
    # a batch waits for its longest answer; answers of one kind are alike in length
    order = sorted(range(len(asked)), key=lambda k: asked[k][1].kind)
    answers = [""] * len(asked)
    starts = range(0, len(order), batch)
    for start in tqdm(starts, desc="answer", disable=len(starts) < 2):
        chosen = order[start : start + batch]
        texts = [inference_text(asked[k][1].prompt, asked[k][1].task) for k in chosen]
        rows = torch.tensor([asked[k][0] for k in chosen], device=features.device)
        said = complete(model, texts, features[rows], mask[rows], **decoding)
        for k, answer in zip(chosen, said, strict=True):
            answers[k] = answer
    return answers

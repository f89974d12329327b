"""What is measured on the shipped `mini`: gates, masks, examples, filters.

Taught in: notebooks/11_evaluation.ipynb, notebooks/20_findings.ipynb
"""

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from ..clap import load_clap
from ..disk.storage import model_folder
from ..model import AudioFlamingo, load
from ..prompts import IGNORE, build_labels, inference_text, training_text
from ..soundworld.captions import captions
from ..soundworld.corpus import Scene, render_scene
from ..soundworld.exam import exam_questions, held_out, render_held_out
from ..soundworld.features import hear
from ..soundworld.few_shot_exam import (
    SHOTS,
    style_rows,
    summarise,
    unseen_rows,
    wrong_name_rows,
)
from ..soundworld.filters import AF1_THRESHOLD, similarity_scores
from ..soundworld.questions import CAPTIONING, QA
from ..soundworld.scenes import sample_score
from ..soundworld.score import Score
from ..tokenizer import special_ids
from .rows import Numbers, mean, purity

SHIPPED = "mini"
SCENES = 8  # inputs of the exact findings
PAIRS = 200  # sounds with a sentence, for the filter
QUERIES, STORED = 20, 16  # sounds of each unseen class, asked and remembered
FIRST = 20_000_000  # seeds from here on: neither training nor any exam has them


def gates_closed(seed: int, model: AudioFlamingo | None = None) -> Numbers:
    """T-F1: the model with closed gates beside a language model that never had any.

    Taught in: notebooks/04_gated_cross_attention.ipynb
    """
    model = model or load(SHIPPED)
    bare = bare_language_model(model)
    inputs = list(scenes_and_questions(model, seed))
    open_gates = [difference(model, bare, *one) for one in inputs]
    gates = [g for b in model.gated_blocks for g in (b.attn_gate, b.ff_gate)]
    learnt = [gate.detach().clone() for gate in gates]
    try:
        for gate in gates:
            gate.data.zero_()
        closed = [difference(model, bare, *one) for one in inputs]
    finally:
        for gate, value in zip(gates, learnt, strict=True):
            gate.data.copy_(value)
    return {"gates closed": max(closed), "gates as trained": max(open_gates)}


def bare_language_model(model: AudioFlamingo):
    """The class of `transformers` as it is, with the model's own weights in it."""
    bare = AutoModelForCausalLM.from_config(model.lm.config)
    weights = {
        name.replace(".decoder_layer.", "."): value
        for name, value in model.lm.state_dict().items()
        if "gated_cross_attn_layer" not in name
    }
    bare.load_state_dict(weights)
    return bare.eval()


def scenes_and_questions(model: AudioFlamingo, seed: int):
    """Token ids (1, T), features (1, L, E) and mask (1, L) of some held-out scenes."""
    first, questions = asked_of_scenes(seed)
    features, mask = hear(model.encoder, render_held_out(SCENES, first))
    for i, question in enumerate(questions):
        text = inference_text(question.prompt, question.task)
        ids = model.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        yield ids.input_ids, features[i : i + 1], mask[i : i + 1]


def asked_of_scenes(seed: int) -> tuple[int, list[QA]]:
    """The seed of the first of some held-out scenes, and a question about each."""
    first = FIRST + 1000 * seed
    asked = [
        exam_questions(world, first + i)
        for i, world in enumerate(held_out(SCENES, first))
    ]
    return first, [some[i % len(some)] for i, some in enumerate(asked)]


@torch.no_grad()
def difference(model: AudioFlamingo, bare, ids: Tensor, features, mask) -> float:
    """Largest difference of a logit between a model that hears and one that reads."""
    heard = model(ids, audio_features=features, audio_mask=mask).logits  # (1, T, V)
    return (heard - bare(input_ids=ids).logits).abs().max().item()


def block_mask(seed: int, model: AudioFlamingo | None = None) -> Numbers:
    """T-F5: what the loss of one answer says to the features of each audio.

    Taught in: notebooks/05_who_may_hear_what.ipynb
    """
    model = model or load(SHIPPED)
    own = model.config.isolate_audios
    numbers = {}
    for answer, audio in ((1, 1), (1, 2), (2, 1)):
        name = f"gradient of answer {answer}'s loss at audio {audio}"
        numbers[name] = gradient(model, seed, answer, audio)
    # the official AF1 mixes the audios before any block mask can keep them apart
    model.audio_transformer.isolate_audios = not own
    name = "the same of answer 1 at audio 2, audios not isolated (official AF1)"
    numbers[name] = gradient(model, seed, 1, 2)
    model.audio_transformer.isolate_audios = own
    return numbers


def gradient(model: AudioFlamingo, seed: int, answer: int, audio: int) -> float:
    """Largest gradient of an answer's loss at an audio, of two audios in one row."""
    first, text = two_described(seed)
    features, mask = hear(model.encoder, render_held_out(2, first))  # (2, W, E)
    features = features.flatten(0, 1)[None].requires_grad_()  # (1, 2W, E)
    row = model.tokenizer(text, add_special_tokens=False, return_tensors="pt")
    ids = special_ids(model.tokenizer)
    labels = build_labels(row.input_ids, **ids)  # (1, T)
    place = (row.input_ids == ids["audio"]).cumsum(1)  # (1, T) the audio it stands by
    labels = labels.masked_fill(place != answer, IGNORE)
    out = model(row.input_ids, None, features, mask.flatten()[None], labels)
    (found,) = torch.autograd.grad(out.loss, features)
    W = model.config.windows_per_audio
    return found[:, W * (audio - 1) : W * audio].abs().max().item()


def two_described(seed: int) -> tuple[int, str]:
    """The seed of the first of two held-out scenes, and a row that describes both."""
    first = FIRST + 1000 * seed
    worlds = held_out(2, first)
    said = [("describe the sound.", captions(world.score)[0]) for world in worlds]
    return first, training_text(CAPTIONING, *said[1], True, said[:1])


def few_shot(seed: int) -> Numbers:
    """T-F2, T-F3, T-F4: unseen sounds under nonsense names, wrong examples, a style.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    model = load(SHIPPED)
    rows = unseen_rows(model, seed, QUERIES, STORED) + wrong_name_rows(model, seed)
    style = summarise(style_rows(model, seed))
    return few_shot_numbers(rows) | {line["measure"]: line["score"] for line in style}


def few_shot_numbers(rows: list[dict]) -> Numbers:
    """The exam's rows as numbers; bound and purity where there are examples."""
    numbers = {}
    for name in dict.fromkeys(row["measure"] for row in rows):
        found = [row for row in rows if row["measure"] == name]
        numbers[name] = mean([row["right"] for row in found])
        if found[0]["examples"]:
            numbers[f"{name}: bound"] = mean([row["bound"] for row in found])
            numbers[f"{name}: purity"] = purity(found)
    names = {row["truth"] for row in rows if row["measure"].startswith("unseen")}
    similar = [f"unseen names, {shots} similar" for shots in SHOTS]
    above = [numbers[name] - numbers[f"{name}: bound"] for name in similar]
    languages = [numbers[name] for name in numbers if is_language(name)]
    alone = max(numbers["known names, no example"], 1e-9)
    wrong = numbers["known names, 4 similar of other classes"]
    lied = numbers["known names, 4 similar with wrong names"]
    return numbers | {
        "unseen names, chance": 1 / len(names),
        "4 similar minus purity": numbers[similar[1]]
        - numbers[f"{similar[1]}: purity"],
        "most above the bound": max(above),
        "named in other languages, lowest": min(languages),
        "share kept, other classes": wrong / alone,
        "share kept, wrong names": lied / alone,
    }


def is_language(name: str) -> bool:
    """Whether a number is the accuracy of sounds that are called in a language."""
    return name.startswith("named in ") and ":" not in name


def similarity_filter(seed: int) -> Numbers:
    """T-F7: half of the sounds get another's caption; which would a filter drop?

    The paper filters conversations, whose answers are harder to catch: notebook 10
    measures that.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """
    model = load(SHIPPED)
    clap = load_clap(model.encoder, model.tokenizer, model_folder(SHIPPED))
    scores, texts, planted, rng = half_wrong(seed)
    waves = [render_scene(Scene(score), {}) for score in scores]
    similar = np.asarray(similarity_scores(clap, waves, texts))  # (PAIRS,)
    return filter_numbers(similar, planted, rng)


def half_wrong(
    seed: int,
) -> tuple[list[Score], list[str], np.ndarray, np.random.Generator]:
    """Sounds, a sentence each, which of them are another's, and whom to draw with."""
    rng = np.random.default_rng([seed, 11])
    scores = [sample_score(rng, (1, 2)) for _ in range(PAIRS)]
    texts = [captions(score)[0] for score in scores]
    planted = np.arange(PAIRS) < PAIRS // 2
    for i in np.flatnonzero(planted):
        others = [s for s in scores if not set(s.labels) & set(scores[i].labels)]
        texts[i] = captions(others[rng.integers(len(others))])[0]
    return scores, texts, planted, rng


def filter_numbers(similar: np.ndarray, planted: np.ndarray, rng) -> Numbers:
    """Share of the planted that is dropped with the least similar half, or a blind."""
    drop = len(similar) // 2
    least, blind = np.argsort(similar)[:drop], rng.permutation(len(similar))[:drop]
    below = similar < AF1_THRESHOLD
    return {
        "dropped by similarity": planted[least].sum() / planted.sum(),
        "dropped at random": planted[blind].sum() / planted.sum(),
        "chance": drop / len(similar),
        "dropped below AF1's cosine of 0.3": below[planted].mean(),
        "right ones dropped below 0.3": below[~planted].mean(),
    }

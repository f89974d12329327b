"""The few-shot exam: sounds and names that training never met, learnt from examples.

A store holds sounds with their names; the neighbours of a sound stand before the
question. Beside each score stands its bound, the share of questions whose true name is
among the examples at all.

Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..data import Example, open_clip
from ..evaluation import caption_values, majority, measure
from .catalogue import CLASSES, HELD_OUT
from .corpus import HELD_OUT_SEED
from .episodes import wrong_label
from .exam import held_out, render_held_out
from .few_shot import (
    DESCRIBE,
    Heard,
    answer_rows,
    new_names,
    render_singles,
    single_sounds,
)
from .hard_stores import hard_store_rows, vote_rows
from .languages import language_rows
from .styles import EXAM_STYLE
from .timbre import other_ear_rows

SHOTS = (1, 4, 8)


def few_shot_exam(model, seed: int = 0, queries: int = 20, stored: int = 16) -> dict:
    """Unseen sounds under unseen names, wrong examples, and a caption style to copy.

    Args:
        seed: of names, sounds and random examples.
        queries, stored: sounds of each held-out class that are asked and remembered.

    Returns:
        a section of a report: name, measures, and one row per answer.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    rows = unseen_rows(model, seed, queries, stored)
    rows += wrong_name_rows(model, seed)
    rows += style_rows(model, seed)
    return {"name": "Few-shot", "measures": summarise(rows), "rows": rows}


def unseen_rows(model, seed: int, queries: int, stored: int) -> list[dict]:
    """Held-out classes under nonsense names: no examples, similar, any, hard ones.

    And found by another ear, and under the names of other languages.
    """
    named = new_names(list(HELD_OUT), seed)
    kept, new = (
        render_singles(named, each, [seed, part])
        for part, each in ((1, stored), (2, queries))
    )
    store, asked = (Heard.of(model.encoder, *sounds) for sounds in (kept, new))
    rows = answer_rows(model, "unseen names, no example", asked, store, None, seed)
    for shots in SHOTS:
        for how, chosen in (
            ("similar", store.nearest(asked, shots)),
            ("random", store.any(asked, shots, seed)),
        ):
            name = f"unseen names, {shots} {how}"
            rows += answer_rows(model, name, asked, store, chosen, seed)
    rows += hard_store_rows(model, asked, store, SHOTS, seed)
    sounds = (store, kept[0]), (asked, new[0])
    rows += other_ear_rows(model, "another ear", *sounds, SHOTS, seed)
    return rows + language_rows(model, asked, store, seed)


def wrong_name_rows(model, seed: int) -> list[dict]:
    """Known classes whose four retrieved examples are right, misnamed, or others."""
    labels = {label: label for label in CLASSES}
    store = single_sounds(model, labels, 4, [seed, 3])
    asked = single_sounds(model, labels, 2, [seed, 4])
    near, far = store.nearest(asked, 4), store.nearest_others(asked, 4)
    rng = np.random.default_rng([seed, 5])
    lies = [
        [wrong_label(rng, truth, store.outputs[i]) for i in places]
        for places, truth in zip(near, asked.outputs, strict=True)
    ]
    cases = (
        ("known names, no example", None, None),
        ("known names, 4 similar", near, None),
        ("known names, 4 similar with wrong names", near, lies),
        ("known names, 4 similar of other classes", far, None),
    )
    return [
        row
        for name, chosen, named in cases
        for row in answer_rows(model, name, asked, store, chosen, seed, named=named)
    ]


def style_rows(model, seed: int, scenes: int = 100) -> list[dict]:
    """Captions in a style that only the examples show."""
    first = HELD_OUT_SEED + 1_000_000 * (seed + 1)
    worlds = held_out(2 * scenes, first)
    rng = np.random.default_rng([seed, 6])
    said = [EXAM_STYLE.write(w.score, int(rng.integers(3))) for w in worlds]
    waves = render_held_out(2 * scenes, first)
    ids = [f"scene {first + i}" for i in range(2 * scenes)]
    asked, store = (
        Heard.of(model.encoder, waves[part], said[part], ids[part])
        for part in (slice(scenes), slice(scenes, None))
    )
    rows = []
    for shots in (0, 4, 8):
        chosen = store.nearest(asked, shots) if shots else None
        name = f"new style, {shots or 'no'} similar"
        found = answer_rows(model, name, asked, store, chosen, seed, DESCRIBE)
        for row, world in zip(found, worlds, strict=False):
            row["references"] = [EXAM_STYLE.write(world.score, i) for i in range(3)]
        rows += found
    return rows


def recordings_few_shot(
    model, test: list[Example], train: list[Example], seed: int = 0
) -> dict:
    """Real recordings under nonsense names; nothing but the examples can tell them.

    Args:
        test: recordings to ask about (ESC-10: fold 5), as `read_esc` gives them.
        train: recordings to retrieve from (the other folds).

    Returns:
        a section of a report: name, measures, and one row per answer.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    named = new_names(sorted({example.output for example in test}), seed)
    rate = model.encoder.audio.sample_rate
    kept, new = (
        [open_clip(example, rate).waveform for example in part]
        for part in (train, test)
    )
    store, asked = (
        Heard.of(
            model.encoder,
            waves,
            [named[example.output] for example in part],
            [Path(str(example.audio)).name for example in part],
        )
        for part, waves in ((train, kept), (test, new))
    )
    rows = answer_rows(model, "recordings, no example", asked, store, None, seed)
    for shots in SHOTS:
        chosen = store.nearest(asked, shots)
        name = f"recordings, {shots} similar"
        rows += answer_rows(model, name, asked, store, chosen, seed)
    for neighbours in (1, 8):
        name = f"recordings, vote of {neighbours} nearest"
        rows += vote_rows(name, asked, store, neighbours, seed)
    sounds, name = ((store, kept), (asked, new)), "recordings, another ear"
    rows += other_ear_rows(model, name, *sounds, SHOTS, seed)
    name = "Few-shot, real recordings"
    return {"name": name, "measures": summarise(rows), "rows": rows}


def over_seeds(exam: Callable[[int], dict], seeds: Sequence[int]) -> dict:
    """An exam of this module for several seeds: measures of all its answers together.

    Each measure also has the score of every seed, as "seeds". A sound that is asked
    with every seed, as a recording is, counts once, with the mean of its answers.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    sections = [exam(seed) for seed in seeds]
    rows = [row for section in sections for row in section["rows"]]
    measures = summarise(rows)
    for i, line in enumerate(measures):
        line["seeds"] = [section["measures"][i]["score"] for section in sections]
    name = f"{sections[0]['name']}, {len(seeds)} seeds"
    return {"name": name, "measures": measures, "rows": rows}


def summarise(rows: list[dict]) -> list[dict]:
    """A line for each measure and, where examples were given, one for its bound.

    Items are sounds, not answers: what is asked again with another seed says nothing
    new about other sounds. Names are new with each seed; so chance is that of a seed.
    """
    measures = []
    for name in dict.fromkeys(row["measure"] for row in rows):
        found = [row for row in rows if row["measure"] == name]
        if "references" in found[0]:
            told = (
                [row["answer"] for row in found],
                [row["references"] for row in found],
            )
            measures.append(measure(f"{name}, CIDEr", caption_values(*told)["CIDEr"]))
            continue
        seeds = [[r["truth"] for r in one] for one in divided(found, "seed")]
        chance = float(np.mean([majority(truths) for truths in seeds]))
        measures.append(measure(name, by_sound(found, "right"), chance))
        if found[0]["examples"] and not name.startswith(("known", "named")):
            bound = by_sound(found, "bound")
            measures.append(measure(f"{name}: true name is there", bound))
    return measures


def by_sound(rows: list[dict], key: str) -> list[float]:
    """Mean of a column over the answers about each sound."""
    return [float(np.mean([row[key] for row in one])) for one in divided(rows, "sound")]


def divided(rows: list[dict], key: str) -> list[list[dict]]:
    """Rows in parts that share a value of a column."""
    parts: dict = {}
    for row in rows:
        parts.setdefault(row[key], []).append(row)
    return list(parts.values())

"""Other draws, sizes and rates are other numbers: `made_with` notices each of them."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

from af_minimal.findings import (
    af1,
    af2,
    compa,
    compa_towers,
    drawn,
    mini,
    mini_drawn,
    toy,
    toy_af2,
    toy_few_shot,
    toy_order,
    toy_stages,
    toy_stream,
)
from af_minimal.soundworld import languages
from af_minimal.soundworld.catalogue import CLASSES
from af_minimal.systems.compa import towers, training
from af_minimal.systems.curriculum import batches

EXPERIMENTS = af1.EXPERIMENTS | compa.EXPERIMENTS | af2.EXPERIMENTS
RUNS = "AF2 features", "AF2 depth"
ROWS = "AF2 curriculum", "AF2 data"
STREAMS = *RUNS, *ROWS, "AF2 counting"
TOWERS = tuple(compa.EXPERIMENTS)
RECIPES = *(f"toy, {name}" for name in toy_few_shot.RECIPES), "toy losses"
MINI = "gates", "block mask", "few-shot", "filter", "neighbours"

# what is changed, where, into what; and which numbers are old then
CHANGES = {
    "noise of a stream": (toy_stream, "NOISE", 3.0, STREAMS),
    "words of a stream's tokenizer": (toy_stream, "VOCABULARY", 300, STREAMS),
    "labels of packed rows": (
        batches,
        "build_labels",
        lambda ids, **special: torch.full_like(ids, 7),
        STREAMS,
    ),
    "answers of runs": (toy_af2, "PARTS", ("soon", "later", "last"), RUNS),
    "kinds of rows": (toy_stages, "KINDS", ("red", "blue", "green", "pink"), ROWS),
    "how long sounds of rows last": (toy_stages, "LASTS", (1, 2), ROWS),
    "rate after a warm-up": (toy_stages.Steady, "stage", toy_stream.Toy.stage, ROWS),
    "takes of a sound": (training, "TAKES", 3, TOWERS),
    "rate of the towers": (
        drawn,
        "Schedule",
        lambda *sizes: training.Schedule(*sizes, lr=1.0),
        TOWERS,
    ),
    "width of the towers": (towers, "WIDTH", 32, TOWERS),
    "sentences of the towers": (
        training,
        "say",
        lambda expression, wording=0: "a sound",
        TOWERS,
    ),
    "spread of windows": (toy, "SPREAD", 0.9, (*RECIPES, "toy order")),
    "what order asks": (
        toy_order.QUESTIONS,
        "first",
        ("order", "what begins?"),
        ("toy order",),
    ),
    "names in a language": (languages.NAMES, "in German", "wolf, katze", ("few-shot",)),
    "the style of the exam": (
        mini_drawn,
        "EXAM_STYLE",
        replace(mini_drawn.EXAM_STYLE, join=" & "),
        ("few-shot",),
    ),
    "nonsense names": (
        mini_drawn,
        "new_names",
        lambda labels, seed: {label: label for label in labels},
        ("few-shot",),
    ),
    "loudness of sounds": (
        mini_drawn,
        "render_singles",
        lambda named, each, seed: ([np.ones(9, np.float32)], [], []),
        ("few-shot", "neighbours"),
    ),
    "what is asked as absent": (
        import_module("af_minimal.soundworld.questions"),  # a function has this name
        "ALSO_CALLED",
        {label: list(CLASSES)[::2] for label in CLASSES},
        ("gates",),
    ),
    "captions": (mini, "captions", lambda score: ["a dog."], ("block mask", "filter")),
    "weights": (mini_drawn, "hash_weights", lambda folder: {"model": "0"}, MINI),
}


@pytest.fixture(scope="module")
def made():
    return {name: experiment.made_with() for name, experiment in EXPERIMENTS.items()}


def change(monkeypatch, where, name, value):
    if isinstance(where, dict):
        monkeypatch.setitem(where, name, value)
    else:
        monkeypatch.setattr(where, name, value)


@pytest.mark.parametrize("what", CHANGES)
def test_numbers_are_old_after_a_change(what, made, monkeypatch):
    *changed, old = CHANGES[what]
    change(monkeypatch, *changed)
    kept = [name for name in old if EXPERIMENTS[name].made_with() == made[name]]
    assert not kept


def test_stages_of_the_towers_draw_scenes_of_their_own():
    world = compa_towers.World(0, compa_towers.SETTING)
    told = [
        drawn.heard_and_read(world, "vanilla", training.draw_order, stage)
        for stage in (0, 1)
    ]
    assert told[0] != told[1]
    levels, sentences = told[0][:2]
    assert len(levels) == 4 and len(sentences) == compa_towers.SETTING.batch


def test_digits_hide_what_machines_round_differently():
    numbers = torch.tensor([0.12341, -0.00001])
    assert drawn.rounded(numbers) == drawn.rounded(numbers + 1e-7) == [0.1234, 0.0]
    assert str(drawn.rounded(numbers)[1]) == "0.0"
    wave = np.full(100, 0.25, np.float32)
    assert mini_drawn.levels([wave, wave + 1e-5]) == [(100, 0.25)] * 2

"""Everything that is measured of a model, in one go.

Taught in: notebooks/08_staged_training.ipynb
"""

from functools import partial
from pathlib import Path

from ..clap import load_clap
from ..data import read_esc
from ..model import load
from .clap_exam import clap_exam
from .dialogue_exam import dialogue_exam
from .exam import AUDIOS, exam, render_held_out
from .few_shot_exam import few_shot_exam, over_seeds, recordings_few_shot
from .recordings_exam import recordings_exam

SEEDS = (0, 1, 2)  # of the few-shot exams: names, sounds, random examples


def examine(folder: Path, scenes: int, recordings: str | None = None) -> list[dict]:
    """All exams of a saved model: scenes and controls, towers, examples, conversation.

    `recordings` is a folder of ESC-10, or ESC-50 with ESC-10 in it; fold 5 is asked.

    Taught in: notebooks/08_staged_training.ipynb
    """
    test, others = [], []
    if recordings is not None:  # a wrong folder is told before the long work
        test = read_esc(recordings, 5, ten=True)
        others = read_esc(recordings, (1, 2, 3, 4), ten=True)
    model = load(folder)
    clap = load_clap(model.encoder, model.tokenizer, folder)
    waves, talks = render_held_out(scenes), max(2, scenes // 2)
    sections = [exam(model, scenes, audio=audio, waves=waves) for audio in AUDIOS]
    sections.append(clap_exam(clap))
    sections.append(over_seeds(partial(few_shot_exam, model), SEEDS))
    sections += [
        dialogue_exam(model, talks),
        dialogue_exam(model, talks, audio="noise"),
        dialogue_exam(model, talks, memory=False),
    ]
    if test:
        sections.append(recordings_exam(model, test, others, clap))
        asked = partial(recordings_few_shot, model, test, others)
        sections.append(over_seeds(asked, SEEDS))
    return sections

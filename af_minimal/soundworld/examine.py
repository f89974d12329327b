"""Everything that is measured of a model, in one go.

Taught in: notebooks/08_staged_training.ipynb
"""

from pathlib import Path

from ..clap import load_clap
from ..data import read_esc
from ..model import load
from .clap_exam import clap_exam
from .exam import AUDIOS, exam, render_held_out
from .recordings_exam import recordings_exam


def examine(folder: Path, scenes: int, recordings: str | None = None) -> list[dict]:
    """All exams of a saved model: SoundWorld, its two controls, the towers, recordings.

    `recordings` is a folder of ESC-10 or ESC-50, of which fold 5 is asked.

    Taught in: notebooks/08_staged_training.ipynb
    """
    test, others = [], []
    if recordings is not None:  # a wrong folder is told before the long work
        test, others = read_esc(recordings, (5,)), read_esc(recordings, (1, 2, 3, 4))
    model = load(folder)
    clap = load_clap(model.encoder, model.tokenizer, folder)
    waves = render_held_out(scenes)
    sections = [exam(model, scenes, audio=audio, waves=waves) for audio in AUDIOS]
    sections.append(clap_exam(clap))
    if test:
        sections.append(recordings_exam(model, test, others, clap))
    return sections

"""Windows and sentences for contrastive training.

Taught in: notebooks/02_clap_from_scratch.ipynb
"""

import numpy as np
import torch

from ..clap import MiniCLAP
from .captions import captions
from .kept_windows import KeptWindows
from .near_misses import near_misses
from .score import Score
from .windows import RECORDED, Window, draw_windows, recorded_window

ATTRIBUTES = 8  # near misses of a window that are wrong in an attribute, at most


class ClapBatches:
    """Step number -> batch: short scenes, cuts of long scenes, real recordings.

    No two windows of a batch hold the same sounds in the same order, so few sentences
    are false negatives; one remains where both sounds overlap and another window has
    them the other way round. Beside its sentence, each window has near misses to be
    told from the truth. The same number gives the same batch.

    With `windows` the synthesised ones are of those, and a batch has no more rows than
    they hold different sounds; without, all are rendered for the batch.

    Taught in: notebooks/02_clap_from_scratch.ipynb
    """

    def __init__(
        self,
        clap: MiniCLAP,
        recordings: dict,
        seed: int = 0,
        size: int = 64,
        windows: KeptWindows | None = None,
    ):
        self.clap, self.recordings, self.windows = clap, recordings, windows
        self.seed, self.size = seed, size
        if windows is not None:
            self.size = min(size, windows.different)

    def __call__(self, step: int) -> list[dict]:
        rng = np.random.default_rng([self.seed, step])
        kept: dict[tuple, Window] = {}
        while len(kept) < self.size:
            for window in self.draw(rng):
                kept.setdefault(tuple(window.score.labels), window)
        chosen = list(kept.values())[: self.size]
        level = rng.uniform(-9, 3, size=(self.size, 1))  # dB
        # the level of synthesised sounds is theirs: "soft" and "loud" are attributes
        level[[not window.recorded for window in chosen]] = 0
        samples = np.stack([window.samples for window in chosen])
        samples = (samples * 10 ** (level / 20)).clip(-1, 1).astype(np.float32)
        texts = [window_texts(window.score) for window in chosen]
        said = [wordings[rng.integers(len(wordings))] for wordings in texts]
        batch = {"windows": torch.from_numpy(samples)} | self.clap.tokenize(said)
        return [batch | self.contrasts([window.score for window in chosen], rng)]

    def draw(self, rng: np.random.Generator) -> list[Window]:
        """One of the windows that are kept, or new ones."""
        if self.windows is None:
            return draw_windows(rng, self.recordings)
        if self.recordings and rng.random() < RECORDED:
            return [recorded_window(rng, self.recordings)]
        return [self.windows[rng.integers(len(self.windows))]]

    def contrasts(self, scores: list[Score], rng: np.random.Generator) -> dict:
        """Near misses of all windows, as `MiniCLAP.forward` takes them, or none."""
        found = [
            (i, miss)
            for i, score in enumerate(scores)
            for miss in near_misses(score, rng, ATTRIBUTES)
        ]
        if not found:
            return {}
        texts = [m.right for _, m in found] + [m.wrong for _, m in found]
        tokens = self.clap.tokenize(texts)
        tensors = {f"contrast_{name}": value for name, value in tokens.items()}
        return {"contrast_rows": torch.tensor([i for i, _ in found]), **tensors}


def window_texts(score: Score) -> list[str]:
    """All wordings of a short score; a sound alone is also named by its label."""
    texts = captions(score)
    if all(event.attributes for event in score.events):  # recordings have none
        texts = texts + captions(score, detail=True)
    if len(score.events) == 1:
        texts = texts + [f"the sound of {score.events[0].label}."] * 2
    return texts

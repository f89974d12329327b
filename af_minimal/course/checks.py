"""Checks of the exercises: `my = check.num_windows(my)` in the cell after the stub.

A check runs your function beside the package's on small cases. It returns your function
when all agree. Otherwise it says where they differ and returns the package's, so the
notebook goes on; with AF_STRICT=1 in the environment it raises instead.
"""

import io
import os
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from textwrap import indent

import numpy as np
import torch

from ..audio import TooLongWarning
from ..audio import cut_windows as _cut_windows
from ..audio import num_windows as _num_windows
from ..audio_transformer import sinusoidal_table as _sinusoidal_table
from ..clap import contrastive_loss as _contrastive_loss
from ..config import AudioConfig
from ..prompts import build_labels as _build_labels
from ..xattn import GatedCrossAttentionBlock
from ..xattn import text_to_audio_mask as _text_to_audio_mask
from . import mistakes
from .differences import brief_case, brief_pair, difference, type_difference
from .setup import show


class WrongAnswer(AssertionError):
    """Raised instead of printed when AF_STRICT=1."""


EVERY: dict[str, "Check"] = {}  # of all notebooks whose checks are imported


@dataclass(frozen=True)
class Check:
    """An exercise: the package's function and the cases on which yours must agree.

    `make_cases` returns fresh arguments at every call, so an answer that writes into
    its arguments cannot spoil what the reference gets. `run` says how to get a value
    out of an answer that is more than a function, a class for example. `known` are
    mistakes that many make, each with a sentence on what is wrong with it. `typed`
    asks for numpy arrays of the reference's types, not for equal numbers alone.
    """

    name: str
    reference: Callable
    make_cases: Callable[[], list[tuple]]
    run: Callable = lambda answer, *arguments: answer(*arguments)
    known: Mapping[Callable, str] = field(default_factory=dict)
    typed: bool = False

    def __post_init__(self):
        EVERY[self.name] = self

    def __call__(self, answer: Callable) -> Callable:
        """Compare on all cases; return `answer` if it is right, else the reference."""
        if answer is self.reference:  # as after a first check that went wrong
            print(f"– {self.name}: this is the package's. Run the cell with yours.")
            return answer
        problem = self.first_problem(answer)
        if not problem:
            print(f"✓ {self.name}: right on all {len(self.make_cases())} cases.")
            return answer
        if os.environ.get("AF_STRICT", "").lower() in ("1", "true", "yes"):
            raise WrongAnswer(f"{self.name}: {problem}")
        print(f"✗ {self.name}: {problem}")
        print(
            f"The notebook goes on with the package's. See check.reveal({self.name!r})."
        )
        return self.reference

    def first_problem(self, answer: Callable) -> str:
        """What is wrong in the first case that differs; an empty string if none."""
        cases = zip(self.make_cases(), self.make_cases(), strict=True)
        for yours_in, reference_in in cases:
            shown = brief_case(yours_in)
            expected = self.run(self.reference, *reference_in)
            try:
                yours = self.run(answer, *yours_in)
            except Exception as error:  # whatever the learner's code may raise
                if isinstance(error, NotImplementedError) and not str(error):
                    return "not solved yet."  # the stub's own; torch's have a text
                return f"it raised {type(error).__name__}: {error}\n  case: {shown}"
            if reason := difference(yours, expected):
                mine, right = brief_pair(yours, expected)
                lines = f"case:      {shown}\nyours:     {mine}\nreference: {right}"
                lines += self._why(answer)
                return f"{reason}\n{indent(lines, '  ')}"
            if self.typed and (reason := type_difference(yours, expected)):
                return f"{reason}\n  case: {shown}"
        return ""

    def _why(self, answer: Callable) -> str:
        """The sentence of a known mistake that gives the same in all cases."""
        # an answer like it in some cases only has a mistake of its own
        for mistake, sentence in self.known.items():
            made = [self.run(mistake, *case) for case in self.make_cases()]
            try:
                with redirect_stdout(io.StringIO()):  # what it prints was seen before
                    yours = [self.run(answer, *case) for case in self.make_cases()]
            except Exception:  # whatever it raises: no known mistake raises
                return ""
            if not any(map(difference, yours, made)):
                return f"\nlikely:    {sentence}"
        return ""


def reveal(name: str) -> None:
    """Show the package's source of an exercise; it is the solution.

    Raises ValueError for a name that no exercise has.
    """
    name = getattr(name, "name", name)  # the check itself will do
    if name not in EVERY:
        raise ValueError(f"No exercise is called {name!r}; there are {list(EVERY)}.")
    show(EVERY[name].reference)


# The exercises. Small numbers on purpose: a case should fit a sheet of paper.

_TOY = AudioConfig(sample_rate=10, window_s=1.0, overlap_s=0.5, max_windows=4)
# a hop of 3, which is neither the overlap nor half a window
_DENSE = AudioConfig(sample_rate=10, window_s=1.0, overlap_s=0.7, max_windows=3)


def noise(seed: int, *shape: int) -> torch.Tensor:
    """Normal numbers for a case, the same for every call with this seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _sample_counts() -> list[tuple]:
    toy = [(n, _TOY) for n in (1, 10, 11, 15, 16, 25, 40)]
    return toy + [(n, _DENSE) for n in (13, 14, 16, 17)]


def _waveforms() -> list[tuple]:
    lengths = [(n, _TOY) for n in (4, 10, 12, 20, 25, 33)]  # 33 are too long
    lengths += [(n, _DENSE) for n in (14, 19)]
    return [(np.arange(1, n + 1, dtype=np.float32) / 100, c) for n, c in lengths]


def _embedding_pairs() -> list[tuple]:
    cases = []
    for batch, scale in ((2, 1.0), (4, 10.0), (5, 3.0)):
        pair = (noise(seed, batch, 8) for seed in (batch, batch + 1))
        unit = (torch.nn.functional.normalize(x, dim=-1) for x in pair)
        cases.append((*unit, torch.tensor(scale)))
    return cases


def _texts_with_audio() -> list[tuple]:
    a, w = 9, 2  # the id of <audio>, windows per audio
    rows = ([a, 1, 2, 3], [1, a, 2, a], [1, 2, 3, 4])
    full = torch.ones(1, 2 * w, dtype=torch.bool)
    padded = torch.tensor([[True, False, True, True]])
    masks = (full, padded, full)
    cases = [
        (torch.tensor([r]), m.clone(), a, w) for r, m in zip(rows, masks, strict=True)
    ]
    both = torch.tensor([[1, 2, 3, 4], [a, 1, a, 2]]), torch.cat([full, padded])
    cases.append((*both, a, w))  # each row for itself
    three = torch.ones(1, 6, dtype=torch.bool)  # not as many windows as audios
    return [*cases, (torch.tensor([[1, a, 2, a]]), three, a, 3)]


def _token_rows() -> list[tuple]:
    pad, audio, sep, eoc, eos = 0, 1, 2, 3, 4
    rows = (
        [eos, eos, audio, 7, sep, 8, 9, eoc, eos, pad],
        [eos, eos, audio, 7, sep, 8, eoc, audio, 7, sep, 9, eoc, eos],
        [eos, eos, audio, 7, sep, 8, 9],  # the answer is cut off
        # in an answer: blank are padding and <audio>, and what is padded is not cut off
        [eos, eos, audio, 7, sep, 8, 9, pad, pad],
        [eos, eos, audio, 7, sep, 8, audio, 9, eoc, eos],
    )
    cases = [(torch.tensor([r]), pad, audio, sep, eoc, eos) for r in rows]
    cut_behind_a_whole_one = [eos, eos, audio, 7, sep, 8, eoc, audio, 7, sep, 9, 9]
    # the first row ends inside an answer, and the second begins with a long question
    other = [eos, eos, audio, 7, 7, 7, 7, 7, sep, 8, eoc, eos]
    both = torch.tensor([cut_behind_a_whole_one, other])
    return [*cases, (both, pad, audio, sep, eoc, eos)]


def _block_inputs() -> list[tuple]:
    hears = torch.tensor([[[True, True, False], [True, True, True]]])  # (1, T, L)
    deaf = hears.clone()
    deaf[:, 0] = False
    return [
        (gate, noise(1, 1, 2, 8), noise(2, 1, 3, 6), mask)
        for gate, mask in ((0.0, hears.clone()), (0.7, hears.clone()), (0.7, deaf))
    ]


def _run_block(block: type, gate: float, x, audio, mask) -> torch.Tensor:
    """Build at fixed weights, open the gates so far, run; the gates differ."""
    sizes = {"width": 8, "audio_width": 6, "heads": 2, "head_width": 4, "ff_mult": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = GatedCrossAttentionBlock(**sizes).state_dict()
        model = block(**sizes)
    weights["attn_gate"].fill_(gate)
    weights["ff_gate"].fill_(-gate / 2)
    model.load_state_dict(weights)
    return model(x, audio, mask)


def _run_quietly(answer: Callable, waveform: np.ndarray, config: AudioConfig):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TooLongWarning)  # a case is too long on purpose
        return answer(waveform, config)


num_windows = Check("num_windows", _num_windows, _sample_counts)
cut_windows = Check("cut_windows", _cut_windows, _waveforms, _run_quietly, typed=True)
contrastive_loss = Check(
    "contrastive_loss",
    _contrastive_loss,
    _embedding_pairs,
    known=mistakes.CONTRASTIVE_LOSS,
)
sinusoidal_table = Check(
    "sinusoidal_table", _sinusoidal_table, lambda: [(4, 6), (3, 2), (7, 5)]
)
text_to_audio_mask = Check(
    "text_to_audio_mask",
    _text_to_audio_mask,
    _texts_with_audio,
    known=mistakes.TEXT_TO_AUDIO_MASK,
)
gated_block = Check("gated_block", GatedCrossAttentionBlock, _block_inputs, _run_block)
build_labels = Check(
    "build_labels", _build_labels, _token_rows, known=mistakes.BUILD_LABELS
)

CHECKS = {v.name: v for v in list(globals().values()) if isinstance(v, Check)}

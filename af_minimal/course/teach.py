"""Teach the model names for sounds of your own: upload, name, ask.

As in `widgets/`, every callback writes widget values only.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
import soundfile

from ..audio import resample
from ..data import Example
from ..prompts import clean
from ..retrieval import Datastore
from .figures_retrieval import names_taught
from .widgets import Panel, decode, wav_bytes
from .widgets.ask import LIMIT, left_out, sound_upload
from .widgets.parts import Words, meanwhile, row
from .widgets.still import with_picture

PROMPT = "classify this sound."


def write_folders(folder: str | Path, examples: Sequence[Example]) -> Path:
    """Write Clips as `folder/<output>/<number>.wav`, as `read_labelled` reads them.

    Raises ValueError for a name that leaves the folder.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    folder = Path(folder)
    for number, example in enumerate(examples):
        name = example.output.replace(" ", "_")
        if name in ("", ".", "..") or Path(name).name != name:
            raise ValueError(f"the name {name!r} leaves {folder}; leave / and .. out.")
        path = folder / name / f"{number:02d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, example.audio.waveform, example.audio.sample_rate)
    return folder


class TeachWidget(Panel):
    """Upload sounds under a name, then upload another and ask what it is.

    `examples` grows with every sound that is taught; `store` holds them.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(self, model, examples: Sequence[Example] = (), prompt: str = PROMPT):
        self.model, self.prompt = model, prompt
        self.store = Datastore.build(examples, model.encoder) if examples else None
        self.name = widgets.Text("", description="name", placeholder="a word you made")
        self.sounds = sound_upload("its sounds", multiple=True)
        self.teach = widgets.Button(description="Teach", button_style="primary")
        self.known = Words()
        self.query = sound_upload("a new sound")
        self.k = widgets.IntSlider(4, 0, 8, description="examples k")
        self.button = widgets.Button(description="Ask", button_style="primary")
        self.audio = widgets.Audio(autoplay=False, loop=False)
        self.answer = Words()
        self.teach.on_click(self._teach)
        self.button.on_click(self._ask)
        self.known.say(self._taught())
        super().__init__(
            [
                row(self.name, self.sounds, Words(LIMIT), self.teach),
                self.known,
                row(self.query, Words(LIMIT), self.k, self.button),
                self.audio,
                self.answer,
            ]
        )
        if self.counts():
            figure = names_taught(self.counts())
            with_picture(self, figure, f"How many sounds: {self._taught()}")

    @property
    def examples(self) -> list[Example]:
        """All sounds that have a name by now."""
        return self.store.examples if self.store else []

    def clips(self, upload) -> list:
        """Uploaded files as Clips at the model's rate.

        Raises ValueError if one is broken.
        """
        rate = self.model.config.audio.sample_rate
        files = [(bytes(file["content"]), file["name"]) for file in upload.value]
        return [resample(decode(*file), rate) for file in files]

    def _teach(self, button=None) -> None:
        name = self.name.value.strip().lower()
        if not name or not self.sounds.value:
            self.known.say("Type a name and choose one or more sound files.")
            return
        with meanwhile(self.known, "listening ...", self.teach):
            name = clean(name)  # a token in it would spoil every later answer
            new = [Example(c, self.prompt, name) for c in self.clips(self.sounds)]
            if self.store is None:
                self.store = Datastore.build(new, self.model.encoder)
            else:
                self.store.add(new)
            self.sounds.value = ()
            self.known.say(self._taught())

    def counts(self) -> Counter:
        """Name -> how many sounds it was taught with, the first name first."""
        return Counter(example.output for example in self.examples)

    def _taught(self) -> str:
        each = [f"{name} ({count})" for name, count in self.counts().items()]
        return "taught: " + (", ".join(each) or "nothing yet")

    def _ask(self, button=None) -> None:
        if not self.query.value:
            self.answer.say("Choose a new sound first.")
            return
        with meanwhile(self.answer, "listening ...", self.button):
            self.audio.value = b""  # of the sound before, if this one is broken
            (clip,) = self.clips(self.query)
            self.audio.value = wav_bytes(clip)
            k = min(self.k.value, len(self.examples))
            shown = self.store.neighbours(clip, k) if k else []
            said = self.model.ask(clip, self.prompt, examples=shown)
            if len(shown) < k:
                said += (
                    f" (with {len(shown)} of {k} examples: a sound is never an example "
                    "for itself, and the same one counts once)"
                )
            self.answer.say(said + left_out(clip, self.model))

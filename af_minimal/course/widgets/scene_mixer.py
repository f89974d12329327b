"""Compose a scene, hear it, read what is true of it, and ask a model about it."""

import html
from collections.abc import Callable, Sequence

import ipywidgets as widgets

from ...audio import Clip
from ...config import AudioConfig
from ...soundworld import CLASSES, HELD_OUT, Event, render
from ...soundworld.catalogue import FAMILIES
from ...soundworld.render import ROOMS
from ...soundworld.scenes import countable
from ...soundworld.score import BACKGROUNDS, find_class
from ..figures_listening import scene_picture
from .composing import (
    MOST_EVENTS,
    MOST_REPEATS,
    QUIETEST_DB,
    compose,
    describe,
    new_event,
)
from .keys import Panel
from .listen import ListenWidget
from .parts import Words, meanwhile, row
from .still import with_picture

NOTHING, NEW = "no sound", "never heard in training"
START = (("dog bark", 0.5), ("church bell", 3.0))  # what the first scene holds
FREE_S = 5.0  # where a third sound would start; every class fits in there
WIDE = "95%"


def labels_of(family: str) -> list[str]:
    """The sound classes of a family; those kept out of training are a family too."""
    if family == NEW:
        return list(HELD_OUT)
    return [c.label for c in CLASSES.values() if c.family == family]


def style(width: str = "235px") -> dict:
    """Options of a control: its width, and room for its name."""
    named = {"description_width": "80px"}
    return {"layout": widgets.Layout(width=width), "style": named}


def show_if(control: widgets.Widget, shown: bool) -> None:
    """Show a control, or take it off the page."""
    control.layout.display = None if shown else "none"


class EventCard(widgets.VBox):
    """The controls of one sound of a scene; the family comes first."""

    def __init__(self, label: str | None = None, onset_s: float = 0.0, end_s=9.5):
        still = {"continuous_update": False}  # a scene takes a moment to make
        self.family = widgets.Dropdown(
            options=[NOTHING, *FAMILIES, NEW], description="family", **style()
        )
        self.sound = widgets.Dropdown(options=[], description="sound", **style())
        self.onset = widgets.FloatSlider(
            onset_s, max=end_s, step=0.1, description="starts (s)", **style(), **still
        )
        self.gain = widgets.IntSlider(
            0, int(QUIETEST_DB), 0, description="level (dB)", **style(), **still
        )
        self.repeats = widgets.IntSlider(
            1, 1, MOST_REPEATS, description="times", **style(), **still
        )
        self.attribute = widgets.Dropdown(options=[], description="like", **style())
        self.controls = widgets.VBox(
            [self.sound, self.attribute, self.onset, self.gain, self.repeats]
        )
        self.family.observe(self._choose_family, names="value")
        self.sound.observe(self._choose_sound, names="value")
        if label is not None:
            held_out = label in HELD_OUT
            self.family.value = NEW if held_out else find_class(label).family
            self.sound.value = label
        self._choose_sound()
        super().__init__([self.family, self.controls])

    def event(self) -> Event | None:
        """The sound that is chosen, or None.

        Raises ValueError as `new_event`.
        """
        if self.sound.value is None:
            return None
        chosen = dict([self.attribute.value]) if self.attribute.value else {}
        repeats, gain = self.repeats.value, float(self.gain.value)
        return new_event(self.sound.value, self.onset.value, gain, repeats, chosen)

    def on_change(self, function: Callable) -> None:
        """Call `function` when a control has another value."""
        for control in self.controls.children:
            control.observe(function, names="value")

    def _choose_family(self, change=None) -> None:
        labels = labels_of(self.family.value)
        self.sound.options = labels
        self.sound.value = labels[0] if labels else None

    def _choose_sound(self, change=None) -> None:
        label, options = self.sound.value, [("as it comes", None)]
        show_if(self.controls, label is not None)
        if label is None:
            return
        sound = find_class(label)
        show_if(self.repeats, countable(sound))
        if not countable(sound):
            self.repeats.value = 1
        pairs = sound.attributes.items()
        options += [(f"{k}: {v}", (k, v)) for k, choices in pairs for v in choices]
        self.attribute.options = options
        self.attribute.index = 0


class SceneMixer(Panel):
    """Up to three sounds, a background and a room; the scene, its words, questions.

    `score` and `clip` are the last scene that could be made; `problem` says in words
    what is wrong with the one that the controls ask for.

    Raises ValueError when the scene to start with, (label, seconds) each, cannot be.

    Taught in: notebooks/00_meet_the_model.ipynb
    """

    def __init__(self, model=None, start: Sequence[tuple[str, float]] = START):
        self.model, self.score = model, None
        self.config = model.config.audio if model is not None else AudioConfig()
        blank = [(None, FREE_S)] * (MOST_EVENTS - len(start))
        self.cards = [EventCard(*s, self.config.max_s) for s in (*start, *blank)]
        beds = [("none", None), *((name, name) for name in BACKGROUNDS)]
        self.background = widgets.Dropdown(
            options=beds, index=0, description="background", **style()
        )
        self.snr = widgets.IntSlider(
            20, 0, 30, description="SNR (dB)", continuous_update=False, **style()
        )
        self.room = widgets.Dropdown(options=list(ROOMS), description="room", **style())
        self.problem, self.words = widgets.HTML(), widgets.HTML()
        self.listen, self.asking = None, self._asking()
        for card in self.cards:
            card.on_change(self._mix)
        for control in (self.background, self.snr, self.room):
            control.observe(self._mix, names="value")
        self._make()
        self._mix()
        rows = [row(*self.cards), row(self.background, self.snr, self.room)]
        rows += [self.problem, self.listen]
        rows += [self.words] if model is None else [self.asking, self.words]
        super().__init__(rows)

    def _asking(self) -> widgets.VBox:
        self.choice = widgets.Dropdown(options=[], description="choose", **style(WIDE))
        self.question = widgets.Textarea(description="question", rows=2, **style(WIDE))
        self.button = widgets.Button(description="Ask", button_style="primary")
        self.answer = Words()
        self.choice.observe(self._choose, names="value")
        self.button.on_click(self._ask)
        return widgets.VBox([self.choice, self.question, self.button, self.answer])

    def _mix(self, change=None) -> None:
        """Make the scene anew; what cannot be made is said, and the old one stays."""
        show_if(self.snr, self.background.value is not None)
        try:
            self._make()
            self.problem.value = ""
        except ValueError as error:
            said = html.escape(str(error))
            self.problem.value = (
                f"<b>The scene below is the last that works.</b> {said}"
            )
        # the answer would be about a scene other than the one that is asked for
        self.button.disabled = bool(self.problem.value)

    def _make(self) -> None:
        events = [event for card in self.cards if (event := card.event())]
        around = self.background.value, float(self.snr.value), self.room.value
        score = compose(events, *around, config=self.config)
        if score == self.score:
            return
        clip = Clip(render(score, self.config.sample_rate), self.config.sample_rate)
        figure = scene_picture(score, clip)
        if self.listen is None:
            self.listen = ListenWidget(clip, self.config, "scene", figure)
        else:
            self.listen.hear(clip, "scene", figure)
        self.score, self.clip, self.truth = score, clip, describe(score)
        self._write()

    def _write(self) -> None:
        asked = self.truth["questions"]
        said = "".join(f"<li>{html.escape(t)}</li>" for t in self.truth["captions"])
        rows = "".join(f"<tr>{_cell(q.prompt)}{_cell(q.output)}</tr>" for q in asked)
        head = "<tr><th>question</th><th>true answer</th></tr>"
        self.words.value = (
            f"<div style='line-height: 1.4'><b>True captions</b>"
            f"<ul style='margin: 0'>{said}</ul>"
            f"<table style='text-align: left'>{head}{rows}</table></div>"
        )
        self.choice.options = [(" ".join(q.prompt.split()), q.prompt) for q in asked]
        self.choice.index = 0
        self._choose()

    def _choose(self, change=None) -> None:
        self.question.value, self.answer.value = self.choice.value or "", ""

    def _ask(self, button=None) -> None:
        prompt = self.question.value
        known = [q.output for q in self.truth["questions"] if q.prompt == prompt]
        truth = known[0] if known else "not one of the scene's questions: use your ears"
        with meanwhile(self.answer, "listening ...", self.button):
            answer = self.model.ask(self.clip, prompt)
            said = (("model", answer), ("truth", truth))
            rows = "".join(f"<tr><td><b>{k}</b></td>{_cell(v)}</tr>" for k, v in said)
            self.answer.value = f"<table>{rows}</table>"


def _cell(text: str) -> str:
    lines = html.escape(text).replace("\n", "<br>")
    return f"<td style='text-align: left; padding-right: 2em'>{lines}</td>"


def scene_mixer(model=None, start=START, static: bool = True) -> SceneMixer:
    """Compose a SoundWorld scene and hear it; with a model, ask about it too.

    `start` holds a (label, seconds) for each sound of the first scene, at most three.
    `static` adds the first scene as a plain picture, for readers who see the notebook
    without running it. Underneath are `new_event`, `compose` and `describe`.

    Taught in: notebooks/00_meet_the_model.ipynb
    """
    mixer = SceneMixer(model, start)
    if static:
        alt = f"Scene: {mixer.truth['captions'][0]}"
        return with_picture(mixer, mixer.listen.figure, alt)
    return mixer

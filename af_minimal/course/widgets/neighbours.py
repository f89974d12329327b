"""The neighbours of a clip: hear them, and toggle them in and out of the prompt."""

import html

import ipywidgets as widgets

from ...data import Example
from ...generation import as_clip
from ..figures_retrieval import neighbour_bars
from .ask import wav_bytes
from .keys import Panel
from .parts import Words, meanwhile, row
from .still import picture, with_picture


def retrieved(store, clip, k: int = 4) -> list[dict]:
    """The `k` nearest sounds of a store, the most alike first.

    Rows are {"similarity": cosine, "output": what was said, "example": the Example}.

    Args:
        store: a `retrieval.Datastore`.
        clip: a Clip, a path or an Example.

    Raises ValueError when `k` is not positive or the store has no encoder.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    places, cosines = store.nearest(clip, k)
    return [
        {"similarity": cosine, "output": example.output, "example": example}
        for example, cosine in zip(
            [store.examples[i] for i in places], cosines, strict=True
        )
    ]


class NeighboursWidget(Panel):
    """A list of retrieved sounds with a checkbox each, and what the model answers.

    Raises as `retrieved`.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """

    def __init__(
        self, store, clip, model=None, k: int = 4, question: str | None = None
    ):
        self.model, self.rows = model, retrieved(store, clip, k)
        rate = 16_000 if store.encoder is None else store.encoder.audio.sample_rate
        self.clip = as_clip(clip, rate)
        self.alone, self.told = "", ""  # answers without and with the examples
        if question is None and self.rows:
            question = self.rows[0]["example"].prompt
        self.question = widgets.Text(
            question or "", description="question", continuous_update=False
        )
        self.checks = [self._check(number) for number in range(1, len(self.rows) + 1)]
        self.image, self.answer = picture(), Words()
        self._ask_alone()
        self.question.observe(self._ask_alone, names="value")
        name = widgets.HTML("<b>the clip</b>")
        query = row(name, _player(self.clip), align_items="center")
        asked = [self.question] if model is not None else []
        lines = [
            self._line(check, found, rate)
            for check, found in zip(self.checks, self.rows, strict=True)
        ]
        super().__init__([query, *lines, *asked, self.answer, self.image])

    @property
    def examples(self) -> list[Example]:
        """What is toggled into the prompt, the most alike first."""
        chosen = zip(self.checks, self.rows, strict=True)
        return [row["example"] for check, row in chosen if check.value]

    def figure(self, with_answers: bool = True):
        """The similarities of all neighbours, and both answers above them."""
        answers = self._answers() if with_answers else []
        return neighbour_bars(
            [f"{i}: {row['output']}" for i, row in enumerate(self.rows, 1)],
            [row["similarity"] for row in self.rows],
            [check.value for check in self.checks],
            [f"{name}: {said}" for name, said in answers],
        )

    def alt(self) -> str:
        """The bars in words."""
        used = f"{len(self.examples)} of them in the prompt"
        return f"Similarity of {len(self.rows)} neighbours to the clip, {used}"

    def _check(self, number: int) -> widgets.Checkbox:
        check = widgets.Checkbox(
            True,
            description=f"{number}: use",
            indent=False,
            layout=widgets.Layout(width="6em"),
        )
        check.observe(self._ask, names="value")
        return check

    def _line(self, check, found: dict, rate: int) -> widgets.HBox:
        words = f"{found['similarity']:.2f}&ensp;{html.escape(found['output'])}"
        text = widgets.HTML(words, layout=widgets.Layout(width="22em"))
        sound = _player(as_clip(found["example"], rate))
        return row(check, text, sound, align_items="center")

    def _answers(self) -> list[tuple[str, str]]:
        """Name and text of both answers; none without a model."""
        if self.model is None:
            return []
        count = len(self.examples)
        name = f"with {count} example{'s' * (count != 1)}"
        return [("without examples", self.alone), (name, self.told)]

    def _ask_alone(self, change=None) -> None:
        """A new question: first the answer without any example."""
        self.alone = self._say([])
        self._ask()

    def _ask(self, change=None) -> None:
        if not self.rows:
            self.answer.value = "The store holds no other sound; add examples to it."
            return
        if self.model is None:
            self.answer.value = "Pass model= to see how the examples change its answer."
        else:
            self.told = self._say(self.examples) if self.examples else self.alone
            lines = [f"<b>{n}</b>: {html.escape(a)}" for n, a in self._answers()]
            self.answer.value = "<br>".join(lines)
        self.draw(self.figure(with_answers=False), self.alt())

    def _say(self, examples: list[Example]) -> str:
        if self.model is None:
            return ""
        if not self.question.value.strip():
            return "The question is empty; type one."
        with meanwhile(self.answer, "listening ..."):
            try:
                return self.model.ask(self.clip, self.question.value, examples=examples)
            except ValueError as error:  # a prompt too long, a special token typed
                return str(error)  # one of two answers: the other may be right


def _player(clip) -> widgets.Audio:
    return widgets.Audio(value=wav_bytes(clip), autoplay=False, loop=False)


def neighbours(
    store,
    clip,
    model=None,
    k: int = 4,
    question: str | None = None,
    static: bool = True,
) -> NeighboursWidget:
    """Hear what a store finds for a clip, and toggle it in and out of the prompt.

    Args:
        store: a `retrieval.Datastore`.
        clip: a Clip, a path or an Example.
        model: answers with the toggled examples and without any; None only lists.
        question: None takes the prompt of the nearest neighbour.
        static: add the first view as a plain picture, for stored pages.

    Raises ValueError when `k` is not positive or the store has no encoder.

    Taught in: notebooks/09_retrieval_and_in_context_learning.ipynb
    """
    browser = NeighboursWidget(store, clip, model, k, question)
    if static and browser.rows:
        alt = f"{browser.alt()}, and answers"
        return with_picture(browser, browser.figure(), alt)
    return browser

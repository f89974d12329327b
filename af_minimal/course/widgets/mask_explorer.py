"""Type a prompt; see which of its tokens may hear which sound, under three rules."""

import ipywidgets as widgets
import numpy as np
import torch

from ...prompts import AUDIO, SEP
from ...tokenizer import special_ids
from ...xattn import text_to_audio_mask
from ..checks_attention import latest_only_mask
from ..figures_attention import mask_figure, token_words
from .keys import Panel
from .parts import Words
from .still import picture, with_picture

PROMPT = (
    f"hi. {AUDIO}what is it?{SEP}a dog. {AUDIO}what is it?{SEP}a bell. "
    f"{AUDIO}what is it?{SEP}"
)
MOST_TOKENS = 60  # rows that can still be read
MOST_AUDIOS = 9  # eight examples and the question, as in training

LATEST, NONE_BEFORE = "latest only", "all so far, none before"
RULES = {
    LATEST: "the latest audio; before the first, nothing",
    NONE_BEFORE: "all audios so far; before the first, nothing",
    "Audio Flamingo": "all audios so far; before the first, the first",
}


def who_hears(
    tokenizer, text: str, windows_per_audio: int
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Tokens of a prompt as labels, and for each rule who may hear what, bool (T, L).

    "latest only", as Flamingo: text hears the latest audio. "all so far, none before",
    as flamingo-pytorch with `only_attend_immediate_media=False`. "Audio Flamingo": the
    same, and what stands before the first `<audio>` hears the first audio. Every audio
    is real from end to end, L = audios * windows_per_audio.

    Raises ValueError for a text without `<audio>`, and for fewer than one window.

    Taught in: notebooks/05_who_may_hear_what.ipynb
    """
    if not text.strip():
        raise ValueError(f"The text is empty; type a prompt with {AUDIO} in it.")
    if windows_per_audio < 1:
        raise ValueError(
            f"windows_per_audio is {windows_per_audio}; an audio has at least one."
        )
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
    audio = special_ids(tokenizer)["audio"]
    count = (ids == audio).cumsum(dim=1)  # (1, T)
    audios = int(count[0, -1])
    if not audios:
        raise ValueError(f"There is no {AUDIO} in the text, so no token hears any.")
    real = torch.ones(1, audios * windows_per_audio, dtype=torch.bool)  # (1, L)
    ours = text_to_audio_mask(ids, real, audio, windows_per_audio)  # (1, T, L)
    masks = {
        LATEST: latest_only_mask(ids, real, audio, windows_per_audio),
        NONE_BEFORE: ours & (count > 0).unsqueeze(-1),
        "Audio Flamingo": ours,
    }
    return token_words(tokenizer, ids[0]), {n: m[0].numpy() for n, m in masks.items()}


class MaskWidget(Panel):
    """A box for a prompt with several `<audio>`, and three masks side by side.

    Press Enter to draw what was typed.

    Taught in: notebooks/05_who_may_hear_what.ipynb
    """

    def __init__(self, tokenizer, text: str = PROMPT, windows_per_audio: int = 4):
        self.tokenizer = tokenizer
        self.text = widgets.Text(
            text,
            description="prompt",
            continuous_update=False,
            layout=widgets.Layout(width="95%"),
        )
        self.windows = widgets.IntSlider(
            windows_per_audio,
            1,
            max(16, windows_per_audio),
            description="windows per audio",
            style={"description_width": "initial"},
            continuous_update=False,
        )
        self.image = picture()
        self.label = Words()
        for control in (self.text, self.windows):
            control.observe(self._draw, names="value")
        self._draw()
        rules = "<br>".join(f"<b>{name}</b>: {rule}" for name, rule in RULES.items())
        notes = widgets.HTML(f"Blue: may hear. Grey: may not.<br>{rules}")
        super().__init__([self.text, self.windows, self.label, self.image, notes])

    def masks(self) -> tuple[list[str], dict[str, np.ndarray]]:
        """`who_hears` of what is typed; ValueError when it is too long to be drawn."""
        tokens, masks = who_hears(self.tokenizer, self.text.value, self.windows.value)
        audios = masks["Audio Flamingo"].shape[1] // self.windows.value
        if len(tokens) > MOST_TOKENS or audios > MOST_AUDIOS:
            raise ValueError(
                f"The prompt has {len(tokens)} tokens and {audios} audios; the picture "
                f"has room for {MOST_TOKENS} and {MOST_AUDIOS}. Shorten it."
            )
        return tokens, masks

    def figure(self):
        """The three masks side by side; ValueError as of `masks`."""
        tokens, masks = self.masks()
        return mask_figure(masks, tokens, self.windows.value)

    def alt(self) -> str:
        """The masks in words."""
        return f"Who may hear what under three rules, of the prompt: {self.text.value}"

    def _draw(self, change=None) -> None:
        try:
            tokens, masks = self.masks()
        except ValueError as error:
            self.label.say(str(error))
            self.image.layout.display = "none"
            return
        differ = np.any([m != masks["Audio Flamingo"] for m in masks.values()], axis=0)
        self.label.say(
            f"{len(tokens)} tokens; the rules disagree about {differ.any(1).sum()}."
        )
        self.draw(self.figure(), self.alt())
        self.image.layout.display = None


def mask_explorer(
    model_or_tokenizer,
    text: str = PROMPT,
    windows_per_audio: int = 4,
    static: bool = True,
) -> MaskWidget:
    """Type a prompt with several `<audio>`; see who may hear what under three rules.

    Args:
        model_or_tokenizer: an AudioFlamingo that has a tokenizer, or a tokenizer.
        static: add the first view as a plain picture, for stored pages.

    Raises ValueError when there is no tokenizer, or it knows no `<audio>`.

    Taught in: notebooks/05_who_may_hear_what.ipynb
    """
    tokenizer = getattr(model_or_tokenizer, "tokenizer", model_or_tokenizer)
    if tokenizer is None:
        raise ValueError(
            "this model has no tokenizer; set model.tokenizer or pass a tokenizer."
        )
    special_ids(tokenizer)  # says which special tokens it lacks
    explorer = MaskWidget(tokenizer, text, windows_per_audio)
    if static and explorer.image.value:
        return with_picture(explorer, explorer.figure(), explorer.alt())
    return explorer

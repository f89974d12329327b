"""A conversation about one sound: what was said stays known, and stays computed.

The sound goes through encoder, audio transformer and the keys and values of the gated
blocks once. Of the text, the language model keeps its own keys and values: a turn reads
what is new since the turn before.

Official: inference/inference_examples.py, which reads all of it anew at every turn
Taught in: notebooks/10_dialogue.ipynb
"""

import time
import warnings
from dataclasses import dataclass

import torch
from transformers import DynamicCache

from .generation import check_can_answer, decoding, encode, seeded
from .model import AudioFlamingo
from .prompts import clean, dialogue_inference_text, without_tokens

# arguments of `generate` that would lose the thread, and what they are here
REFUSED = {"num_beams": 1, "use_cache": True, "return_dict_in_generate": False}
REFUSED |= {"cache_implementation": None, "past_key_values": None}
REFUSED |= {"num_return_sequences": 1}


class ChatWarning(UserWarning):
    """Something that was said is not, or no longer, part of the conversation."""


@dataclass(frozen=True)
class Turn:
    """One round of a conversation, and what it cost."""

    user: str
    assistant: str
    read: int  # tokens that the language model read for it
    reused: int  # tokens whose keys and values it had kept
    seconds: float


class Chat:
    """Talk about a clip; `say` answers and remembers.

    When the conversation outgrows the positions of the language model, its oldest
    rounds are dropped with a ChatWarning. So is the end of a message too long for it.

    Args:
        clip: a Clip or a path.
        max_new_tokens: the longest answer.
        seed: of the sampling, with `do_sample=True` among the `kwargs`.
        kwargs: further arguments of Hugging Face `generate`, but those of `REFUSED`.

    Raises ValueError when the model cannot hear or speak, for an argument that a
    conversation sets itself, or where `max_new_tokens` leaves no room.

    Taught in: notebooks/10_dialogue.ipynb
    """

    spell = staticmethod(dialogue_inference_text)  # (rounds, message) -> text

    def __init__(
        self,
        model: AudioFlamingo,
        clip,
        max_new_tokens: int = 48,
        seed: int = 0,
        **kwargs,
    ):
        check_can_answer(model)
        for name, usual in REFUSED.items():
            if kwargs.get(name) not in (None, usual):
                raise ValueError(
                    f"{name} is {kwargs[name]!r}: a conversation keeps one line of "
                    "thought. Leave it out; do_sample=True gives variety."
                )
        self.model, self.seed = model, seed
        self.settings = decoding(model, max_new_tokens=max_new_tokens, **kwargs)
        features, mask = encode(model, [[clip]])  # (1, W, E), (1, W)
        empty = self._ids([], "")  # (1, T)
        self.room = model.lm.config.max_position_embeddings - max_new_tokens  # tokens
        if self.room <= empty.shape[1]:
            raise ValueError(
                f"max_new_tokens is {max_new_tokens}: it leaves room for {self.room} "
                f"tokens, and an empty message needs {empty.shape[1]}. Ask for fewer."
            )
        with torch.no_grad():
            self._audio = model.hears(empty, features, mask)
        self.reset()

    def reset(self) -> None:
        """Forget all that was said, but not the clip."""
        self.turns: list[Turn] = []
        self.dropped = 0  # oldest turns that the model no longer knows
        self._read: list[int] = []  # the tokens in the cache

    def say(self, message: str) -> str:
        """The answer to a message; an empty one changes nothing and gets none.

        Raises TypeError for what is no text, ValueError where it holds a special token.

        Taught in: notebooks/10_dialogue.ipynb
        """
        clean(message)  # complains of what is no text
        began, message = time.perf_counter(), message.strip()
        if not message:
            tell("The message is empty; ask something.", up=3)
            return ""
        ids = self._fit(message)  # (1, T)
        kept = self._keep_prefix(ids[0].tolist())
        answer = self._answer(ids)
        seconds = time.perf_counter() - began
        self.turns.append(Turn(message, answer, ids.shape[1] - kept, kept, seconds))
        return answer

    def _answer(self, ids: torch.Tensor) -> str:
        with torch.no_grad(), seeded(self.seed + len(self.turns)):
            said = self.model.lm.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                past_key_values=self._cache,
                **self._audio,
                **self.settings,
            )[0].tolist()
        self._read = said[:-1]  # the last token was said, but not read
        new = said[ids.shape[1] :]
        text = self.model.tokenizer.decode(new, skip_special_tokens=True)
        return without_tokens(text).strip()  # it will stand in the next prompt

    def _fit(self, message: str) -> torch.Tensor:
        """Ids (1, T) of as much of the conversation as leaves room for an answer."""
        rounds = [(turn.user, turn.assistant) for turn in self.turns]
        ids = self._ids(rounds[self.dropped :], message)
        while ids.shape[1] > self.room and self.dropped < len(rounds):
            self.dropped += 1
            ids = self._ids(rounds[self.dropped :], message)
            tell(f"The conversation is too long: turn {self.dropped} is forgotten.")
        kept = len(message)
        while ids.shape[1] > self.room:  # the message alone
            kept = kept * self.room // (ids.shape[1] + 1)
            ids = self._ids([], message[:kept])
        if kept < len(message):
            tell(f"The message is too long: its first {kept} letters are read.")
        return ids

    def _ids(self, rounds: list[tuple[str, str]], message: str) -> torch.Tensor:
        text = self.spell(rounds, message)
        device = self.model.get_input_embeddings().weight.device
        return self.model.tokenizer(text, return_tensors="pt").input_ids.to(device)

    def _keep_prefix(self, ids: list[int]) -> int:
        """Crop the cache to what the text has in common with it; how many tokens."""
        if not self._read:  # nothing was said, or an answer was interrupted
            self._cache = DynamicCache()
        both = min(len(self._read), len(ids) - 1)
        kept = next((i for i in range(both) if self._read[i] != ids[i]), both)
        if kept < len(self._read):
            self._cache.crop(kept - len(self._read))  # so many from the end
        self._read = []  # until the answer is whole
        return kept


def tell(message: str, up: int = 4) -> None:
    """Warn whoever called `say`, so many calls above."""
    warnings.warn(message, ChatWarning, stacklevel=up)

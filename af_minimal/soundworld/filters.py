"""Two filters for generated conversations: answers that refuse, and that do not fit.

A language model that writes about a sound it cannot hear sometimes says so, and at
other times makes things up. Words give the first away, a look at the sound the second.

Official: chat/data, after LLARK and LTU: AF1 drops what refuses, and what LAION-CLAP
finds unlike the sound (cosine below 0.3). The phrases here are our own.
Taught in: notebooks/10_dialogue.ipynb
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..clap import MiniCLAP
from .features import hear

AF1_THRESHOLD = 0.3  # for LAION-CLAP; another encoder has another scale

Round = tuple[str, str]  # user, assistant

_REFUSALS = (
    r"(do|does|did) not (say|tell)(?! much| anything(?! (about|of|on)\b))",
    r"(do|does|did) not (state|specify|mention|indicate|reveal|describe|provide)",
    r"(do|does|did) not have access|(i|we|one) (can|could) ?not (help|answer)\b",
    r"not (\w+ly )?(said|stated|specified|mentioned|indicated|provided)",
    r"(can|could) ?not (be |\w+ly )*(determine|know|say|said|infer)",
    r"(can|could) ?not (be |\w+ly )*(tell|told)(?! apart)",
    r"(can|could) ?not (be |\w+ly )*(identif|make out|listen|access|process)",
    r"(can|could|do|did) ?not hear (anything|enough|well)",
    r"(impossible|not possible|unable|hard|difficult) to (determine|know|tell|say)",
    r"(unable|no way) to (answer|hear|identify|know|tell|say)",
    r"(do|does|did) not know|(have|has|had) no idea|^unclear",
    r"(without|need) (more|further|additional|any) (context|information|detail)",
    r"(no|not enough|insufficient|too little) (context|information(?! desk)|detail)",
    r"(no|not enough|insufficient|too little) data",
    r"(is|are|remains?) (unclear|unknown|unspecified|not known)",
    r"(it|this|that|which) is not clear",
    r"as an? (ai|artificial intelligence|(large )?language model)\b",
    r"as an? text[- ](based|only|model)\b",
    r"(am|we are) not (able|sure|certain)",
)
# an answer begins with it; later on somebody who is heard may have said it
_SORRY = r"^(?:i am|we are) (?:sorry|afraid)"
REFUSAL = re.compile(rf"\b(?:{'|'.join(_REFUSALS)})|{_SORRY}")

# what `plant_bad` writes; no phrase catches the last one, for no list is complete
PLANTED = (
    "the recording does not specify that.",
    "this cannot be determined from the labels.",
    "it is hard to tell without additional context.",
    "i'm sorry, there is not enough information.",
    "as an ai i could not tell.",
    "that is anyone's guess.",
)


@dataclass(frozen=True)
class Dropped:
    """A round that a filter took out, and why."""

    dialogue: int  # which one, from 0
    turn: int  # which round of it, from 0
    user: str
    assistant: str
    why: str  # "empty", "refusal", or "unlike the sound: cosine 0.12"


def has_refusal(text: str) -> bool:
    """Whether an answer says that it has no answer.

    Words alone cannot tell who speaks: `a man says i do not know` counts as a refusal.

    Taught in: notebooks/10_dialogue.ipynb
    """
    spelt = " ".join(
        text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()
    )
    spelt = re.sub(r"\bcan't\b", "cannot", spelt)
    spelt = re.sub(r"n't\b", " not", spelt).replace("'m ", " am ")
    spelt = re.sub(r"\b(it|that|there|what)'s\b", r"\1 is", spelt)
    spelt = re.sub(r"\bwe're\b", "we are", spelt)
    return REFUSAL.search(spelt) is not None


@torch.no_grad()
def similarity_scores(
    clap: MiniCLAP, waves: Sequence[np.ndarray], texts: Sequence[str]
) -> np.ndarray:
    """Cosine (N,) of N sounds with their N texts, each sound pooled over its windows.

    Args:
        waves: N waveforms (samples,) at the encoder's rate; an array that is given
            several times is heard once.

    Raises:
        ValueError: when the numbers of sounds and texts differ.
        TypeError: for what is no MiniCLAP, and a sound that is no array of samples.

    Taught in: notebooks/10_dialogue.ipynb
    """
    _check_heard(clap, waves)
    if len(waves) != len(texts):
        raise ValueError(
            f"{len(waves)} sounds came with {len(texts)} texts; give as many."
        )
    if not len(texts):
        return np.zeros(0)
    waves = list(waves)  # rows of an array are new objects each time they are taken
    once = {id(wave): wave for wave in waves}
    heard = clap.encoder.pool(*hear(clap.encoder, list(once.values())))  # (sounds, C)
    place = {key: i for i, key in enumerate(once)}
    rows = [place[id(wave)] for wave in waves]
    said = torch.cat(  # (N, C)
        [clap.embed_text(list(texts[i : i + 256])) for i in range(0, len(texts), 256)]
    )
    return (heard[rows] * said).sum(-1).float().cpu().numpy()  # (N,)


def _check_heard(clap: MiniCLAP, waves: Sequence[np.ndarray]) -> None:
    if not hasattr(clap, "embed_text"):  # a model hears, but reads for another end
        raise TypeError(
            f"a MiniCLAP is expected, as load_clap gives; {type(clap).__name__} came."
        )
    for place, wave in enumerate(waves):
        if not isinstance(wave, np.ndarray | torch.Tensor):
            raise TypeError(
                f"sound {place} is a {type(wave).__name__}; samples (samples,) at the "
                "encoder's rate are expected: load_audio(path, rate).waveform."
            )


def _check_rounds(dialogues: Sequence[Sequence[Round]]) -> None:
    for d, talk in enumerate(dialogues):
        for t, pair in enumerate(talk):
            several = isinstance(pair, tuple | list)
            if not several or [isinstance(text, str) for text in pair] != [True, True]:
                raise TypeError(
                    f"round {t} of conversation {d} is {pair!r}; a pair of texts is "
                    "expected: (user, assistant)."
                )


def filter_dialogues(
    clap: MiniCLAP,
    waves: Sequence[np.ndarray],
    dialogues: Sequence[Sequence[Round]],
    threshold: float = AF1_THRESHOLD,
) -> tuple[list[list[Round]], list[Dropped]]:
    """Drop rounds that refuse or say nothing, and whose answer is unlike the sound.

    The answer alone is compared: a question may well name what is not there. A round
    goes without those that lean on it, as in AF1, and a conversation may end up empty.

    A threshold is worth something for one encoder and one kind of text. To find it,
    score answers that you trust with `similarity_scores` and take the quantile that you
    are ready to lose: `np.quantile(scores, 0.05)` gives up one in twenty.

    Args:
        waves: the sound (samples,) of each conversation.
        dialogues: conversations of (user, assistant) rounds.
        threshold: the least cosine of a round that is kept.

    Returns:
        the conversations with the rounds that are kept, and every dropped round.

    Raises:
        ValueError: when the numbers of sounds and conversations differ.
        TypeError: for what is no MiniCLAP, a sound that is no array of samples, and a
            round that is no pair of texts.

    Taught in: notebooks/10_dialogue.ipynb
    """
    _check_heard(clap, waves)
    _check_rounds(dialogues)
    if len(waves) != len(dialogues):
        raise ValueError(
            f"{len(waves)} sounds came with {len(dialogues)} conversations; give as "
            "many."
        )
    places = [(d, t) for d, talk in enumerate(dialogues) for t in range(len(talk))]
    said = {(d, t): dialogues[d][t][1] for d, t in places}
    why = {place: "refusal" for place in places if has_refusal(said[place])}
    why |= {place: "empty" for place in places if not said[place].strip()}
    rest = [place for place in places if place not in why]
    answers = [said[place] for place in rest]
    cosines = similarity_scores(clap, [waves[d] for d, _ in rest], answers)
    for place, cosine in zip(rest, cosines.tolist(), strict=True):
        if cosine < threshold:
            why[place] = f"unlike the sound: cosine {cosine:.2f}"
    kept = [
        [pair for t, pair in enumerate(talk) if (d, t) not in why]
        for d, talk in enumerate(dialogues)
    ]
    dropped = [Dropped(d, t, *dialogues[d][t], why[d, t]) for d, t in sorted(why)]
    return kept, dropped


def plant_bad(
    dialogues: Sequence[Sequence[Round]], rng: np.random.Generator, share: float = 0.2
) -> tuple[list[list[Round]], list[list[str | None]]]:
    """Spoil a share of the answers, to see what the filters catch.

    Half of them refuse, half are answers that were given about another sound.

    Returns:
        the conversations, and of each round None, "refusal" or "other scene".

    Raises:
        TypeError: for a round that is no pair of texts.

    Taught in: notebooks/10_dialogue.ipynb
    """
    _check_rounds(dialogues)
    answers = [(d, said) for d, talk in enumerate(dialogues) for _, said in talk]
    spoilt, marks = [], []
    for d, talk in enumerate(dialogues):
        rounds, kinds = [], []
        for user, said in talk:
            kind = None
            if rng.random() < share:
                kind = "refusal" if rng.random() < 0.5 else "other scene"
            others = [a for i, a in answers if i != d and a != said] if kind else []
            if kind == "other scene" and others:
                said = others[rng.integers(len(others))]
            elif kind:
                kind, said = "refusal", PLANTED[rng.integers(len(PLANTED))]
            rounds.append((user, said))
            kinds.append(kind)
        spoilt.append(rounds)
        marks.append(kinds)
    return spoilt, marks

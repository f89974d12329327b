"""How good is an answer? Metrics, each through a library, with honest intervals.

`run_manifest` lets a model answer; the rest compares. `disk/reports.py` writes it down.

Official: foundation/inference/inference.py, which writes answers and scores none
Taught in: notebooks/08_staged_training.ipynb, notebooks/11_evaluation.ipynb
"""

import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import regex

from .disk.examples import check_examples, check_pairs, check_references
from .disk.reports import answer_row

GREEDY = {"max_new_tokens": 64, "num_beams": 1, "do_sample": False}


def tokens(text: str) -> list[str]:
    """Lower-cased words, for COCO's Penn Treebank tokenizer, which needs Java."""
    # NFC: an accent joins its letter; \w with vowel signs, as in की
    plain = unicodedata.normalize("NFC", text.lower()).replace("\u2019", "'")
    return regex.findall(r"\w+(?:'\w+)*", plain)


def normalise(text: str) -> str:
    """Words joined by single spaces ("Yes." is "yes"); a text of signs stays itself."""
    return " ".join(tokens(text)) or text.strip()


def caption_scores(
    answers: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    """CIDEr-D (0 to 10), BLEU-4 and ROUGE-L (0 to 1) of one answer per item.

    `references` are lists of true captions, at least one each; raises as
    `check_references`: when the numbers of items differ or an item has none.

    Official: pycocoevalcap, as the AF1 paper; SPICE is in `official/spice.py`
    Taught in: notebooks/11_evaluation.ipynb
    """
    values = caption_values(answers, references)
    return {name: float(np.mean(value)) for name, value in values.items()}


def caption_values(answers, references) -> dict:
    """The same item by item, (N,); BLEU-4 counts over all items and is one number."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    check_references(answers, references)
    told = {i: [normalise(answer)] for i, answer in enumerate(answers)}
    true = {i: [normalise(t) for t in texts] for i, texts in enumerate(references)}
    return {
        "CIDEr": Cider().compute_score(true, told)[1],
        "BLEU-4": Bleu(4).compute_score(true, told, verbose=0)[0][3],
        "ROUGE-L": Rouge().compute_score(true, told)[1],
    }


def exact_match(answers, truths, normalise: Callable = normalise) -> list[bool]:
    """Whether each answer is the truth, after normalising both; None is a miss.

    Raises as `check_pairs`.

    Taught in: notebooks/11_evaluation.ipynb
    """
    check_pairs(answers, truths)
    pairs = zip(answers, truths, strict=True)
    return [a is not None and normalise(a) == normalise(t) for a, t in pairs]


def accuracy(answers, truths, normalise: Callable = normalise) -> float:
    """Share of answers that match exactly, between 0 and 1.

    Taught in: notebooks/08_staged_training.ipynb
    """
    return float(np.mean(exact_match(answers, truths, normalise)))


def match_label(
    answer: str, labels: Sequence[str], embed: Callable | None = None
) -> str | None:
    """The label that a free-form answer names.

    The answer itself, if it is a label; else the label it mentions first; else the
    nearest in meaning by `embed` (texts -> unit-norm rows, as `MiniCLAP.embed_text`);
    without `embed`, the one sharing most words, or None. ValueError without labels, or
    for one text in their place.

    Official: AF1 paper section 4: accuracy by matching the output to a label
    Taught in: notebooks/11_evaluation.ipynb
    """
    if isinstance(labels, str) or not len(labels):
        raise ValueError(f"labels are {labels!r}; a list of one or more is expected.")
    if named := [x for x in labels if x == answer.strip()] or labels_in(answer, labels):
        return named[0]
    if embed is not None and answer.strip():
        return labels[int((embed(list(labels)) @ embed([answer])[0]).argmax())]
    overlap = [word_overlap(normalise(answer), normalise(label)) for label in labels]
    return labels[int(np.argmax(overlap))] if max(overlap) > 0 else None


def labels_in(answer: str, labels: Sequence[str]) -> list[str]:
    """The labels whose words stand in an answer, in its order.

    Words count once, for the longest label: "heavy rain" does not mention "rain".
    """
    spelt = {normalise(label): label for label in reversed(labels)}
    either = "|".join(map(regex.escape, sorted(spelt, key=len, reverse=True)))
    found = regex.findall(rf"(?<!\S)(?:{either})(?!\S)", normalise(answer))
    return [spelt[words] for words in found]


def word_overlap(a: str, b: str) -> float:
    """Shared words over all words of two normalised texts (Jaccard)."""
    first, second = set(a.split()), set(b.split())
    return len(first & second) / max(1, len(first | second))


def f1(truths: Sequence, predicted: Sequence, average: str = "macro") -> float:
    """F1 of labels (N,), or of tags as 0/1 rows (N, classes), by scikit-learn.

    None in place of a label (`match_label`) is a miss, and no class of its own.

    Taught in: notebooks/11_evaluation.ipynb
    """
    from sklearn.metrics import f1_score

    how = {"average": average, "zero_division": 0}
    if any(guess is None for guess in predicted):
        how["labels"] = sorted({*truths, *predicted} - {None})
        predicted = ["" if guess is None else guess for guess in predicted]
    return float(f1_score(truths, predicted, **how))


def mean_average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Mean over classes of the average precision; truth and scores are (N, classes).

    Classes that never occur in `truth` are left out; ValueError when none occurs.

    Taught in: notebooks/11_evaluation.ipynb
    """
    from sklearn.metrics import average_precision_score

    truth, scores = np.asarray(truth), np.asarray(scores)
    occurs = truth.any(axis=0)  # (classes,)
    if not occurs.any():
        raise ValueError("No class occurs in truth, so no precision can be averaged.")
    return float(average_precision_score(truth[:, occurs], scores[:, occurs]))


def bootstrap_ci(values, seed: int = 0, level: float = 0.95, about=None):
    """Percentile bootstrap interval (low, high) of a mean; None for under 2 values.

    `about` names the sound of each value: answers about one are not independent, so
    whole sounds are drawn. ValueError for a level that is not between 0 and 1.
    Taught in: notebooks/11_evaluation.ipynb
    """
    from scipy.stats import bootstrap

    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it lies between 0 and 1, such as 0.95.")

    def over(sums, counts, axis):  # the mean of all values of the sounds drawn
        return sums.sum(axis) / counts.sum(axis)

    about = range(len(values)) if about is None else about
    places = np.unique(about, return_inverse=True)[1]
    sums, counts = np.bincount(places, values), np.bincount(places)  # of each sound
    if len(counts) < 2:
        return None
    how = {"n_resamples": 2000, "batch": 200, "method": "percentile", "paired": True}
    found = bootstrap((sums, counts), over, confidence_level=level, rng=seed, **how)
    return tuple(map(float, found.confidence_interval))


def measure(name: str, values, chance=None, seed: int = 0, about=None) -> dict:
    """One line of a table: mean of values, n, interval as `bootstrap_ci`, chance."""
    low, high = bootstrap_ci(values, seed, about=about) or (None, None)
    mean = float(np.mean(values)) if len(values) else None
    row = {"measure": name, "n": len(values), "score": mean}
    return row | {"low": low, "high": high, "chance": chance}


def majority(truths: Sequence[str]) -> float | None:
    """Share of the commonest answer: what always saying the same would score."""
    first = Counter(map(normalise, truths)).most_common(1)
    return first[0][1] / len(truths) if first else None


def run_manifest(model, examples, batch_size: int = 16, decoding=None) -> list[dict]:
    """Answer the prompt of every example about its audio, in batches.

    A dialogue is answered turn by turn: the model hears its own earlier answers, right
    or wrong, not the true ones.

    Args:
        examples: `data.Example`s with audio (a path or a Clip), prompt, output, task,
            and perhaps few-shot examples of their own; or with a dialogue.
        decoding: keywords of `ask`, the first batch's `seed`; None: greedy, as many
            tokens as `ask` and `Chat` of this model allow by themselves.

    Returns one `reports.answer_row` per example, or per `turn` of a dialogue, from 1.
    Raises TypeError for a path or anything else but a list of Examples.
    Official: foundation/inference/inference.py, one item at a time
    Taught in: notebooks/08_staged_training.ipynb
    """
    from tqdm.auto import tqdm

    check_examples(examples)
    rows, decoding = [], decoding or {"num_beams": 1, "do_sample": False}
    starts = range(0, len(examples), batch_size)
    for start in tqdm(starts, desc="answer", disable=len(starts) < 2):
        batch = examples[start : start + batch_size]
        here = decoding | {"seed": decoding.get("seed", 0) + start}
        asked = iter(_ask([e for e in batch if not e.dialogue], model, here))
        for i, e in enumerate(batch, start):
            # each turn takes a seed; conversations of one batch must not share them
            own = here | {"seed": decoding.get("seed", 0) + 1000 * i}
            rows += _converse(e, model, own) if e.dialogue else [next(asked)]
    return rows


def _ask(examples: list, model, decoding: dict) -> list[dict]:
    prompts, tasks = [e.prompt for e in examples], [e.task for e in examples]
    settings = {"examples": [e.examples for e in examples], "task": tasks} | decoding
    answers = model.ask(examples, prompts, **settings) if examples else []
    pairs = zip(examples, answers, strict=True)
    return [answer_row(e, e.prompt, answer, e.output) for e, answer in pairs]


def _converse(example, model, decoding: dict) -> list[dict]:
    example = replace(example, examples=(), examples_are=None)  # it hears none
    chat, turns = model.chat(example, **decoding), enumerate(example.dialogue, 1)
    return [answer_row(example, u, chat.say(u), t, turn=i) for i, (u, t) in turns]

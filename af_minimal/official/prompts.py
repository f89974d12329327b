"""The official prompt spellings of AF1 and AF2, for the published weights.

AF1 spells one prompt in three ways, a space and a capital apart:

    training    ... captioning. <audio>...\\nAnswer:
    evaluation  ... captioning.<audio>...\\nanswer:
    inference   ... captioning. <audio>...\\nanswer:

A model reads best what it was trained on.

Random choices take a `numpy.random.RandomState`, not a Generator: the official code
draws from numpy's legacy global stream, and only a RandomState repeats its numbers.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from ..prompts import AUDIO, BOS, EOC, EOS, SEP, task_words
from .prompt_tables import ALL_LABELS, FIXED_QUESTIONS, OPTIONS, TASK_QUESTIONS

AF2_EOS = "<|endoftext|>"
LENGTHS = {
    "AC_short": "in a sentence",
    "AC_long": "at length",
    "AC_paragraph": "in a paragraph",
}


def official_text(
    dataset: str,
    prompt: str | Sequence[str],
    output: str | Sequence[str],
    augmentations: Mapping[str, float],
    prefix_prob: float,
    rng: np.random.RandomState,
    interleaved: str | None = None,
    official_faults: bool = False,
) -> str:
    """AF1's training text. Lists of prompts and outputs make an interleaved one.

    `augmentations` maps names to weights; one is drawn per item. `interleaved` is
    "similar" or "random" and the last item is the query. `official_faults=True`
    repeats AC_paragraph's fault on a caption without a period.

    Official: foundation/data/data.py AudioTextData.__getitem__
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    prefix, chunks = _parts(
        dataset, prompt, output, augmentations, prefix_prob, rng, official_faults
    )
    opening = f"Here are {interleaved} examples. " if interleaved else ""
    body = "".join(f"{AUDIO}{p}\nAnswer:{SEP}{o}{EOC}" for p, o in chunks)
    return f"{BOS}{opening}{prefix}{body}{EOS}"


def official_eval_text(
    dataset: str,
    prompt: str | Sequence[str],
    output: str | Sequence[str],
    augmentations: Mapping[str, float],
    prefix_prob: float = 1.0,
    interleaved: str | None = None,
    name: str | Sequence[str] = "",
) -> str:
    """AF1's validation and test text, answer included; all labels always offered.

    The augmentation is drawn with a seed made of the characters of the item.

    Official: foundation/data/data.py AudioTextData.__getitem__
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    if "provide_all_labels" in augmentations:
        augmentations = {"provide_all_labels": 1.0}
    seed = sum(sum(map(ord, _joined(text))) for text in (name, prompt, output, dataset))
    prefix, chunks = _parts(
        dataset, prompt, output, augmentations, prefix_prob, np.random.RandomState(seed)
    )
    opening = f"Here are {interleaved} examples. " if interleaved else ""
    prefix = prefix if interleaved else prefix.strip().lower()
    body = "".join(
        f"{AUDIO}{p.strip().lower()}\nanswer:{SEP}{o.strip().lower()}{EOC}"
        for p, o in chunks
    )
    return f"{BOS}{opening}{prefix}{body}{EOS}"


def official_inference_text(prefix: str, prompt: str) -> str:
    """The text of AF1's inference script, up to <SEP>; `prefix` ends in a period.

    Official: inference/data.py AudioTextDataProcessor.process
    """
    return f"{BOS}{_clean(prefix)} {AUDIO}{_clean(prompt)}\nanswer:{SEP}"


def official_chat_text(
    dialogue: Sequence[Mapping[str, str]], prefix: str | None = None
) -> str:
    """AF1's chat text: rounds of {"user", "assistant"}; capitals and spaces are kept.

    Without `prefix` it is the training text. With a prefix it is the inference text:
    the last round has no "assistant", and the text ends at its <SEP>.

    Official: chat/data/data.py, inference/data.py
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    start = "The task is dialog. " if prefix is None else prefix.lower()
    text = f"{BOS}{start}{AUDIO}"
    for turn in dialogue:
        text += f"user: {turn['user']} \nassistant: {SEP}"
        if "assistant" in turn:
            text += f"{turn['assistant']}{EOC}{EOS}\n"
    return text


def af2_text(prompt: str, output: str | None = None) -> str:
    """AF2's text; without `output` it ends at <SEP>, for inference.

    Official: audio_flamingo_2/data/data.py
    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    text = f"{AUDIO}{prompt.lower().strip()}{SEP}"
    return text if output is None else f"{text}{_clean(output)}{EOC}{AF2_EOS}"


def _clean(text: str) -> str:
    return str(text).lower().strip()


def _joined(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _parts(
    dataset, prompt, output, augmentations, prefix_prob, rng, official_faults=False
) -> tuple[str, list[tuple[str, str]]]:
    """The prefix of the first item, and (prompt, output) of every item."""
    prompts = [prompt] if isinstance(prompt, str) else prompt
    outputs = [output] if isinstance(prompt, str) else output
    prefixes, chunks = [], []
    for i, (p, o) in enumerate(zip(prompts, outputs, strict=True)):
        weights = np.array(list(augmentations.values()), dtype=float)
        name = rng.choice(list(augmentations), p=weights / weights.sum())
        has_prefix = rng.rand() < prefix_prob
        prefixes.append(f"The task is {task_words(dataset)}. " if has_prefix else "")
        is_query = i == len(prompts) - 1
        item = augment(
            name, dataset, _clean(p), _clean(o), is_query, rng, official_faults
        )
        chunks.append(item)
    return prefixes[0], chunks


def augment(
    name: str,
    dataset: str,
    prompt: str,
    output: str,
    with_options: bool,
    rng: np.random.RandomState,
    official_faults: bool = False,
) -> tuple[str, str]:
    """Apply the augmentation `name` to one lower-cased (prompt, output).

    `with_options=False`, for demonstrations, leaves out the list of all labels. A name
    the dataset does not know warns and changes nothing, as the official code does.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    if name == "do_nothing":
        return prompt, output
    if name == "AQA_binary_instruction":
        return _ask_binary(prompt, output), output
    if name in LENGTHS:
        noun = "music" if "musiccaps" in dataset.lower() else "sound"
        if name == "AC_paragraph":
            output = one_paragraph(output, official_faults)
        return f"describe the {noun} {LENGTHS[name]}.", output
    if name == "num_words" or (name == "default" and dataset in ALL_LABELS):
        return _ask_labels(name, dataset, output, with_options, rng)
    if name in ("default", "provide_all_labels"):
        return _ask_class(name, dataset, prompt, output, with_options)
    warnings.warn(f"{dataset} knows no augmentation {name!r}; text kept", stacklevel=2)
    return prompt, output


def _ask_binary(prompt: str, output: str) -> str:
    if prompt.startswith("question:"):
        prompt = "please answer this question:" + prompt.removeprefix("question:")
    if all(answer.strip() in ("yes", "no") for answer in output.split(",")):
        prompt += "\nOPTIONS:\nyes.\nno."
    return prompt


def one_paragraph(caption: str, official_faults: bool = False) -> str:
    """Turn the inner periods of a caption into ";" and keep the last one.

    With `official_faults`, a caption without a period comes back twice, the first time
    without its last letter: the official code slices at the -1 of `rfind`.
    """
    last = caption.rfind(".")
    if last < 0 and not official_faults:
        return caption
    return caption[:last].replace(".", ";") + "." + caption[last + 1 :]


def _ask_labels(name, dataset, output, with_options, rng) -> tuple[str, str]:
    """Several labels at once; told their number, the model sees them in any order."""
    labels = [label.strip() for label in output.rstrip(".").split(",")]
    question = "use a few labels to describe this sound."
    if name == "num_words":
        rng.shuffle(labels)
        plural = "s" if len(labels) > 1 else ""
        question = f"Describe the sound in {len(labels)} label{plural}."
    if with_options and dataset in ALL_LABELS:
        question += f" All labels are: {', '.join(ALL_LABELS[dataset])}."
    return question, ", ".join(labels)


def _ask_class(name, dataset, prompt, output, with_options) -> tuple[str, str]:
    """One label, with the sorted list of all labels when it is to be provided."""
    task = dataset.split("-")[-1]
    question = FIXED_QUESTIONS.get(dataset) or TASK_QUESTIONS.get(task) or prompt
    if name == "provide_all_labels" and with_options and dataset in OPTIONS:
        lines = [f"\n - {label}." for label in sorted(OPTIONS[dataset])]
        question += "\nOPTIONS:" + "".join(lines)
    if dataset.startswith("mtg-jamendo"):
        output = output.replace(";", ".")
    return question, output

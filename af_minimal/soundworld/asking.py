"""A question with its answer, and how it gets one of its wordings.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

from dataclasses import dataclass

AQA = "SoundWorld-AQA"


@dataclass(frozen=True)
class QA:
    """One prompt and the output it should get, as a manifest row has them.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """

    task: str  # as a dataset name: "SoundWorld-AQA"
    prompt: str
    output: str
    kind: str  # binary, open, count, order, classify, classify_options, tags, caption
    topic: str = ""  # presence, attribute, order (yes/no); attribute, why, like (open)


def qa(rng, prompts, output: str, kind: str, task: str = AQA, topic: str = "") -> QA:
    """A question in one of its wordings."""
    return QA(task, prompts[rng.integers(len(prompts))], output, kind, topic)


def binary(rng, prompts, truth: bool, topic: str) -> QA:
    """A yes/no question, half of the time with the official options below it."""
    asked = qa(rng, prompts, "yes" if truth else "no", "binary")
    options = "\nOPTIONS:\nyes.\nno." if rng.random() < 0.5 else ""
    return QA(asked.task, asked.prompt + options, asked.output, asked.kind, topic)

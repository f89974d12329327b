"""Ask a published model in the spelling it was trained on.

`model.ask` spells a prompt as `mini` reads it. Published weights read best what they
were trained on, and Qwen2's tokenizer does not know the `</s>` that AF1 begins with.

Taught in: notebooks/12_real_weights.ipynb
"""

from ..generation import check_can_answer, complete, encode
from ..model import AudioFlamingo
from .prompts import af2_text, official_inference_text


def ask_official(
    model: AudioFlamingo,
    clip,
    prompt: str,
    prefix: str = "The task is audio question answering.",
    **kwargs,
) -> str:
    """Answer one prompt about one clip, spelled as the official inference scripts do.

    Args:
        clip: a Clip or a path.
        prefix: AF1's sentence about the task; AF2 has none.
        kwargs: `seed`, and arguments of Hugging Face `generate`; 128 new tokens in AF1
            and 256 in AF2 unless they say otherwise.

    Official: inference/inference_examples.py, inference_HF_pretrained/inference.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    check_can_answer(model)
    af1 = model.config.family == "af1"
    text = official_inference_text(prefix, prompt) if af1 else af2_text(prompt)
    kwargs.setdefault("max_new_tokens", 128 if af1 else 256)
    features, mask = encode(model, [[clip]])  # (1, L, E) or (1, L, n, E), (1, L)
    return complete(model, [text], features, mask, **kwargs)[0]

"""The tokens that Audio Flamingo adds to the tokenizer of its language model, in order.

The order is the order of the rows of the embedding, so a wrong one makes `<SEP>` of
`<audio>`, and nothing complains.

Taught in: notebooks/12_real_weights.ipynb
"""

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..prompts import AUDIO, EOC, SEP

AF1_PAD, AF2_PAD = "<PAD>", "<|PAD_TOKEN|>"


def add_official_tokens(tokenizer: PreTrainedTokenizerBase, family: str) -> None:
    """Add what the family adds, in its order; what the tokenizer has keeps its id.

    AF1: `<audio>`, `<|endofchunk|>`, `<PAD>` if there is no pad, `<SEP>` if no sep.
    AF2: `<audio>`, `<|endofchunk|>`, `<|PAD_TOKEN|>`, which becomes pad, then `<SEP>`.

    Official: foundation/src/factory.py and audio_flamingo_2/src/factory.py
    Taught in: notebooks/12_real_weights.ipynb
    """
    tokenizer.add_tokens([AUDIO, EOC], special_tokens=True)
    if family == "af2":
        tokenizer.add_special_tokens({"pad_token": AF2_PAD})
    elif tokenizer.pad_token is None:
        tokenizer.add_special_tokens({"pad_token": AF1_PAD})
    if tokenizer.sep_token is None:
        tokenizer.add_special_tokens({"sep_token": SEP})


def has_tokenizer(folder: Path | None) -> bool:
    """Whether a folder holds more than a config."""
    names = "*vocab*", "tokenizer.json"
    return folder is not None and any(any(folder.glob(name)) for name in names)


def official_tokenizer(folder: str | Path, family: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a language model's folder, with the family's tokens added.

    Raises:
        FileNotFoundError: when the folder holds no tokenizer.

    Taught in: notebooks/12_real_weights.ipynb
    """
    folder = Path(folder)
    if not any((folder / f).is_file() for f in ("tokenizer.json", "vocab.json")):
        raise FileNotFoundError(
            f"{folder} has neither tokenizer.json nor vocab.json. Give the folder of "
            "the language model the weights were trained on."
        )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    add_official_tokens(tokenizer, family)
    return tokenizer


def official_ids(
    tokenizer: PreTrainedTokenizerBase | None, family: str, rows: int
) -> dict[str, int]:
    """Ids of `<audio>`, `<|endofchunk|>` and `<SEP>`, named as in `FlamingoConfig`.

    Without a tokenizer they are counted from the end of the embedding: the rows that
    were added stand last, in the family's order.

    Raises:
        ValueError: when tokenizer and embedding differ in size.

    Taught in: notebooks/12_real_weights.ipynb
    """
    if tokenizer is None:  # OPT has a pad and no sep; Qwen2 gets both
        added = 3 if family == "af1" else 4
        audio, eoc, sep = rows - added, rows - added + 1, rows - 1
    elif len(tokenizer) != rows:
        raise ValueError(
            f"the tokenizer has {len(tokenizer)} tokens and the embedding {rows} rows; "
            "this is the tokenizer of another language model."
        )
    else:
        audio, eoc, sep = tokenizer.convert_tokens_to_ids(
            [AUDIO, EOC, tokenizer.sep_token]
        )
    return {"audio_token_id": audio, "eoc_token_id": eoc, "sep_token_id": sep}

"""A byte-level BPE tokenizer with OPT's special tokens, trained on your own texts.

Taught in: notebooks/07_prompts_labels_blending.ipynb
"""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, trainers
from tokenizers.pre_tokenizers import ByteLevel, Digits
from tokenizers.pre_tokenizers import Sequence as InTurn
from transformers import PreTrainedTokenizerFast

from .prompts import AUDIO, BOS, EOC, EOS, PAD, SEP, without_tokens

OPT_SPECIAL = ["<s>", PAD, EOS, "<unk>"]  # ids 0, 1, 2, 3 as in OPT
AUDIO_SPECIAL = [AUDIO, EOC, SEP]  # the last three ids, in AF1's order


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Train byte-level BPE on `texts`; `vocab_size` counts special tokens as well.

    Every byte has a token, so any unicode text survives encode and decode. Words carry
    their leading space; each digit is a token of its own. Nothing is lower-cased and no
    </s> is prepended: both are the template's business (OPT's own tokenizer prepends).

    Raises ValueError when `vocab_size` leaves no room for the bytes and special tokens.

    Taught in: notebooks/07_prompts_labels_blending.ipynb
    """
    alphabet = ByteLevel.alphabet()
    smallest = len(alphabet) + len(OPT_SPECIAL) + len(AUDIO_SPECIAL)
    if vocab_size < smallest:
        raise ValueError(
            f"vocab_size is {vocab_size}; the 256 bytes and the special tokens alone "
            f"need {smallest}."
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = InTurn(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(AUDIO_SPECIAL),
        special_tokens=OPT_SPECIAL,
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    # special tokens blanked, so that BPE learns no pieces of their names
    plain = (without_tokens(text, "\n") for text in texts)
    tokenizer.train_from_iterator(plain, trainer)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in AUDIO_SPECIAL]
    )
    return _wrap(tokenizer)


def _wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        unk_token="<unk>",
        sep_token=SEP,
        additional_special_tokens=[AUDIO, EOC],
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )


def load_tokenizer(path: str | Path) -> PreTrainedTokenizerFast:
    """Load the tokenizer that `save_pretrained` wrote into the folder `path`.

    Raises FileNotFoundError when the folder holds no tokenizer.json; asks no hub.
    """
    file = Path(path) / "tokenizer.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"There is no {file}. Pass the folder that tokenizer.save_pretrained wrote."
        )
    return _wrap(Tokenizer.from_file(str(file)))


def special_ids(tokenizer: PreTrainedTokenizerFast) -> dict[str, int]:
    """Ids of the special tokens, named as the arguments of `build_labels`.

    Raises ValueError when the tokenizer lacks one.
    """
    names = {"pad": PAD, "audio": AUDIO, "sep": SEP, "eoc": EOC, "eos": EOS}
    ids = tokenizer.get_added_vocab()
    missing = [token for token in names.values() if token not in ids]
    if missing:
        raise ValueError(
            f"The tokenizer has no {', '.join(missing)}. Add them with "
            "tokenizer.add_special_tokens before building the model."
        )
    return {name: ids[token] for name, token in names.items()}

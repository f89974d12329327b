"""Small weights written as the official checkpoints lie on disk; shared by tests."""

import json
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

GOLDEN = Path(__file__).resolve().parents[2] / "shared" / "golden"
HERE = Path(__file__).parent / "reference"
SMALL = ["af1_grads_a", "af2_eps_xattn_a"]  # where no shared folder stands beside us
FULL = sorted(p.stem for p in GOLDEN.glob("*full_state_dict*.safetensors")) or SMALL
BOTH = list(dict.fromkeys(FULL + SMALL))  # what tests alone also passes beside others


@cache
def _read(case: str) -> tuple[dict, dict]:
    path = (HERE if case in SMALL else GOLDEN) / f"{case}.safetensors"
    return load_file(path), json.loads(path.with_suffix(".json").read_text())


def weights_of_case(case: str) -> dict[str, torch.Tensor]:
    """The official state dict of a recorded case."""
    tensors, _ = _read(case)
    return {k[3:]: v.clone() for k, v in tensors.items() if k.startswith("sd.")}


def options_of(case: str) -> dict:
    """What the weights of a recorded case do not tell, as options of `af.load`."""
    _, meta = _read(case)
    sizes = meta["audio_transformer_kwargs"]
    return {
        "lm": meta["lm_config"],
        "audio_heads": sizes["n_head"],
        "max_windows": sizes["max_window_per_audio"],
    }


def every_of(case: str) -> int:
    """Every how many layers of a recorded case a gated block stands."""
    return _read(case)[1]["cross_attn_every_n_layers"]


def write_torch(weights: dict, path: Path, wrapper: str) -> Path:
    """A torch file as training writes it: wrapped twice, `module.` before each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if wrapper == "bare":
        torch.save(weights, path)
    else:
        named = {f"module.{k}": v for k, v in weights.items()}
        torch.save({"epoch": 99, wrapper: named}, path)
    return path


def write_parts(weights: dict, folder: Path, parts: int = 3) -> Path:
    """`foundation_part1.pt` and so on, each with a share of the tensors."""
    names = list(weights)
    for n in range(parts):
        share = {k: weights[k] for k in names[n::parts]}
        write_torch(share, folder / f"foundation_part{n + 1}.pt", "model_state_dict")
    return folder


def write_chunks(weights: dict, folder: Path, chunks: int = 3) -> Path:
    """`safe_ckpt/metadata.json` and the safetensors it names."""
    place, names, listed = folder / "safe_ckpt", list(weights), {}
    place.mkdir(parents=True)
    for n in range(chunks):
        listed[f"chunk_{n}"] = names[n::chunks]
        share = {k: weights[k] for k in names[n::chunks]}
        save_file(share, place / f"chunk_{n}.safetensors")
    (place / "metadata.json").write_text(json.dumps(listed))
    return folder


def small_tokenizer(pad: str | None = "<pad>", words: int = 96):
    """A tokenizer of numbered words with OPT's or Qwen2's kind of special tokens."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocab = {t: i for i, t in enumerate([*special, *(f"w{i}" for i in range(words))])}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.Fuse()
    pad = pad if pad in vocab else None
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>", pad_token=pad
    )


def write_opt_tokenizer(folder: Path, size: int = 300) -> int:
    """OPT's tokenizer as its repository has it: vocab.json, merges.txt, no fast one.

    Bytes, two merges that make "dog", and words without a use up to `size` tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["<s>", "<pad>", "</s>", "<unk>"]
    tokens += [*sorted(pre_tokenizers.ByteLevel.alphabet()), "do", "dog"]
    tokens += [f"madeupword{i:04}" for i in range(size - len(tokens))]
    vocab = {token: i for i, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    (folder / "merges.txt").write_text("#version: 0.2\nd o\ndo g\n")
    special = {"bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>"}
    special |= {"pad_token": "<pad>"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    settings = {"add_bos_token": True, "add_prefix_space": False, "errors": "replace"}
    settings |= {"tokenizer_class": "GPT2Tokenizer", "special_tokens_map_file": None}
    (folder / "tokenizer_config.json").write_text(json.dumps(special | settings))
    return len(tokens)


def base_lm(
    case: str, folder: Path, weights: dict, spare: int = 0, with_weights: bool = False
) -> int:
    """The folder of the language model under a case; how many tokens it gets in all."""
    _, meta = _read(case)
    af1 = meta["model"] == "AF1"
    kind = "opt" if af1 else "qwen2"
    folder.mkdir(parents=True, exist_ok=True)
    config = {k: v for k, v in meta["lm_config"].items() if "after_resize" not in k}
    (folder / "config.json").write_text(json.dumps(config | {"model_type": kind}))
    rows = meta["lm_config"]["vocab_size_after_resize"]
    words = rows - (3 if af1 else 4) - 4 + spare
    small_tokenizer("<pad>" if af1 else None, words).save_pretrained(folder)
    if with_weights:
        start = "lang_encoder."
        base = {
            k.removeprefix(start).replace(".decoder_layer.", "."): v.clone()
            for k, v in weights.items()
            if k.startswith(start + "model.") and "gated_cross" not in k
        }
        save_file(base, folder / "model.safetensors")
    return rows

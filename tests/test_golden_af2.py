"""Ours against tensors recorded from the official AF2 code.

`tests/reference` holds the smallest case; all the others run where a `shared/golden`
folder stands beside the repository. The "train" cases come from the training sources,
whose location mask the released models were not made with: where it opens everything,
they agree with us as well; where it does not, text hears one vector of one window, and
ours differs on purpose.
"""

import json
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from test_golden_af1 import (
    assert_inverse,
    assert_twins,
    cases,
    recorded_forward,
    tolerance,
    weights_of,
)
from transformers import Qwen2Config

from af_minimal.config import PRESETS
from af_minimal.language_model import build_block
from af_minimal.model import AudioFlamingo
from af_minimal.official import from_official, to_official
from af_minimal.official.names import official

HERE = Path(__file__).parent
FOLDERS = (HERE.parents[1] / "shared" / "golden", HERE / "reference")
FILES = {p.stem: p for f in FOLDERS for p in sorted(f.glob("af2_*_?.safetensors"))}


def parts_of(path: Path) -> list[Path]:
    """A case is one file; the one in `tests/reference` is two, to keep them small."""
    return [path, *path.parent.glob(f"{path.stem}.io.safetensors")]


def names_in(path: Path) -> set[str]:
    names = set()
    for part in parts_of(path):
        with safe_open(part, "pt") as file:
            names |= set(file.keys())
    return names


NAMES = {case: names_in(path) for case, path in FILES.items()}
ONE_VECTOR = [c for c in NAMES if c.startswith("af2_train_w1")]
FORWARD = [c for c in NAMES if "out.logits" in NAMES[c] and c not in ONE_VECTOR]
GENERATION = [c for c in NAMES if "in.prompt_ids.0" in NAMES[c]]
GRADIENTS = [c for c in NAMES if any(name.startswith("grad.") for name in NAMES[c])]
STATES = [*FORWARD, *GENERATION]


@lru_cache(maxsize=4)
def case_of(case: str):
    meta = json.loads(FILES[case].with_suffix(".json").read_text())
    tensors = {k: v for p in parts_of(FILES[case]) for k, v in load_file(p).items()}
    return tensors, meta


def official_model(weights: dict, meta: dict, **changes):
    sizes, special = meta["audio_transformer_kwargs"], meta["special_tokens"]
    arguments = dict(
        family="af2",
        cross_attn_every_n_layers=meta["cross_attn_every_n_layers"],
        max_windows_per_audio=sizes["max_window_per_audio"],
        audio_heads=sizes["n_head"],
        audio_token_id=special["audio"],
        sep_token_id=special["sep"],
        eoc_token_id=special["endofchunk"],
    )
    return from_official(weights, meta["lm_config"], **(arguments | changes))


def model_of(case: str):
    tensors, meta = case_of(case)
    return official_model(weights_of(tensors), meta)


def inputs_of(tensors: dict) -> dict:
    return {
        "input_ids": tensors["in.input_ids"],
        "attention_mask": tensors["in.attention_mask"],
        "audio_features": tensors["in.audio_feats"],
        "audio_mask": tensors["in.audio_x_mask"].bool(),
        "labels": tensors["in.labels"],
    }


@cases(FORWARD)
def test_forward(case):
    tensors, _ = case_of(case)
    got = recorded_forward(model_of(case), inputs_of(tensors))
    real = tensors["in.attention_mask"]  # (B, T)
    for name in [n for n in tensors if n.startswith("out.")]:
        ours, theirs = got[name], tensors[name]
        if ours.shape[:2] == real.shape and name != "out.audio_transformer":
            ours, theirs = ours[real], theirs[real]  # text padding means nothing
        error = (ours - theirs).abs().max().item()
        assert error <= tolerance(case), f"{name} is off by {error}"


@cases(ONE_VECTOR)
def test_text_hears_all_windows_where_the_training_source_hears_one_vector(case):
    tensors, _ = case_of(case)
    model, inputs = model_of(case), inputs_of(tensors)
    got = recorded_forward(model, inputs)
    error = got["out.audio_transformer"] - tensors["out.audio_transformer"]
    assert error.abs().max() <= 1e-4  # the layers below the mask agree
    real = tensors["in.attention_mask"]
    assert (got["out.logits"] - tensors["out.logits"])[real].abs().max() > 1e-2
    # and with the one vector alone, ours says what the training source says
    first = torch.zeros_like(got["out.audio_transformer"][..., 0], dtype=torch.bool)
    first[:, 0] = True  # (B, L * n)
    audio = model.audio_transformer
    audio.register_forward_hook(lambda *_: tensors["out.audio_transformer"])
    inputs |= {"audio_features": inputs["audio_features"].flatten(1, 2)}
    with torch.no_grad():
        alone = model(**inputs | {"audio_mask": first}).logits
    assert (alone - tensors["out.logits"])[real].abs().max() <= 1e-4


@cases(GRADIENTS)
def test_gradients(case):
    tensors, _ = case_of(case)
    model = model_of(case)
    model(**inputs_of(tensors)).loss.backward()
    names = {official(name, "af2"): p for name, p in model.named_parameters()}
    compared = [name for name in tensors if name.startswith("grad.")]
    for name in compared:
        error = names[name.removeprefix("grad.")].grad - tensors[name]
        assert error.abs().max() <= 1e-4, f"{name} is off by {error.abs().max()}"
    assert len(compared) > 30


@cases(GENERATION)
@pytest.mark.parametrize("use_cache", [True, False])
def test_generation(case, use_cache):
    tensors, meta = case_of(case)
    model, i = model_of(case), 0
    while f"in.prompt_ids.{i}" in tensors:
        out = model.generate(
            tensors[f"in.prompt_ids.{i}"].unsqueeze(0),
            audio_features=tensors[f"in.audio_feats.{i}"],
            audio_mask=tensors[f"in.audio_x_mask.{i}"].bool(),
            max_new_tokens=meta["max_new_tokens"],
            do_sample=False,
            use_cache=use_cache,
            output_logits=True,
            return_dict_in_generate=True,
        )
        ids, kind = out.sequences[0].tolist(), "cached" if use_cache else "nocache"
        assert ids == tensors[f"out.gen_{kind}.{i}"].tolist()
        error = torch.cat(out.logits) - tensors[f"out.scores_{kind}.{i}"]
        assert error.abs().max() <= 1e-4
        i += 1


@cases(GENERATION)
def test_a_batch_padded_on_the_left_generates_what_each_row_does_alone(case):
    tensors, meta = case_of(case)
    model, pad = model_of(case), meta["special_tokens"]["pad"]
    keys = [k for k in sorted(tensors) if k.startswith("in.prompt_ids.")]
    prompts = [tensors[k] for k in keys]
    feats = [tensors[k.replace("prompt_ids", "audio_feats")][0] for k in keys]
    T, L = max(map(len, prompts)), max(map(len, feats))
    rows = len(keys)
    ids = torch.full((rows, T), pad)
    audio = torch.zeros(rows, L, *feats[0].shape[1:])
    mask = torch.zeros(rows, L, dtype=torch.bool)
    for b, (prompt, feat) in enumerate(zip(prompts, feats, strict=True)):
        ids[b, T - len(prompt) :] = prompt
        audio[b, : len(feat)], mask[b, : len(feat)] = feat, True
    out = model.generate(
        ids, ids != pad, audio, mask, max_new_tokens=meta["max_new_tokens"],
        do_sample=False, pad_token_id=pad,
    )  # fmt: skip
    for row, key in zip(out, keys, strict=True):
        want = tensors[key.replace("in.prompt_ids", "out.gen_nocache")]
        new = want[len(tensors[key]) :]
        assert row[T : T + len(new)].tolist() == new.tolist()


@cases(STATES)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_to_official_is_the_exact_inverse(case, prefix):
    tensors, meta = case_of(case)
    assert_inverse(official_model, weights_of(tensors), meta, prefix)


@cases(STATES)
def test_aliases_with_and_without(case):
    tensors, meta = case_of(case)
    assert_twins(official_model, weights_of(tensors), meta)


def small():
    tensors, meta = case_of("af2_eps_xattn_a")
    return weights_of(tensors), meta


@pytest.mark.parametrize("prefix", ["clap.afclap.", "clap.nvclap."])
def test_the_audio_encoder_of_a_checkpoint_comes_back_unchanged(prefix):
    weights, meta = small()
    encoder = {prefix + "conv.weight": torch.randn(2, 3), prefix + "n": torch.ones(())}
    model = official_model(weights | encoder, meta)
    back = to_official(model)
    assert back.keys() == weights.keys() | encoder.keys()
    assert all(torch.equal(back[name], encoder[name]) for name in encoder)
    assert encoder.keys() < to_official(model, aliases=False).keys()


def test_a_number_of_heads_that_the_positions_rule_out_is_refused():
    weights, meta = small()
    with pytest.raises(ValueError, match="audio_heads"):
        official_model(weights, meta, audio_heads=4)  # 16 wide: narrower than 32
    name = "audio_transformer_clap.position_enc.inv_freq"
    weights[name] = torch.ones(24)
    with pytest.raises(ValueError, match="in these weights 48 turn"):
        official_model(weights, meta)


def test_a_family_of_the_wrong_language_model_is_named():
    weights, meta = small()
    lm = meta["lm_config"] | {"model_type": "opt"}
    with pytest.raises(ValueError, match="'opt'; the language model .* is 'qwen2'"):
        official_model(weights, meta | {"lm_config": lm})
    with pytest.raises(ValueError, match="family is 'af3'"):
        official_model(weights, meta, family="af3")


def test_an_untied_head_stays_untied():
    weights, meta = small()
    head = weights["lang_encoder.model.embed_tokens.weight"] + 1
    weights["lang_encoder.lm_head.weight"] = head
    model = official_model(weights, meta)
    assert torch.equal(model.lm.lm_head.weight, head)
    assert torch.equal(to_official(model)["lang_encoder.lm_head.weight"], head)


def test_a_hugging_face_config_is_as_good_as_its_dict():
    weights, meta = small()
    fields = {k: v for k, v in meta["lm_config"].items() if k != "rope_theta"}
    fields.pop("vocab_size_after_resize")
    theta = meta["lm_config"]["rope_theta"]
    config = Qwen2Config(**fields, rope_theta=theta)
    model = official_model(weights, meta | {"lm_config": config})
    inputs = inputs_of(case_of("af2_eps_xattn_a")[0])
    with torch.no_grad():
        ours, theirs = model(**inputs), official_model(weights, meta)(**inputs)
    assert torch.equal(ours.logits, theirs.logits)


def test_the_published_sizes_have_the_published_numbers_of_parameters():
    config = PRESETS["af2"]
    with torch.device("meta"):
        model = AudioFlamingo(config)
        block = build_block(model.lm, config)
    count = sum(p.numel() for p in model.audio_transformer.parameters())
    assert count == 75_538_432
    assert sum(p.numel() for p in block.parameters()) == 37_756_930
    assert len(model.gated_blocks) == 36

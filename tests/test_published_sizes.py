"""Published weights: what is given beside them, what comes back, what is refused."""

import pytest
import torch
from official_layouts import BOTH, every_of, options_of, weights_of_case, write_chunks
from transformers import Qwen2Config

import af_minimal as af
from af_minimal.official import from_official, to_official, weights
from af_minimal.official.names import TWINS


def settings_of(case: str) -> dict:
    """Arguments of `from_official` for a recorded case."""
    options = options_of(case)
    return {
        "lm_config": options["lm"],
        "family": case[:3],
        "audio_heads": options["audio_heads"],
        "max_windows_per_audio": options["max_windows"],
        "audio_token_id": 4,
        "cross_attn_every_n_layers": every_of(case),
    }


@pytest.fixture
def unbuilt(monkeypatch):
    """To build a model is a fault: what is refused, is refused before."""

    def build(*_):
        raise AssertionError("a model was built")

    monkeypatch.setattr(weights, "AudioFlamingo", build)


@pytest.fixture(params=BOTH)
def given(request):
    """Weights of a recorded case, and the arguments that load them."""
    return weights_of_case(request.param), settings_of(request.param)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_come_back_in_the_type_they_came_in(given, dtype):
    tensors, settings = given
    half = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    back = to_official(from_official(half, **settings))
    assert back.keys() == half.keys()
    for name, tensor in back.items():
        positions = "position_enc" in name
        assert tensor.dtype == (torch.float32 if positions else dtype), name
        assert torch.equal(tensor, half[name].to(tensor.dtype)), name
    wide = from_official(half, dtype=torch.float32, **settings)
    assert {p.dtype for p in wide.parameters()} == {torch.float32}
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("kept", ["twins", "firsts"])
def test_names_come_back_as_they_came(given, kept):
    tensors, settings = given
    tensors = to_official(from_official(tensors, **settings), aliases=True)
    alike = {name for name in tensors if name.startswith(tuple(TWINS.values()))}
    if kept == "twins":
        gone = {n for n in tensors if ".decoder_layer." in n or ".gated_cross" in n}
        gone -= alike
    else:
        gone = alike
    some = {name: tensor for name, tensor in tensors.items() if name not in gone}
    assert len(some) < len(tensors)
    back = to_official(from_official(some, **settings))
    assert back.keys() == some.keys()
    assert all(torch.equal(back[name], some[name]) for name in some)
    whole = to_official(from_official(some, **settings), aliases=True)
    assert whole.keys() >= tensors.keys()


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ({"max_windows_per_audio": 0}, ValueError, "max_windows_per_audio is 0; a who"),
        ({"padded_audios": -1}, ValueError, "padded_audios is -1"),
        ({"audio_heads": "2"}, ValueError, "audio_heads is '2'; a whole number"),
        ({"cross_attn_every_n_layers": 0}, ValueError, "n_layers is 0"),
        ({"lm_config": None}, TypeError, "lm_config is None; a Hugging Face config"),
        ({"lm_config": "opt"}, TypeError, "lm_config is 'opt'; .* its dict"),
        ({"dtype": "bfloat16"}, TypeError, "dtype is 'bfloat16'; .* torch.bfloat16"),
        ({"dtype": torch.int8}, TypeError, "dtype is torch.int8; a floating type"),
    ],
)
def test_what_is_given_is_looked_at_first(given, unbuilt, fault, error, told):
    tensors, settings = given
    with pytest.raises(error, match=told):
        from_official(tensors, **settings | fault)


def test_a_language_model_of_another_width_is_not_built(given, unbuilt):
    tensors, settings = given
    lm = dict(settings["lm_config"])
    for name in ("hidden_size", "word_embed_proj_dim"):  # the second is OPT's alone
        lm.pop(name, None)
    with pytest.raises(ValueError, match="tokens are [0-9]+ wide; in these weights"):
        from_official(tensors, **settings | {"lm_config": lm})
    if settings["family"] == "af2":
        with pytest.raises(ValueError, match="tokens are 4096 wide; in these weights"):
            from_official(tensors, **settings | {"lm_config": Qwen2Config()})


@pytest.mark.parametrize(
    ("fault", "error", "told"),
    [
        ({"max_windows": 0}, ValueError, "max_windows is 0; a whole number"),
        ({"padded_audios": 0}, ValueError, "padded_audios is 0"),
        ({"audio_heads": "2"}, ValueError, "audio_heads is '2'"),
        ({"dtype": "bfloat16"}, TypeError, "dtype is 'bfloat16'"),
        ({"lm": 5}, TypeError, "lm is 5; a Hugging Face config"),
    ],
)
def test_options_are_looked_at_before_a_file_is_read(
    tmp_path, capsys, fault, error, told
):
    folder = write_chunks(weights_of_case(BOTH[-1]), tmp_path)
    with pytest.raises(error, match=told):
        af.load(folder, **options_of(BOTH[-1]) | fault)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"chunk_0": ["a"', "no whole JSON .*bytes: fetch it again"),
        ("", "no whole JSON"),
        ("5", "is 5; the names of chunks are expected"),
        ("[5]", "names 5; a chunk lies beside it"),
    ],
)
def test_broken_metadata_are_named(tmp_path, text, told):
    folder = write_chunks(weights_of_case(BOTH[-1]), tmp_path)
    (folder / "safe_ckpt" / "metadata.json").write_text(text)
    with pytest.raises(ValueError, match=f"metadata.json .*{told}"):
        af.load(folder, **options_of(BOTH[-1]))

"""The mean of two models."""

import pytest
import torch

from af_minimal.clap import TEXT_FILE
from af_minimal.model import load
from af_minimal.soundworld.average import average


def test_the_mean_lies_between_two_models_and_keeps_the_towers(tmp_path):
    first, second = load("mini"), load("mini")
    gate = first.gated_blocks[0].attn_gate
    ear = next(first.encoder.parameters())
    tied = first.get_input_embeddings().weight  # the head too: two names, one tensor
    with torch.no_grad():
        for parameter in (gate, ear, tied):
            parameter.add_(1.0)
    first.save_pretrained(tmp_path / "first")
    average(tmp_path / "first", "mini", 0.75, tmp_path / "mean")
    mean = load(tmp_path / "mean")
    between = second.gated_blocks[0].attn_gate + 0.25
    torch.testing.assert_close(
        mean.gated_blocks[0].attn_gate, between, atol=1e-3, rtol=0
    )
    between = second.get_input_embeddings().weight + 0.25
    found = mean.get_input_embeddings().weight
    torch.testing.assert_close(found, between, atol=1e-3, rtol=0)
    for name, tensor in second.encoder.state_dict().items():  # two ears have no mean
        assert torch.equal(mean.encoder.state_dict()[name], tensor), name
    assert (tmp_path / "mean" / TEXT_FILE).exists()


def test_models_of_other_shapes_have_no_mean(tmp_path, student):
    student.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="differ in shape"):
        average(tmp_path, "mini", 0.5, tmp_path / "mean")

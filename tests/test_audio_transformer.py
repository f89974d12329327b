"""The audio transformer: positions, who looks at whom, and finite rows."""

import pytest
import torch
from tiny_flamingo import E, W

from af_minimal.audio_transformer import AudioTransformer, sinusoidal_table


def transformer(isolate: bool, **changes):
    torch.manual_seed(0)
    sizes = dict(width=E, layers=2, heads=4, inner=64, positions=16) | changes
    return AudioTransformer(**sizes, isolate_audios=isolate).eval()


def test_sinusoidal_table_is_interleaved():
    table = sinusoidal_table(5, 6)[0]
    assert table[0].tolist() == [0, 1, 0, 1, 0, 1]
    assert table[3, 2] == pytest.approx(torch.sin(torch.tensor(3 / 10_000 ** (2 / 6))))


def test_what_stands_beside_an_isolated_audio_changes_nothing_in_it():
    model, x = transformer(True), torch.randn(1, 3 * W, E)
    mask = torch.tensor([[1, 1, 1, 0] + [1, 1, 0, 0] + [1, 1, 1, 1]]).bool()
    other = x.clone()
    other[:, W : 2 * W] = torch.randn(1, W, E)
    before, after = model(x, mask, W), model(other, mask, W)
    torch.testing.assert_close(before[:, :W], after[:, :W])
    torch.testing.assert_close(before[:, 2 * W :], after[:, 2 * W :])


@pytest.mark.parametrize("isolate", [True, False])
def test_the_same_audio_twice_differs_by_its_position(isolate):
    x = torch.randn(1, W, E).repeat(1, 2, 1)  # (1, 2 * W, E)
    first, second = transformer(isolate)(x, torch.ones(1, 2 * W).bool(), W).chunk(2, 1)
    assert (first - second).abs().max() > 1e-2


def test_padding_windows_change_nothing_when_isolated():
    model, x = transformer(True), torch.randn(1, W, E)
    mask = torch.tensor([[True, True, False, False]])
    loud = x.clone()
    loud[:, 2:] = 100.0
    torch.testing.assert_close(model(x, mask, W)[:, :2], model(loud, mask, W)[:, :2])
    official = transformer(False)
    a, b = official(x, mask, W)[:, :2], official(loud, mask, W)[:, :2]
    assert (a - b).abs().max() > 1e-3  # the official layers do look at padding


@pytest.mark.parametrize("isolate", [True, False])
def test_rows_without_a_real_window_are_finite(isolate):
    model, x = transformer(isolate), torch.randn(2, 2 * W, E, requires_grad=True)
    out = model(x, torch.zeros(2, 2 * W, dtype=torch.bool), W)
    out.sum().backward()
    assert out.isfinite().all() and x.grad.isfinite().all()


def test_audio_dropout_works_in_training_only():
    model, x = transformer(False, dropout=0.5), torch.randn(1, W, E)
    mask = torch.ones(1, W, dtype=torch.bool)
    assert torch.equal(model(x, mask, W), model(x, mask, W))
    model.train()
    assert not torch.equal(model(x, mask, W), model(x, mask, W))


def test_double_precision_hears_what_single_does():
    model, x = transformer(True), torch.randn(2, W, E)
    mask = torch.ones(2, W).bool()
    single = model(x, mask, W)
    double = model.double()(x.double(), mask, W)
    torch.testing.assert_close(double.float(), single, atol=1e-4, rtol=1e-4)

"""The network of a trigger: its size, its L1 term, pruning that lasts, and fixed-point numbers that are such."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.fixed_point import INPUT_BITS, INPUT_RANGE
from hepexp.models.trigger_mlp import TriggerMLP


def made(seed: int = 1, **keys) -> TriggerMLP:
    torch.manual_seed(seed)
    return TriggerMLP(n_features=16, n_classes=5, **keys)


def batch(n: int = 50, spread: float = 1.0) -> FeatureBatch:
    values = spread * torch.randn(n, 16, generator=torch.Generator().manual_seed(2))
    return FeatureBatch(torch.zeros(n).long(), torch.arange(n), torch.zeros(n, 0), features=values)


def test_it_has_the_size_of_the_paper():
    model = made()
    assert sum(parameter.numel() for parameter in model.parameters()) == 4389
    assert model.multiplications() == 16 * 64 + 64 * 32 + 32 * 32 + 32 * 5


def test_the_l1_term_is_the_sum_of_the_magnitudes_of_weights_without_biases():
    model = made(l1=0.01)
    expected = sum(abs(p).sum() for name, p in model.named_parameters() if name.endswith("weight"))
    assert_close(model.minus_log_prior(), 0.01 * expected)


def test_a_pruned_network_keeps_its_largest_weights_and_the_others_stay_zero_in_training(tmp_path: Path):
    dense = made()
    torch.save(dense.state_dict(), tmp_path / "dense.pt")
    model = made(3, sparsity=0.7, weights=str(tmp_path / "dense.pt"))
    assert model.multiplications() == round(0.3 * 4256)
    before = torch.cat([layer.weight.abs().flatten() for layer in dense.linear()])
    kept = torch.cat([layer.weight.flatten() for layer in model.linear()]) != 0
    assert before[kept].min() >= before[~kept].max()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        (model(batch()).square().mean() + model.minus_log_prior()).backward()
        optimizer.step()
    after = torch.cat([layer.weight.flatten() for layer in model.linear()])
    assert ((after != 0) <= kept).all()
    assert not torch.equal(after.abs()[kept], before[kept])
    again = made(4, sparsity=0.7)
    again.load_state_dict(model.state_dict())  # with the masks
    assert_close(again(batch()), model(batch()), rtol=0, atol=0)


def is_multiple(values: torch.Tensor, step: float, most: int) -> bool:
    whole = values / step
    return bool((whole == whole.round()).all() and (whole.abs() <= most).all())


@pytest.mark.parametrize("bits", [4, 8])
def test_numbers_in_fixed_point_are_whole_numbers_of_so_many_bits_times_powers_of_two(bits: int):
    pytest.importorskip("brevitas")
    model = made(bits=bits).eval()
    for layer in model.linear():
        for quantised in (layer.quant_weight(), layer.quant_bias()):
            step = quantised.scale.item()
            assert np.log2(step) == round(np.log2(step))
            assert is_multiple(quantised.value, step, 2 ** (bits - 1))
    x = batch(spread=5).features
    seen = model.layers[0](x)
    assert is_multiple(seen, 2 * INPUT_RANGE / 2**INPUT_BITS, 2 ** (INPUT_BITS - 1))
    assert seen.abs().max() <= INPUT_RANGE  # where it saturates
    inside = x.abs() < 7.9
    assert (seen - x)[inside].abs().max() <= INPUT_RANGE / 2**INPUT_BITS
    activations = model.layers[:3](x)
    step = model.layers[2].act_quant.scale().item()
    assert is_multiple(activations, step, 2**bits - 1)
    assert activations.min() >= 0


def test_the_gradient_passes_through_the_rounding_to_all_parameters():
    pytest.importorskip("brevitas")
    model = made(bits=6)
    model(batch()).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_many_bits_are_as_good_as_floating_point(tmp_path: Path):
    pytest.importorskip("brevitas")
    exact = made().eval()
    torch.save(exact.state_dict(), tmp_path / "float.pt")
    rounded = made(3, bits=16, weights=str(tmp_path / "float.pt")).eval()
    assert_close(rounded(batch()), exact(batch()), rtol=0, atol=2e-3)
    torch.save(rounded.state_dict(), tmp_path / "rounded.pt")
    again = made(4, bits=16, sparsity=0.5, weights=str(tmp_path / "rounded.pt")).eval()
    assert again.multiplications() <= 0.5 * 4256


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"bits": 1}, r"model.bits must be null or 2 to 16, got 1"),
        ({"sparsity": 1.0}, r"model.sparsity must be in \[0, 1\), got 1.0"),
        ({"l1": -1.0}, r"model.l1 must be >= 0 and finite, got -1"),
        ({"widths": ()}, r"model.widths must be one or more widths > 0"),
    ],
)
def test_impossible_networks_are_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        made(**keys)


def test_without_brevitas_it_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hepexp.models.layers.fixed_point.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"model\.bits=6 needs brevitas: pip install --no-deps brevitas"):
        made(bits=6)

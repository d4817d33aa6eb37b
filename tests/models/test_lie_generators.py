"""Group elements are exponentials of the generators, and act on every vector of an example alike."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.lie_generators import LieMomenta, LiePoints
from hepexp.symmetry.algebra import so13
from tests import jets
from tests.examples import random_features


def momenta(**keys) -> LieMomenta:
    torch.manual_seed(0)
    return LieMomenta(**{"n_channels": 6, **keys}).double().eval()


def test_the_transformation_is_the_exponential_of_the_combination():
    model = momenta()
    x = torch.randn(5, 3, 4, dtype=torch.float64)
    z = torch.randn(5, 6, dtype=torch.float64)
    moved = model.transform(x, z)
    for example in range(5):
        g = expm(np.tensordot(z[example].numpy(), model.generators.detach().numpy(), axes=1))
        assert_close(moved[example].detach(), x[example] @ torch.from_numpy(g).T, rtol=1e-12, atol=1e-12)


def test_with_the_lorentz_generators_all_scalar_products_stay():
    model = momenta(n_leading=3, unit=10.0)
    with torch.no_grad():
        model.generators.copy_(torch.from_numpy(so13().basis))
    batch = jets.random_jets(8, n_min=3, n_max=10)
    eta = torch.diag(torch.tensor([1.0, -1, -1, -1], dtype=torch.float64))
    before, after = model.vectors(batch), model(batch)
    assert not torch.allclose(before, after)
    assert_close(after @ eta @ after.mT, before @ eta @ before.mT, rtol=1e-9, atol=1e-9)


def test_momenta_are_those_of_the_hardest_particles_in_units():
    batch = jets.random_jets(6, n_min=1, n_max=9)
    vectors = momenta(n_leading=4, unit=100.0).vectors(batch)
    assert vectors.shape == (6, 4, 4)
    for jet, mask, found in zip(batch.p4, batch.mask, vectors, strict=True):
        own = jet[mask]
        own = own[own[:, 1:3].norm(dim=1).argsort(descending=True)][:4] / 100
        assert_close(found[: len(own)], own)
        assert not found[len(own) :].any()


def test_a_batch_of_small_jets_alone_is_filled_up_with_zeros():
    batch = jets.random_jets(3, n_min=1, n_max=1)
    vectors = momenta(n_leading=2).vectors(batch)
    assert vectors.shape == (3, 2, 4)
    assert not vectors[:, 1].any()


def test_features_are_points_one_after_the_other():
    batch = random_features(3)
    assert_close(LiePoints(n=4, n_features=8).vectors(batch)[:, 1], batch.features[:, 4:])
    assert LiePoints(n=2, n_features=8)(batch).shape == (3, 4, 2)


def test_an_example_is_always_transformed_alike_in_evaluation_and_anew_in_training():
    model, batch = momenta(spread=0.5), jets.random_jets(6, n_min=3, n_max=9)
    assert torch.equal(model.draw(batch), model.draw(batch))
    batch.index = batch.index.flip(0)
    assert torch.equal(model.draw(batch).flip(0), model.draw(jets.random_jets(6, n_min=3, n_max=9)))
    model.train()
    assert not torch.equal(model.draw(batch), model.draw(batch))
    batch = jets.random_jets(1, n_min=3, n_max=3)
    batch.label = torch.zeros(20_000)
    assert model.draw(batch).std().item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_channels": 0}, "model.n_channels must be between 1 and 4, all independent 2 x 2 matrices, got 0"),
        ({"n_channels": 5}, "model.n_channels must be between 1 and 4"),
        ({"n": 0}, "model.n must be >= 1, got 0"),
        ({"n": 3}, "model.n must divide the 8 features of an example, got 3"),
        ({"spread": 0.0}, "model.spread must be > 0"),
        ({"initial": -1.0}, "model.initial must be > 0"),
    ],
)
def test_values_out_of_range_for_points(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        LiePoints(**keys, n_features=8)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_leading": 0}, "model.n_leading must be >= 1"),
        ({"unit": 0.0}, "model.unit must be > 0 GeV"),
        ({"n_channels": 17}, "model.n_channels must be between 1 and 16"),
    ],
)
def test_values_out_of_range_for_momenta(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        LieMomenta(**keys)

"""The map of uniform angles to those of a von Mises distribution."""

from math import pi

import numpy as np
import pytest
import torch
from scipy.stats import vonmises

from hepexp.models.layers.von_mises import VonMisesMap

BETAS = torch.tensor([0.0, 0.5, 2.0, 5.0, 50.0], dtype=torch.float64)


def test_its_slope_is_the_inverse_density():
    u = (torch.rand(5, 400, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 0.5) * 2 * pi
    x, log_slope = VonMisesMap(BETAS)(u)
    for beta, own_u, own_x, slope in zip(BETAS.tolist(), u.numpy(), x.numpy(), log_slope.numpy(), strict=True):
        np.testing.assert_allclose(
            vonmises.cdf(own_x, beta) if beta else own_x / 2 / pi + 0.5, own_u / 2 / pi + 0.5, atol=1e-4
        )
        density = vonmises.logpdf(own_x, beta) if beta else np.full_like(own_x, -np.log(2 * pi))
        assert np.sqrt(np.mean((slope + density + np.log(2 * pi)) ** 2)) < 0.01


def test_the_inverse_leads_back():
    u = torch.linspace(-3.1, 3.1, 101, dtype=torch.float64).expand(5, -1)
    x, log_slope = VonMisesMap(BETAS)(u)
    back, log_back = VonMisesMap(BETAS)(x, inverse=True)
    torch.testing.assert_close(back, u, atol=1e-8, rtol=0)
    torch.testing.assert_close(log_back, -log_slope, atol=1e-6, rtol=0)
    torch.testing.assert_close(x, -x.flip(1), atol=1e-9, rtol=0)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_each_example_has_its_own_concentration(dims):
    angle = torch.full((2, *[3] * (dims - 1)), 1.0)
    x, _ = VonMisesMap(torch.tensor([0.0, 4.0]))(angle)
    torch.testing.assert_close(x[0], angle[0])
    assert (x[1] < 0.5).all()

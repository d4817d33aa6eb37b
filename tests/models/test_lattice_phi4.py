"""The flow of a scalar field: its density, its symmetry, and the free theory that it contains."""

from math import log

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.lattice_phi4 import LatticePhi4
from hepexp.physics.scalar_field import ScalarField


def flow(size=4, **keys) -> LatticePhi4:
    """In float64, with weights that are not those of the beginning."""
    torch.manual_seed(0)
    model = LatticePhi4(**{"n_layers": 4, "widths": [3, 3], **keys}, n_features=0, n_classes=size**2).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("prior", ["free", "white"])
def test_the_density_is_that_of_the_determinant(prior):
    model = flow(prior=prior)
    z = model.latent(2, torch.Generator().manual_seed(1))
    phi, log_q = model.draw(z)
    for k in range(2):
        jacobian = torch.autograd.functional.jacobian(lambda x: model.draw(x[None])[0].flatten(), z[k]).reshape(16, 16)
        noise = torch.distributions.Normal(0, 1).log_prob(z[k]).sum()
        assert torch.allclose(log_q[k], noise - jacobian.det().abs().log(), atol=1e-10)
    assert torch.allclose(model.log_density(phi), log_q, atol=1e-10)


def test_a_field_and_its_negative_are_equally_likely():
    model = flow()
    z = model.latent(3)
    phi, log_q = model.draw(z)
    minus, log_minus = model.draw(-z)
    assert torch.allclose(minus, -phi)
    assert torch.allclose(log_minus, log_q)


def test_even_translations_change_no_density():
    model = flow(6)
    phi, log_q = model.draw(model.latent(3))
    for shift in ((2, 0), (1, 1), (0, 4)):
        assert torch.allclose(model.log_density(phi.roll(shift, (1, 2))), log_q)
    assert not torch.allclose(model.log_density(phi.roll(1, 1)), log_q)


def test_it_begins_as_the_free_theory():
    model = LatticePhi4(n_features=0, n_classes=36).double()
    with torch.no_grad():
        model.spectrum.log_m2.fill_(log(0.7))
        phi, log_q = model.draw(model.latent(10))
    action = ScalarField(6, 0.7, 0.0)
    assert torch.allclose(-action(phi) - log_q, torch.full((10,), action.exact()["log_z"]).double())


def test_what_it_does_not_see_does_not_move():
    coupling = flow().couplings[0]
    phi = torch.randn(2, 4, 4, dtype=torch.float64)
    moved, _ = coupling(phi)
    odd = (torch.arange(4)[:, None] + torch.arange(4)) % 2 == 1
    assert torch.equal(moved[:, odd], phi[:, odd])
    assert not torch.isclose(moved[:, ~odd], phi[:, ~odd]).any()


def test_what_cannot_be_is_refused():
    for keys, said in (
        ({"n_classes": 49}, "got loss.action.size=7"),
        ({"n_classes": 50}, "square lattice"),
        ({"n_features": 3}, "choose dataset=empty"),
        ({"prior": "blue"}, "model.prior"),
        ({"n_layers": 0}, "model.n_layers"),
        ({"widths": []}, "model.widths"),
    ):
        with pytest.raises(ConfigError, match=said):
            LatticePhi4(**{"n_features": 0, "n_classes": 16, **keys})

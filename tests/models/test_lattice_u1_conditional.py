"""The flow of links for a range of couplings: a density of its own at each, and gauge symmetry at all."""

from math import log, pi

import pytest
import torch

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.losses.sampling import Sampling
from hepexp.models.lattice_u1_conditional import LatticeU1Conditional
from hepexp.physics.u1_gauge import U1Gauge


def flow() -> LatticeU1Conditional:
    torch.manual_seed(0)
    model = LatticeU1Conditional(1.0, 5.0, n_bins=3, widths=[4], n_features=0, n_classes=32).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.25)
    return model


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_density_at_each_coupling_is_that_of_the_determinant(beta):
    model, at = flow(), torch.tensor([beta], dtype=torch.float64)
    z = model.latent(1, torch.Generator().manual_seed(1))
    theta, log_q = model.draw(z, at)
    jacobian = torch.autograd.functional.jacobian(lambda x: model.draw(x, at)[0], z).reshape(32, 32)
    assert torch.allclose(log_q[0], -32 * log(2 * pi) - torch.linalg.slogdet(jacobian)[1], atol=1e-9)
    assert torch.allclose(model.log_density(theta, at), log_q, atol=1e-9)


def test_the_couplings_of_a_batch_do_not_mix_and_that_of_the_action_is_used_by_itself():
    model = flow()
    z, beta = model.latent(3), torch.tensor([1.0, 3.0, 5.0], dtype=torch.float64)
    theta, log_q = model.draw(z, beta)
    Sampling(U1Gauge(4, 3.0)).prepare(model, None, Empty.spec)
    alone, log_alone = model.draw(z[1:2])
    assert torch.allclose(alone[0], theta[1])
    assert torch.allclose(log_alone[0], log_q[1])
    assert not torch.allclose(model.draw(z[1:2], beta[:1])[1], log_alone)


@pytest.mark.parametrize("divergence", ["reverse_kl", "forward_kl", "metropolis"])
def test_a_few_steps_bring_it_closer_at_both_ends(divergence):
    torch.manual_seed(1)
    objective = Sampling(U1Gauge(3, 1.0), divergence)
    model = LatticeU1Conditional(0.5, 1.5, n_bins=4, widths=[8], n_features=0, n_classes=18).double()
    objective.prepare(model, None, Empty.spec)
    batch = next(iter(Empty(batch_size=400, n_test=400).loader_of("test")))

    def loss(beta):
        model.beta = beta
        x, log_q = model.draw(model.latent(2000, torch.Generator().manual_seed(0)))
        return (log_q + U1Gauge(3, beta)(x)).mean().item() + U1Gauge(3, beta).exact()["log_z"]

    before = loss(0.5), loss(1.5)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(80):
        optimizer.zero_grad()
        objective.terms(model, batch)[0]["loss"].backward()
        optimizer.step()
    assert loss(1.5) < 0.6 * before[1]
    assert loss(0.5) < 0.6 * before[0]


def test_a_scan_shows_all_couplings():
    model, objective = flow(), Sampling(U1Gauge(4, 3.0))
    found = objective.gallery(model, None)
    assert found["beta"].tolist() == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert found["plaquette"].shape == found["log_weight"].shape == (9, 2048)


def test_what_cannot_be_is_refused():
    with pytest.raises(
        ConfigError, match=r"from model\.beta_min=1 to model\.beta_max=5, in which the flow is trained, got 7"
    ):
        Sampling(U1Gauge(4, 7.0)).prepare(flow(), None, Empty.spec)
    with pytest.raises(ConfigError, match="0 < beta_min < beta_max <= 100"):
        LatticeU1Conditional(3.0, 2.0, n_features=0, n_classes=32)

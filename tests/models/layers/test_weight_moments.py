"""The distribution of the weights that a training passes through: its covariance, and that of a linear problem."""

import torch
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers.weight_moments import WeightMoments, flat


def linear(n: int, dtype=torch.float64) -> nn.Linear:
    return nn.Linear(n, 1, bias=False, dtype=dtype)


def after(networks: torch.Tensor, rank: int) -> tuple[WeightMoments, nn.Linear]:
    model = linear(networks.shape[1])
    moments = WeightMoments(model, rank)
    for weights in networks:
        with torch.no_grad():
            model.weight.copy_(weights[None])
        moments.add(model)
    return moments, model


def test_drawn_weights_have_the_mean_and_half_the_sum_of_diagonal_and_low_rank_covariance():
    """Cov = (diag(s^2) + D^T D / (K - 1)) / 2 (arXiv:1902.02476, equation 1)."""
    random = torch.Generator().manual_seed(1)
    mixing = torch.tensor([[1.0, 0.0, 0.0], [0.8, 0.5, 0.0], [0.0, -0.3, 2.0]], dtype=torch.float64)
    networks = 5 + torch.randn(12, 3, generator=random, dtype=torch.float64) @ mixing.T
    moments, _ = after(networks, rank=4)
    assert_close(moments.mean, networks.mean(0))
    assert_close(moments.squares / 12, networks.var(0, correction=0))
    running = networks.cumsum(0) / torch.arange(1, 13)[:, None]
    deviations = (networks - running)[-4:]
    assert_close(moments.deviations.sort(0).values, deviations.sort(0).values)
    drawn = torch.stack([moments.draw(k) for k in range(20_000)])
    expected = (networks.var(0, correction=0).diag() + deviations.T @ deviations / 3) / 2
    assert_close(drawn.mean(0), networks.mean(0), rtol=0, atol=0.05)
    assert_close(drawn.T.cov(), expected, rtol=0.05, atol=0.03)


def test_stochastic_gradient_descent_on_a_linear_gaussian_problem_has_the_covariance_of_its_lyapunov_equation():
    """w <- w - eta (H (w - w*) + noise of covariance S): H C + C H - eta H C H = eta S; for diagonal H and S it is
    C = eta S / (2 H - eta H^2), eta S / (2 H) at small rates (S. Mandt et al., arXiv:1704.04289, section 3)."""
    random = torch.Generator().manual_seed(2)
    eta, curvature, noise = 0.2, torch.tensor([1.0, 0.5, 2.0]).double(), torch.tensor([0.3, 1.0, 0.5]).double()
    best = torch.tensor([1.0, -2.0, 0.5]).double()
    w, networks = best.clone(), []
    for _ in range(20_000):
        gradient = curvature * (w - best) + noise * torch.randn(3, generator=random, dtype=torch.float64)
        w = w - eta * gradient
        networks.append(w)
    moments, _ = after(torch.stack(networks)[::4], rank=50)
    expected = eta * noise**2 / (2 * curvature - eta * curvature**2)
    assert_close(moments.mean, best, rtol=0, atol=0.05)
    assert_close(moments.squares / moments.n, expected, rtol=0.1, atol=0)


def test_within_the_block_the_model_is_a_drawn_network_and_afterwards_the_one_before():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    moments = WeightMoments(model, 2)
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(3))
    for shift in (0.0, 2.0, 1.0):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * shift)
        model.train()(x + shift)
        moments.add(model)
    model.eval()
    before, own = model(x), flat(list(model.state_dict().values()))
    with moments.network(model, 0):
        first = model(x)
    with moments.network(model, 1):
        assert not torch.equal(first, model(x))
    with moments.network(model, 0, scale=0.0):
        assert_close(flat(list(model.parameters())), moments.mean)
    assert_close(model(x), before, rtol=0, atol=0)
    assert torch.equal(flat(list(model.state_dict().values())), own)
    with moments.network(model, 0):
        assert torch.equal(model(x), first)

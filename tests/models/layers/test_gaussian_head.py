"""The Laplace approximation is the posterior itself where that is normal."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers.gaussian_head import GaussianHead, curvature, flat, prior_precision, softmax_hessian
from hepexp.models.layers.variational import network


def linear_problem(n=60, d=3, s=0.4):
    """Inputs, targets, and ridge regression with the prior precision 2: the posterior is known."""
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(n, d, generator=rng, dtype=torch.float64)
    full = torch.cat([x, torch.ones(n, 1, dtype=torch.float64)], 1)
    y = full @ torch.tensor([1.0, -2.0, 0.5, 0.3], dtype=torch.float64)
    y = y + s * torch.randn(n, generator=rng, dtype=torch.float64)
    precision = full.T @ full / s**2 + 2 * torch.eye(d + 1, dtype=torch.float64)
    return x, full, precision, torch.linalg.solve(precision, full.T @ y / s**2)


def test_of_a_linear_problem_with_normal_noise_the_posterior_is_exact():
    x, full, precision, mean = linear_problem()
    layer = nn.Linear(3, 1).double()
    with torch.no_grad():
        layer.weight.copy_(mean[None, :3])
        layer.bias.copy_(mean[3:])
    found = curvature(x, torch.full((len(x), 1, 1), 1 / 0.4**2)) + 2 * torch.eye(4)
    assert_close(found, precision)
    head = GaussianHead(layer, found).eval()
    assert_close(head.root @ head.root.T, torch.linalg.inv(precision))
    assert_close(head(x), layer(x))
    draws = []
    for k in range(4000):
        with network(head, k):
            draws.append(head(x)[:, 0].detach())
    variance = torch.stack(draws).var(0)
    exact = torch.einsum("ni,ij,nj->n", full, torch.linalg.inv(precision), full)
    assert_close(variance, exact, rtol=0.12, atol=0)  # 2.2 % each


def test_the_hessian_of_the_cross_entropy_is_that_of_autograd():
    logits = torch.tensor([0.3, -1.0, 0.8], dtype=torch.float64)
    loss = lambda z: nn.functional.cross_entropy(z[None], torch.tensor([1]))  # noqa: E731
    assert_close(softmax_hessian(logits[None])[0], torch.autograd.functional.hessian(loss, logits))


def test_the_curvature_of_a_layer_is_the_hessian_in_its_weights():
    layer, x, y = nn.Linear(2, 3).double(), torch.randn(5, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])

    def loss(weights):
        both = weights.view(3, 3)
        return nn.functional.cross_entropy(x @ both[:, :2].T + both[:, 2], y, reduction="sum")

    expected = torch.autograd.functional.hessian(loss, flat(layer))
    assert_close(curvature(x, softmax_hessian(layer(x).detach())), expected)


def test_the_prior_maximises_the_evidence():
    _, full, _, mean = linear_problem()
    matrix = full.T @ full / 0.4**2
    found = prior_precision(matrix, mean)

    def evidence(value):
        return (
            len(mean) * torch.log(torch.tensor(value))
            - value * (mean**2).sum()
            - torch.logdet(matrix + value * torch.eye(4))
        )

    best = evidence(found)
    assert all(evidence(found * factor) <= best for factor in (0.8, 0.95, 1.05, 1.25))
    assert found == pytest.approx(4 / float((mean**2).sum()), rel=0.05)  # all directions are well determined

"""A likelihood that is a matrix element: its norm, its gradient, and masses that are found again."""

import numpy as np
import pytest
import torch

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.matrix_element import Likelihood
from hepexp.losses.matrix_element import MatrixElement
from hepexp.models.top_mass import TopMass
from hepexp.physics.top_angles import TopAngles


def batch(n: int):
    return Empty(batch_size=n, n_train=n).training_batches(0, 1).__next__()


@pytest.mark.parametrize(("process", "energy"), [("gluons", 400.0), ("quarks", 400.0), ("gluons", 3000.0)])
def test_the_density_integrates_to_one(process, energy):
    angles = TopAngles(process, energy, 172.5)
    x, weight = np.polynomial.legendre.leggauss(300)
    density = angles.log_density(torch.from_numpy(x), torch.tensor(172.5)).exp().numpy()
    assert weight @ density == pytest.approx(1, rel=1e-12)


def test_events_follow_the_density():
    angles = TopAngles("gluons", 600.0, 172.5)
    u = torch.linspace(0, 1, 11, dtype=torch.float64)[1:-1]
    cos = angles.quantile(u)
    x, weight = np.polynomial.legendre.leggauss(100)
    for quantile, upper in zip(u, cos, strict=True):
        half = (upper.item() + 1) / 2
        inside = angles.log_density(torch.from_numpy(half * (x + 1) - 1), torch.tensor(172.5)).exp().numpy()
        assert half * (weight @ inside) == pytest.approx(quantile.item(), abs=1e-7)


def test_the_gradient_is_that_of_finite_differences():
    objective, model = MatrixElement(), TopMass(170.0, n_features=0).double()
    objective.terms(model, batch(100))[0]["loss"].backward()
    values = []
    for mass in (169.99, 170.01):
        with torch.no_grad():
            model.mass.fill_(mass)
        values.append(objective.terms(model, batch(100))[0]["loss"].item())
    assert model.mass.grad.item() == pytest.approx((values[1] - values[0]) / 0.02, rel=1e-5)


def test_the_score_of_the_true_mass_vanishes_on_average():
    # E d ln p / dm = 0, and its variance is the mean curvature: the information
    angles = TopAngles("gluons", 400.0, 172.5)
    x, weight = np.polynomial.legendre.leggauss(100)
    cos, m = torch.from_numpy(x), torch.tensor(172.5, dtype=torch.float64, requires_grad=True)
    density = weight * angles.log_density(cos, m).exp().detach().numpy()
    slopes, curvatures = [], []
    for one in cos:
        (slope,) = torch.autograd.grad(angles.log_density(one[None], m)[0], m, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, m)
        slopes.append(slope.item())
        curvatures.append(curvature.item())
    assert density @ np.array(slopes) == pytest.approx(0, abs=1e-12)
    assert density @ np.array(slopes) ** 2 == pytest.approx(-density @ np.array(curvatures), rel=1e-9)


def test_fits_with_and_without_gradients_agree_and_find_the_mass():
    angles = TopAngles("gluons", 400.0, 172.5)
    cos = angles.quantile((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000).numpy()  # no fluctuations
    likelihood = Likelihood(angles, cos)
    with_gradient, without = (likelihood.fit(160.0, gradient) for gradient in (True, False))
    assert with_gradient.mass == pytest.approx(172.5, abs=0.02)
    assert without.mass == pytest.approx(with_gradient.mass, abs=0.02)
    assert with_gradient.evaluations < without.evaluations
    assert likelihood.error(172.5) == pytest.approx(2 * Likelihood(angles, cos.repeat(4)).error(172.5))


def test_events_are_those_of_their_indices():
    objective = MatrixElement(seed=3)
    few = objective._cosines(torch.arange(5))
    assert torch.equal(objective._cosines(torch.arange(40))[:5], few)
    assert torch.equal(MatrixElement(seed=3)._cosines(torch.arange(40))[:5], few)
    assert not torch.equal(MatrixElement(seed=4)._cosines(torch.arange(5)), few)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: MatrixElement(process="photons"), "loss.process"),
        (lambda: MatrixElement(energy=300.0), r"loss.energy must be above the threshold"),
        (lambda: MatrixElement(energy=float("nan")), "loss.energy"),
        (lambda: MatrixElement(mass=-1.0), "loss.mass"),
        (lambda: MatrixElement(seed=-1), "loss.seed"),
        (lambda: TopMass(0.0, n_features=0), "model.start"),
        (lambda: TopMass(n_features=2), "dataset=empty"),
        (lambda: MatrixElement().prepare(TopMass(201.0, n_features=0), None, Empty.spec), "model.start"),
        (lambda: MatrixElement().prepare(torch.nn.Linear(1, 1), None, Empty.spec), "model=top_mass"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()

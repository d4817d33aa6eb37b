"""The flow on the unit cube: invertible, with an exact density that integrates to one."""

import pytest
import torch

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.models.layers.rational_quadratic import n_parameters, spline
from hepexp.models.spline_flow import SplineFlow, _halves


def flow(d: int, std: float = 0.7, **keys) -> SplineFlow:
    """With random parameters, in float64."""
    torch.manual_seed(4)
    model = SplineFlow(**{"widths": [8], **keys}, n_features=0, n_classes=d).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=std)
    return model


def points(n: int, d: int) -> torch.Tensor:
    return torch.rand(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_it_begins_as_the_identity():
    model = SplineFlow(n_features=0, n_classes=5).double()
    z = points(20, 5)
    x, log_q = model.draw(z)
    assert torch.allclose(x, z, atol=1e-6)
    assert log_q.abs().max() < 1e-5


@pytest.mark.parametrize("d", [2, 5])
def test_inverting_a_point_gives_where_it_came_from_and_the_same_density(d):
    z = points(200, d)
    x, log_q = flow(d).draw(z)
    back, again = flow(d).invert(x)
    assert torch.allclose(back, z, atol=1e-9)
    assert torch.allclose(again, log_q, atol=1e-7)
    assert (x - z).abs().mean() > 0.05


@pytest.mark.parametrize("d", [2, 5])
def test_the_density_is_the_determinant_of_the_jacobian(d):
    model = flow(d)
    for z in points(5, d):
        jacobian = torch.autograd.functional.jacobian(lambda z: model.draw(z[None])[0][0], z)
        assert torch.allclose(-torch.linalg.slogdet(jacobian)[1], model.draw(z[None])[1][0], atol=1e-9)


def test_the_density_integrates_to_one():
    t = (torch.arange(400, dtype=torch.float64) + 0.5) / 400
    grid = torch.cartesian_prod(t, t)
    _, log_q = flow(2, std=0.4, n_bins=4).invert(grid)
    assert log_q.exp().mean().item() == pytest.approx(1, abs=1e-3)  # of midpoints; it has kinks where bins meet
    assert log_q.std() > 0.1


def test_a_spline_is_monotone_onto_the_unit_interval():
    parameters = torch.randn(n_parameters(6), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = torch.linspace(0, 1, 2001, dtype=torch.float64)
    y, log_slope = spline(x, parameters.expand(2001, -1))
    assert (y[0].item(), y[-1].item()) == pytest.approx((0, 1))
    assert (y.diff() > 0).all()
    assert torch.trapezoid(log_slope.exp(), x).item() == pytest.approx(1, abs=1e-3)
    back, other = spline(y, parameters.expand(2001, -1), inverse=True)
    assert torch.allclose(back, x, atol=1e-9)
    assert torch.allclose(other, -log_slope, atol=1e-6)


def test_every_component_moves_with_every_other():
    for d in (2, 3, 5, 8):
        seen = {(a, b) for moved, fixed in _halves(d) for a in moved for b in fixed}
        assert seen == {(a, b) for a in range(d) for b in range(d) if a != b}
    jacobian = torch.autograd.functional.jacobian(lambda z: flow(5).draw(z[None])[0][0], points(1, 5)[0])
    assert (jacobian != 0).all()


def test_a_batch_gives_points_and_their_log_density():
    model = flow(3)
    found = model(Empty(batch_size=7, n_test=7).typical_examples(7))
    assert found.shape == (7, 4)
    assert torch.allclose(model.invert(found[:, :3])[1], found[:, 3], atol=1e-7)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"n_bins": 1}, "model.n_bins"),
        ({"n_bins": 10**6}, "model.n_bins"),
        ({"min_bin": 0.1}, "model.min_bin"),
        ({"min_bin": float("nan")}, "model.min_bin"),
        ({"widths": []}, "model.widths"),
        ({"n_features": 3}, "dataset=empty"),
        ({"n_classes": 1}, "importance_sampling"),
    ],
)
def test_values_out_of_range_are_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        SplineFlow(**{"n_features": 0, "n_classes": 5, **keys})

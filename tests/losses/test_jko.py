"""Minimising steps: their minimum for normal densities, what is recorded along the flow, and what is refused."""

import numpy as np
import pytest
import torch

from hepexp.config import yaml_file
from hepexp.config.paths import conf_dir
from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.transport import CANDIDATES, largest_rise
from hepexp.losses.jko import JKO
from hepexp.losses.zero_dimensional import ZeroDimensional
from hepexp.models.monotone_maps import MonotoneMaps
from hepexp.physics.free_modes import FreeModes
from hepexp.physics.polchinski import normal_step
from tests.losses.test_matrix_element import batch

MODES = FreeModes(size=4, n_steps=3)


def linear_maps(objective: JKO) -> MonotoneMaps:
    """Those that minimise every step of free modes, of both theories."""
    theory = objective.theory
    slopes, widths = [], np.sqrt([theory.variance(k)[0] for k in (0, 1)])
    for tau in theory.tau:
        after = normal_step(widths, tau)
        slopes.append((after / widths).ravel())
        widths = after
    model = MonotoneMaps(n_units=1, n_features=0, n_classes=objective.n_outputs(Empty.spec)).double()
    with torch.no_grad():
        model.log_slope.copy_(torch.from_numpy(np.concatenate(slopes)).log()[:, None])
        model.log_height.fill_(-80.0)
    return model


def test_the_closed_form_of_normal_densities_is_the_minimum():
    objective = JKO(MODES).double().train()
    model = linear_maps(objective)
    torch.manual_seed(0)
    objective.terms(model, batch(50_000))[0]["loss"].backward()
    assert model.log_slope.grad.abs().max() < 1e-3
    assert model.shift.grad.abs().max() < 1e-3
    with torch.no_grad():
        model.log_slope += 0.1
    model.zero_grad()
    objective.terms(model, batch(50_000))[0]["loss"].backward()
    flowing = np.tile(MODES.tau > 0, 2).ravel()  # all but p = 0
    assert (model.log_slope.grad[flowing] > 0.01).all()


def test_recorded_densities_are_those_of_the_maps():
    objective = JKO(MODES).double().eval()
    model = linear_maps(objective)
    n, m = 4000, MODES.n_modes
    found = {name: values.numpy() for name, values in objective.outputs(model, batch(n)).items()}
    variance = MODES.of_closed_form()
    z, log_p = (found[name].reshape(n, 4, 2, m)[:, :, 0].astype(float) for name in ("field", "log_density"))
    assert log_p == pytest.approx(-(z**2 / variance + np.log(2 * np.pi * variance)) / 2, abs=2e-5)
    assert (z**2).mean(0) == pytest.approx(variance, rel=0.15)
    free = (log_p + (z**2 + np.log(2 * np.pi)) / 2) @ MODES.multiplicity
    assert found["free"] == pytest.approx(free, abs=1e-4)
    # the other theory's density, from a table: the difference from the exact one is that of the steps
    exact = MODES.exact
    assert found["theories"][:, 0].mean() == pytest.approx(exact.divergences["theories"][0], abs=0.1)
    assert found["phi2"].mean(0) == pytest.approx((MODES.covariances * variance) @ MODES.multiplicity / 4, rel=0.1)
    assert found["exact"][:, 0] == pytest.approx(0, abs=1e-6)


def test_figures_without_training_have_errors_and_exact_values():
    objective = JKO(ZeroDimensional(n_steps=2)).eval()
    model = MonotoneMaps(n_features=0, n_classes=objective.n_outputs(Empty.spec))
    outputs = {name: values.numpy() for name, values in objective.outputs(model, batch(200)).items()}
    found = objective.evaluator.final({"index": np.arange(200), **outputs}, seed=0)
    assert found["exact_rise_theories"] < 0 < found["exact_rise_reference"]
    assert found["kl_exact"] > 0 < found["kl_exact_err"]
    assert found["exact_phi2"] == pytest.approx(0.1 * 0.9419, abs=2e-4)
    assert found["pde_distance"] < 1e-4
    assert "jko_difference" not in found


@pytest.mark.parametrize(("task", "theory"), [("rg_transport", ZeroDimensional), ("rg_free_field", FreeModes)])
def test_tasks_expect_exact_figures(task, theory):
    expected = yaml_file.load(conf_dir() / "task" / f"{task}.yaml")["expected"]["exact"]
    exact = theory().exact
    assert exact.phi2[-1] == pytest.approx(expected["test/phi2"], rel=1e-5)
    for name in CANDIDATES:
        assert exact.divergences[name][-1] == pytest.approx(expected[f"test/kl_{name}"], rel=1e-4)


def test_largest_rise():
    assert largest_rise(np.array([3.0, 1.0, 0.5])) == -0.5
    assert largest_rise(np.array([3.0, 1.0, 2.0, 1.5, 2.5])) == 1.5


def test_a_model_without_maps_is_refused():
    with pytest.raises(ConfigError, match="choose model=monotone_maps"):
        JKO(MODES).prepare(torch.nn.Linear(1, 1), None, Empty.spec)

"""Learning by an action: divergences of a free theory that are known, and what is drawn by which seed."""

from math import log

import numpy as np
import pytest
import torch

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.losses.sampling import Sampling
from hepexp.models.heat_bath import HeatBath
from hepexp.models.hmc import HybridMonteCarlo
from hepexp.models.lattice_factorised import LatticeFactorised
from hepexp.models.lattice_phi4 import LatticePhi4
from hepexp.physics.scalar_field import ScalarField
from hepexp.physics.u1_gauge import U1Gauge
from hepexp.physics.xy_model import XYModel

DIVERGENCES = ("reverse_kl", "forward_kl", "metropolis")


def made(divergence="reverse_kl", m2=0.7) -> tuple[Sampling, LatticePhi4]:
    """A free theory, and a flow that is exact but for its mass."""
    torch.manual_seed(0)
    objective = Sampling(ScalarField(4, 0.7, 0.0), divergence)
    model = LatticePhi4(1, [2], n_features=0, n_classes=objective.n_outputs(Empty.spec)).double()
    torch.nn.init.constant_(model.spectrum.log_m2, log(m2))
    objective.prepare(model, None, Empty.spec)
    return objective, model


def batch(n, split="test"):
    return next(iter(Empty(batch_size=n, n_val=n, n_test=n).loader_of(split)))


def test_the_reverse_divergence_of_two_normal_distributions():
    objective, model = made(m2=1.5)
    exact = objective.action.exact()
    ratio = np.exp(2 * made(m2=1.5)[1].spectrum.log_width().detach() - 2 * made()[1].spectrum.log_width().detach())
    divergence = 0.5 * (ratio - 1 - np.log(ratio)).sum().item()  # of each mode
    for training in (True, False):
        objective.train(training)
        loss = objective.terms(model, batch(20_000))[0]["loss"].item()
        assert loss + exact["log_z"] == pytest.approx(divergence, abs=0.01)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_each_divergence_finds_the_mass(divergence):
    objective, model = made(divergence, m2=1.5)
    optimizer = torch.optim.Adam([model.spectrum.log_m2], 0.05)
    for _ in range(60):
        optimizer.zero_grad()
        objective.terms(model, batch(500))[0]["loss"].backward()
        optimizer.step()
    assert model.spectrum.log_m2.exp().item() == pytest.approx(0.7, rel=0.25)


def test_an_exact_flow_has_equal_weights():
    objective, model = made()
    objective.eval()
    outputs = {name: values.numpy() for name, values in objective.terms(model, batch(300))[1].items()}
    outputs |= {"index": np.arange(300)}
    assert objective.evaluator.quick(outputs)["ess"] == pytest.approx(1)
    found = objective.evaluator.final(outputs, seed=0)
    assert found["acceptance"] == 1
    assert found["log_z"] == pytest.approx(found["exact_log_z"])
    for name in ("chi", "phi2", "action"):
        assert abs(found[f"pull_{name}"]) < 4
        assert found[f"tau_{name}"] == pytest.approx(0.5, abs=0.3)


def test_weights_correct_a_flow_that_is_not_exact():
    objective, model = made(m2=1.1)
    outputs = {name: values.numpy() for name, values in objective.outputs(model, batch(20_000)).items()}
    found = objective.evaluator.final({**outputs, "index": np.arange(20_000), "loss": -outputs["log_weight"]}, seed=0)
    assert 0.3 < found["ess"] < 0.99
    assert found["tau_int"] > 0.5
    for name in ("chi", "phi2", "action", "log_z"):
        assert abs(found[f"pull_{name}"]) < 4, name
    assert outputs["chi"].mean() < 0.8 * found["exact_chi"]  # without them


def test_validation_and_test_draw_differently_and_the_same_each_time():
    objective, model = made()
    test, again, val = (objective.outputs(model, batch(5, s))["chi"] for s in ("test", "test", "val"))
    assert torch.equal(test, again)
    assert not torch.equal(test, val)


def test_each_example_of_hybrid_monte_carlo_is_a_chain():
    objective = Sampling(U1Gauge(4, 1.0))
    model = HybridMonteCarlo(0.2, 5, 5, 7, n_features=0)
    objective.prepare(model, None, Empty.spec)
    objective.eval()
    terms, outputs = objective.terms(model, batch(3))
    assert outputs.pop("seconds").shape == (3,)
    assert {values.shape for values in outputs.values()} == {(3, 7)}
    assert terms["loss"] == 0
    columns = {name: values.numpy() for name, values in outputs.items()} | {"index": np.arange(3)}
    table = objective.evaluator.table(columns, ())
    assert table["charge"].to_pylist() == columns["chain/charge"].tolist()


def test_runs_of_other_seeds_are_other_chains():
    def chi(seed):
        torch.manual_seed(seed)
        model, objective = HeatBath(0, 5, 7, n_features=0), Sampling(XYModel(4))
        objective.prepare(model, None, Empty.spec)
        torch.manual_seed(9)  # of no influence
        return objective.outputs(model, batch(3))["chain/chi"]

    assert torch.equal(chi(1), chi(1))
    assert not torch.equal(chi(1), chi(2))


def test_chains_that_no_memory_can_hold_are_refused_before_they_run():
    model, objective = HeatBath(0, 0, 10**7, n_features=0), Sampling(XYModel(4))
    objective.prepare(model, None, Empty.spec)
    with pytest.raises(ConfigError, match=r"the record of 10,000 chains of 10,000,000 steps needs .* take fewer steps"):
        objective.outputs(model, batch(10_000))


def test_learnt_proposals_are_judged_alike_whenever_and_without_chains_after_an_epoch():
    torch.manual_seed(0)
    objective, model = Sampling(ScalarField(4)), LatticeFactorised(thermalisation=5, n_sweeps=7, n_features=0)
    objective.prepare(model, None, Empty.spec)
    objective.eval()
    (terms, outputs), (again, _) = (objective.terms(model, batch(3)) for _ in range(2))  # with other global numbers
    assert terms["loss"] == again["loss"] == outputs["loss"].mean()
    quick = objective.terms_of_epoch(model, batch(3))[1]
    assert set(quick) == {"loss", "ess"}
    assert torch.equal(quick["ess"], outputs["ess"])
    assert outputs["chain/chi"].shape == (3, 7)
    final = {name: values.numpy() for name, values in outputs.items()} | {"index": np.arange(3)}
    found = objective.evaluator.final(final, 0)
    assert found["loss_err"] > 0
    assert found["ess"] == pytest.approx(objective.evaluator.quick(final)["ess"])


def test_independent_configurations_a_second():
    evaluator, rng = Sampling(U1Gauge(4, 1.0)).evaluator, np.random.default_rng(0)
    columns = {f"chain/{name}": rng.normal(size=(50, 400)) for name in ("plaquette", "charge2", "charge")}
    made = {"accepted": np.ones((50, 400)), "seconds": np.full(50, 0.01), "index": np.arange(50)}
    found = evaluator.final({**columns, **made, "batch_loss": np.zeros(50)}, 0)
    assert found["independent_per_second"] == pytest.approx(100, rel=0.1)  # all are independent
    assert found["acceptance"] == 1
    assert "creutz" not in found  # without trajectories
    unmoved = evaluator.final({**{name: np.ones((50, 400)) for name in columns}, **made, "batch_loss": np.zeros(50)}, 0)
    assert unmoved["independent_per_second"] is None


def test_chains_that_are_too_short_for_their_time_are_doubted():
    evaluator, rng = Sampling(U1Gauge(4, 1.0)).evaluator, np.random.default_rng(0)

    def said(chain: np.ndarray) -> str:
        columns = {f"chain/{name}": chain for name in ("plaquette", "charge2", "charge")}
        moves = {
            "accepted": rng.random(chain.shape) < 0.5,
            "energy_change": np.zeros(chain.shape),
            "seconds": np.ones(4),
        }
        return evaluator.final({**columns, **moves, "index": np.arange(4), "batch_loss": np.zeros(4)}, 0)[
            "tau_int_note"
        ]

    assert said(rng.normal(size=(4, 500))).endswith(("of plaquette", "of charge", "of charge2"))
    assert "500 steps are only" in said(rng.normal(size=(4, 500)).cumsum(1))
    assert said(np.ones((4, 1))) == "the chain has a single step"
    assert said(np.ones((4, 500))) == "the chain never changes plaquette, charge2, charge"


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match=r"loss\.divergence"):
        Sampling(ScalarField(), "l2")
    with pytest.raises(ConfigError, match="draws links, not LatticePhi4, which draws scalars"):
        Sampling(U1Gauge(4)).prepare(made()[1], None, Empty.spec)
    with pytest.raises(ConfigError, match="reverse_kl for HybridMonteCarlo, which minimises nothing, got forward_kl"):
        Sampling(U1Gauge(4), "forward_kl").prepare(HybridMonteCarlo(n_features=0), None, Empty.spec)
    with pytest.raises(ConfigError, match="which draws none"):
        Sampling(ScalarField()).prepare(torch.nn.Linear(1, 1), None, Empty.spec)

"""The objective of what is only evaluated, and its evaluator."""

import numpy as np
import pytest
import torch
from torch import nn

from hepexp.batch import DataSpec
from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.losses.circuit_values import CircuitValues
from hepexp.models.fixed_circuits import FixedCircuits
from hepexp.quantum.circuit import Circuit, Operation, Pauli, z_on
from hepexp.quantum.statevector import StateVector

BELL = (Operation("H", (0,)), Operation("CNOT", (0, 1)))
CIRCUITS = {"bell": Circuit(2, BELL, (*z_on([0]), Pauli("ZZ", (0, 1)))), "one": Circuit(1, (), z_on([0]))}


@pytest.fixture
def judged():
    data, objective = Empty(), CircuitValues()
    model = FixedCircuits(CIRCUITS, n_features=0, backend=StateVector())
    objective.prepare(model, data.typical_example(), data.spec)
    terms, outputs = objective.terms(model, data.typical_example())
    assert terms["loss"] == 0
    return objective.evaluator, {name: values.numpy() for name, values in outputs.items()}


def test_figures_have_the_names_of_circuits_and_no_errors_as_they_are_exact(judged):
    evaluator, outputs = judged
    found = evaluator.final(outputs, seed=1)
    assert {name: found[name] for name in ("bell_0", "bell_1", "one")} == pytest.approx(
        {"bell_0": 0, "bell_1": 1, "one": 1}, abs=1e-15
    )
    assert found["bell_0"] == 0  # without rounding noise
    assert not [name for name in found if name.endswith("_err")]
    assert found["bell_norm"] == pytest.approx(1)
    assert (found["bell_re_min"], found["bell_re_max"]) == pytest.approx((0, 0.5**0.5), abs=1e-15)
    assert (found["bell_im_min"], found["bell_im_max"]) == (0, 0)


def test_every_amplitude_is_recorded_under_its_bits(judged):
    evaluator, outputs = judged
    rows = evaluator.table(outputs, ("none",)).to_pydict()
    assert rows["circuit"] == ["bell"] * 4 + ["one"] * 2
    assert rows["state"] == ["00", "01", "10", "11", "0", "1"]
    np.testing.assert_allclose(rows["probability"], [0.5, 0, 0, 0.5, 1, 0], atol=1e-15)
    np.testing.assert_allclose(rows["re"], np.sqrt(rows["probability"]), atol=1e-15)
    assert rows["im"] == [0] * 6


def test_a_model_that_is_no_circuits_is_named():
    with pytest.raises(ConfigError, match=r"loss=circuit_values needs a model of circuits, not Linear"):
        CircuitValues().prepare(nn.Linear(1, 1), torch.zeros(1, 1), DataSpec(("none",)))

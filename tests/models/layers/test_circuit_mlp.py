"""A circuit in the place of a hidden layer: what it starts from."""

import pytest
import torch
from torch import nn

from hepexp.models.layers.circuit_mlp import circuit_mlp, of_angles
from hepexp.quantum.classical import Classical
from hepexp.quantum.statevector import StateVector


@pytest.mark.parametrize("n_qubits", [2, 4, 8])
@pytest.mark.parametrize("backend", [StateVector(), Classical()], ids=["circuit", "twin"])
def test_outputs_start_as_those_of_a_linear_layer_of_unit_variance(n_qubits, backend):
    """Weights uniform in 1 / sqrt(n) give n inputs of variance 1 a variance of 1 / 3, whatever n."""
    variances = []
    for seed in range(20):
        torch.manual_seed(seed)
        network = nn.Sequential(*circuit_mlp(16, of_angles(None, n_qubits, 2), 10, backend, "head"))
        with torch.no_grad():
            variances.append(network(torch.randn(200, 16)).var(0).mean())
    assert torch.stack(variances).median() == pytest.approx(1 / 3, rel=0.35)

"""A graph convolution whose messages are measured on circuits."""

from __future__ import annotations

from torch import Tensor, nn
from torch_geometric.utils import scatter

from hepexp.models.layers.circuit_mlp import Angles
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit


class CircuitConvolution(nn.Module):
    """x_i' = W_0 x_i + W_2 mean_j C(tanh(W_1 [x_i, x_j] + b_1) pi / 2) + b_2 over neighbours j, with a circuit C.

    C gives what is measured on the circuit, for all edges at once; a node without neighbours has a mean of 0. The
    linear layers act on nodes, before they are taken to edges and after the mean, which is the same and cheaper.

    Parameters
    ----------
    n_in, n_out : width of the nodes before and after.
    circuit : C, with one input an angle.
    backend : evaluates the circuit.

    Shapes
    ------
    x (M, n_in), edge_index (2, E) from source j to target i -> (M, n_out).

    Raises
    ------
    ConfigError : the backend cannot evaluate this circuit, or the machine lacks the memory.
    """

    def __init__(self, n_in: int, n_out: int, circuit: Circuit, backend: Backend) -> None:
        super().__init__()
        self.own, self.other = nn.Linear(n_in, circuit.n_inputs), nn.Linear(n_in, circuit.n_inputs, bias=False)
        self.angles, self.circuit = Angles(), backend.layer(circuit, name="message")
        self.skip, self.message = nn.Linear(n_in, n_out, bias=False), nn.Linear(circuit.n_outputs, n_out)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        source, target = edge_index
        angles = self.angles(self.own(x)[target] + self.other(x)[source])
        mean = scatter(self.circuit(angles), target, dim_size=len(x), reduce="mean")
        return self.skip(x) + self.message(mean)

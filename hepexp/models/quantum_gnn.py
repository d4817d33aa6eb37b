"""Graph networks with circuits in their messages, or before their output."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch_geometric.nn import global_mean_pool

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.circuit_convolution import CircuitConvolution
from hepexp.models.layers.circuit_mlp import circuit_mlp, of_angles
from hepexp.models.layers.graph_convolution import convolution
from hepexp.models.weights import load_weights
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit


class QuantumGNN(nn.Module):
    """Graph convolutions with ReLU, the mean over the nodes of each graph, and an output, with circuits in either.

    With backend=classical, networks of as many parameters stand in the places of the circuits.

    Parameters
    ----------
    conv : `circuit`, whose messages between nodes are measured on circuits, or a classical convolution, gcn, gat, sage
        or gin; see `hepexp.models.layers.graph_convolution` for their equations.
    channels : width of each convolution.
    quantum_head : whether the output is that of a circuit, between two linear layers; otherwise of one linear layer.
    n_qubits : wires of the circuits, where `circuit` is null.
    n_layers : layers of trained gates of the circuits, where `circuit` is null.
    circuit : another circuit, by the name of one (`hepexp list circuit`) or a list of gates; null for RY angles,
        encoded again before each layer of trained RX and a ring of CNOTs, and <Z> on each wire.
    n_outputs : width of the output, for an embedding; null for one logit per class.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_node_features : features of each node in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    backend : evaluates the circuits.

    Shapes
    ------
    x (M, n_node_features); edge_index (2, E); graph (M,), the graph of each node -> logits (B, n_classes), or an
    embedding (B, n_outputs).

    Raises
    ------
    ConfigError : an unknown convolution, a size below 1, a circuit without inputs, or no circuit anywhere.
    """

    input = "graph"
    head = "output"
    lorentz_invariant = False

    def __init__(
        self,
        conv: Literal["circuit", "gcn", "gat", "sage", "gin"] = "circuit",
        channels: Sequence[int] = (16, 16),
        quantum_head: bool = True,
        n_qubits: int = 4,
        n_layers: int = 2,
        circuit: Circuit | None = None,
        n_outputs: int | None = None,
        weights: str | None = None,
        *,
        n_node_features: int,
        n_classes: int,
        backend: Backend,
    ):
        super().__init__()
        require_widths(channels=channels)
        require_positive(n_qubits=n_qubits, n_layers=n_layers)
        if n_outputs is not None:
            require_positive(n_outputs=n_outputs)
        if conv != "circuit" and not quantum_head:
            raise ConfigError(
                f"model.conv={conv} with model.quantum_head=false has no circuit: choose model={conv}, or conv=circuit"
            )
        circuit = of_angles(circuit, n_qubits, n_layers)

        def layer(n_in: int, n_out: int) -> nn.Module:
            if conv == "circuit":
                return CircuitConvolution(n_in, n_out, circuit, backend)
            return convolution(conv)(n_in, n_out)

        self.convs = nn.ModuleList(layer(*pair) for pair in pairwise((n_node_features, *channels)))
        n_read, n_given = channels[-1], n_outputs or n_classes
        head = circuit_mlp(n_read, circuit, n_given, backend, "head") if quantum_head else [nn.Linear(n_read, n_given)]
        self.output = nn.Sequential(*head)
        load_weights(self, weights)

    def forward(self, batch: GraphBatch) -> Tensor:
        x = batch.x.to(next(self.output.parameters()).dtype)
        for conv in self.convs:
            x = conv(x, batch.edge_index).relu()
        return self.output(global_mean_pool(x, batch.graph, size=len(batch)))

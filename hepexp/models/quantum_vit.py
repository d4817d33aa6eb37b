"""A vision transformer with circuits in its attention, in its MLPs and before its output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.circuit_mlp import circuit_mlp, of_angles
from hepexp.models.layers.patch_tokens import PatchTokens
from hepexp.models.layers.state_attention import StateAttention
from hepexp.models.vit import Block, SelfAttention, perceptron
from hepexp.models.weights import load_weights
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit


class QuantumViT(PatchTokens):
    """The blocks of a vision transformer, each part of which is classical or has circuits.

    - Attention: `softmax` of scaled products, or of fidelities of the states that a circuit makes of queries and keys.
    - MLP: a linear layer to angles, a circuit, a linear layer from its expectation values; all tokens at once.
    - Head: the same for the class token.

    With backend=classical, networks of as many parameters stand in the places of the circuits.

    Parameters
    ----------
    patch : rows and columns of a patch.
    dim : width of a token.
    n_blocks : transformer blocks.
    n_heads : attention heads in each; they divide `dim`.
    n_mlp : hidden width of the MLP where it has no circuit.
    attention : `softmax`; `fidelity`, |<q|k>|^2, which a swap test of registers measures; or `swap_test`, the mean of
        swap tests of single qubits.
    n_qubits : wires of the circuits; in the attention for each head.
    n_layers : layers of trained gates of the circuits.
    quantum_parts : which parts besides the attention have circuits: `mlp`, `head`, both, or none.
    circuit : another circuit for these parts, by the name of one (`hepexp list circuit`) or a list of gates; null for
        RY angles, encoded again before each layer of trained RX and a ring of CNOTs, and <Z> on each wire.
    dropout : probability of dropping, in training, an element of what a block adds to its input.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    backend : evaluates the circuits.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a size below 1, heads that do not divide the width, a dropout outside [0, 1), a circuit without
        inputs, or attention by states on a backend that has none.

    References
    ----------
    Dosovitskiy et al., arXiv:2010.11929, section 3.1 (the classical parts); QMLHEP VIII names the quantum ones.
    """

    input = "image"
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        patch: int = 7,
        dim: int = 32,
        n_blocks: int = 2,
        n_heads: int = 4,
        n_mlp: int = 32,
        attention: Literal["softmax", "fidelity", "swap_test"] = "fidelity",
        n_qubits: int = 4,
        n_layers: int = 2,
        quantum_parts: Sequence[Literal["mlp", "head"]] = ("mlp", "head"),
        circuit: Circuit | None = None,
        dropout: float = 0.0,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
        backend: Backend,
    ):
        require_positive(
            patch=patch,
            dim=dim,
            n_blocks=n_blocks,
            n_heads=n_heads,
            n_mlp=n_mlp,
            n_qubits=n_qubits,
            n_layers=n_layers,
        )
        if dim % n_heads:
            raise ConfigError(f"model.n_heads must divide model.dim ({dim}), got {n_heads}")
        require_dropout(dropout)
        circuit = of_angles(circuit, n_qubits, n_layers)
        super().__init__(image_shape, patch, dim)

        def attend() -> nn.Module:
            if attention == "softmax":
                return SelfAttention(dim, n_heads, output_projection=False)
            kind: Literal["register", "pairwise"] = "register" if attention == "fidelity" else "pairwise"
            return StateAttention(dim, n_heads, n_qubits, n_layers, kind, backend)

        def mlp() -> list[nn.Module]:
            return circuit_mlp(dim, circuit, dim, backend, "mlp") if "mlp" in quantum_parts else perceptron(dim, n_mlp)

        self.blocks = nn.Sequential(*(Block(dim, attend(), mlp(), dropout) for _ in range(n_blocks)))
        self.norm = nn.LayerNorm(dim)
        self.classifier = (
            nn.Sequential(*circuit_mlp(dim, circuit, n_classes, backend, "head"))
            if "head" in quantum_parts
            else nn.Sequential(nn.Linear(dim, dim), nn.Tanh(), nn.Linear(dim, n_classes))
        )
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.classifier(self.norm(self.blocks(self.tokens(batch))[:, 0]))

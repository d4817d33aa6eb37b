"""LorentzNet: message passing that is equivariant under the Lorentz group."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.hybrid_lorentz_block import HybridLorentzBlock
from hepexp.models.layers.lorentz_block import LorentzBlock
from hepexp.models.layers.lorentz_circuits import LorentzCircuits
from hepexp.models.layers.lorentz_edges_layout import Layout
from hepexp.models.layers.minkowski import metric_tensor
from hepexp.models.weights import load_weights
from hepexp.quantum.backend import Backend


class LorentzNet(nn.Module):
    """Lorentz-equivariant message passing over the particles of a jet.

    Each block updates scalars h and coordinates x from the pairwise invariants psi(|x_i - x_j|^2) and
    psi(<x_i, x_j>), so the output is invariant under any Lorentz transformation of all particles. Coordinates and
    invariants are float64 whatever the parameters are: nearly massless particles leave no digits in float32.

    Parameters
    ----------
    n_hidden : width of the scalars h and of every layer.
    n_blocks : Lorentz group equivariant blocks.
    c : step of the coordinate update, 1e-3 for quark/gluon jets and 5e-3 for top jets in the paper.
    dropout : share of the decoder's hidden units that is dropped in training.
    metric : `minkowski`, `euclidean`, or the rows of a symmetric 4x4 matrix J; invariants are x^T J y.
    compat : compute as the published code does. It clamps (x_i - x_j) phi_x to +-100 per component, which breaks the
        invariance, takes the mean over the padded length, so that a prediction depends on its batch, normalises padding
        along in phi_h, and does all of it in the precision of the parameters.
    quantum_blocks : functions of each block that are circuits, out of phi_e, phi_h, phi_m, phi_x: the quantum
        Lie-equivariant network. Any makes messages 2 n_hidden + 2 wide, as many as the circuit of phi_e has qubits.
    circuit_depth : layers of CNOTs and trained rotations of each circuit.
    circuit_scale : standard deviation of the circuits' initial angles.
    weights : file of a state dict to start from: a checkpoint of a run, or the published release's key layout.
    n_scalars : scalars per particle, e.g. 8 for the one-hot particle type.
    n_classes : classes to tell apart.
    backend : evaluates the circuits, or puts networks in their place; not needed without circuits.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles, which come
    first -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a size, rate or metric that cannot be, circuits that nothing uses, or weights of another network.

    References
    ----------
    Gong et al., arXiv:2201.08187, section 3; with circuits: Suda Neto et al., arXiv:2411.15315.
    """

    input = "particles"
    lorentz_invariant: bool

    def __init__(
        self,
        n_hidden: int = 72,
        n_blocks: int = 6,
        c: float = 1e-3,
        dropout: float = 0.2,
        metric: str | list[list[float]] = "minkowski",
        compat: bool = False,
        quantum_blocks: Sequence[str] = (),
        circuit_depth: int = 1,
        circuit_scale: float = 1e-3,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        backend: Backend | None = None,
    ):
        super().__init__()
        for key, value in (("n_hidden", n_hidden), ("n_blocks", n_blocks), ("c", c)):
            if value <= 0:
                raise ConfigError(f"model.{key} must be > 0, got {value}")
        if not 0 <= dropout < 1:
            raise ConfigError(f"model.dropout must be in [0, 1), got {dropout}")
        self.compat = compat
        self.lorentz_invariant = metric == "minkowski" and not compat
        self.metric = metric_tensor(metric)  # no buffer: it stays float64 whatever the parameters become
        self.embedding = nn.Linear(n_scalars, n_hidden)
        block = partial(LorentzBlock, compat=compat)
        if quantum_blocks:
            circuits = LorentzCircuits(quantum_blocks, circuit_depth, circuit_scale, backend)
            if compat:
                raise ConfigError(
                    "model.compat=true, the published code, has no circuits: leave out model.quantum_blocks"
                )
            if n_blocks == 1 and "phi_x" in quantum_blocks:
                raise ConfigError("model.quantum_blocks: the last block has no phi_x, and n_blocks=1 has no other")
            block = partial(HybridLorentzBlock, circuits=circuits)
        self.LGEBs = nn.ModuleList(block(n_hidden, n_scalars, c, last=i == n_blocks - 1) for i in range(n_blocks))
        self.graph_dec = nn.Sequential(
            nn.Linear(n_hidden, n_hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(n_hidden, n_classes)
        )
        if weights is not None:
            load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        dtype = self.embedding.weight.dtype
        layout = Layout.of(batch.mask, dtype, keep_padding=self.compat)
        scalars, x = layout.gather(batch.scalars).to(dtype), layout.gather(batch.p4)
        x = x.to(dtype) if self.compat else x
        metric = self.metric.to(x.device, x.dtype, non_blocking=True)
        h = self.embedding(scalars).to(dtype)
        for block in self.LGEBs:
            h, x = block(h, x, scalars, layout, metric)
        total = layout.sum_over_particles(h * layout.mask[:, None])
        count = batch.mask.shape[1] if self.compat else batch.mask.sum(1, keepdim=True).clamp(min=1)
        return self.graph_dec(total / count)

"""The functions phi_e, phi_h, phi_m and phi_x of a Lorentz group equivariant block, as circuits."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.models.checks import require_circuit
from hepexp.models.layers.lorentz_block import NETWORKS, Networks, NormedSequential, small_step
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layer import bounded_angles
from hepexp.quantum.templates import pair_circuit


class AngleCircuit(nn.Module):
    """<Z> on each wire of `pair_circuit`, whose angles are pi/2 tanh(z), with one number z per wire.

    Shapes
    ------
    z (R, n), real (R,) or None -> (R, n) in [-1, 1]. No row depends on another, so `real` is not read.
    """

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, z: Tensor, real: Tensor | None = None) -> Tensor:
        return self.layer(bounded_angles(z))


class Share(nn.Module):
    """(1 + <Z>) / 2 in [0, 1]: the probability of finding a qubit in |0>."""

    def forward(self, z: Tensor) -> Tensor:
        return (1 + z) / 2


class LorentzCircuits:
    """Makes the functions of a `LorentzBlock` for messages of width M, those named in `names` as circuits:

        phi_e    a circuit on M wires, and nothing else,
        phi_h    Linear, batch norm, ReLU, a circuit on M wires, Linear,
        phi_m    Linear, a circuit on one wire, (1 + <Z>) / 2,
        phi_x    a circuit on M wires, Linear.

    Every wire is measured and every output is used, so that every trained angle has an effect.

    Parameters
    ----------
    names : any of phi_e, phi_h, phi_m, phi_x.
    depth : layers of CNOTs and trained rotations. A circuit on one wire has a single layer, as rotations about one axis
        combine into one.
    scale : standard deviation of the initial angles.
    backend : evaluates the circuits, or replaces them by networks.
    circuit : another one for M wires, with M inputs and M outputs; None for that of the paper.

    Raises
    ------
    ConfigError : an unknown name, a depth below 1, a negative scale, or a circuit of another size.

    References
    ----------
    arXiv:2411.15315, whose phi_m is <Z> itself, and so may be negative.
    """

    def __init__(
        self, names: Sequence[str], depth: int, scale: float, backend: Backend, circuit: Circuit | None = None
    ):
        for name in names:
            if name not in NETWORKS:
                close = did_you_mean(name, NETWORKS)
                raise ConfigError(f"model.quantum_blocks: {name!r} is not one of {', '.join(NETWORKS)}{close}")
        if depth < 1:
            raise ConfigError(f"model.circuit_depth must be >= 1, got {depth}")
        if not scale >= 0:
            raise ConfigError(f"model.circuit_scale must be >= 0, got {scale}")
        self.depth, self.scale, self.backend, self.circuit = depth, scale, backend, circuit
        as_circuits: Networks = {
            "phi_e": self._message,
            "phi_h": self._update,
            "phi_m": self._gate,
            "phi_x": self._move,
        }
        self.functions: Networks = {**NETWORKS, **{name: as_circuits[name] for name in names}}

    def _circuit(self, n: int, name: str) -> AngleCircuit:
        circuit = pair_circuit(n, self.depth if n > 1 else 1) if n == 1 or self.circuit is None else self.circuit
        require_circuit(circuit, "messages of width 2 (model.n_hidden + number of metrics)", n, n)
        return AngleCircuit(self.backend.layer(circuit, self.scale, name))

    def _message(self, n_in: int, width: int) -> AngleCircuit:
        if n_in != width:
            raise ValueError(f"a circuit has as many outputs as inputs, {n_in}, not {width}")
        return self._circuit(width, "phi_e")

    def _update(self, n_in: int, width: int, n_out: int) -> NormedSequential:
        first, last = nn.Linear(n_in, width, bias=False), nn.Linear(width, n_out, bias=False)
        return NormedSequential(first, MaskedBatchNorm(width), nn.ReLU(), self._circuit(width, "phi_h"), last)

    def _gate(self, width: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(width, 1), self._circuit(1, "phi_m"), Share())

    def _move(self, width: int) -> nn.Sequential:
        return nn.Sequential(self._circuit(width, "phi_x"), small_step(width))

"""The usual circuits of networks: an encoding, layers of trained gates, and what is measured."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Literal

from hepexp.errors import ConfigError
from hepexp.quantum.circuit import MOST_STATES, Circuit, Observable, Pauli, Probabilities, State, z_on
from hepexp.quantum.templates import (
    Operations,
    angle_encoding,
    basic_entangler,
    equivariant_layers,
    pair_block,
    strongly_entangling,
    wires_of,
)

ANSAETZE: dict[str, Callable[[range, int], Operations]] = {
    "basic_entangler": basic_entangler,
    "strongly_entangling": strongly_entangling,
    "brick": pair_block,
    "equivariant": equivariant_layers,
}


class Layered(Circuit):
    """An encoding of the inputs, layers of one ansatz with trained angles, and what is measured.

    Parameters
    ----------
    n_qubits : number of wires.
    n_layers : layers of the ansatz.
    ansatz : basic_entangler has one rotation a wire and a ring of CNOTs; strongly_entangling Rot on each wire and CNOTs
        over a distance that grows by one a layer (arXiv:1804.00633); brick CNOTs on even, then odd pairs, and RY, as
        QMLHEP V; equivariant the same RX and RY on all wires and the same ZZ coupling of all pairs, so that exchanging
        qubits exchanges their outputs.
    encoding : RX, RY or RZ by one input a wire, an angle in radians; amplitude takes inputs x as the state x / |x|.
    hadamard : H on each wire before the encoding; RZ has no effect on |0> without it.
    rotation : of the basic entangler's trained gates; null for RX.
    reuploading : encode the inputs before each layer, not only before the first (arXiv:1907.02085).
    n_inputs : number of amplitudes, the other ones being 0; null for one an amplitude, and one a wire for angles.
    observables : Z is <Z> on each wire, ZZ <Z Z> of each pair, probabilities those of the 2^n basis states, state their
        2^n amplitudes, real parts and then imaginary parts.

    Raises
    ------
    ConfigError : a size that is not positive or too large, or keys that do not go together.
    """

    def __init__(
        self,
        n_qubits: int = 4,
        n_layers: int = 3,
        ansatz: Literal["basic_entangler", "strongly_entangling", "brick", "equivariant"] = "strongly_entangling",
        encoding: Literal["RX", "RY", "RZ", "amplitude"] = "RX",
        hadamard: bool = False,
        rotation: Literal["RX", "RY", "RZ"] | None = None,
        reuploading: bool = False,
        n_inputs: int | None = None,
        observables: Literal["Z", "ZZ", "probabilities", "state"] = "Z",
    ) -> None:
        for key, value in {"n_qubits": n_qubits, "n_layers": n_layers, "n_inputs": n_inputs}.items():
            if value is not None and value < 1:
                raise ConfigError(f"a circuit's {key} must be >= 1, got {value}")
        wires = wires_of(n_qubits, n_layers, all_pairs=ansatz == "equivariant")
        amplitudes = self._amplitudes(n_qubits, encoding, n_inputs, hadamard, reuploading)
        if encoding == "RZ" and not hadamard:
            raise ConfigError("encoding=RZ only changes the phase of |0>, which is not measured: set hadamard=true")
        if rotation is not None and ansatz != "basic_entangler":
            raise ConfigError(f"rotation={rotation} is a key of ansatz=basic_entangler; {ansatz} has gates of its own")
        entangled = basic_entangler(wires, n_layers, rotation) if rotation else ANSAETZE[ansatz](wires, n_layers)
        encoded: Operations = ()
        again: Operations = ()
        if encoding != "amplitude":
            encoded, again = angle_encoding(wires, encoding, hadamard), angle_encoding(wires, encoding)
        operations = (*encoded, *entangled)
        if reuploading:
            size = len(entangled) // n_layers
            layers = [entangled[first : first + size] for first in range(0, len(entangled), size)]
            operations = (*encoded, *(op for k, layer in enumerate(layers) for op in (*(again if k else ()), *layer)))
        super().__init__(n_qubits, operations, measured(n_qubits, observables), amplitudes)

    @staticmethod
    def _amplitudes(n_qubits: int, encoding: str, n_inputs: int | None, hadamard: bool, reuploading: bool) -> int:
        if encoding != "amplitude":
            if n_inputs not in (None, n_qubits):
                raise ConfigError(
                    f"encoding={encoding} reads one input a wire: n_inputs={n_inputs} needs n_qubits={n_inputs}"
                )
            return 0
        for key, value in {"hadamard": hadamard, "reuploading": reuploading}.items():
            if value:
                raise ConfigError(f"{key}=true is for encodings by angles; amplitudes are the state itself, once")
        if n_inputs is not None and n_inputs > 2 ** min(n_qubits, 63):
            raise ConfigError(
                f"{n_inputs:,} amplitudes need n_qubits={(n_inputs - 1).bit_length()} or more, got {n_qubits}"
            )
        return n_inputs or 2**n_qubits


def measured(n_qubits: int, name: Literal["Z", "ZZ", "probabilities", "state"]) -> tuple[Observable, ...]:
    """What is measured of all wires, of all pairs, or of all basis states, in order.

    Raises
    ------
    ConfigError : a single wire has no pairs, or there are too many basis states.
    """
    wires = range(n_qubits)
    if name == "Z":
        return z_on(wires)
    if name == "ZZ":
        if n_qubits < 2:
            raise ConfigError("observables=ZZ needs two qubits or more, got 1")
        return tuple(Pauli("ZZ", pair) for pair in combinations(wires, 2))
    if n_qubits > MOST_STATES:
        raise ConfigError(
            f"observables={name} gives one or two outputs for each of 2^n_qubits basis states; n_qubits must be <= "
            f"{MOST_STATES}, got {n_qubits}"
        )
    return (Probabilities(tuple(wires)) if name == "probabilities" else State(tuple(wires)),)

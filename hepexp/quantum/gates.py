"""The gates that circuits are made of: their matrices, and how they are drawn.

The matrices of gates with angles are in `hepexp.quantum.rotations`, so that circuits are described without torch. The
conventions are PennyLane's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Gate:
    """One kind of gate.

    Parameters
    ----------
    symbols : the symbol on each wire in a drawing; a control is "●".
    n_parameters : number of angles.
    constant : its matrix (2^k, 2^k) if it has no angles; wire 0 is the most significant bit.
    """

    symbols: tuple[str, ...]
    n_parameters: int = 0
    constant: np.ndarray | None = None

    @property
    def n_wires(self) -> int:
        return len(self.symbols)


def _permutation(*images: int) -> np.ndarray:
    """The matrix that takes basis state j to images[j]."""
    matrix = np.zeros((len(images), len(images)), complex)
    matrix[list(images), range(len(images))] = 1
    return matrix


PAULIS = {
    "X": np.array([[0, 1], [1, 0]], complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]).astype(complex),
}

GATES = {
    "H": Gate(("H",), constant=np.array([[1, 1], [1, -1]], complex) / np.sqrt(2)),
    **{name: Gate((name,), constant=matrix) for name, matrix in PAULIS.items()},
    "S": Gate(("S",), constant=np.diag([1, 1j])),
    "T": Gate(("T",), constant=np.diag([1, np.exp(0.25j * np.pi)])),
    "RX": Gate(("RX",), 1),
    "RY": Gate(("RY",), 1),
    "RZ": Gate(("RZ",), 1),
    "PhaseShift": Gate(("P",), 1),
    "Rot": Gate(("Rot",), 3),
    "CNOT": Gate(("●", "X"), constant=_permutation(0, 1, 3, 2)),
    "CZ": Gate(("●", "Z"), constant=np.diag([1, 1, 1, -1]).astype(complex)),
    "SWAP": Gate(("x", "x"), constant=_permutation(0, 2, 1, 3)),
    "CSWAP": Gate(("●", "x", "x"), constant=_permutation(0, 1, 2, 3, 4, 6, 5, 7)),
    "CRX": Gate(("●", "RX"), 1),
    "CRY": Gate(("●", "RY"), 1),
    "CRZ": Gate(("●", "RZ"), 1),
}
# What is no gate but an error: X, Y or Z, each with a third of the probability that is its parameter.
CHANNELS = {"Depolarising": Gate(("D",), 1)}

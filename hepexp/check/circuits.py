"""The circuits of a hybrid network: gradients against depth and qubits, expressibility, entangling capability."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import pi
from typing import Any

import numpy as np
import torch

from hepexp.batch import FeatureBatch
from hepexp.check.ansatz import GLOBAL, LOCAL, Ansatz, ansatz_of
from hepexp.evaluation.evaluators.expressibility import ExpressibilityEvaluator
from hepexp.models.random_circuits import RandomCircuits
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.expressibility import freed
from hepexp.quantum.noise import without_errors
from hepexp.quantum.statevector import StateVector

NAME = "circuits"
QUBITS, DEPTHS = (2, 4, 6, 8), (1, 2, 4, 8, 16)
MOST_QUBITS = 10  # of a circuit that is described; larger ones take minutes
N_ANGLES = 100  # random sets of angles for each variance
N_PAIRS = 2000  # random pairs of states
N_BINS = 75  # of their fidelities, as in arXiv:1905.10876


def circuits_of(backend: Backend) -> dict[str, Circuit]:
    """The circuits of a run with trained angles, without errors, by name; none if none is evaluated as a circuit."""
    if not backend.is_quantum:
        return {}
    named = {
        "_".join(names) or str(k): c for k, (c, names) in enumerate(zip(backend.circuits, backend.names, strict=True))
    }
    return {name: without_errors(c) for name, c in named.items() if c.n_weights}


def described(circuits: dict[str, Circuit]) -> dict[str, Circuit]:
    """Those that are small enough to be described."""
    return {name: circuit for name, circuit in circuits.items() if circuit.n_qubits <= MOST_QUBITS}


def left_out(circuits: dict[str, Circuit]) -> str:
    """Which of the circuits are too large to be described, in a line; empty if none is."""
    large = [f"{name} ({c.n_qubits} qubits)" for name, c in circuits.items() if c.n_qubits > MOST_QUBITS]
    if not large:
        return ""
    return (
        f"circuits of more than {MOST_QUBITS} qubits take too long to describe: {', '.join(large)}; "
        "gradients, expressibility and entangling capability are of smaller ones"
    )


def sizes(ansatz: Ansatz) -> list[tuple[int, int]]:
    """The numbers of qubits and layers at which gradients are taken, those of the circuit among them."""
    qubits = sorted({*QUBITS, ansatz.n_qubits}) if ansatz.resizes else [ansatz.n_qubits]
    return [(n, depth) for depth in sorted({*DEPTHS, ansatz.n_layers}) for n in qubits if n > 1 or not ansatz.resizes]


def n_parts(circuits: dict[str, Circuit]) -> int:
    """Number of parts of which `describe` tells."""
    return sum(1 + len(sizes(ansatz_of(circuit))) for circuit in circuits.values())


def describe(circuits: dict[str, Circuit], seed: int, done: Callable[[str], None]) -> dict[str, Any]:
    """What is found of each circuit, without noise or shots.

    Returns
    -------
    By the name of the circuit: its ansatz, qubits and layers; expressibility and entangling capability with bootstrap
    errors; `gradients`, a list with qubits, layers, and the variance over random angles, averaged over the trained
    angles, of the derivatives of <Z> of the first qubit (local) and of the product of Z of all (global).

    References
    ----------
    S. Sim et al., arXiv:1905.10876; J. McClean et al., arXiv:1803.11173; M. Cerezo et al., arXiv:2001.00550.
    """
    found = {}
    for name, circuit in circuits.items():
        ansatz = ansatz_of(circuit)
        done(f"states of {name}")
        found[name] = {
            "ansatz": ansatz.name,
            "n_qubits": circuit.n_qubits,
            "n_layers": ansatz.n_layers,
            "n_weights": circuit.n_weights,
            **states(circuit, seed),
            "gradients": list(_gradients(ansatz, seed, name, done)),
        }
    return found


def states(circuit: Circuit, seed: int) -> dict[str, float | str | None]:
    """Expressibility and entangling capability over random trained angles, inputs being zero."""
    angles_only = Circuit(circuit.n_qubits, circuit.operations, circuit.observables) if not circuit.amplitudes else None
    if angles_only is None:
        return {}
    model = RandomCircuits({"own": angles_only}, n_features=0, backend=StateVector())
    n = torch.arange(N_PAIRS)
    batch = FeatureBatch(n, n, torch.zeros(N_PAIRS, 0), features=torch.zeros(N_PAIRS, 0, dtype=torch.float64))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        values = model(batch)[:, 0].numpy()
    outputs = {"index": n.numpy(), "fidelity/own": values[:, 0], "entanglement/own": values[:, 1]}
    figures = ExpressibilityEvaluator({"own": circuit.n_qubits}, N_BINS).final(outputs, seed)
    return {key.removeprefix("own_"): value for key, value in figures.items()}


def variance(circuit: Circuit, seed: int, n: int = N_ANGLES) -> list[tuple[float, float]]:
    """For each observable, the variance of its derivatives, with its standard error over n random sets of angles.

    Angles are uniform from 0 to 4 pi, over which the states after controlled rotations come back, those after others
    twice. The mean of a derivative over this period of its angle is zero, so that the variance is the mean square; it
    is averaged over the trained angles.
    """
    free = freed(circuit)
    random = torch.Generator().manual_seed(seed)
    angles = (4 * pi * torch.rand(n, free.n_inputs, generator=random, dtype=torch.float64)).requires_grad_()
    outputs = StateVector().layer(free)(angles)
    found = []
    for k in range(outputs.shape[1]):
        (slope,) = torch.autograd.grad(outputs[:, k].sum(), angles, retain_graph=True)
        each = slope.square().mean(1).numpy()
        found.append((float(each.mean()), float(each.std(ddof=1) / np.sqrt(n))))
    return found


def _gradients(ansatz: Ansatz, seed: int, name: str, done: Callable[[str], None]) -> Iterator[dict[str, float]]:
    for n_qubits, n_layers in sizes(ansatz):
        done(f"gradients of {name}, {n_qubits} qubits, {n_layers} layers")
        of_both = variance(ansatz.measuring(n_qubits, n_layers), seed)
        row: dict[str, float] = {"n_qubits": n_qubits, "n_layers": n_layers}
        for kind, (value, error) in zip((LOCAL, GLOBAL), of_both, strict=True):
            row |= {f"variance_{kind}": value, f"variance_{kind}_err": error}
        yield row

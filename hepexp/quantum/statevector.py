"""Circuits evaluated by hepexp's own simulation: the option `statevector` of the group `backend`.

It is the default of every run, so it imports the simulation for the first circuit only.
"""

from __future__ import annotations

from typing import Literal

from hepexp.errors import ConfigError
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layer import Evaluate


class StateVector(Backend):
    """Simulation of circuits in torch, exact or with noise: batched, differentiable, on the device of the model.

    Parameters
    ----------
    route : `gates` carries the state of each example through the circuit, `matrix` applies the trained part as one
        matrix, `cones` evaluates, for each observable, only what it depends on; `auto` takes the cheapest.
    precision : `input` computes in the precision of the inputs, `single` and `double` in complex64 and complex128.
    depolarising : probability of an error after each gate, on each of its wires: X, Y or Z.
    readout : probability to read a bit as the other one.
    trajectories : number of random ones, over which errors are averaged; null for the exact average, from density
        matrices, which take the square of a state's memory.
    shots : number of measurements that each expectation value is estimated from; null for exact values. Gradients are
        those of the exact ones.

    Raises
    ------
    ConfigError : a number out of range.
    """

    def __init__(
        self,
        route: Literal["auto", "gates", "matrix", "cones"] = "auto",
        precision: Literal["input", "single", "double"] = "input",
        depolarising: float = 0.0,
        readout: float = 0.0,
        trajectories: int | None = None,
        shots: int | None = None,
    ):
        super().__init__()
        for key, value, most in (("depolarising", depolarising, 0.75), ("readout", readout, 0.5)):
            if not 0 <= value <= most:
                raise ConfigError(f"backend.{key} must be a probability from 0 to {most}, got {value}")
        for key, number, largest in (("trajectories", trajectories, 10**6), ("shots", shots, 10**9)):
            if number is not None and not 1 <= number <= largest:
                raise ConfigError(f"backend.{key} must be from 1 to {largest:,}, or null, got {number:,}")
        self.route, self.precision = route, precision
        self.depolarising, self.readout, self.trajectories, self.shots = depolarising, readout, trajectories, shots

    def _evaluation(self, circuit: Circuit) -> Evaluate:
        from hepexp.quantum.noise import Shots, has_errors, with_errors
        from hepexp.quantum.simulator import Simulator

        noisy = with_errors(circuit, self.depolarising) if self.depolarising else circuit
        if self.trajectories is not None and not has_errors(noisy.operations):
            raise ConfigError(
                f"backend.trajectories={self.trajectories} averages over errors, and there are none: set "
                "backend.depolarising too"
            )
        if circuit.has_state and (has_errors(noisy.operations) or self.readout or self.shots):
            raise ConfigError(
                "a state vector has no noise: backend.depolarising and backend.readout must be 0, and backend.shots "
                "null, or the circuit must give expectation values or probabilities"
            )
        exact = Simulator(noisy, self.route, self.readout, self.trajectories)
        return exact if self.shots is None else Shots(exact, noisy, self.shots)

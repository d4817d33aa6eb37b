"""Circuits evaluated by hepexp's own simulation: the option `statevector` of the group `backend`.

It is the default of every run, so it imports the simulation for the first circuit only.
"""

from __future__ import annotations

from typing import Literal

from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layer import Evaluate


class StateVector(Backend):
    """Exact simulation of circuits in torch: batched, differentiable, on the device of the model.

    Parameters
    ----------
    route : `gates` carries the state of each example through the circuit, `matrix` applies the trained part as one
        matrix, `cones` evaluates, for each observable, only what it depends on; `auto` takes the cheapest.
    precision : `input` computes in the precision of the inputs, `single` and `double` in complex64 and complex128.
    """

    def __init__(
        self,
        route: Literal["auto", "gates", "matrix", "cones"] = "auto",
        precision: Literal["input", "single", "double"] = "input",
    ):
        super().__init__()
        self.route, self.precision = route, precision

    def _evaluation(self, circuit: Circuit) -> Evaluate:
        from hepexp.quantum.simulator import Simulator

        return Simulator(circuit, self.route)

"""No loss: the outputs of circuits, recorded and evaluated without training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.circuits import CircuitEvaluator
from hepexp.losses.objective import Objective
from hepexp.quantum.circuit import Circuit


@runtime_checkable
class Circuits(Protocol):
    """A model of circuits, with their values and their states before anything is measured, by name."""

    circuits: Mapping[str, Circuit]

    def __call__(self, batch: Batch) -> Tensor: ...
    def states(self, batch: Batch) -> dict[str, Tensor]: ...


class CircuitValues(Objective[Circuits]):
    """Expectation values and state vectors of a model's circuits; nothing is trained, and the loss is zero."""

    evaluator: CircuitEvaluator

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, Circuits):
            raise ConfigError(
                f"loss=circuit_values needs a model of circuits, not {type(model).__name__}; "
                "choose model=fixed_circuits"
            )
        self.evaluator = CircuitEvaluator({name: circuit.n_outputs for name, circuit in model.circuits.items()})
        self.outputs(model, example)  # a backend that has no state vectors says so

    def outputs(self, model: Circuits, batch) -> dict[str, Tensor]:
        return {"values": model(batch), **{f"state/{name}": psi for name, psi in model.states(batch).items()}}

    def terms(self, model: Circuits, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        outputs = self.outputs(model, batch)
        return {"loss": outputs["values"].new_zeros(())}, outputs

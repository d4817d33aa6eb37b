"""No loss: how evenly the states of random circuits spread, and how entangled they are."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.expressibility import ExpressibilityEvaluator
from hepexp.losses.objective import Objective
from hepexp.models.random_circuits import RandomCircuits


class Expressibility(Objective[RandomCircuits]):
    """Expressibility and entangling capability of circuits; nothing is trained, and the loss is zero.

    Parameters
    ----------
    n_bins : bins of the histogram of fidelities; 75 in the paper.

    Raises
    ------
    ConfigError : fewer than two bins.

    References
    ----------
    arXiv:1905.10876.
    """

    evaluator: ExpressibilityEvaluator

    def __init__(self, n_bins: int = 75):
        super().__init__()
        if not 2 <= n_bins <= 100_000:
            raise ConfigError(f"loss.n_bins must be from 2 to 100,000, got {n_bins}")
        self.n_bins = n_bins

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, RandomCircuits):
            raise ConfigError(
                f"loss=expressibility needs random states of circuits, not {type(model).__name__}; choose "
                "model=random_circuits"
            )
        n_qubits = {name: circuit.n_qubits for name, circuit in model.circuits.items()}
        self.evaluator = ExpressibilityEvaluator(n_qubits, self.n_bins)
        self.outputs(model, example)  # a backend that has no state vectors says so

    def outputs(self, model: RandomCircuits, batch) -> dict[str, Tensor]:
        found = model(batch)
        return {
            f"{kind}/{name}": found[:, i, k]
            for i, name in enumerate(model.circuits)
            for k, kind in enumerate(("fidelity", "entanglement"))
        }

    def terms(self, model: RandomCircuits, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        outputs = self.outputs(model, batch)
        return {"loss": next(iter(outputs.values())).new_zeros(())}, outputs

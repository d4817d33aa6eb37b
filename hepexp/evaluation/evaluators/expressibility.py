"""Evaluator of random circuits: expressibility, and entangling capability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs
from hepexp.metric import Metric
from hepexp.quantum.expressibility import divergence, haar_bins


class ExpressibilityEvaluator(Evaluator):
    """Evaluates `fidelity/<circuit>` and `entanglement/<circuit>` (n,), one random pair of states an example.

    Parameters
    ----------
    n_qubits : of each circuit.
    n_bins : bins of the histogram of fidelities.
    """

    metrics = (
        Metric(
            "{circuit}_expressibility",
            "lower",
            "{circuit} expressibility",
            "Kullback-Leibler divergence of the fidelities of random pairs of states of the circuit {circuit} from "
            "those of Haar-random states; n pairs in b bins give about (b - 1) / 2 n more than infinitely many "
            "(arXiv:1905.10876, equation 9).",
            range=">= 0; 0 where states are spread evenly",
        ),
        Metric(
            "{circuit}_entanglement",
            "neither",
            "{circuit} entanglement",
            "Mean over random angles of Meyer and Wallach's Q of the states of the circuit {circuit}; "
            "(N - 2) / (N + 1) for Haar-random states, N = 2^qubits (J. Math. Phys. 43, 4273).",
            range="0 (products) to 1",
        ),
    )

    def __init__(self, n_qubits: Mapping[str, int], n_bins: int):
        self.n_qubits, self.n_bins = dict(n_qubits), n_bins

    def quick(self, outputs: Outputs) -> dict[str, float]:
        figures = self._figures(outputs)
        return {name: of(ones(len(outputs["index"]))) for name, of in figures.items()}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        return with_errors(self._figures(outputs), len(outputs["index"]), seed)

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, and fidelity and entanglement of each circuit."""
        columns = {"index": outputs["index"].astype(np.int64)}
        for name in self.n_qubits:
            columns |= {f"{name}_{kind}": outputs[f"{kind}/{name}"] for kind in ("fidelity", "entanglement")}
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        every = ones(len(outputs["index"]))
        for name, n in self.n_qubits.items():
            counts = self._histogram(outputs, name)(every)
            haar = np.exp(haar_bins(n, self.n_bins))
            plots.fidelities(folder / f"fidelity_{name}.png", counts / counts.sum(), haar, name)
        figures = self._figures(outputs)
        points = {
            name: [figures[f"{name}_{kind}"](every) for kind in ("expressibility", "entanglement")]
            for name in self.n_qubits
        }
        plots.expressibility(folder / "expressibility.png", points)

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        found: dict[str, Callable[[np.ndarray], float]] = {}
        for name, n in self.n_qubits.items():
            found[f"{name}_expressibility"] = self._divergence(
                self._histogram(outputs, name), haar_bins(n, self.n_bins)
            )
            found[f"{name}_entanglement"] = mean_of(outputs[f"entanglement/{name}"])
        return found

    @staticmethod
    def _divergence(counts: Callable[[np.ndarray], np.ndarray], haar: np.ndarray) -> Callable[[np.ndarray], float]:
        return lambda weight: divergence(counts(weight), haar)

    def _histogram(self, outputs: Outputs, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """Counts (n_bins,) of the fidelities as a function of the examples' weights."""
        fidelity = outputs[f"fidelity/{name}"]
        places = np.clip((fidelity * self.n_bins).astype(np.int64), 0, self.n_bins - 1)
        return lambda weight: np.bincount(places, weights=weight, minlength=self.n_bins)

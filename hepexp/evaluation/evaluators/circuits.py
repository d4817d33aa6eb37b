"""Evaluator of fixed circuits: expectation values, and the amplitudes of their states."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs
from hepexp.metric import Metric

log = logging.getLogger(__name__)
EXACT = "exact: nothing is sampled"
ROUNDING = 16  # units in the last place of 1 that a circuit's gates may add up to


class CircuitEvaluator(Evaluator):
    """Evaluates `values` (n, K), the observables of all circuits, and `state/<circuit>` (n, 2^q); all examples agree.

    An observable's figure carries the name of its circuit, and a number if the circuit has several. For a state, the
    figures are the norm and the smallest and largest real and imaginary parts of its amplitudes; if smallest and
    largest coincide, all amplitudes are equal.

    Parameters
    ----------
    n_outputs : number of outputs of each circuit, in the order of the values.
    """

    metrics = (
        Metric(
            "{circuit}",
            "neither",
            "{circuit}",
            "Expectation value of the observable of the circuit {circuit} (model.circuits).",
            range="-1 to 1 for Pauli operators, 0 to 1 for probabilities",
            no_error=EXACT,
        ),
        Metric(
            "{circuit}_norm",
            "neither",
            "{circuit} norm",
            "Norm of the state vector of the circuit {circuit}; 1 up to rounding.",
            range="1",
            no_error=EXACT,
            each_epoch=False,
        ),
        Metric(
            "{circuit}_re_min",
            "neither",
            "{circuit} least Re",
            "Smallest real part of an amplitude of the state of the circuit {circuit}.",
            range="-1 to 1",
            no_error=EXACT,
            each_epoch=False,
        ),
        Metric(
            "{circuit}_re_max",
            "neither",
            "{circuit} largest Re",
            "Largest real part of an amplitude of the state of the circuit {circuit}.",
            range="-1 to 1",
            no_error=EXACT,
            each_epoch=False,
        ),
        Metric(
            "{circuit}_im_min",
            "neither",
            "{circuit} least Im",
            "Smallest imaginary part of an amplitude of the state of the circuit {circuit}.",
            range="-1 to 1",
            no_error=EXACT,
            each_epoch=False,
        ),
        Metric(
            "{circuit}_im_max",
            "neither",
            "{circuit} largest Im",
            "Largest imaginary part of an amplitude of the state of the circuit {circuit}.",
            range="-1 to 1",
            no_error=EXACT,
            each_epoch=False,
        ),
    )

    def __init__(self, n_outputs: Mapping[str, int]):
        self.circuits = tuple(n_outputs)
        self.names = [name if n == 1 else f"{name}_{k}" for name, n in n_outputs.items() for k in range(n)]

    def quick(self, outputs: Outputs) -> dict[str, float]:
        values = outputs["values"]
        means = _without_rounding(values.mean(axis=0, dtype=np.float64), values.dtype)
        return dict(zip(self.names, means.tolist(), strict=True))

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        metrics: dict[str, float | str | None] = {**self.quick(outputs)}
        for name in self.circuits:
            psi = outputs[f"state/{name}"][0]
            metrics[f"{name}_norm"] = float(np.linalg.norm(psi))
            for part, numbers in (("re", psi.real), ("im", psi.imag)):
                numbers = _without_rounding(numbers, psi.dtype)
                metrics |= {f"{name}_{part}_min": float(numbers.min()), f"{name}_{part}_max": float(numbers.max())}
            log.info("state %s: %s", name, "  ".join(f"|{ket}> {a:.6f}" for ket, a in zip(kets(psi), psi, strict=True)))
        return metrics

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns circuit, state (its bits), re, im and probability of each amplitude, of the first example."""
        states = {name: outputs[f"state/{name}"][0] for name in self.circuits}
        psi = np.concatenate(list(states.values()))
        columns = {
            "circuit": [name for name, amplitudes in states.items() for _ in amplitudes],
            "state": [ket for amplitudes in states.values() for ket in kets(amplitudes)],
            "re": psi.real,
            "im": psi.imag,
            "probability": np.abs(psi) ** 2,
        }
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        for name in self.circuits:
            plots.amplitudes(folder / f"state_{name}.png", outputs[f"state/{name}"][0], name)


def _without_rounding(values: np.ndarray, computed: np.dtype) -> np.ndarray:
    """Values that are at most 1, with 0 for what is only the rounding of the precision in which they were computed."""
    return np.where(np.abs(values) < ROUNDING * np.finfo(computed).eps, 0.0, values)


def kets(psi: np.ndarray) -> list[str]:
    """The bits of each basis state of a state vector (2^q,); wire 0 comes first."""
    width = len(psi).bit_length() - 1
    return [format(k, f"0{width}b") for k in range(len(psi))]

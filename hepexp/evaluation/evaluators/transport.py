"""Evaluator of densities that were transported along Polchinski's flow, and of what should fall there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss, rows_as_lists
from hepexp.metric import Metric
from hepexp.physics.free_modes import FreeModes
from hepexp.physics.polchinski import PolchinskiFlow

CANDIDATES = ("theories", "free", "reference")  # for what falls along the flow


class TransportEvaluator(Evaluator):
    """Evaluates draws along the flow, see `JKO.outputs`.

    Parameters
    ----------
    theory : what flows.
    """

    metrics = (
        Metric(
            "kl_exact",
            "lower",
            "KL from exact",
            "Kullback-Leibler divergence of the learnt density from the exact one, the largest of the flow, in nats.",
            range=">= 0 but for the sampling",
        ),
        Metric(
            "phi2",
            "neither",
            "<phi^2>",
            "Mean square of the field at the end of the flow.",
            latex=r"$\langle\varphi^2\rangle$",
            range=">= 0",
            each_epoch=False,
        ),
        Metric(
            "exact_phi2",
            "neither",
            "exact <phi^2>",
            "The same in closed form, or by the convolution.",
            latex=r"exact $\langle\varphi^2\rangle$",
            range=">= 0",
            no_error="it is exact",
            each_epoch=False,
        ),
        Metric(
            "phi2_difference",
            "lower",
            "difference of <phi^2>",
            "Largest relative difference of the mean square of the field from the exact one along the flow.",
            range=">= 0",
            each_epoch=False,
        ),
        Metric(
            "kl_{candidate}",
            "neither",
            "KL, {candidate}",
            "Kullback-Leibler divergence in nats at the end, of the theory from the other one (theories) or the "
            "free theory (free), which both fall, or from exp(-2 S_0) (reference), which need not.",
            range=">= 0 but for the sampling",
            each_epoch=False,
            values=CANDIDATES,
        ),
        Metric(
            "exact_kl_{candidate}",
            "neither",
            "exact KL, {candidate}",
            "test/kl_{candidate} of the exact densities.",
            range=">= 0",
            no_error="it is exact",
            each_epoch=False,
            values=CANDIDATES,
        ),
        Metric(
            "rise_{candidate}",
            "neither",
            "rise of KL, {candidate}",
            "Largest rise of test/kl_{candidate} above what it was earlier in the flow, in nats; theories and free "
            "fall, reference need not.",
            range="any number; negative if it falls in every step",
            each_epoch=False,
            values=CANDIDATES,
        ),
        Metric(
            "exact_rise_{candidate}",
            "neither",
            "exact rise of KL, {candidate}",
            "test/rise_{candidate} of the exact densities.",
            range="any number; negative if it falls in every step",
            no_error="it is exact",
            each_epoch=False,
            values=CANDIDATES,
        ),
        Metric(
            "jko_difference",
            "lower",
            "difference from exact steps",
            "Largest relative difference of the growth of the variance of a mode, since the beginning, from that by "
            "minimising steps in closed form.",
            range=">= 0",
            each_epoch=False,
        ),
        Metric(
            "pde_distance",
            "lower",
            "PDE and convolution",
            "Largest L1 distance of densities by Polchinski's equation, on a grid, from those by convolution.",
            range=">= 0",
            no_error="it depends on no examples",
            each_epoch=False,
        ),
    )

    def __init__(self, theory: PolchinskiFlow):
        self.theory = theory

    def quick(self, outputs: Outputs) -> dict[str, float]:
        return {"loss": mean_loss(outputs), "kl_exact": float(outputs["exact"].mean(0).max())}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        exact = self.theory.exact
        found: dict[str, float | str | None] = {
            **loss_figures(outputs, seed),
            **with_errors(self._of_draws(outputs), len(outputs["index"]), seed),
            "exact_phi2": float(exact.phi2[-1]),
        }
        for name in CANDIDATES:
            found[f"exact_kl_{name}"] = float(exact.divergences[name][-1])
            found[f"exact_rise_{name}"] = largest_rise(exact.divergences[name])
        if (distance := self.theory.pde_distance()) is not None:
            found["pde_distance"] = distance
        return found

    def of_weights(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        return {**super().of_weights(outputs), **self._of_draws(outputs)}

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, loss, and lists over the flow: phi2, and ln p less that of what it is compared with."""
        columns = {"index": outputs["index"].astype(np.int64), "loss": outputs["loss"]}
        lists = {name: rows_as_lists(outputs[name].astype(np.float32)) for name in ("phi2", "exact", *CANDIDATES)}
        return pa.table({**columns, **lists})

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        theory, exact = self.theory, self.theory.exact
        found = {name: _mean_and_error(outputs[name]) for name in CANDIDATES}
        plots.flow_divergences(folder / "monotones.png", theory.scale, theory.scale_label, found, exact.divergences)
        shape = (len(outputs["index"]), -1, 2, theory.n_modes)
        field, log_density = (outputs[name].reshape(shape) for name in ("field", "log_density"))
        if theory.n_modes == 1:
            plots.flow_densities(folder / "densities.png", theory, field[..., 0], log_density[..., 0])
        elif isinstance(theory, FreeModes):
            plots.flow_variances(folder / "variances.png", theory, field[:, :, 0])

    def _of_draws(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        """Figures of the draws, as functions of their weights (n,)."""
        exact = self.theory.exact
        squares = outputs["phi2"].astype(np.float64)

        def along(name: str) -> Callable[[np.ndarray], np.ndarray]:
            values = outputs[name].astype(np.float64)
            return lambda weight: weight @ values / weight.sum()

        found: dict[str, Callable[[np.ndarray], float]] = {
            "kl_exact": lambda weight: float(along("exact")(weight).max()),
            "phi2": lambda weight: float(weight @ squares[:, -1] / weight.sum()),
            "phi2_difference": lambda weight: float(np.abs(along("phi2")(weight) / exact.phi2 - 1).max()),
        }
        for name in CANDIDATES:
            found |= _ends(name, along(name))
        if (closed := self.theory.of_closed_form()) is not None:
            shape = (len(squares), -1, 2, self.theory.n_modes)
            z2 = outputs["field"].reshape(shape)[:, :, 0].astype(np.float64).reshape(len(squares), -1) ** 2
            found["jko_difference"] = lambda weight: _from_closed_form((weight @ z2).reshape(closed.shape), closed)
        return found


def largest_rise(values: np.ndarray) -> float:
    """The most by which one of them (K + 1,) is above an earlier one."""
    return float((values[1:] - np.minimum.accumulate(values)[:-1]).max())


def _ends(name: str, curve: Callable[[np.ndarray], np.ndarray]) -> dict[str, Callable[[np.ndarray], float]]:
    """The value at the end of a curve along the flow, and its largest rise, as functions of the weights."""
    return {
        f"kl_{name}": lambda weight: float(curve(weight)[-1]),
        f"rise_{name}": lambda weight: largest_rise(curve(weight)),
    }


def _from_closed_form(variance: np.ndarray, closed: np.ndarray) -> float:
    """Largest relative difference of what both (K + 1, M) have grown by."""
    return float(np.abs(variance / variance[0] / (closed / closed[0]) - 1).max())


def _mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values (n, K + 1), each (K + 1,)."""
    values = values.astype(np.float64)
    return values.mean(0), values.std(0) / np.sqrt(len(values))

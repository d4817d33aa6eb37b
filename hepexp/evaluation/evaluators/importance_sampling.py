"""Evaluator of importance sampling: weights of a flow beside those of VEGAS and of flat points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import hypot
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.metric import Metric

SAMPLERS = ("flow", "vegas", "flat")


class ImportanceSamplingEvaluator(Evaluator):
    """Evaluates `<sampler>/weight` (n,), f(x) / q(x) in pb, and `<sampler>/<observable>`, of points of each sampler.

    Parameters
    ----------
    process : as in the titles of figures.
    samplers : whose columns there are.
    observables : their names and labels.
    campaign : events for which the largest weight is to hold.
    """

    metrics = (
        Metric(
            "{sampler}_relative_std",
            "lower",
            "{sampler} std/mean",
            "Standard deviation of the weights of the points of {sampler} over their mean: the relative error of the "
            "integral from n points is 1/sqrt(n) of it.",
            range=">= 0; 0 for points that follow the integrand",
            undefined="all weights are zero",
            values=SAMPLERS,
        ),
        Metric(
            "{sampler}_efficiency",
            "higher",
            "{sampler} efficiency",
            "Unweighting efficiency of {sampler}: mean weight over the largest, which is the median of the largest "
            "weights of bootstrap replicas of loss.campaign points (arXiv:2001.10028).",
            range="0 to 1",
            undefined="all weights are zero",
            values=SAMPLERS,
        ),
        Metric(
            "{sampler}_overweight",
            "lower",
            "{sampler} over-weight",
            "Share of the integral in the parts of weights of {sampler} above that largest one, which unweighting cuts "
            "off or keeps as weights above 1.",
            range="0 to 1",
            undefined="all weights are zero",
            values=SAMPLERS,
        ),
        Metric(
            "{sampler}_integral",
            "neither",
            "{sampler} integral [pb]",
            "Cross section in pb from the points of {sampler}.",
            range=">= 0",
            values=SAMPLERS,
        ),
        Metric(
            "exact_integral",
            "neither",
            "exact integral [pb]",
            "Cross section in pb in closed form, or from uniform points in high statistics, as its note says.",
            range=">= 0",
            error="standard error of the mean of uniform points",
            each_epoch=False,
        ),
        Metric(
            "integral_pull",
            "neither",
            "integral pull",
            "Integral of the flow minus the exact one, over the error of the difference.",
            range="any number; mostly -2 to 2",
            no_error="it is in units of its error",
            undefined="there is no error",
            each_epoch=False,
        ),
    )

    def __init__(self, process: str, samplers: Sequence[str], observables: Sequence[tuple[str, str]], campaign: int):
        self.process, self.samplers = process, tuple(samplers)
        self.observables, self.campaign = tuple(observables), campaign

    def quick(self, outputs: Outputs) -> dict[str, float]:
        figures = self._figures(outputs, ("flow",))
        return {"loss": mean_loss(outputs), **{k: of(ones(len(outputs["index"]))) for k, of in figures.items()}}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        n = len(outputs["index"])
        found = {**loss_figures(outputs, seed), **with_errors(self._figures(outputs, self.samplers), n, seed)}
        for name, value in list(found.items()):
            if isinstance(value, float) and np.isnan(value):
                found[f"{name}_note"] = "all weights are zero"
        exact, error = (float(x) for x in outputs["model/integral"])
        found["exact_integral"] = exact
        if error:
            found["exact_integral_err"] = error
            found["exact_integral_note"] = "from uniform points"
        else:
            found["exact_integral_note"] = "no error: a closed form"
        integral, of_flow = found["flow_integral"], found["flow_integral_err"]
        if isinstance(integral, float) and isinstance(of_flow, float):
            found["integral_pull"] = (integral - exact) / hypot(of_flow, error)
        else:
            found |= {"integral_pull": None, "integral_pull_note": "there is no error"}
        return found

    def of_weights(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        return {**super().of_weights(outputs), **self._figures(outputs, self.samplers)}

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, weights of each sampler, and its observables, which are 0 outside the cuts."""
        columns = {"index": outputs["index"].astype(np.int64)}
        for sampler in self.samplers:
            names = ("weight", *(name for name, _ in self.observables))
            columns |= {f"{sampler}_{name}": outputs[f"{sampler}/{name}"] for name in names}
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        weights = {name: outputs[f"{name}/weight"] for name in self.samplers}
        plots.weights(folder / "weights.png", weights, self.process)
        observed = {
            label: {name: outputs[f"{name}/{key}"] for name in self.samplers} for key, label in self.observables
        }
        plots.sampled(folder / "densities.png", observed, weights, self.process)

    def _figures(self, outputs: Outputs, samplers: Sequence[str]) -> dict[str, Callable[[np.ndarray], float]]:
        found: dict[str, Callable[[np.ndarray], float]] = {}
        for name in samplers:
            w = outputs[f"{name}/weight"].astype(np.float64)
            order = np.argsort(w)
            found[f"{name}_relative_std"] = partial(relative_std, w)
            found[f"{name}_efficiency"] = partial(_efficiency, w, order, self.campaign)
            found[f"{name}_overweight"] = partial(_overweight, w, order, self.campaign)
            found[f"{name}_integral"] = mean_of(w)
        return found


def relative_std(w: np.ndarray, counts: np.ndarray) -> float:
    """Standard deviation of weights (n,) over their mean, each of which counts so often; NaN if all are zero."""
    mean = counts @ w / counts.sum()
    return float(np.sqrt(counts @ (w - mean) ** 2 / counts.sum()) / mean) if mean > 0 else float("nan")


def largest(w: np.ndarray, counts: np.ndarray, order: np.ndarray, campaign: int) -> float:
    """The median of the largest of `campaign` weights that are drawn with replacement.

    The largest of them is below w with probability F(w)^campaign, where F is the share of weights below it, so that the
    median is the quantile 2^(-1 / campaign).

    Parameters
    ----------
    w, counts : weights (n,), and how often each counts.
    order : sorts the weights.
    """
    share = np.cumsum(counts[order]) / counts.sum()
    place = int(np.searchsorted(share, 2 ** (-1 / campaign) * (1 - 1e-12)))
    return float(w[order[min(place, len(w) - 1)]])


def _efficiency(w: np.ndarray, order: np.ndarray, campaign: int, counts: np.ndarray) -> float:
    top = largest(w, counts, order, campaign)
    return float(counts @ np.minimum(w, top) / counts.sum() / top) if top > 0 else float("nan")


def _overweight(w: np.ndarray, order: np.ndarray, campaign: int, counts: np.ndarray) -> float:
    total = counts @ w
    above = np.maximum(w - largest(w, counts, order, campaign), 0)
    return float(counts @ above / total) if total > 0 else float("nan")

"""Evaluator of regression: bias, resolution, response, and the calibration of uncertainties and quantiles."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.batch import Target
from hepexp.evaluation.bootstrap import TAIL, mean, mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import (
    ELEMENT,
    OBSERVED,
    Evaluator,
    Outputs,
    element_columns,
    listed,
    loss_figures,
    mean_loss,
    places,
)
from hepexp.evaluation.evaluators.regression_metrics import OF_REGRESSION
from hepexp.evaluation.predictions import index_and_label
from hepexp.evaluation.quantiles import Quantiles, half_width
from hepexp.metric import Metric, in_key

PERCENTS = (50, 90, 99)  # of relative errors
Figure = Callable[[NDArray], float]


class RegressionEvaluator(Evaluator):
    """Evaluates `predicted` (n, T) against `target` (n, T), in the units of the targets.

    Of elements these are columns `element/<name>` (m, T); an element has the weight of its example, and errors come
    from replicas of the examples, as the elements of one are correlated.

    Parameters
    ----------
    targets : what is predicted.
    has_sigma : whether there is a column `sigma` (n, T), the uncertainty of the prediction.
    quantiles : of the columns `quantiles` (n, T, Q); empty if there are none.
    compare_with : for each target the observer that it is compared with; empty for none.
    of : what has the targets, an `example` or an `element`.

    Attributes
    ----------
    of_all : the loss of all examples together, a function of their weights (n,), from their outputs, where that is not
        the mean of losses of each; None if it is.
    logarithms : whether the targets are natural logarithms.
    """

    metrics: tuple[Metric, ...] = OF_REGRESSION

    def __init__(
        self,
        targets: Sequence[Target],
        has_sigma: bool = False,
        quantiles: Sequence[float] = (),
        compare_with: Sequence[str] = (),
        of: Literal["example", "element"] = "example",
    ) -> None:
        self.targets = tuple(targets)
        self.has_sigma = has_sigma
        self.quantiles = tuple(quantiles)
        self.compare_with = tuple(compare_with)
        self.of, self.of_elements = of, of == "element"
        self.of_all: Callable[[Outputs], Figure] | None = None
        self.logarithms = False

    def figures_of_an_epoch(self) -> list[str]:
        return [
            "loss",
            *(f"{figure}_{in_key(target.name)}" for target in self.targets for figure in ("bias", "resolution")),
        ]

    def quick(self, outputs: Outputs) -> dict[str, float]:
        weight, figures = ones(len(outputs["index"]), outputs.get("weight")), self._figures(outputs)
        shown = {name: figures[name](weight) for name in self.figures_of_an_epoch() if name in figures}
        return shown if self.of_all else {"loss": mean_loss(outputs), **shown}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        figures, n = self._figures(outputs), len(outputs["index"])
        found = with_errors(figures, n, seed, weight=outputs.get("weight"))
        for name, remark in self._left_out(outputs).items():
            why = found.get(f"{name}_note")
            found[f"{name}_note"] = f"{remark}; {why}" if why else remark
        for name in figures:
            value = found[name]
            if isinstance(value, float) and not math.isfinite(value) and (why := self._undefined(name)):
                found.setdefault(f"{name}_note", why)
        return found if self.of_all else {**loss_figures(outputs, seed), **found}

    def of_weights(self, outputs: Outputs) -> dict[str, Figure]:
        return super().of_weights(outputs) | self._figures(outputs)

    def _undefined(self, name: str) -> str:
        """When a figure has no value, in words."""
        declared = [metric for kind in type(self).__mro__ for metric in vars(kind).get("metrics", ())]
        fitting = [metric for metric in declared if metric.of(name)]
        return max(fitting, key=lambda metric: metric.spelt_out).undefined if fitting else ""

    def _left_out(self, outputs: Outputs) -> dict[str, str]:
        """A remark on each figure of an observer that is not a finite number for all examples."""
        found: dict[str, str] = {}
        for t, observer in enumerate(self.compare_with):
            values = outputs.get(f"{OBSERVED}{observer}", np.zeros(0))
            if missing := int(np.count_nonzero(~np.isfinite(values))):
                remark = f"{missing:,} of {len(values):,} examples are left out, as {observer} is NaN or infinite there"
                names = _of_prediction(in_key(self.targets[t].name), np.zeros(0), np.zeros(0))
                found |= {f"compared_{name}": remark for name in names}
        return found

    def _figures(self, outputs: Outputs) -> dict[str, Figure]:
        """The figures as functions of the weights of the examples."""
        if self.of == "element":
            place = places(outputs)
            figures = self._of_rows(_rows(outputs))
            return {name: _at_rows(of, place) for name, of in figures.items()}
        loss = {"loss": self.of_all(outputs)} if self.of_all else {}
        return {**loss, **self._of_rows(outputs)}

    def _of_rows(self, outputs: Outputs) -> dict[str, Figure]:
        """The figures as functions of the weights of what has the targets."""
        found: dict[str, Figure] = {}
        for t, target in enumerate(self.targets):
            name, truth, predicted = in_key(target.name), *(_column(outputs, key, t) for key in ("target", "predicted"))
            found |= _of_prediction(name, predicted, truth)
            if self.logarithms:
                found |= _relative_errors(name, predicted, truth)
            if self.has_sigma:
                pull = (predicted - truth) / _column(outputs, "sigma", t)
                found[f"pull_mean_{name}"] = mean_of(pull)
                found[f"pull_width_{name}"] = half_width(pull)
                found[f"within_sigma_{name}"] = mean_of(abs(pull) < 1)
            for q, level in enumerate(self.quantiles):
                found[f"coverage_{level:g}_{name}"] = mean_of(truth < outputs["quantiles"][:, t, q])
            if self.compare_with and (key := f"{OBSERVED}{self.compare_with[t]}") in outputs:
                observed = outputs[key].astype(np.float64)
                known = np.isfinite(observed)
                compared = _of_prediction(name, observed[known], truth[known])
                found |= {f"compared_{f}": _at_rows(of, known) for f, of in compared.items()}
        return found

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, and for each target target_NAME, predicted_NAME, sigma_NAME, quantile_Q_NAME.

        Those of elements are lists, beside `particle`, the place of each element among those that were read.
        """
        columns = index_and_label(outputs["index"], outputs["label"])
        of_elements = self.of == "element"
        rows = _rows(outputs) if of_elements else outputs
        arranged = listed(outputs) if of_elements else pa.array
        for t, target in enumerate(self.targets):
            for key in ("target", "predicted", "sigma", "aleatoric", "epistemic"):  # the last two of ensembles
                if key in rows:
                    columns[f"{key}_{target.name}"] = arranged(rows[key][:, t])
            for q, level in enumerate(self.quantiles):
                columns[f"quantile_{level:g}_{target.name}"] = arranged(rows["quantiles"][:, t, q])
        columns |= element_columns(outputs, {"particle": "particle"}) if of_elements else {}
        return pa.table(columns, metadata={"targets": json.dumps({t.name: t.unit for t in self.targets})})

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        weight = outputs.get("weight")
        if self.of == "element":
            weight, outputs = None if weight is None else weight[places(outputs)], _rows(outputs)
        for t, target in enumerate(self.targets):
            truth, predicted = _column(outputs, "target", t), _column(outputs, "predicted", t)
            shown = {"prediction": predicted}
            if self.compare_with and (key := f"{OBSERVED}{self.compare_with[t]}") in outputs:
                shown[f"{self.compare_with[t]}, compared"] = outputs[key].astype(np.float64)
            name, unit, file = target.name, target.unit, in_key(target.name)
            plots.prediction_against_truth(folder / f"prediction_{file}.png", truth, predicted, name, unit, weight)
            plots.residuals(folder / f"residuals_{file}.png", truth, shown, name, unit, weight)
            path = folder / f"residuals_against_{file}.png"
            plots.residuals_against_truth(path, truth, shown, name, unit, weight)
            plots.response_against_truth(folder / f"response_{file}.png", truth, shown, name, unit, weight)
            if self.has_sigma:
                pull = (predicted - truth) / _column(outputs, "sigma", t)
                plots.pull(folder / f"pull_{file}.png", pull, name, weight)


def _rows(outputs: Outputs) -> Outputs:
    """The columns of the elements."""
    return {name.removeprefix(ELEMENT): values for name, values in outputs.items() if name.startswith(ELEMENT)}


def _column(outputs: Outputs, key: str, t: int) -> NDArray[np.float64]:
    return outputs[key][:, t].astype(np.float64)


def _of_prediction(name: str, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, Figure]:
    """Bias, resolution and response of one target."""
    residual = predicted - truth
    ratio = Quantiles(np.divide(predicted, truth, out=np.full(len(truth), np.nan), where=truth != 0))
    return {
        f"bias_{name}": lambda weight: mean(residual, weight),
        f"rmse_{name}": lambda weight: _root(mean(residual**2, weight)),
        f"resolution_{name}": half_width(residual),
        f"response_{name}": _quantile(ratio, 0.5),
        f"response_resolution_{name}": lambda weight: _relative_width(ratio(weight, (TAIL, 0.5, 1 - TAIL))),
    }


def _root(square: float) -> float:
    return math.sqrt(square) if square >= 0 else math.nan


def _relative_errors(name: str, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, Figure]:
    """Quantiles of the relative errors of what the target is the logarithm of."""
    error = Quantiles(np.abs(np.expm1(np.clip(predicted - truth, -700, 700))))
    return {f"relative_error_{percent}_{name}": _quantile(error, percent / 100) for percent in PERCENTS}


def _at_rows(of: Figure, rows: NDArray) -> Figure:
    """A figure of what is at some rows, as a function of the weights of all."""
    return lambda weight: of(weight[rows])


def _quantile(of: Quantiles, level: float) -> Figure:
    return lambda weight: of(weight, (level,))[0]


def _relative_width(quantiles: NDArray[np.float64]) -> float:
    low, middle, high = quantiles
    return float((high - low) / 2 / abs(middle)) if middle else float("nan")

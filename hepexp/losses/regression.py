"""Losses of regression: the mean, a robust mean, or quantiles of real numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.losses.element_outputs import check_elements, of_elements, places, sums
from hepexp.losses.objective import Objective, width_of
from hepexp.losses.weighted import weighted_mean


class Regression(Objective):
    """What losses of regression share: the targets are standardised, and what is predicted has the units of the data.

    The loss of an example is the mean over its targets, and over its elements if they are what is learnt.

    Parameters
    ----------
    of : `example`, or `element` to learn the targets of each particle or node.
    compare_with : for each target one of dataset.observers, which is evaluated as if it were a prediction; empty for
        none. With a jet's mass as the target, `mass` compares with the plain sum of four-momenta.

    Attributes
    ----------
    per_target : K, the number of outputs that the model has for each target.
    """

    evaluator: RegressionEvaluator
    mean: Tensor
    std: Tensor
    takes_weights = True
    per_target: int = 1

    def __init__(self, compare_with: Sequence[str] = (), of: Literal["example", "element"] = "example") -> None:
        super().__init__()
        if of not in ("example", "element"):
            raise ConfigError(f"loss.of must be example or element, got {of!r}")
        if of == "element" and compare_with:
            raise ConfigError("loss.compare_with is for targets of an example: leave it out with loss.of=element")
        self.compare_with = tuple(compare_with)
        self.of = of
        self.needs = ((of, "real"),)

    def n_outputs(self, spec: DataSpec) -> int:
        return self.per_target * len(spec.targets_of(self.of, "real"))

    def check_names(self, spec: DataSpec) -> None:
        n = len(spec.targets_of(self.of, "real"))
        if self.compare_with and len(self.compare_with) != n:
            raise ConfigError(
                f"loss.compare_with must name one of dataset.observers for each of {n} targets, "
                f"got {len(self.compare_with)}"
            )
        for name in self.compare_with:
            if name not in spec.observers:
                there_are = ", ".join(spec.observers) or "none"
                raise ConfigError(f"loss.compare_with: {name!r} is not among dataset.observers ({there_are})")

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        targets, n = spec.targets_of(self.of, "real"), self.n_outputs(spec)
        if self.of == "element":
            names = ", ".join(target.name for target in targets)
            check_elements(model, example, example.element_target, names, n, type(self).__name__)
        elif (width := width_of(model, example)) != n:
            raise ConfigError(
                f"{type(self).__name__} needs one output for each value to predict, {n} for "
                f"{', '.join(target.name for target in targets)}; {type(model).__name__} gives {width}; choose a model "
                "that classifies examples, such as model=pfn"
            )
        self.check_names(spec)
        self.register_buffer("mean", torch.tensor([target.mean for target in targets]))
        self.register_buffer("std", torch.tensor([target.std for target in targets]))
        self.evaluator = self.make_evaluator(RegressionEvaluator(targets, compare_with=self.compare_with, of=self.of))

    def make_evaluator(self, evaluator: RegressionEvaluator) -> RegressionEvaluator:
        """The evaluator of this loss, from that of predictions alone."""
        return evaluator

    def each(self, found: Tensor, target: Tensor) -> Tensor:
        """The loss (B, T) of the outputs (B, T, K), given the standardised targets (B, T)."""
        raise NotImplementedError(f"{type(self).__name__} does not define a loss of regression")

    def predictions(self, found: Tensor) -> dict[str, Tensor]:
        """`predicted` (B, T), and what else follows from the outputs (B, T, K), in units of the data."""
        return {"predicted": self.mean + self.std * found[..., 0]}

    def of_predictions(self, outputs: Mapping[str, NDArray]) -> NDArray[np.float64]:
        """The loss (n,) of predictions and targets in units of the data, as of an ensemble: what `terms` gives of one.

        Parameters
        ----------
        outputs : `target` (n, T), and what `predictions` returns.
        """
        mean, std = (values.double().cpu() for values in (self.mean, self.std))
        tensors = {name: torch.from_numpy(np.asarray(values, np.float64)) for name, values in outputs.items()}
        each = self.of_standardised(self.standardised(tensors, mean, std), (tensors["target"] - mean) / std)
        return each.mean(1).numpy()

    def standardised(self, outputs: Mapping[str, Tensor], mean: Tensor, std: Tensor) -> Tensor:
        """What is predicted (n, T, K), from units of the data."""
        return ((outputs["predicted"] - mean) / std)[..., None]

    def of_standardised(self, predicted: Tensor, target: Tensor) -> Tensor:
        """The loss (n, T) of standardised predictions (n, T, K) and targets."""
        return self.each(predicted, target)

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        if self.of == "element":
            found, example, real = of_elements(model, batch)
            return self._of_each(batch, example, real, self._split(found)[real])
        return self.predictions(self._found(model, batch))

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if self.of == "element":
            return self._terms_of_elements(model, batch)
        found = self._found(model, batch)
        target = (batch.target.to(found.dtype) - self.mean) / self.std
        each = self.each(found, target).mean(1)
        described = {name: values.detach() for name, values in self.predictions(found).items()}
        return {"loss": weighted_mean(each, batch.weight)}, {
            "loss": each.detach(),
            "target": batch.target,
            **described,
        }

    def _terms_of_elements(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        found, example, known = of_elements(model, batch)
        found, truth = self._split(found), batch.element_target.flatten(0, -2)
        known = known & truth.isfinite().all(-1)  # a beam has no target
        target = (torch.where(known[:, None], truth, self.mean).to(found.dtype) - self.mean) / self.std
        each = torch.where(known, self.each(found, target).mean(1), 0)
        n = sums(known.to(each.dtype), example, len(batch)).clamp(min=1)
        of_example = sums(each, example, len(batch)) / n
        terms = {"loss": weighted_mean(of_example, batch.weight)}
        if self.training:
            return terms, {}
        described = self._of_each(batch, example, known, found[known].detach())
        return terms, {"loss": of_example.detach(), f"{ELEMENT}target": truth[known], **described}

    def _of_each(self, batch, example: Tensor, chosen: Tensor, found: Tensor) -> dict[str, Tensor]:
        """What is predicted for the chosen ones of all elements (m,), and which elements these are."""
        described = {f"{ELEMENT}{name}": values for name, values in self.predictions(found).items()}
        which = {"index": batch.index[example[chosen]], "place": places(example, len(batch))[chosen]}
        return {**{f"{ELEMENT}{name}": values for name, values in which.items()}, **described}

    def _found(self, model: nn.Module, batch) -> Tensor:
        """The outputs (B, T, K) in single precision at least."""
        found = model(batch)
        return self._split(found if found.element_size() >= 4 else found.float())

    def _split(self, found: Tensor) -> Tensor:
        """Outputs (n, T K) as (n, T, K)."""
        return found.unflatten(1, (-1, self.per_target))


class MeanSquaredError(Regression):
    """((prediction - target) / std)^2, with the standard deviation of the target in training; it predicts the mean.

    Parameters
    ----------
    logarithms : whether the targets are natural logarithms, of which relative errors are evaluated too.
    """

    def __init__(
        self,
        compare_with: Sequence[str] = (),
        of: Literal["example", "element"] = "example",
        logarithms: bool = False,
    ) -> None:
        super().__init__(compare_with, of)
        self.logarithms = logarithms

    def make_evaluator(self, evaluator: RegressionEvaluator) -> RegressionEvaluator:
        evaluator.logarithms = self.logarithms
        return evaluator

    def each(self, found: Tensor, target: Tensor) -> Tensor:
        return (found[..., 0] - target).square()

    def boosted(self, batch) -> tuple[Literal["classes", "squares"], Tensor]:
        if self.of == "element" or len(self.mean) != 1:
            raise ConfigError("boosted trees predict one real number of an example: give one of dataset.targets")
        return "squares", ((batch.target - self.mean) / self.std).squeeze(1)


class Huber(Regression):
    """d^2 / 2 for |d| < delta, delta (|d| - delta / 2) beyond, d = (prediction - target) / std: outliers pull less.

    Parameters
    ----------
    delta : in standard deviations of the target.

    Raises
    ------
    ConfigError : a delta that is not positive.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 35 (1964) 73.
    """

    def __init__(
        self,
        delta: float = 1.0,
        compare_with: Sequence[str] = (),
        of: Literal["example", "element"] = "example",
    ) -> None:
        super().__init__(compare_with, of)
        if not 0 < delta < float("inf"):
            raise ConfigError(f"loss.delta must be > 0, got {delta}")
        self.delta = delta

    def each(self, found: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(found[..., 0], target, reduction="none", delta=self.delta)


class Quantile(Regression):
    """The pinball loss max(q d, (q - 1) d), d = (target - prediction) / std, averaged over quantiles q.

    Its minimum is the quantile q of the target's distribution. The median is the prediction; quantiles that cross are
    put in order when they are evaluated.

    Parameters
    ----------
    quantiles : rising, between 0 and 1, the median 0.5 among them.

    Raises
    ------
    ConfigError : quantiles that are not rising, outside (0, 1), or lack the median.

    References
    ----------
    R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46 (1978) 33.
    """

    def __init__(
        self,
        quantiles: Sequence[float] = (0.1587, 0.5, 0.8413),
        compare_with: Sequence[str] = (),
        of: Literal["example", "element"] = "example",
    ) -> None:
        super().__init__(compare_with, of)
        rising = all(a < b for a, b in pairwise(quantiles))
        if not rising or 0.5 not in quantiles or not min(quantiles) > 0 or not max(quantiles) < 1:
            raise ConfigError(
                f"loss.quantiles must be rising, between 0 and 1, with the median 0.5 among them, got {list(quantiles)}"
            )
        self.quantiles = tuple(quantiles)
        self.per_target = len(self.quantiles)

    def make_evaluator(self, evaluator: RegressionEvaluator) -> RegressionEvaluator:
        evaluator.quantiles = self.quantiles
        return evaluator

    def each(self, found: Tensor, target: Tensor) -> Tensor:
        below = target[..., None] - found
        q = found.new_tensor(self.quantiles)
        return torch.maximum(q * below, (q - 1) * below).mean(-1)

    def standardised(self, outputs: Mapping[str, Tensor], mean: Tensor, std: Tensor) -> Tensor:
        return (outputs["quantiles"] - mean[:, None]) / std[:, None]

    def predictions(self, found: Tensor) -> dict[str, Tensor]:
        ordered = self.mean[:, None] + self.std[:, None] * found.sort(dim=-1).values
        return {"predicted": ordered[..., self.quantiles.index(0.5)], "quantiles": ordered}

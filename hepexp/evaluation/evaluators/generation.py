"""Evaluator of generators: distances of what they make from the truth, beside those of the truth from itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.generation.coverage import MISSING, coverage_and_mmd
from hepexp.evaluation.generation.physics_distances import fpd, kpd
from hepexp.evaluation.generation.wasserstein import Comparison
from hepexp.metric import Metric
from hepexp.observable import Observable

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

TRUTH, FLOOR, MADE = "truth/", "floor/", "generated/"  # before the observables of a sample
FEATURES, CLOUD, OF, SECONDS = "features", "cloud", "of", "seconds_"


class GenerationEvaluator(Evaluator):
    """Compares the observables of generated examples with those of the test split, and these with more of the truth.

    It reads, for each observable of the data set, columns truth/<name>, floor/<name> and generated/<name>, (n, K) for
    examples and (m, K) for elements, with the example of each in <sample>/of (m,); if the data set has them,
    <sample>/features (n, F) and <sample>/cloud (n, N, 3). The samples differ in length from each other and from the
    other columns.

    Parameters
    ----------
    observables : of the data set.
    """

    metrics = (
        Metric(
            "w1",
            "lower",
            "mean W1 / spread",
            "Mean Wasserstein-1 distance of the observables that select the best epoch, in units of their true "
            "standard deviation, between generated examples and validation.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "w1_{observable}",
            "lower",
            "W1 ({observable})",
            "Wasserstein-1 distance of the distribution of the observable {observable} between generated and test "
            "examples, averaged over its components (for jets: W1M, W1P and W1EFP of arXiv:2106.11535).",
            range=">= 0",
            error="standard deviation over bootstrap replicas of both samples",
            column=True,
            each_epoch=False,
            values=("mass", "particle", "efp"),
        ),
        Metric(
            "w1_{observable}_floor",
            "neither",
            "W1 ({observable}), truth",
            "Wasserstein-1 distance of the observable {observable} between two samples of the truth: what a perfect "
            "generator would have.",
            range=">= 0",
            error="standard deviation over bootstrap replicas of both samples",
            each_epoch=False,
            values=("mass", "particle", "efp"),
        ),
        Metric(
            "fpd",
            "lower",
            "FPD",
            "Frechet physics distance of the features of the data set (for jets 36 energy flow polynomials), "
            "extrapolated to infinitely many examples (arXiv:2211.10295).",
            range="about 0 for a perfect generator",
            error="standard deviation over bootstrap replicas of both samples",
            each_epoch=False,
        ),
        Metric(
            "fpd_floor",
            "neither",
            "FPD, truth",
            "Frechet physics distance between two samples of the truth: what a perfect generator would have.",
            range="about 0",
            error="standard deviation over bootstrap replicas of both samples",
            each_epoch=False,
        ),
        Metric(
            "kpd",
            "lower",
            "KPD",
            "Kernel physics distance: squared maximum mean discrepancy of the same features, kernel (1 + x.y / F)^4, "
            "median over batches (arXiv:2211.10295).",
            range="about 0 for a perfect generator",
            error="half the width of the central 68 % of batches",
            each_epoch=False,
        ),
        Metric(
            "kpd_floor",
            "neither",
            "KPD, truth",
            "Kernel physics distance between two samples of the truth: what a perfect generator would have.",
            range="about 0",
            error="half the width of the central 68 % of batches",
            each_epoch=False,
        ),
        Metric(
            "cov",
            "higher",
            "COV",
            "Coverage: fraction of 100 true examples that are the nearest one, by the energy mover's distance, of any "
            "of 100 generated ones (arXiv:2106.11535).",
            range="0 to 1",
            error="error of the mean over batches",
            undefined="POT is not installed",
            each_epoch=False,
        ),
        Metric(
            "cov_floor",
            "neither",
            "COV, truth",
            "Coverage of 100 true examples by 100 others: what a perfect generator would have.",
            range="0 to 1",
            error="error of the mean over batches",
            undefined="POT is not installed",
            each_epoch=False,
        ),
        Metric(
            "mmd",
            "lower",
            "MMD",
            "Minimum matching distance: mean energy mover's distance of 100 true examples from the nearest of 100 "
            "generated ones (arXiv:2106.11535).",
            range=">= 0",
            error="error of the mean over batches",
            undefined="POT is not installed",
            each_epoch=False,
        ),
        Metric(
            "mmd_floor",
            "neither",
            "MMD, truth",
            "Minimum matching distance of 100 true examples from 100 others: what a perfect generator would have.",
            range=">= 0",
            error="error of the mean over batches",
            undefined="POT is not installed",
            each_epoch=False,
        ),
        Metric(
            "samples",
            "neither",
            "generated examples",
            "Number of generated examples that are compared with the test split, evaluation.n_samples.",
            range=">= 1",
            no_error="a count",
            whole=True,
            each_epoch=False,
        ),
        Metric(
            "model/generation_{size}",
            "lower",
            "ms/example, batch {size}",
            "Time to generate an example on the device of the run, in batches of {size}.",
            range=">= 0",
            no_error="a median of several passes",
            values=("1", "1000"),
        ),
    )

    def __init__(self, observables: tuple[Observable, ...] = ()) -> None:
        self.observables = observables

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        options.refuse_metrics(type(self).__name__)
        options.refuse_few_labels(type(self).__name__)
        made = copy.copy(self)
        made.observables = spec.observables
        return made

    def quick(self, outputs: Outputs) -> dict[str, float]:
        compared = [self._compared(outputs, one, TRUTH, MADE).relative for one in self.observables if one.selects]
        return {"loss": mean_loss(outputs), "w1": float(np.mean(compared))}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        figures: dict[str, float | str | None] = loss_figures(outputs, seed)
        for suffix, other in (("", MADE), ("_floor", FLOOR)):
            for one in self.observables:
                if one.distance:
                    found = self._compared(outputs, one, TRUTH, other)
                    figures |= _with_error(f"w1_{one.name}{suffix}", found.value, found.error(seed))
            figures |= _joint(outputs, other, suffix, seed)
        figures["samples"] = len(outputs[f"{MADE}{self.observables[0].name}"])
        times = {name.removeprefix(SECONDS): v for name, v in outputs.items() if name.startswith(SECONDS)}
        return figures | {f"model/generation_{size}": 1000 * float(seconds[0]) for size, seconds in times.items()}

    @staticmethod
    def _compared(outputs: Outputs, one: Observable, first: str, second: str) -> Comparison:
        of = [outputs[f"{sample}{OF}"] if one.of == "element" else None for sample in (first, second)]
        return Comparison(outputs[f"{first}{one.name}"], outputs[f"{second}{one.name}"], *of)

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label and loss of each test example; what was generated is in samples.parquet."""
        columns = {"index": outputs["index"].astype(np.int64), "label": outputs["label"].astype(np.int64)}
        return pa.table(columns | ({"loss": outputs["loss"]} if "loss" in outputs else {}))

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        for one in self.observables:
            samples = {sample: outputs[f"{sample}{one.name}"] for sample in (TRUTH, FLOOR, MADE)}
            plots.observable(folder / f"observable_{one.name}.png", one.labels, *samples.values())


def _joint(outputs: Outputs, other: str, suffix: str, seed: int) -> dict[str, float | str | None]:
    """Distances of joint distributions, as far as the data set has what they are of."""
    figures: dict[str, float | str | None] = {}
    if f"{TRUTH}{FEATURES}" in outputs:
        features = (outputs[f"{TRUTH}{FEATURES}"], outputs[f"{other}{FEATURES}"])
        for name, distance in (("fpd", fpd), ("kpd", kpd)):
            figures |= _with_error(f"{name}{suffix}", *distance(*features, seed))
    if f"{TRUTH}{CLOUD}" in outputs:
        if MISSING:
            return figures | {f"{name}{suffix}{end}": v for name in ("cov", "mmd") for end, v in _MISSING.items()}
        for name, found in coverage_and_mmd(outputs[f"{TRUTH}{CLOUD}"], outputs[f"{other}{CLOUD}"], seed).items():
            figures |= _with_error(f"{name}{suffix}", *found)
    return figures


_MISSING: Mapping[str, str | None] = {"": None, "_note": MISSING}


def _with_error(name: str, value: float, error: float) -> dict[str, float]:
    return {name: value, f"{name}_err": error}

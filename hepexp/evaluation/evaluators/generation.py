"""Evaluator of generators: distances of what they make from the truth, beside those of the truth from itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.evaluators.classification import auc
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.generation.comparison import Comparison
from hepexp.evaluation.generation.coverage import MISSING, coverage_and_mmd
from hepexp.evaluation.generation.isotropy import isotropy
from hepexp.evaluation.generation.metrics import GENERATION_METRICS
from hepexp.evaluation.generation.particle_net_distance import KINDS, fpnd
from hepexp.evaluation.generation.physics_distances import fpd, kpd
from hepexp.evaluation.generation.separation import Separation
from hepexp.evaluation.generation.wasserstein import Wasserstein
from hepexp.observable import LayerMap, Observable

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

Compared = TypeVar("Compared", bound=Comparison)
TRUTH, FLOOR, MADE = "truth/", "floor/", "generated/"  # before the observables of a sample
LEVELS = {"low": "low_level", "high": "high_level"}  # of the inputs of classifiers, by the names in figures
CLASSIFIED = "classified/"  # before a sample and such a level: label, 1 for the truth, and score of tested examples
REPLICAS = 200  # of what a classifier was tested on
MAPS, THIRDS = "gallery/maps/", 3  # before what is drawn of showers in three ranges of energy
JETS = "jets/"  # before a sample and the kind of its jets, (n, N, 3), where those of JetNet are known
FEATURES, CLOUD, OF, SECONDS = "features", "cloud", "of", "seconds_"


class GenerationEvaluator(Evaluator):
    """Compares the observables of generated examples with those of the test split, and these with more of the truth.

    It reads, for each observable of the data set, columns truth/<name>, floor/<name> and generated/<name>, (n, K) for
    examples and (m, K) for elements, with the example of each in <sample>/of (m,); if the data set has them,
    <sample>/features (n, F) and <sample>/cloud (n, N, 3). The samples differ in length from each other and from the
    other columns.

    Parameters
    ----------
    observables, layer_maps : of the data set.
    """

    metrics = GENERATION_METRICS

    def __init__(self, observables: tuple[Observable, ...] = (), layer_maps: tuple[LayerMap, ...] = ()) -> None:
        self.observables, self.layer_maps = observables, layer_maps

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        options.refuse_metrics(type(self).__name__)
        options.refuse_few_labels(type(self).__name__)
        made = copy.copy(self)
        made.observables, made.layer_maps = spec.observables, spec.layer_maps
        return made

    def quick(self, outputs: Outputs) -> dict[str, float]:
        compared = [
            self._compared(Wasserstein, outputs, one, TRUTH, MADE).relative for one in self.observables if one.selects
        ]
        return {"loss": mean_loss(outputs), "w1": float(np.mean(compared))}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        figures: dict[str, float | str | None] = loss_figures(outputs, seed)
        for suffix, other in (("", MADE), ("_floor", FLOOR)):
            for one in self.observables:
                for name, kind in (("w1", Wasserstein), ("separation", Separation)) if one.distance else ():
                    found = self._compared(kind, outputs, one, TRUTH, other)
                    figures |= _with_error(f"{name}_{one.name}{suffix}", found.value, found.error(seed))
            figures |= _joint(outputs, other, suffix, seed) | _told_apart(outputs, other, suffix, seed)
        figures |= _from_jetnet(outputs, seed)
        for one in (one for one in self.observables if one.mean):
            for suffix, sample in (("", MADE), ("_truth", TRUTH)):
                values = outputs[f"{sample}{one.name}"].astype(np.float64)
                of = outputs[f"{sample}{OF}"] if one.of == "element" else None
                figures |= _with_error(f"mean_{one.name}{suffix}", *_mean(values.mean(1), of))
        for one in (one for one in self.observables if one.isotropic):
            for suffix, sample in (("", MADE), ("_truth", TRUTH)):
                moments = isotropy(outputs[f"{sample}{one.name}"])
                figures |= {f"isotropy_{name}{suffix}": p for name, p in moments.items()}
        of_examples = [one.name for one in self.observables if one.of != "element"]
        if of_examples:
            figures["samples"] = len(outputs[f"{MADE}{of_examples[0]}"])
        times = {name.removeprefix(SECONDS): v for name, v in outputs.items() if name.startswith(SECONDS)}
        return figures | {f"model/generation_{size}": 1000 * float(seconds[0]) for size, seconds in times.items()}

    @staticmethod
    def _compared(kind: type[Compared], outputs: Outputs, one: Observable, first: str, second: str) -> Compared:
        of = [outputs[f"{sample}{OF}"] if one.of == "element" else None for sample in (first, second)]
        return kind(outputs[f"{first}{one.name}"], outputs[f"{second}{one.name}"], *of)

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label and loss of each test example; what was generated is in samples.parquet."""
        columns = {"index": outputs["index"].astype(np.int64), "label": outputs["label"].astype(np.int64)}
        return pa.table(columns | ({"loss": outputs["loss"]} if "loss" in outputs else {}))

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        for one in (one for one in self.observables if one.drawn):
            samples = {sample: outputs[f"{sample}{one.name}"] for sample in (TRUTH, FLOOR, MADE)}
            plots.observable(folder / f"observable_{one.name}.png", one.labels, *samples.values())
        for kind in ("mean", "single") if self.layer_maps else ():
            layers = range(len(self.layer_maps))
            true, made = ([outputs[f"{MAPS}{sample}{kind}_{k}"] for k in layers] for sample in (TRUTH, MADE))
            at = outputs[f"{MAPS}{'bounds' if kind == 'mean' else 'energies'}"]
            plots.showers(folder / f"showers_{kind}.png", self.layer_maps, at, true, made)


def _mean(values: NDArray[np.float64], of: NDArray[np.int64] | None) -> tuple[float, float]:
    """Mean of values (m,) and its standard error; elements of the same example, `of` (m,), are not independent."""
    mean = float(values.mean())
    missing = values - mean if of is None else np.bincount(of, values - mean)
    n = len(missing)
    return mean, float(np.sqrt(n / max(n - 1, 1) * np.square(missing).sum()) / len(values))


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


def _told_apart(outputs: Outputs, other: str, suffix: str, seed: int) -> dict[str, float | str | None]:
    """How well classifiers told another sample from the truth, where some were trained."""
    figures: dict[str, float | str | None] = {}
    for name, level in LEVELS.items():
        if (key := f"{CLASSIFIED}{other}{level}") not in outputs:
            continue
        figure, (label, score) = f"classifier_auc_{name}{suffix}", outputs[key].T
        if len(label) == 0:
            figures |= {figure: None, f"{figure}_note": "not computed: a classifier needs five examples of each sample"}
            continue
        scores, label = np.stack([1 - score, score], 1), label.astype(np.int64)
        figures |= with_errors({figure: partial(auc, scores, label)}, len(label), seed, n_replicas=REPLICAS)
    return figures


def _from_jetnet(outputs: Outputs, seed: int) -> dict[str, float | str | None]:
    """Distances of generated jets, and of as many true ones, from those of JetNet."""
    figures: dict[str, float | str | None] = {}
    for kind in (kind for kind in KINDS if f"{JETS}{MADE}{kind}" in outputs and f"{JETS}{TRUTH}{kind}" in outputs):
        samples = {"": outputs[f"{JETS}{MADE}{kind}"], "_truth": outputs[f"{JETS}{TRUTH}{kind}"]}
        n = min(map(len, samples.values()))
        for suffix, jets in samples.items():
            found, name = fpnd(jets[:n], kind, seed), f"fpnd_{kind}{suffix}"
            figures |= {name: None, f"{name}_note": found} if isinstance(found, str) else _with_error(name, *found)
    return figures


_MISSING: Mapping[str, str | None] = {"": None, "_note": MISSING}


def _with_error(name: str, value: float, error: float) -> dict[str, float]:
    return {name: value, f"{name}_err": error}

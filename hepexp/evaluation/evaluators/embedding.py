"""Evaluator of embeddings: neighbours and a linear probe, few labels, pairs of examples, and signs of collapse."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import mean, mean_of, ones, with_errors
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.embeddings.alignment import OF_ALIGNMENT, alignment_of, on_sphere, uniformity_of
from hepexp.evaluation.embeddings.classes import OF_NEIGHBOURS, OF_PROBE, neighbour_scores, probe_scores
from hepexp.evaluation.embeddings.collapse import (
    OF_COLLAPSE,
    collapse_doubt,
    collapsed_dimensions,
    effective_rank,
    mean_std,
)
from hepexp.evaluation.embeddings.few_labels import (
    FINE_TUNED,
    FROM_SCRATCH,
    OF_FEW_LABELS,
    PROBE,
    at_fraction,
    empty_class,
    labelled_subset,
    no_figures,
    scores_column,
)
from hepexp.evaluation.embeddings.retrieval import OF_RETRIEVAL, Likeness, found_within
from hepexp.evaluation.evaluators.classification import auc, classification_metrics
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss, refuse_not_finite
from hepexp.evaluation.predictions import predictions_table
from hepexp.metric import NOTE, Metric

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

THE_PROBE = "the linear probe"
MOST_COMPARED = 10_000  # test examples, all with all
RETRIEVED = (1, 5)  # neighbours


class EmbeddingEvaluator(Evaluator):
    """Evaluates `embedding` (n, D) and `label` (n,) against `reference/embedding` and `reference/label`.

    Where the loss compares circuit states or random views, `state` (n, 2^q) or (n, q, 3), vectors of states or Bloch
    vectors of their qubits, and `view_distance` (n,) are evaluated too. The figures of few labels follow from
    `training/embedding` and `training/label`, of all training examples, and from `fine_tuned/scores_at_<fraction>` and
    `from_scratch/scores_at_<fraction>` (n, C), where networks were trained with these labels.

    Parameters
    ----------
    references : number of training examples in which neighbours are searched and to which the probe is fitted.
    k : number of neighbours.
    """

    metrics: tuple[Metric, ...] = (
        *OF_NEIGHBOURS,
        *OF_PROBE,
        *OF_FEW_LABELS,
        *OF_RETRIEVAL,
        *OF_ALIGNMENT,
        *OF_COLLAPSE,
    )

    likeness: Likeness = "cosine"  # by which embeddings are retrieved
    label_fractions: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()
    least_length = 0.0  # on which embeddings count as equal, if their own is smaller
    points: Mapping[str, tuple[float, ...]] = MappingProxyType({})  # working points, by the label as text

    def __init__(self, references: int = 4000, k: int = 5):
        self.references = references
        self.k = k

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        options.refuse_metrics(type(self).__name__)
        options.refuse_samples(type(self).__name__)
        own = copy.copy(self)
        own.label_fractions, own.class_names = options.label_fractions, spec.class_names
        own.fine_tune_steps = options.fine_tune_steps
        own.training = bool(own.label_fractions)
        points = options.setting(spec).working_points
        own.points = {str(c): points[name] for c, name in enumerate(spec.class_names)}
        return own

    def doubt(self, figures: Mapping[str, float | str | None]) -> str:
        share = figures.get("collapsed_dimensions")
        return collapse_doubt(share) if isinstance(share, float) else ""

    def quick(self, outputs: Outputs) -> dict[str, float]:
        refuse_not_finite(outputs)  # neighbours are not defined
        scores, label, weight = self._neighbours(outputs), outputs["label"], outputs.get("weight")
        return {
            "loss": mean_loss(outputs),
            "knn_accuracy": mean(scores.argmax(1) == label, ones(len(label), weight)),
            "knn_auc": auc(scores, label, weight),
            "effective_rank": effective_rank(outputs["embedding"]),
            "embedding_std": mean_std(outputs["embedding"]),
            "collapsed_dimensions": self._collapsed(outputs["embedding"]),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        metrics: dict[str, float | str | None] = {
            **loss_figures(outputs, seed),
            "effective_rank": effective_rank(outputs["embedding"]),
            "embedding_std": mean_std(outputs["embedding"]),
            "collapsed_dimensions": self._collapsed(outputs["embedding"]),
        }
        for name, scores in (("knn", self._neighbours(outputs)), ("probe", self._probe(outputs))):
            weight, setting = outputs.get("weight"), self._setting(scores.shape[1])
            judged = classification_metrics(scores, outputs["label"], seed=seed, weight=weight, setting=setting)
            metrics |= {f"{name}_{key}": value for key, value in judged.items()}
        for fraction in self.label_fractions:
            metrics |= self._with_few_labels(outputs, fraction, seed)
        return {**metrics, **self._of_pairs(outputs, seed)}

    def _collapsed(self, embedding: NDArray) -> float:
        """Lengths count where the loss compares distances."""
        compared = embedding if self.likeness == "distance" else on_sphere(embedding)
        return collapsed_dimensions(compared, self.least_length)

    def _with_few_labels(self, outputs: Outputs, fraction: float, seed: int) -> dict[str, float | str | None]:
        """The figures of all that was trained with a fraction of the labels."""
        label, n_classes = outputs["training/label"], _n_classes(outputs)
        trained: dict[str, float | str | None] = {}
        readers = (PROBE, *((FINE_TUNED, FROM_SCRATCH) if self.fine_tune_steps else ()))
        if empty := empty_class(label, fraction, self.class_names):
            return {k: v for reader in readers for k, v in no_figures(reader, fraction, empty).items()}
        chosen = labelled_subset(label, fraction, seed)
        probe = probe_scores(outputs["embedding"], outputs["training/embedding"][chosen], label[chosen], n_classes)
        for reader in readers:
            scores = probe if reader == PROBE else outputs[scores_column(reader, fraction)]
            if not np.isfinite(scores).all():
                trained |= no_figures(reader, fraction, "the training with these labels diverged; lower optimizer.lr")
                continue
            judged = classification_metrics(
                scores, outputs["label"], seed=seed, weight=outputs.get("weight"), setting=self._setting(n_classes)
            )
            trained |= at_fraction(reader, fraction, judged)
        return trained

    def _of_pairs(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        """The figures of test examples among themselves."""
        n = len(outputs["label"])
        chosen = np.random.default_rng(seed).permutation(n)[:MOST_COMPARED]  # examples that are equal in random order
        every, label, weight = outputs["embedding"], outputs["label"], outputs.get("weight")
        few, of_few = every[chosen], None if weight is None else weight[chosen]
        compared = {"uniformity": uniformity_of(few, of_few)}
        for name, (rows, by) in self._retrieved(outputs).items():
            found = found_within(rows[chosen], label[chosen], RETRIEVED, by)
            compared |= {f"{name}_top{k}": mean_of(values) for k, values in zip(RETRIEVED, found.T, strict=True)}
        alike = {"alignment": alignment_of(every, label)}
        if "view_distance" in outputs:
            alike["view_alignment"] = mean_of(outputs["view_distance"])
        metrics = with_errors(compared, len(chosen), seed, weight=of_few)
        if n > len(chosen):
            said = f"among {len(chosen):,} of the {n:,} examples"
            notes = {f"{name}{NOTE}": metrics.get(f"{name}{NOTE}") for name in compared}
            metrics |= {key: f"{note}; {said}" if note else said for key, note in notes.items()}
        return {**metrics, **with_errors(alike, n, seed, weight=weight)}

    def _retrieved(self, outputs: Outputs) -> dict[str, tuple[NDArray, Likeness]]:
        """What examples are retrieved by, for each kind of retrieval."""
        found: dict[str, tuple[NDArray, Likeness]] = {"retrieval": (outputs["embedding"], self.likeness)}
        if "state" in outputs:
            state = outputs["state"]
            # the mean fidelity of single qubits is (1 + a b / n) / 2 in Bloch vectors a and b of all n of them
            by: Likeness = "fidelity" if np.iscomplexobj(state) else "product"
            found["fidelity_retrieval"] = (state.reshape(len(state), -1), by)
        return found

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        scores, weight = self._probe(outputs), outputs.get("weight")
        setting = self._setting(scores.shape[1])
        return predictions_table(
            outputs["index"], outputs["label"], scores, class_names, weight=weight, setting=setting
        )

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        scores, label, weight = self._probe(outputs), outputs["label"], outputs.get("weight")
        setting = self._setting(scores.shape[1])
        plots.roc(
            folder / "roc.png", scores, label, class_names, seed=seed, of=THE_PROBE, weight=weight, setting=setting
        )
        plots.confusion_matrix(folder / "confusion_matrix.png", scores, label, class_names, of=THE_PROBE, weight=weight)
        title = "embedding: principal components, and t-SNE of some of the examples"
        plots.embedding_map(folder / "embedding.png", outputs["embedding"], label, class_names, title, seed)

    def _setting(self, n_classes: int) -> Setting:
        """Two classes at the run's working points; for more no rejections follow from neighbours and probe."""
        return Setting(tuple(map(str, range(n_classes))), 0, self.points) if n_classes == 2 else Setting.of(n_classes)

    def _neighbours(self, outputs: Outputs) -> np.ndarray:
        reference, label = outputs["reference/embedding"], outputs["reference/label"]
        return neighbour_scores(outputs["embedding"], reference, label, _n_classes(outputs), self.k)

    def _probe(self, outputs: Outputs) -> np.ndarray:
        reference, label = outputs["reference/embedding"], outputs["reference/label"]
        return probe_scores(outputs["embedding"], reference, label, _n_classes(outputs))


def _n_classes(outputs: Outputs) -> int:
    """Labels count from 0; a class that is in neither set does not matter."""
    return int(max(outputs["label"].max(), outputs["reference/label"].max())) + 1

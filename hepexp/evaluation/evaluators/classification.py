"""Evaluator of classifiers: figures of merit with bootstrap errors, ROC, scores, confusion matrix."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import Width, mean, mean_of, ones
from hepexp.evaluation.classifiers.accuracy import Accuracy
from hepexp.evaluation.classifiers.auc import Auc
from hepexp.evaluation.classifiers.breaking import BREAKING, PATHWAYS, PENALTY, auc_moved, breaking, free_share
from hepexp.evaluation.classifiers.conformal import CONFORMAL, IN_SET
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.rejection import ClassRejection, Rejection
from hepexp.evaluation.classifiers.rotation_error import ROTATION_ERROR, rotation_error
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.classifiers.temperature import TEMPERATURE
from hepexp.evaluation.classifiers.uncertainty import ALEATORIC, EPISTEMIC, SPREAD, UNCERTAINTY, uncertainty_figures
from hepexp.evaluation.classifiers.unseen import UNSEEN
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.predictions import predictions_table
from hepexp.metric import Metric, is_of_each_epoch

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

EACH_EPOCH = (Accuracy(), Auc())


class ClassificationEvaluator(Evaluator):
    """Evaluates the columns `scores` (n, C), `label` (n,), `loss` or `batch_loss` (n,), and `weight` (n,) if any.

    Of a network with a free pathway also the columns `pathways` (n, 2, C), and `model/free_weight` (1,). Of some
    networks of images the logits of a test batch and of its rotated images, in the gallery. Of several networks, or of
    one that knows its doubt, also `aleatoric` and `epistemic` (n,) in nats, and `spread` (n, C) between the networks.

    Parameters
    ----------
    measures_breaking : whether there are the columns `logits` (n, C), and `squared_change` (n,) and `moved_scores`
        (n, C) under small elements of a symmetry group.

    Attributes
    ----------
    setting : names of the classes, background and working points; None before the run has said them.
    asked_for : figures of merit in addition to those of every classifier.
    """

    metrics: tuple[Metric, ...] = (ROTATION_ERROR, *BREAKING, *PATHWAYS, *UNCERTAINTY, TEMPERATURE, *CONFORMAL, *UNSEEN)
    setting: Setting | None = None
    asked_for: tuple[FigureOfMerit, ...] = ()

    def __init__(self, measures_breaking: bool = False) -> None:
        self.measures_breaking = measures_breaking

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        options.refuse_few_labels(type(self).__name__)
        options.refuse_samples(type(self).__name__)
        own = copy.copy(self)
        own.setting = options.setting(spec)
        own.asked_for = tuple(options.figures.values())
        own.columns = tuple(dict.fromkeys(name for figure in own.asked_for for name in figure.needs))
        return own

    def asking_for(self, *figures: FigureOfMerit) -> Self:
        """The same evaluator with these figures of merit too, but for those that it has already."""
        own, there = copy.copy(self), {type(figure) for figure in self.asked_for}
        own.asked_for = (*self.asked_for, *(figure for figure in figures if type(figure) not in there))
        return own

    def figures_of_an_epoch(self) -> list[str] | None:
        if self.setting is None:
            return None
        n = self.setting.n_classes  # one example of each class, all classified correctly
        columns = {"scores": np.eye(n), "label": np.arange(n), "loss": np.zeros(n)}
        columns |= {"squared_change": np.zeros(n)} if self.measures_breaking else {}
        return list(self.quick({**columns, **{name: np.ones(n) for name in self.columns}}))

    def quick(self, outputs: Outputs) -> dict[str, float]:
        scores, label = outputs["scores"], outputs["label"]
        found = {"loss": mean_loss(outputs)}
        if "squared_change" in outputs:
            sizes = np.abs(ones(len(label), outputs.get("weight")))
            found[PENALTY] = mean(outputs["squared_change"].astype(np.float64), sizes)
        if np.isnan(scores).any():
            weight = ones(len(label), outputs.get("weight"))
            return {**found, "accuracy": mean(scores.argmax(axis=1) == label, weight), "auc": math.nan}
        examples = self._examples(outputs)
        figures = [*EACH_EPOCH, *(figure for figure in self.asked_for if any(m.each_epoch for m in figure.metrics))]
        for figure in figures:
            each = Judge([figure], examples)()
            found |= {name: value for name, value in each.items() if is_of_each_epoch(name, figure.metrics)}
        return found

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        examples = self._examples(outputs)
        judge = Judge(standard(examples.setting, self.asked_for), examples)
        found = {**loss_figures(outputs, seed), **judge.with_errors(N_BOOTSTRAP, seed)}
        if "gallery/rotated_logits" in outputs:
            found |= rotation_error(outputs["gallery/logits"], outputs["gallery/rotated_logits"], seed)
        if "squared_change" in outputs:
            found |= breaking(outputs["logits"], outputs["squared_change"], seed, outputs.get("weight"))
            found |= auc_moved(self._examples({**outputs, "scores": outputs["moved_scores"]}), N_BOOTSTRAP, seed)
        if "pathways" in outputs:
            found |= free_share(outputs["pathways"], outputs["model/free_weight"], seed, outputs.get("weight"))
        return found | uncertainty_figures(outputs, seed)

    def of_weights(self, outputs: Outputs) -> dict[str, OfWeights]:
        examples = self._examples(outputs)
        judge = Judge(standard(examples.setting, self.asked_for), examples)
        doubt = {name: mean_of(outputs[name]) for name in (ALEATORIC, EPISTEMIC) if name in outputs}
        return super().of_weights(outputs) | judge.of_weights | doubt

    def widths(self, outputs: Outputs) -> dict[str, Width]:
        examples = self._examples(outputs)
        judge = Judge(standard(examples.setting, self.asked_for), examples)
        return {name: judge.width(name) for name in judge.of_weights}

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        more = {name: outputs[name] for name in (*self.columns, ALEATORIC, EPISTEMIC) if name in outputs}
        for name in (name for name in outputs if name == SPREAD or name.startswith(IN_SET)):
            more |= {f"{name}_{of}": outputs[name][:, c] for c, of in enumerate(class_names)}
        return predictions_table(
            outputs["index"],
            outputs["label"],
            outputs["scores"],
            class_names,
            weight=outputs.get("weight"),
            columns=more,
            setting=self.setting,
        )

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        scores, label, weight = outputs["scores"], outputs["label"], outputs.get("weight")
        examples = self._examples(outputs)
        plots.roc(folder / "roc.png", scores, label, class_names, seed=seed, weight=weight, setting=self.setting)
        plots.score_histogram(folder / "scores.png", scores, label, class_names, weight=weight)
        plots.confusion_matrix(folder / "confusion_matrix.png", scores, label, class_names, weight=weight)
        if ALEATORIC in outputs and EPISTEMIC in outputs:
            right = scores.argmax(1) == label
            plots.uncertainty(folder / "uncertainty.png", outputs[ALEATORIC], outputs[EPISTEMIC], right, weight)
        for figure in self.asked_for:
            figure.draw(examples, folder, seed)

    def _examples(self, outputs: Outputs) -> ScoredExamples:
        columns = {name: outputs[name] for name in self.columns if name in outputs}
        return ScoredExamples(outputs["scores"], outputs["label"], outputs.get("weight"), self.setting, columns)


N_BOOTSTRAP = 200  # replicas


def standard(setting: Setting, more: Sequence[FigureOfMerit] = ()) -> list[FigureOfMerit]:
    """The figures of merit of every classifier with these classes, and others, each class of figures once.

    One that is asked for with keys of its own takes the place of the usual one.
    """
    usual: list[FigureOfMerit] = [Accuracy(), Auc()]
    if setting.background is not None:
        usual += [Rejection()] if setting.n_classes == 2 else [ClassRejection()]
    return list({type(figure): figure for figure in (*usual, *more)}.values())


def auc(scores: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Area under the ROC curve; for more than two classes the mean of one-vs-rest areas (macro).

    Fast enough for every epoch. Equal to scikit-learn's `roc_auc_score`.

    Parameters
    ----------
    scores : (n, C) score per class, e.g. probabilities; with two classes the last column is the signal's.
    label : (n,) int, class of each example.
    weight : (n,) of each example, if any.

    Returns
    -------
    The AUC; NaN where it is not defined, with only one class present or a score that is NaN.
    """
    if np.isnan(scores).any():
        return math.nan
    return Judge([Auc()], ScoredExamples(scores, label, weight))()["auc"]


def classification_metrics(
    scores: np.ndarray,
    label: np.ndarray,
    n_bootstrap: int = N_BOOTSTRAP,
    seed: int = 0,
    weight: np.ndarray | None = None,
    setting: Setting | None = None,
) -> dict[str, float | str | None]:
    """Accuracy, AUC and, for two classes, the background rejection 1/eB, each with its error.

    The error is the standard deviation over bootstrap replicas of the test set, for rejections half the width of the
    central 68 %, as 1/eB of few background examples has heavy tails. It covers the finite test set, not the spread
    between trainings.

    Parameters
    ----------
    scores : (n, C) score per class, e.g. probabilities; with two classes the last column is the signal's.
    label : (n,) int, class of each example; with two classes 1 is the signal.
    n_bootstrap : number of replicas; 0 for no errors.
    seed : of the replicas.
    weight : (n,) of each example, may be negative; sums of weights take the place of counts.
    setting : classes, background and working points; by default two classes are background and signal.

    Returns
    -------
    `accuracy`, `auc`, `rejection_0.3`, `rejection_0.5` (at signal efficiencies eS = 0.3 and 0.5, linear on the ROC
    curve), and `<key>_err` of each. None where a figure is not finite: a rejection when no background passes, its error
    when none passes in more than 16 % of the replicas, the AUC when only one class is present; and no error when all
    replicas agree. `<key>_note` gives the reason, and the number of background examples that pass if they are few;
    `<key>_bound` is the lower bound on a rejection at 95 % CL when none of n passes, n / -ln(0.05).

    Raises
    ------
    HepexpError : no examples, or scores that are NaN.
    """
    examples = ScoredExamples(scores, label, weight, setting)
    return Judge(standard(examples.setting), examples).with_errors(n_bootstrap, seed)

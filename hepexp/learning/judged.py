"""Figures of a run, or of an ensemble, on a split: calibrated or not, next to others, and the files that hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from hepexp.atomic import write_json
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.brier import BrierDecomposition
from hepexp.evaluation.classifiers.calibration import CalibrationError
from hepexp.evaluation.classifiers.unseen import doubts, unseen_figures
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, named
from hepexp.evaluation.predictions import write_predictions
from hepexp.evaluation.published_figures import Beside, recorded
from hepexp.evaluation.rounding import number, with_error
from hepexp.figures import about
from hepexp.learning.calibration import Calibration
from hepexp.learning.classifier_scores import classifier_scores
from hepexp.learning.few_labels import few_label_scores
from hepexp.learning.figures import sample
from hepexp.learning.scorer import Scorer
from hepexp.metric import is_beside
from hepexp.tracking.run_folder import RunFolder


class Judged:
    """The outputs of a scorer on a split, and their figures.

    Parameters
    ----------
    scorer : a run or an ensemble.
    config : of the first run.
    split : train, val or test.
    calibration : what is fitted to the validation examples first, if anything.

    Attributes
    ----------
    outputs : per example, calibrated.
    evaluator : of the first run; for calibrated or averaged classifiers with the figures of calibration too.

    Raises
    ------
    ConfigError : a calibration of what has no probabilities.
    """

    def __init__(self, scorer: Scorer, config: DictConfig, split: str, calibration: Calibration) -> None:
        self.scorer, self.config, self.split, self.calibration = scorer, config, split, calibration
        evaluator = scorer.first.module.objective.evaluator
        if calibration:
            calibration.check(evaluator, split, getattr(scorer.first.data, "samples", None))
        if isinstance(evaluator, ClassificationEvaluator) and (calibration.temperature or len(scorer.members) > 1):
            evaluator = evaluator.asking_for(CalibrationError(), BrierDecomposition())
        self.evaluator: Evaluator = evaluator
        self._unseen: tuple[str, dict[str, np.ndarray]] | None = None
        self.each = scorer.each_of_split(split)
        self.before = scorer.combined(self.each)
        if len(scorer.members) == 1:
            self.before |= few_label_scores(scorer.first, split, self.before)
            self.before |= classifier_scores(scorer.first, self.before)
        self.outputs = self.before
        if calibration:
            self.outputs = calibration.apply(self.before, scorer.of_split("val"), config.seed)

    @cached_property
    def figures(self) -> dict[str, float | str | None]:
        """With errors; those of the calibration last."""
        return self._figures_of(self.outputs) | self.calibration.figures

    def _figures_of(self, outputs: Outputs) -> dict[str, float | str | None]:
        return self.evaluator.final(outputs, seed=self.config.seed)

    def add_unseen(self, names: Sequence[str]) -> None:
        """Score examples of classes that were left out of the training, for figures of the doubt for them."""
        if not names:
            return
        if not isinstance(self.evaluator, ClassificationEvaluator):
            raise ConfigError("--unseen is for classifiers, as of loss=cross_entropy; this run has another loss")
        found = self.calibration.scaled(self.scorer.of_unseen(names, self.split))
        self.figures |= unseen_figures(self.outputs, found, self.config.seed)
        self._unseen = (", ".join(names), doubts(found))

    def beside_uncalibrated(self, metrics: Mapping[str, Any]) -> Beside:
        """The figures without the calibration."""
        before = named(self.split, self._figures_of(self.before))
        return recorded(metrics, {key: value for key, value in before.items() if key in metrics and not is_beside(key)})

    def about(self) -> AbstractContextManager[None]:
        """Figures drawn in it say what they show."""
        components = self.scorer.first
        shown = {{"train": "training", "val": "validation"}.get(self.split, "test"): len(self.outputs["index"])}
        return about(sample(self.config, components.data.provenance(), components.noun, shown))

    def write(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """metrics.json, predictions.parquet and the plots."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "metrics.json", metrics)
        components = self.scorer.first
        class_names = components.data.spec.class_names
        write_predictions(folder / "predictions.parquet", self.evaluator.predictions(self.outputs, class_names))
        if (generation := components.module.generation) is not None:
            generation.write(folder / "samples.parquet", self.scorer.folders[0].label)
        (folder / "plots").mkdir(exist_ok=True)
        with self.about():
            self.evaluator.figures(self.outputs, class_names, folder / "plots", seed=self.config.seed)
            if self._unseen is not None:
                from hepexp.evaluation import plots  # matplotlib takes a second to import

                names, found = self._unseen
                plots.unseen(folder / "plots" / "unseen.png", doubts(self.outputs), found, names)
            self.calibration.draw(self.outputs, folder / "plots", seed=self.config.seed)


def beside_recorded(folder: RunFolder, metrics: Mapping[str, Any]) -> Beside:
    """The figures that the run recorded."""
    figures = {key: value for key, value in folder.metrics.items() if key in metrics and not is_beside(key)}
    return recorded(metrics, figures)


def beside_runs(judged: Judged, metrics: Mapping[str, Any]) -> Beside:
    """Mean and standard deviation of the figures of each run of an ensemble."""
    each = [named(judged.split, judged._figures_of(outputs)) for outputs in judged.each]
    found = {}
    for key, value in metrics.items():
        values = [figure for one in each if isinstance(figure := one.get(key), int | float)]
        if is_beside(key) or len(values) < len(each):
            continue
        mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
        difference = f"{value - mean:+.3g}" if isinstance(value, int | float) and value != mean else ""
        found[key] = [(with_error(mean, spread) if spread else number(mean), difference)]
    return found

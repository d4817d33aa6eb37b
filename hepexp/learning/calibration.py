"""Calibration of a trained classifier on its validation examples: temperature, and conformal sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.conformal import IN_SET, KINDS, Threshold
from hepexp.evaluation.classifiers.temperature import TEMPERATURE, Temperature, negative_log_likelihood
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.element_pairs import ElementPairEvaluator
from hepexp.evaluation.evaluators.elements import ElementEvaluator
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs

GRID = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)  # nominal coverages of the figure


@dataclass
class Calibration:
    """What is fitted to the validation examples.

    Parameters
    ----------
    temperature : whether the scores are scaled by a temperature.
    levels : nominal coverages of conformal sets, in (0, 1).
    kind : of the nonconformity score, `lac` or `aps`.

    Attributes
    ----------
    figures : of the calibration and of the sets, by their keys.

    Raises
    ------
    ConfigError : a level outside (0, 1), or an unknown kind.
    """

    temperature: bool = False
    levels: Sequence[float] = ()
    kind: Literal["lac", "aps"] = "lac"
    figures: dict[str, float | str | None] = field(default_factory=dict, init=False)
    _calibrated: Outputs = field(default_factory=dict, init=False, repr=False)
    _fitted: Temperature | None = field(default=None, init=False, repr=False)
    _thresholds: list[Threshold] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        for level in self.levels:
            if not 0 < level < 1:
                raise ConfigError(f"--conformal {level:g}: a coverage is between 0 and 1, such as 0.9")
        if self.kind not in KINDS:
            raise ConfigError(f"--conformal-score must be one of {', '.join(KINDS)}, got {self.kind!r}")

    def __bool__(self) -> bool:
        return self.temperature or bool(self.levels)

    def check(self, evaluator: Evaluator, split: str | None, samples: Mapping[str, str] | None = None) -> None:
        """Refuse what has no calibrated probabilities, the split that the calibration is fitted to, and weak labels.

        Parameters
        ----------
        split : that is judged; None for files.
        samples : what validation calls by the names of classes, if it does not know them.

        Raises
        ------
        ConfigError : names the option.
        """
        option = "--calibrate" if self.temperature else "--conformal"
        if isinstance(evaluator, ElementEvaluator | ElementPairEvaluator):
            kind = "elements" if isinstance(evaluator, ElementEvaluator) else "pairs of elements"
            raise ConfigError(
                f"{option} is for classifiers of examples; this run classifies {kind}, whose scores are not calibrated"
            )
        if not isinstance(evaluator, ClassificationEvaluator):
            raise ConfigError(f"{option} is for classifiers, as of loss=cross_entropy; this run has another loss")
        if split == "val":
            raise ConfigError(f"{option} is fitted to the validation examples; choose another split to judge it on")
        if samples:
            names = ", ".join(f"{meant} for {name}" for name, meant in samples.items())
            raise ConfigError(
                f"{option} is fitted to the labels of the validation examples, and these are not the truth: {names}; "
                "it is for runs with dataset.labels=truth"
            )

    def fit(self, validation: Outputs, seed: int) -> None:
        """Fit temperature and thresholds to validation examples, which are not changed.

        These have chosen the epoch too, so that they are not quite exchangeable with others: their scores are a little
        better. Of one choice among some tens of epochs that is far less than the width of the coverage's distribution.

        Parameters
        ----------
        seed : of the random numbers of the sets.
        """
        if self.temperature:
            self._fitted = Temperature.fit(validation["scores"], validation["label"], validation.get("weight"))
            self.figures |= {TEMPERATURE.name: self._fitted.value, f"{TEMPERATURE.name}_err": self._fitted.error}
        self._calibrated = self.scaled(validation)
        scores, label = self._calibrated["scores"], validation["label"]
        self._thresholds = [Threshold.fit(scores, label, level, self.kind, seed) for level in sorted(self.levels)]

    def calibrated(self, outputs: Outputs, seed: int) -> Outputs:
        """The outputs scaled, with a column in_set_LEVEL (n, C) for each level, after `fit`; they need no label."""
        outputs = dict(self.scaled(outputs))
        sets = {
            f"{IN_SET}_{one.level:g}": one.sets(outputs["scores"], seed).astype(np.int8) for one in self._thresholds
        }
        return outputs | sets

    def apply(self, outputs: Outputs, validation: Outputs, seed: int) -> Outputs:
        """Fit to validation examples, and judge on others: these calibrated; their figures are added to `figures`."""
        self.fit(validation, seed)
        outputs = self.calibrated(outputs, seed)
        for one in self._thresholds:
            self.figures |= one.figures(outputs[f"{IN_SET}_{one.level:g}"].astype(bool), outputs["label"], seed)
        return outputs

    def scaled(self, outputs: Outputs) -> Outputs:
        """The outputs with the fitted temperature, after `fit`; as they are if none was asked for.

        Uncertainties and spreads stay those of the networks: a temperature of their mean says nothing of each.
        """
        if self._fitted is None:
            return outputs
        found = dict(outputs) | {"scores": self._fitted(outputs["scores"])}
        if "loss" in outputs:
            found["loss"] = negative_log_likelihood(found["scores"], outputs["label"]).astype(np.float32)
        return found

    def draw(self, outputs: Outputs, folder: Path, seed: int) -> None:
        """Draw coverage and size of the sets against the nominal coverage, after `apply`, if there are any."""
        if not self.levels:
            return
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        label, validation = outputs["label"], self._calibrated
        coverage, bands, sizes = [], [], []
        for level in GRID:
            threshold = Threshold.fit(validation["scores"], validation["label"], level, self.kind, seed)
            sets = threshold.sets(outputs["scores"], seed)
            coverage.append(np.take_along_axis(sets, label[:, None], 1).mean())
            bands.append(threshold.band(len(label)))
            sizes.append(sets.sum(1).mean())
        plots.conformal_coverage(
            folder / "conformal.png",
            GRID,
            np.array(coverage),
            np.array(bands),
            np.array(sizes),
            len(validation["label"]),
        )

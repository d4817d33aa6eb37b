"""Calibration of a trained classifier on its validation examples: temperature, and conformal sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.conformal import IN_SET, KINDS, Threshold
from hepexp.evaluation.classifiers.temperature import TEMPERATURE, Temperature, negative_log_likelihood
from hepexp.evaluation.classifiers.uncertainty import ALEATORIC, EPISTEMIC, SPREAD
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
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

    def __post_init__(self) -> None:
        for level in self.levels:
            if not 0 < level < 1:
                raise ConfigError(f"--conformal {level:g}: a coverage is between 0 and 1, such as 0.9")
        if self.kind not in KINDS:
            raise ConfigError(f"--conformal-score must be one of {', '.join(KINDS)}, got {self.kind!r}")

    def __bool__(self) -> bool:
        return self.temperature or bool(self.levels)

    def check(self, evaluator: Evaluator, split: str) -> None:
        """Refuse what has no calibrated probabilities, and the split that the calibration is fitted to.

        Raises
        ------
        ConfigError : names the option.
        """
        option = "--calibrate" if self.temperature else "--conformal"
        if not isinstance(evaluator, ClassificationEvaluator):
            raise ConfigError(f"{option} is for classifiers, as of loss=cross_entropy; this run has another loss")
        if split == "val":
            raise ConfigError(f"{option} is fitted to the validation examples; choose another split to judge it on")

    def apply(self, outputs: Outputs, validation: Outputs, seed: int) -> Outputs:
        """The outputs calibrated, with a column in_set_LEVEL (n, C) for each level.

        Parameters
        ----------
        outputs, validation : of the examples to be judged, and of those that it is fitted to; not changed.
        seed : of the random numbers of the sets.
        """
        outputs, validation = dict(outputs), dict(validation)
        if self.temperature:
            fitted = Temperature.fit(validation["scores"], validation["label"], validation.get("weight"))
            self.figures |= {TEMPERATURE.name: fitted.value, f"{TEMPERATURE.name}_err": fitted.error}
            self._fitted = fitted
            outputs, validation = self.scaled(outputs), self.scaled(validation)
        for level in sorted(self.levels):
            threshold = Threshold.fit(validation["scores"], validation["label"], level, self.kind, seed)
            sets = threshold.sets(outputs["scores"], seed)
            self.figures |= threshold.figures(sets, outputs["label"], seed)
            outputs[f"{IN_SET}_{level:g}"] = sets.astype(np.int8)
        self._calibrated = validation
        return outputs

    def scaled(self, outputs: Outputs) -> Outputs:
        """The outputs with the fitted temperature, after `apply`; as they are if none was asked for."""
        if self._fitted is None:
            return outputs
        found = {name: values for name, values in outputs.items() if name not in (ALEATORIC, EPISTEMIC, SPREAD)}
        found["scores"] = self._fitted(outputs["scores"])
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

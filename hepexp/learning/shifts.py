"""What systematic shifts of the inputs change: every figure of a run, and the distribution of its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepexp.atomic import write_json
from hepexp.data.loading.shifts import Shifts
from hepexp.data.transforms.shift import Shift
from hepexp.evaluation.bootstrap import TAIL, Width, error_of, ones, replicas, spread
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs
from hepexp.evaluation.rounding import with_error
from hepexp.evaluation.templates import Variation, channels, templates
from hepexp.learning.calibration import Calibration
from hepexp.learning.scorer import Scorer
from hepexp.metric import in_key
from hepexp.text_table import Column, TextTable

N_BOOTSTRAP = 200


@dataclass(frozen=True)
class Change:
    """A figure with a shift minus without, and its error from replicas of the examples that both have, or why none."""

    value: float | None
    error: float | None
    reason: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return ""
        sign = "+" if self.value > 0 else ""
        return sign + (with_error(self.value, self.error) if self.error else f"{self.value:.3g}")


class Shifted:
    """The outputs of a scorer on a split with each of several shifts.

    Parameters
    ----------
    scorer : a run or an ensemble, whose data sets are as they were afterwards.
    shifts : what is varied.
    split : train, val or test.
    calibration : already fitted, for scores with and without a shift.

    Raises
    ------
    ConfigError : a column that the data set lacks.
    """

    def __init__(self, scorer: Scorer, shifts: Sequence[Shift], split: str, calibration: Calibration) -> None:
        self.shifts = shifts
        self.outputs: list[Outputs] = []
        data_sets = [one.data for one in scorer.members if isinstance(one.data, Shifts)]  # all: see Scorer.check
        for shift in shifts:
            for data in data_sets:
                data.shift(shift, split)
            self.outputs.append(calibration.scaled(scorer.of_split(split)))
        for data in data_sets:
            data.shift(None, split)

    def changes(self, evaluator: Evaluator, nominal: Outputs, seed: int) -> dict[str, dict[str, Change]]:
        """The change of each figure by the name of the shift, with paired bootstrap errors."""
        before = evaluator.of_weights(nominal)
        n, weight = len(nominal["index"]), nominal.get("weight")
        draws = list(replicas(n, N_BOOTSTRAP, seed, weight))
        start = {name: (of(ones(n, weight)), [of(w) for w in draws]) for name, of in before.items()}
        widths = evaluator.widths(nominal)
        found: dict[str, dict[str, Change]] = {}
        for shift, outputs in zip(self.shifts, self.outputs, strict=True):
            after = evaluator.of_weights(outputs)
            found[str(shift)] = {
                name: _change(*start[name], after[name], ones(n, weight), draws, widths.get(name, spread))
                for name in start
                if name in after
            }
        return found

    def table(self, changes: dict[str, dict[str, Change]], split: str) -> TextTable:
        """One row per figure, one column per shift."""
        names = list(dict.fromkeys(name for one in changes.values() for name in one))
        columns = [Column("change of", "name"), *(Column(shift, "figure", keep=1) for shift in changes)]
        rows = [[f"{split}/{name}", *(str(one.get(name, "")) for one in changes.values())] for name in names]
        note = (
            "± standard deviation over bootstrap replicas of the examples, the same with and without a shift; of a "
            "rejection half the width of their central 68 %"
        )
        reasons = [
            f"{split}/{name}, {shift}: {one.reason}"
            for shift, of in changes.items()
            for name, one in of.items()
            if one.reason
        ]
        return TextTable(columns, rows, notes=[note, *reasons])

    def write(
        self,
        folder: Path,
        changes: dict[str, dict[str, Change]],
        nominal: Outputs,
        class_names: tuple[str, ...],
    ) -> None:
        """shifts.json, and of classifiers templates.json and a figure of each template."""
        figures: dict[str, Any] = {}
        for shift, of in changes.items():
            figures[shift] = {
                name: {"change": one.value, "error": one.error} | ({"note": one.reason} if one.reason else {})
                for name, one in of.items()
            }
        write_json(folder / "shifts.json", figures)
        if "scores" not in nominal:
            return
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        found = templates(nominal["scores"], nominal["label"], class_names, self.variations(), nominal.get("weight"))
        write_json(folder / "templates.json", channels(found, class_names))
        for one in found:
            for varied in one.up:
                which = f"_{in_key(one.of)}" if len(found) > 1 else ""
                plots.template(folder / "plots" / f"template{which}_{in_key(varied)}.png", one, varied, class_names)

    def variations(self) -> dict[str, Variation]:
        """The scores with each shift up and down, by the name of what is varied."""
        return {
            name: Variation(*(None if one is None else self.outputs[one]["scores"] for one in pair))
            for name, pair in pairs(self.shifts).items()
        }


def pairs(shifts: Sequence[Shift]) -> dict[str, tuple[int | None, int | None]]:
    """The places of the shifts up and down that make a template together, by the name of what they vary.

    Up are those above the value that changes nothing. The first up and the first down of a quantity are a pair, and so
    on; one that is left over has no partner. Where a quantity has several pairs, the values are part of their names.
    """
    found: dict[str, tuple[int | None, int | None]] = {}
    for name in dict.fromkeys(shift.name for shift in shifts):
        own = [i for i, shift in enumerate(shifts) if shift.name == name]
        ups, downs = ([i for i in own if shifts[i].is_up == up] for up in (True, False))
        several = list(zip_longest(ups, downs))
        for pair in several:
            values = ",".join(f"{shifts[i].value:g}" for i in pair if i is not None)
            found[f"{name}={values}" if len(several) > 1 else name] = pair
    return found


def _change(
    value: float,
    before: list[float],
    after: Callable[[NDArray], float],
    weight: NDArray,
    draws: list[NDArray],
    width: Width,
) -> Change:
    change = after(weight) - value
    if not np.isfinite(change):
        return Change(None, None, f"no value {'with' if np.isfinite(value) else 'without'} the shift")
    with np.errstate(invalid="ignore"):  # no background passes in a replica of either: inf - inf
        differences = np.array([after(w) - b for w, b in zip(draws, before, strict=True)])
    if not change and not np.nan_to_num(differences).any():
        return Change(0.0, None)  # the same with and without the shift
    if (missing := np.isnan(differences).mean()) > TAIL:
        return Change(float(change), None, f"no error: {missing:.0%} of the bootstrap replicas have no value")
    error, reason = error_of(differences.tolist(), len(weight), width)
    return Change(float(change), error, reason)

"""All figures of one set of predictions, with their bootstrap errors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import Width, error_of, no_sum, replicas
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples


class Judge:
    """Figures of merit of one set of predictions, for any weights of the examples; sorts them once.

    Parameters
    ----------
    figures : which; each must be defined for these classes.
    examples : the predictions.
    """

    def __init__(self, figures: Sequence[FigureOfMerit], examples: ScoredExamples) -> None:
        self.examples, self.figures = examples, figures
        found = [(figure, name, of) for figure in figures for name, of in figure.figures(examples).items()]
        self._of = {name: of for _, name, of in found}
        self._owner = {name: figure for figure, name, _ in found}

    def __call__(self, weight: NDArray | None = None) -> dict[str, float]:
        """Figures for weights (n,), by default those of the examples; may be NaN or infinite."""
        weight = self.examples.weights if weight is None else weight
        return {name: of(weight) for name, of in self._of.items()}

    @property
    def of_weights(self) -> dict[str, OfWeights]:
        """Each figure as a function of the weights (n,) of the examples."""
        return dict(self._of)

    def width(self, name: str) -> Width:
        """How the error of a figure follows from its bootstrap replicas."""
        return type(self._owner[name]).width

    def with_errors(self, n_bootstrap: int, seed: int) -> dict[str, float | str | None]:
        """Each figure, `<name>_err` from bootstrap replicas of the examples, and its `_note` and `_bound`, if any."""
        n = len(self.examples)
        draws = [self(weight) for weight in replicas(n, n_bootstrap, seed, self.examples.weight)]
        metrics: dict[str, float | str | None] = {}
        for name, value in self().items():
            metrics[name] = value if math.isfinite(value) else None
            remarks, reason = self._owner[name].remarks(name, self.examples), ""
            if n_bootstrap:
                error, reason = error_of([draw[name] for draw in draws], n, self.width(name))
                metrics[f"{name}_err"] = None if metrics[name] is None else error
            if metrics[name] is None:
                reason = "" if "note" in remarks else no_sum(self.examples.weight)
            elif outside := self._outside(name, value):
                reason = "; ".join(filter(None, [outside, reason]))
            if reason:
                note = remarks.get("note")
                remarks["note"] = f"{note}; {reason}" if note else reason
            metrics |= {f"{name}_{suffix}": said for suffix, said in remarks.items()}
        for figure in self.figures if n_bootstrap else ():
            metrics |= figure.simulated(self.examples, n_bootstrap, seed)
        return metrics

    def _outside(self, name: str, value: float) -> str:
        """Why a figure has a value that no set of examples without weights gives; empty if it has not."""
        (low, high), n = self._owner[name].limits, int((self.examples.weights < 0).sum())
        if low <= value <= high or not n:
            return ""
        limits = f">= {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        return f"outside {limits}, as the weights of {n:,} of {len(self.examples):,} examples are negative"

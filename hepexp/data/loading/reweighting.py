"""Reweighting of classes to a common spectrum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

FLAT = "flat"
_MOST_BINS = 1000


class Reweighting:
    """Weights that give some classes the spectrum of another one, in one or two variables.

    The spectra are histograms of the training examples, with bin edges at their quantiles. Training, validation and
    test examples get the ratio of the spectra in their bin; examples beyond the edges that of the outermost bin. The
    sum of the weights of a class does not change.

    Parameters
    ----------
    variables : one or two of the stored columns and observables, such as pt; empty for no reweighting.
    to : the class whose spectrum the others get, or `flat`.
    classes : the classes that are reweighted; null for all, except `to`.
    n_bins : number of bins of each variable.

    Raises
    ------
    ConfigError : more than two variables, or a number of bins below 2 or above 1000.
    """

    def __init__(
        self,
        variables: Sequence[str] = (),
        to: str = FLAT,
        classes: Sequence[str] | None = None,
        n_bins: int = 20,
    ) -> None:
        if len(variables) > 2:
            raise ConfigError(
                f"dataset.reweight.variables must name one or two variables, got {len(variables)}: "
                f"{', '.join(variables)}"
            )
        if not 2 <= n_bins <= _MOST_BINS:
            raise ConfigError(f"dataset.reweight.n_bins must be from 2 to {_MOST_BINS}, got {n_bins}")
        self.variables = tuple(variables)
        self.to = to
        self.classes = classes
        self.n_bins = n_bins

    def chosen(self, class_names: Sequence[str]) -> list[int]:
        """The labels of the classes that are reweighted.

        Raises
        ------
        ConfigError : a class is unknown, or none is left.
        """
        wanted = [name for name in class_names if name != self.to] if self.classes is None else list(self.classes)
        for key, name in (("classes", name) for name in wanted):
            self._check(key, name, class_names)
        if self.to != FLAT:
            self._check("to", self.to, (*class_names, FLAT))
        if not wanted:
            raise ConfigError("dataset.reweight.classes must name one or more classes, got none")
        return [list(class_names).index(name) for name in wanted]

    @staticmethod
    def _check(key: str, name: str, known: Sequence[str]) -> None:
        if name not in known:
            hint = did_you_mean(str(name), known)
            raise ConfigError(f"dataset.reweight.{key}: unknown {name!r}{hint} (known: {', '.join(known)})")

    def edges(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Edges (V, n_bins + 1) of the bins, from the variables (n, V) of training examples."""
        return np.quantile(values, np.linspace(0, 1, self.n_bins + 1), axis=0).T

    def bins(self, values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
        """The bin (n,) of each example with these variables (n, V)."""
        found = np.zeros(len(values), np.int64)
        for column, of_column in zip(values.T, edges, strict=True):
            found = found * self.n_bins + np.searchsorted(of_column[1:-1], column, side="right")
        return found

    def factors(
        self,
        bins: NDArray[np.int64],
        label: NDArray[np.int64],
        weight: NDArray[np.float64],
        edges: NDArray[np.float64],
        class_names: Sequence[str],
    ) -> NDArray[np.float64]:
        """Weight (C, bins) of an example of each class in each bin.

        It is 1 for classes that are not reweighted, and in bins where a class has no training examples, or where their
        weights, of which some are negative, do not add up to a positive number.

        Parameters
        ----------
        bins, label, weight : (n,) of training examples.
        """
        n = self.n_bins ** len(edges)

        def spectrum(of: int) -> NDArray[np.float64]:
            counts = np.bincount(bins[label == of], weight[label == of], minlength=n)
            return counts / counts.sum() if counts.sum() > 0 else np.zeros(n)

        if self.to == FLAT:
            wanted = np.ones(1)
            for of_column in edges:
                wanted = np.outer(wanted, np.diff(of_column) / (of_column[-1] - of_column[0])).ravel()
        else:
            wanted = spectrum(list(class_names).index(self.to)).clip(min=0)
        found = np.ones((len(class_names), n))
        for of in self.chosen(class_names):
            own = spectrum(of)
            np.divide(wanted, own, out=found[of], where=own > 0)
        return found

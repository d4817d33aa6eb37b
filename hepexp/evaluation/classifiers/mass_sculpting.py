"""Mass sculpting: whether a cut on the score changes the background's distribution of mass."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError
from hepexp.evaluation.bootstrap import mean
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.metric import Metric

NONE_PASSES = "no background example passes"
OUTSIDE = 0.005  # share of the background on either side that falls into the outermost bins


class MassSculpting(FigureOfMerit):
    """The background's mass before and after the cuts at the working points.

    The cut is that on all test examples; a bootstrap replica weights the examples on either side of it.

    Parameters
    ----------
    column : `mass`, the invariant mass of an example's particles in GeV, or a stored column such as `jet_sdmass`.
    bins : number of bins of equal width of the histograms that are compared.

    References
    ----------
    ATLAS, ATL-PHYS-PUB-2018-014, section 5.
    """

    metrics = (
        Metric(
            "mass_jsd_{eS}",
            "lower",
            "mass JSD (εS={eS})",
            "Jensen-Shannon divergence, in bit, of the background's mass before and after the cut at signal "
            "efficiency {eS}, in 20 bins by default (ATL-PHYS-PUB-2018-014); 0 if the cut does not depend on the mass.",
            latex=r"mass JSD ($\varepsilon_S={eS}$)",
            range="0 to 1",
            undefined=NONE_PASSES,
            each_epoch=False,
        ),
        Metric(
            "mass_jsd_{class}_{eS}",
            "lower",
            "mass JSD ({class}, εS={eS})",
            "Jensen-Shannon divergence, in bit, of the background's mass before and after the cut at the "
            "efficiency {eS} for the class {class}, on s/(s + s_background), in 20 bins by default; 0 if the cut does "
            "not depend on the mass.",
            latex=r"mass JSD ({class}, $\varepsilon_S={eS}$)",
            range="0 to 1",
            undefined=NONE_PASSES,
            each_epoch=False,
        ),
        Metric(
            "background_mass_{eS}",
            "neither",
            "background mass (εS={eS})",
            "Mean mass in GeV of the background above the cut at signal efficiency {eS}.",
            latex=r"background mass ($\varepsilon_S={eS}$)",
            range=">= 0, in GeV",
            undefined=NONE_PASSES,
            each_epoch=False,
        ),
        Metric(
            "background_mass_{class}_{eS}",
            "neither",
            "background mass ({class}, εS={eS})",
            "Mean mass in GeV of the background above the cut at the efficiency {eS} for the class {class}.",
            latex=r"background mass ({class}, $\varepsilon_S={eS}$)",
            range=">= 0, in GeV",
            undefined=NONE_PASSES,
            each_epoch=False,
        ),
        Metric(
            "background_mass",
            "neither",
            "background mass",
            "Mean mass in GeV of the background before any cut.",
            range=">= 0, in GeV",
            undefined="there is no background",
            each_epoch=False,
        ),
    )
    needs_background = True

    def __init__(self, column: str = "mass", bins: int = 20) -> None:
        if bins < 2:
            raise ConfigError(f"bins of the mass sculpting must be >= 2, got {bins}")
        self.needs = (column,)
        self.bins = bins

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        setting, mass = examples.setting, examples.columns[self.needs[0]].astype(np.float64)
        background = examples.label == setting.background
        if not background.any():
            return {"background_mass": lambda weight: math.nan}
        edges = self._edges(mass, background, examples.weights)
        place = np.clip(np.searchsorted(edges, mass, "right") - 1, 0, self.bins - 1)
        found: dict[str, OfWeights] = {"background_mass": _mean_among(mass, background)}
        for c in setting.signals:
            for at in setting.points(c):
                passing = _passing(examples, c, at)
                found[setting.key("mass_jsd", c, at)] = self._divergence(place, background, passing)
                found[setting.key("background_mass", c, at)] = _mean_among(mass, passing)
        return found

    def remarks(self, name: str, examples: ScoredExamples) -> dict[str, float | str]:
        """How many background examples pass, if they are too few for the bins."""
        setting = examples.setting
        for c in setting.signals:
            for at in setting.points(c):
                if name == setting.key("mass_jsd", c, at) and (n := int(_passing(examples, c, at).sum())) < self.bins:
                    total = int((examples.label == setting.background).sum())
                    passing = "example passes" if n == 1 else "examples pass"
                    return {"note": f"biased upwards: {n} of {total:,} background {passing}, in {self.bins} bins"}
        return {}

    def draw(self, examples: ScoredExamples, folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        setting, mass = examples.setting, examples.columns[self.needs[0]].astype(np.float64)
        background = examples.label == setting.background
        if not background.any():
            return
        for c in setting.signals:
            chosen = {"no cut": background}
            chosen |= {f"$\\varepsilon_S$ = {at:g}": _passing(examples, c, at) for at in setting.points(c)}
            file = folder / f"{setting.key('background_mass', c)}.png"
            edges = self._edges(mass, background, examples.weights)
            plots.background_mass(file, mass, chosen, examples.weights, edges, setting.class_names, c)

    def _edges(self, mass: NDArray, background: NDArray[np.bool_], weight: NDArray) -> NDArray:
        size = np.abs(weight[background])
        shares = (OUTSIDE, 1 - OUTSIDE)
        low, high = np.quantile(mass[background], shares, weights=size if size.any() else None, method="inverted_cdf")
        return np.linspace(low, high if high > low else low + 1, self.bins + 1)

    def _divergence(self, place: NDArray, background: NDArray, passing: NDArray) -> OfWeights:
        def of(weight: NDArray) -> float:
            before, after = (np.bincount(place[some], weight[some], self.bins) for some in (background, passing))
            return jensen_shannon(before, after)

        return of


def jensen_shannon(p: NDArray, q: NDArray) -> float:
    """Jensen-Shannon divergence in bit of two histograms (b,), from 0 to 1; negative bins count as empty.

    References
    ----------
    J. Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37 (1991) 145.
    """
    p, q = (np.maximum(values, 0).astype(np.float64) for values in (p, q))
    if not p.sum() or not q.sum():
        return math.nan
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    terms = [np.sum(x[x > 0] * np.log2(x[x > 0] / middle[x > 0])) for x in (p, q)]
    return float(min(max(sum(terms) / 2, 0.0), 1.0))


def _passing(examples: ScoredExamples, c: int, at: float) -> NDArray[np.bool_]:
    """The background examples (n,) above the cut that keeps a fraction of a class."""
    curve = examples.against_background(c)
    above = np.zeros(len(examples), bool)
    above[curve.above(at, examples.weights)] = True
    return above & (examples.label == examples.setting.background)


def _mean_among(values: NDArray, chosen: NDArray[np.bool_]) -> OfWeights:
    own = values[chosen]
    return lambda weight: mean(own, weight[chosen])

"""Four-momenta and scalars of a user's particles."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.files.scaled_input import DEFAULT_CLIP, Input
from hepexp.data.expressions.expression import Expression
from hepexp.data.physics import species
from hepexp.data.physics.kinematics import four_momenta
from hepexp.data.representations.scale import Scaled, mean_and_spread
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import psi, with_particles
from hepexp.data.transforms.transform import Transform

log = logging.getLogger(__name__)


class Standardised(Scaled):
    """Values that are shifted, scaled and clipped; where it is not said how, to mean 0 and variance 1 in training.

    Values that are NaN or infinite have no part in that, and are replaced if it is said by what.

    Parameters
    ----------
    key : of the data set, for messages.
    inputs : the columns.
    """

    scales = ("mean", "std")

    def __init__(self, key: str, inputs: Sequence[Input]) -> None:
        self.key = key
        self.inputs = tuple(inputs)
        given = [(one.shift, one.scale) for one in inputs]
        self._fitted = np.array([shift is None for shift, _ in given], bool)
        self.mean = np.array([0.0 if shift is None else shift for shift, _ in given])
        self.std = np.array([1.0 if scale is None else scale for _, scale in given])
        clips = [one.clip or (-np.inf, np.inf) for one in inputs]
        self._pad = np.array([np.nan if one.pad is None else one.pad for one in inputs])
        self._low, self._high = np.array(clips, float).reshape(-1, 2).T

    @property
    def steps(self) -> dict[str, NDArray[np.float64]]:
        """What is done to each column (F,): mean, std, the ends of the range low and high, and pad, NaN for none."""
        return {"mean": self.mean, "std": self.std, "low": self._low, "high": self._high, "pad": self._pad}

    def fit_to(self, values: NDArray) -> None:
        """Fit mean and spread to values (n, F) of training examples."""
        columns = [column[np.isfinite(column)] for column in values.T]
        for one, column, fitted in zip(self.inputs, columns, self._fitted, strict=True):
            what = "NaN or infinite" if not len(column) else f"{column[0]:g}" if np.ptp(column) == 0 and fitted else ""
            if what:
                log.warning(
                    "data: dataset.%s: '%s' is %s for all training examples looked at, which tells a model nothing",
                    *(self.key, one.expr, what),
                )
        found = [mean_and_spread(self._without_tails(i, column)[:, None]) for i, column in enumerate(columns)]
        mean, std = (np.array([one[i][0] for one in found]) for i in (0, 1))
        self.mean, self.std = np.where(self._fitted, mean, self.mean), np.where(self._fitted, std, self.std)

    def _without_tails(self, i: int, column: NDArray) -> NDArray:
        """Values (n,) of an input that is clipped, of which those far out are moved to the ends of a range.

        It is 5 times half the central 68 %, about the median: otherwise a few values would set mean and spread, and all
        others be alike. Nothing changes where no value is far out, or where most values are the same.
        """
        if not len(column):
            return np.zeros(1)
        low, middle, high = np.quantile(column, (0.16, 0.5, 0.84))
        width = (high - low) / 2
        if width == 0 or self.inputs[i].clip is None:
            return column
        return np.clip(column, *(middle + end * width for end in DEFAULT_CLIP))

    def scaled(self, values: NDArray) -> NDArray[np.float32]:
        """The scaled values (n, F)."""
        scaled = np.clip((values - self.mean) / self.std, self._low, self._high)
        if not np.isnan(self._pad).all():
            scaled = np.where(np.isfinite(values) | np.isnan(self._pad), scaled, self._pad)
        return scaled.astype(np.float32)


class FileParticles(Transform):
    """Four-momenta from the components that a file has, and its scalars.

    Parameters
    ----------
    momenta : column of each component, or its constant value.
    scalars : columns and scales of the scalars; without any they are (psi(m), 0), as in arXiv:2201.08187, section 4.
    """

    def __init__(self, momenta: Mapping[str, Expression | float], scalars: Sequence[Input] = ()) -> None:
        self.momenta = {name: one.text if isinstance(one, Expression) else one for name, one in momenta.items()}
        self.scalars = Standardised("scalars", scalars)
        self.scalar_names, self.own_scalars = tuple(one.expr for one in scalars), bool(scalars)
        self.mass_scalar = None if scalars else 0

    def fit(self, jets: Ragged) -> None:
        if self.scalars.inputs:
            self.scalars.fit_to(self._scalars(jets))

    def __call__(self, jets: Ragged) -> Ragged:
        p4 = self.p4(jets)
        if self.scalars.inputs:
            return with_particles(jets, p4, self.scalars.scaled(self._scalars(jets)))
        mass = np.sqrt(np.abs(p4[:, 0] ** 2 - (p4[:, 1:] ** 2).sum(1)))
        return with_particles(jets, p4, np.stack([psi(mass), np.zeros(len(p4))], axis=1))

    def _scalars(self, jets: Ragged) -> NDArray[np.float64]:
        """The scalars (m, S) of all particles; those with one value for each jet are repeated for its particles."""
        columns = [
            jets.elements[name] if name in jets.elements else np.repeat(jets.extras[name], jets.counts)
            for name in (one.expr for one in self.scalars.inputs)
        ]
        return np.stack([column.astype(np.float64) for column in columns], axis=1)

    def p4(self, jets: Ragged) -> NDArray[np.float64]:
        """(E, px, py, pz) of all particles (m, 4), in GeV."""
        its = self.components(jets)
        if "px" in its:
            px, py, pz = its["px"], its["py"], its["pz"]
        elif "y" in its and "mass" in its:
            return four_momenta(its["pt"], its["y"], its["phi"], its["mass"])
        else:
            px, py = its["pt"] * np.cos(its["phi"]), its["pt"] * np.sin(its["phi"])
            pz = its["pt"] * np.sinh(its["eta"]) if "eta" in its else its["energy"] * np.tanh(its["y"])
        energy = its["energy"] if "energy" in its else np.sqrt(px**2 + py**2 + pz**2 + its["mass"] ** 2)
        return np.stack([energy, px, py, pz], axis=1)

    def energy_and_momentum(self, jets: Ragged) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """E and |p| of all particles (m,), in GeV; unlike `p4`, it takes no functions of the azimuth."""
        its = self.components(jets)
        pt2 = its["pt"] ** 2 if "pt" in its else its["px"] ** 2 + its["py"] ** 2
        if "y" in its and "mass" in its:
            transverse = np.sqrt(pt2 + its["mass"] ** 2)
            energy, pz = transverse * np.cosh(its["y"]), transverse * np.sinh(its["y"])
        elif "y" in its:
            energy, pz = its["energy"], its["energy"] * np.tanh(its["y"])
        else:
            pz = its["pz"] if "pz" in its else its["pt"] * np.sinh(its["eta"])
            energy = its["energy"] if "energy" in its else np.sqrt(pt2 + pz**2 + its["mass"] ** 2)
        return energy, np.sqrt(pt2 + pz**2)

    def components(self, jets: Ragged) -> dict[str, NDArray[np.float64]]:
        """Each component that is given, of all particles (m,), with the mass in place of the species."""
        n = int(jets.offsets[-1])
        its = {
            name: np.full(n, one) if isinstance(one, float) else jets.elements[one].astype(np.float64)
            for name, one in self.momenta.items()
        }
        if "pid" in its:
            its["mass"] = species.mass(its.pop("pid"))
        return its

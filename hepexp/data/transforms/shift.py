"""A systematic shift: what the examples would be if a quantity were measured a little differently."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import psi
from hepexp.data.transforms.resolution import Resolution, deviates
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError

P4 = "p4"
NEUTRAL = {"scale": 1.0, "add": 0.0, "smear": 0.0, "drop": 0.0}
FORM = "COLUMN.OPERATION=VALUE or =UP,DOWN, such as p4.scale=1.01,0.99"


@dataclass(frozen=True)
class Shift(Transform):
    """One variation of one column.

    Random numbers follow from the bits of the elements, so that the same element is shifted alike each time.

    Parameters
    ----------
    column : `p4`, the four-momenta in GeV of all particles, or a stored column of real numbers.
    operation : scale, times the value; add, plus the value, in the units of the column; smear, times a random number of
        mean 1 and this relative width, of p4 as `dataset.smear` does; drop, of p4, leaves out this fraction of the
        particles, but at least one stays.
    value : of the operation.

    Raises
    ------
    ConfigError : an unknown operation, or a value that makes no sense for it.
    """

    column: str
    operation: str
    value: float

    def __post_init__(self) -> None:
        if self.operation not in NEUTRAL:
            raise ConfigError(
                f"--shift {self}: unknown operation '{self.operation}'{did_you_mean(self.operation, NEUTRAL)} (known: "
                f"{', '.join(NEUTRAL)})"
            )
        if self.column == P4 and self.operation == "add":
            raise ConfigError(f"--shift {self}: four-momenta are scaled, smeared or dropped; nothing is added to them")
        if self.column != P4 and self.operation == "drop":
            raise ConfigError(f"--shift {self}: only particles are dropped: p4.drop={self.value:g}")
        low, high = {"scale": (1e-3, 1e3), "smear": (0, 1), "drop": (0, 0.99)}.get(self.operation, (-1e12, 1e12))
        if not low <= self.value <= high:  # NaN too
            raise ConfigError(f"--shift {self}: the value must be between {low:g} and {high:g}")

    def __str__(self) -> str:
        return f"{self.column}.{self.operation}={self.value:g}"

    @property
    def name(self) -> str:
        """What is varied, `p4.scale`."""
        return f"{self.column}.{self.operation}"

    @property
    def is_up(self) -> bool:
        return self.value >= NEUTRAL[self.operation]

    @classmethod
    def read(cls, text: str) -> list[Self]:
        """The shifts of `COLUMN.OPERATION=VALUE,VALUE`.

        Raises
        ------
        ConfigError : another form, more than two values, or values that are no numbers.
        """
        name, sign, values = text.partition("=")
        column, dot, operation = name.rpartition(".")
        try:
            numbers = [float(value) for value in values.split(",")]
        except ValueError:
            numbers = []
        if not (sign and dot and column and numbers and all(map(math.isfinite, numbers))):
            raise ConfigError(f"--shift {text}: expected {FORM}")
        if len(numbers) > 2 or len(set(numbers)) < len(numbers):
            raise ConfigError(f"--shift {text}: expected one value, or one up and one down; repeat --shift for others")
        return [cls(column, operation, number) for number in numbers]

    def check(self, columns: Collection[str]) -> None:
        """Refuse a column that the data set lacks; `columns` are those that it has."""
        if self.column not in columns:
            raise ConfigError(
                f"--shift {self}: the data set has no column '{self.column}'{did_you_mean(self.column, columns)} "
                f"(known: {', '.join(columns)})"
            )

    def __call__(self, examples: Ragged) -> Ragged:
        """The examples with the stored column shifted."""
        if self.column in examples.elements:
            return replace(examples, elements={**examples.elements, **self._moved(examples.elements)})
        return replace(examples, extras={**examples.extras, **self._moved(examples.extras)})

    def _moved(self, columns: Mapping[str, NDArray]) -> dict[str, NDArray]:
        before = columns[self.column]
        values = before.astype(np.float64)
        match self.operation:
            case "scale":
                values = values * self.value
            case "add":
                values = values + self.value
            case "smear":
                numbers = [one for one in columns.values() if one.ndim == 1 and one.dtype.kind in "fiu"]
                noise = deviates(np.stack(numbers, axis=1).astype(np.float64))
                values = values * np.exp(self.value * noise - self.value**2 / 2)
        return {self.column: values.astype(before.dtype)}

    def of_momenta(self, mass_scalar: int | None) -> Transform:
        """The step behind that which makes four-momenta; `mass_scalar` is the place of psi(mass) among the scalars."""
        made: dict[str, Callable[[], Transform]] = {
            "scale": lambda: _Scale(self.value, mass_scalar),
            "smear": lambda: Resolution(self.value),
            "drop": lambda: _Drop(self.value),
        }
        return made[self.operation]()


class _Scale(Transform):
    """All four-momenta times a factor, and the scalar psi(mass) with them."""

    def __init__(self, factor: float, mass_scalar: int | None) -> None:
        self.factor, self.mass_scalar = factor, mass_scalar

    def __call__(self, jets: Ragged) -> Ragged:
        found = {"p4": jets["p4"] * self.factor}
        if self.mass_scalar is not None:
            scalars = jets["scalars"].copy()
            compressed = scalars[:, self.mass_scalar].astype(np.float64)
            mass = np.sign(compressed) * np.expm1(np.abs(compressed))
            scalars[:, self.mass_scalar] = psi(self.factor * mass)
            found["scalars"] = scalars
        return replace(jets, elements={**jets.elements, **found})


class _Drop(Transform):
    """Particles that are not seen, a fraction of all; of a jet of which none would be left, the hardest stays."""

    def __init__(self, fraction: float) -> None:
        self.fraction = fraction

    def __call__(self, jets: Ragged) -> Ragged:
        from scipy.special import ndtr  # a uniform number of each normal one

        p4 = jets["p4"]
        example = np.repeat(np.arange(len(jets)), jets.counts)
        seen = ndtr(deviates(p4)) >= self.fraction
        lost = np.bincount(example[seen], minlength=len(jets)) == 0
        hardest = np.lexsort((-np.hypot(p4[:, 1], p4[:, 2]), example))[jets.offsets[:-1][lost & (jets.counts > 0)]]
        seen[hardest] = True
        return jets.keep(seen)

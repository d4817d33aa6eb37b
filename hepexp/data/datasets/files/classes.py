"""The class of each example, or of each particle, as it follows from columns of a user's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.files.names import check_names
from hepexp.data.datasets.files.scaled_input import Text, is_number
from hepexp.data.expressions.expression import Expression
from hepexp.data.expressions.parse import parse
from hepexp.data.store.ragged import NO_LABEL
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError

MOST_CLASSES = 127  # labels are stored in a byte
OF_PARTICLE = "class of the particle"  # column of the store; no expression of a user has this text


@dataclass(frozen=True)
class Classes:
    """Which value of a label, or which condition, stands for which class.

    Parameters
    ----------
    given : of each class, a condition; with `label`, its value or values. Empty if there are no classes.
    label : an expression; None for conditions.
    of : what has a class, "" for examples or "element_" for particles, as the keys begin.

    Raises
    ------
    ConfigError : they contradict one another, or a name cannot be shown.
    """

    given: Mapping[str, Text | Sequence[float]]
    label: str | None
    of: str = ""

    def __post_init__(self) -> None:
        key, label = self.key, f"dataset.{self.of}label"
        if self.label is not None and not self.given:
            example = "{photon: 22, pion: [211, -211]}" if self.of else "{QCD: 0, top: 1}"
            raise ConfigError(
                f"{label} needs {key}, the value of each class, such as {example}; got {self.of}label={self.label} and "
                f"no {self.of}classes"
            )
        check_names(key, self.given)
        if self.label is not None:
            values = [value for name in self.given for value in self.values_of(name)]
            if len(set(values)) < len(values):
                raise ConfigError(f"{key} must have different values for each class, got {values}")
        for name, value in self.given.items():
            if self.label is None and isinstance(value, list | tuple):
                raise ConfigError(
                    f"{key}.{name} must be a condition such as 'flavour >= 4', or {label} must name the column of "
                    f"these values; got {value!r} and no {self.of}label"
                )
            if self.label is None and not parse(value, f"{key}.{name}").names:
                raise ConfigError(
                    f"{key}.{name} must be a condition on columns such as 'flavour == 5', or {label} must name the "
                    f"column of this value; got {value} and no {self.of}label"
                )
        if len(self.given) > MOST_CLASSES:
            raise ConfigError(f"{key} must be at most {MOST_CLASSES}, got {len(self.given)}")

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.given)

    @property
    def key(self) -> str:
        """The key that names them."""
        return f"dataset.{self.of}classes"

    @property
    def names(self) -> list[str]:
        """The columns of the file from which the class follows."""
        return [name for one in self.expressions.values() for name in one.names]

    def values_of(self, name: str) -> list[float]:
        """The values of the label in a class.

        Raises
        ------
        ConfigError : it is neither a number nor a list of numbers.
        """
        given = self.given[name]
        values = list(given) if isinstance(given, list | tuple) else [given]
        numbers = [value for value in values if is_number(value)]
        if not values or len(numbers) < len(values):
            raise ConfigError(
                f"{self.key}.{name} must be a number, the value of dataset.{self.of}label in this class, or a list of "
                f"numbers, got {given!r}"
            )
        return numbers

    @cached_property
    def expressions(self) -> dict[str, Expression]:
        """What the class follows from: the label, or a condition for each class."""
        if self.label is not None:
            return {"": parse(self.label, f"dataset.{self.of}label")}
        return {name: parse(text, f"{self.key}.{name}") for name, text in self.given.items()}

    def labels(
        self,
        values: Callable[[Expression], Values],
        used: NDArray[np.bool_],
        where: Callable[[int], str],
        may_be_unknown: bool = False,
    ) -> NDArray[np.int64]:
        """The class (k,) of each of k examples or particles, NO_LABEL where it is none of them.

        Parameters
        ----------
        values : gives the value of an expression for each of them.
        used : (k,) those whose class matters.
        where : names the file and the row of one of them, for messages.
        may_be_unknown : whether a label may be none of the values, as in a file that is to be scored.

        Raises
        ------
        DataError : a label is none of the values, or two conditions hold at once.
        """
        if self.label is None:
            is_class = np.stack([is_true(values(one)) for one in self.expressions.values()])
            twice = used & (is_class.sum(0) > 1)
            if twice.any():
                at = int(np.argmax(twice))
                both = " and ".join(name for name, there in zip(self.given, is_class[:, at], strict=True) if there)
                is_of = "has a particle" if self.of else "is"
                raise DataError(f"{where(at)} {is_of} of class {both}; expected one of them")
        else:
            found = values(self.expressions[""]).values
            is_class = np.stack([np.isin(found, self.values_of(name)) for name in self.given])
            unknown = used & ~is_class.any(0)
            if unknown.any() and not may_be_unknown:
                at = int(np.argmax(unknown))
                expected = ", ".join(f"{' or '.join(map(str, self.values_of(name)))} for {name}" for name in self.given)
                whose = "a particle with " if self.of else ""
                raise DataError(f"{where(at)} has {whose}{self.label} = {found[at]:g}; expected {expected}")
        return np.where(is_class.any(0), is_class.argmax(0), NO_LABEL)


def is_true(values: Values) -> NDArray[np.bool_]:
    """Where a condition holds; NaN is no yes."""
    return (values.values != 0) & (values.values == values.values)

"""What examples are generated for: class, number of elements and additional variables, as training examples have them.

The conditions of generated examples are those of training examples drawn at random, so that they have the joint
distribution of the data; some of them can be fixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import Batch
from hepexp.config.suggest import did_you_mean
from hepexp.data.loading.dataset import SplitDataset
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from hepexp.data.loading.datamodule import HepDataModule

LABEL, NUMBER = "label", "number"  # of a class, by its name, and of elements
AT_ONCE = 1000  # examples in a batch
_ROWS_AT_ONCE = 2000
_MOST_ELEMENTS = 10_000


class Conditions:
    """Conditions under which a trained generator makes examples.

    Parameters
    ----------
    data : data set of the run, after `setup`.
    fixed : those that are not drawn: the name of a class, a number of elements, values of `dataset.extras` in the units
        of the file.

    Attributes
    ----------
    warnings : one line for each fixed condition outside the range of the training.

    Raises
    ------
    ConfigError : a condition that the run does not have, or a value of it that makes no sense.
    """

    def __init__(self, data: HepDataModule, fixed: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.rows = data.splits["train"].rows
        self.warnings: list[str] = []
        self._label: int | None = None
        self._number: int | None = None
        self._values: dict[str, float] = {}
        for name, text in (fixed or {}).items():
            self._fix(name, text)
        if self._label is not None:
            self.rows = self.rows[data.store.label[self.rows] == self._label]

    @property
    def names(self) -> tuple[str, ...]:
        """The conditions that the run has."""
        data = self.data
        several = (LABEL,) if len(data.train_names) > 1 else ()
        has_number = (NUMBER,) if data.representation.name == "cloud" else ()
        return (*several, *has_number, *data.extra_names)

    def draw(self, n: int, random: np.random.Generator) -> Ragged:
        """Examples of the store (n) whose content is to be replaced by what is generated under their conditions."""
        drawn = self.data.store.take(random.choice(self.rows, n))
        if self._number is not None:
            drawn = resized(drawn, np.full(n, self._number))
        values = {name: np.full(n, value, drawn[name].dtype) for name, value in self._values.items()}
        return replace(drawn, extras={**drawn.extras, **values})

    def _fix(self, name: str, text: str) -> None:
        data = self.data
        if name == LABEL and LABEL not in self.names and text in data.train_names:
            return  # the only class that there is
        if name not in self.names:
            there_are = ", ".join(self.names) or "none"
            raise ConfigError(
                f"--condition {name}: the run was not trained with this condition{did_you_mean(name, self.names)} (it "
                f"has: {there_are})"
            )
        if name == LABEL:
            if text not in data.train_names:
                close, there_are = did_you_mean(text, data.train_names), ", ".join(data.train_names)
                raise ConfigError(f"--condition label={text}: no class of the training{close} (it has: {there_are})")
            self._label = data.info.classes.index(text)
            return
        try:
            value = float(text)
        except ValueError:
            raise ConfigError(f"--condition {name}={text}: expected a number") from None
        if name == NUMBER:
            if not (value.is_integer() and 1 <= value <= _MOST_ELEMENTS):
                raise ConfigError(f"--condition number={text}: expected a whole number from 1 to {_MOST_ELEMENTS:,}")
            self._number = int(value)
            self._warn(name, value, data.splits["train"].counts)
            return
        limits = data.info.layout.limits.get(name)
        if not np.isfinite(value) or (limits is not None and limits.outside(np.array([value]))[0]):
            raise ConfigError(f"--condition {name}={text}: expected {limits or 'a finite number'}")
        self._values[name] = value
        starts = range(0, len(self.rows), _ROWS_AT_ONCE)
        seen = [data.store.take(self.rows[start : start + _ROWS_AT_ONCE])[name] for start in starts]
        self._warn(name, value, np.concatenate(seen))

    def _warn(self, name: str, value: float, seen: NDArray) -> None:
        if not seen.min() <= value <= seen.max():
            self.warnings.append(
                f"{name}={value:g} is outside the training's range, {seen.min():g} to {seen.max():g}: the network "
                "extrapolates"
            )


def resized(examples: Ragged, counts: NDArray[np.integer]) -> Ragged:
    """Examples with other numbers of elements (n,): some are left out, or are there again."""
    place = np.arange(counts.sum()) - np.repeat(offsets_of(counts)[:-1], counts)
    chosen = np.repeat(examples.offsets[:-1], counts) + place % np.repeat(np.maximum(examples.counts, 1), counts)
    columns = {name: column[chosen] for name, column in examples.elements.items()}
    return Ragged(examples.label, offsets_of(counts), columns, examples.extras)


def batches_of(data: HepDataModule, examples: Ragged) -> Iterator[tuple[Batch, Ragged]]:
    """Examples in the columns of the store as batches, with those of each batch."""
    store, rows = Store(data.info.layout, [examples]), np.arange(len(examples))
    dataset = SplitDataset(store, rows, data.representation, data.additional, data.new_label)
    for start in range(0, len(examples), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        yield dataset[some], examples.take(some)


def as_represented(data: HepDataModule, rows: NDArray[np.int64]) -> Ragged:
    """The examples at these rows of the store as their representation sees them: with cuts, and centred."""
    parts = [
        data.representation.decode(batch, like)
        for start in range(0, len(rows), AT_ONCE)
        for batch, like in batches_of(data, data.store.take(rows[start : start + AT_ONCE]))
    ]
    return Ragged.concatenate(parts)

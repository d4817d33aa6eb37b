"""Blocks, the units of work of a simulation: what makes them, how a sample is divided, their seeds and columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Layout, Ragged


class Generator(Protocol):
    """What the module that simulates a data set, `datasets/NAME/generate.py`, consists of.

    Attributes
    ----------
    CLASSES : in the order of the labels.
    PACKAGES : that the simulation needs in addition to those of hepexp.
    BLOCK : examples per unit of work.

    It may also have `APART`, classes whose blocks one process cannot make together with others, and `require(classes)`,
    which raises ConfigError where something is missing that their simulation needs. Its functions take the options of
    the data set, see `DatasetInfo`, as further arguments.
    """

    __name__: str
    CLASSES: tuple[str, ...]
    PACKAGES: tuple[str, ...]
    BLOCK: int

    def settings(self, kind: str) -> list[str]:
        """The settings of the simulation of one class, for the record."""

    def make_block(
        self, kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None
    ) -> Ragged:
        """The first n examples of a block, fully determined by the arguments.

        Parameters
        ----------
        kind : one of CLASSES.
        seed : seed of the whole sample.
        block : number of the block within its class, from 0.
        n : number of examples.
        report : called with the number of new examples each time there are some.
        """


@dataclass(frozen=True)
class Block:
    """One unit of work, and the name of the file that it is saved to."""

    generator: str
    kind: str
    seed: int
    number: int
    n: int
    options: Mapping[str, int] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        options = "".join(f"_{key}{value}" for key, value in self.options.items())
        return f"{self.kind}{options}_seed{self.seed}_{self.number:05d}_n{self.n}.arrow"

    def make(self, report: Callable[[int], None] = lambda made: None) -> Ragged:
        """Its examples; see `Generator`."""
        module = import_module(self.generator)
        return module.make_block(self.kind, self.seed, self.number, self.n, report, **self.options)

    def save(self, folder: Path, layout: Layout, report: Callable[[int], None] = lambda made: None) -> None:
        """Make its examples, and write them into the folder with the settings of their simulation."""
        from hepexp.data.store import arrow_file  # pyarrow takes long to import

        settings = import_module(self.generator).settings(self.kind, **self.options)
        about = {"settings": {self.kind: settings}}
        arrow_file.write(folder / self.file_name, layout, [self.make(report)], about)


def plan(
    generator: str, classes: tuple[str, ...], n: int, seed: int, size: int, options: Mapping[str, int] | None = None
) -> list[Block]:
    """The blocks of a sample of n examples, divided equally among the classes (the first classes get any remainder)."""
    options = options or {}
    blocks = []
    for i, kind in enumerate(classes):
        share = n // len(classes) + (i < n % len(classes))
        sizes = (min(size, share - k * size) for k in range(-(-share // size)))
        blocks += [Block(generator, kind, seed, k, own, options) for k, own in enumerate(sizes)]
    return sorted(blocks, key=lambda block: block.number)


def block_seed(seed: int, label: int, block: int, n_classes: int) -> int:
    """A seed between 1 and 900,000,000, the range that Pythia accepts.

    Multiplication by a number coprime to 9e8 permutes the seeds, so no two blocks of a sample have the same seed.

    Parameters
    ----------
    seed : of the whole sample.
    label, block : class of the block, and its number within the class, from 0.
    n_classes : number of classes in the data set.
    """
    return 1 + (seed * 271_828_183 + (n_classes * block + label) * 48_271) % 900_000_000


def first(n: int, batches: Iterable[Ragged], report: Callable[[int], None]) -> Ragged:
    """The first n examples of batches, which may be endless and are made as they are needed.

    Parameters
    ----------
    n : at least 1.
    report : called with the number of new examples after each batch.
    """
    parts: list[Ragged] = []
    for batch in batches:
        parts.append(batch.take(slice(n)))
        n -= len(parts[-1])
        report(len(parts[-1]))
        if n == 0:
            break
    return Ragged.concatenate(parts)


def first_blocks(make_block: Callable[..., Ragged], classes: Sequence[str], seed: int, n: int) -> Ragged:
    """A sample of n examples, equally many of each class, of the first block of each."""
    return Ragged.concatenate(make_block(kind, seed, 0, n // len(classes)) for kind in classes)


def round_to_bits(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Values rounded to this many significant binary digits.

    Simulated columns are rounded to a precision far finer than any detector's resolution, so that they compress.
    """
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)


def round_to_step(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Values rounded to multiples of 2^-bits, as angles are, whose resolution does not depend on their size."""
    return np.ldexp(np.round(np.ldexp(values, bits)), -bits)

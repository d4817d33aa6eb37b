"""Molecules of QM9, for generative models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.qm9.cloud import MoleculeCloud
from hepexp.data.datasets.qm9.info import INFO
from hepexp.data.datasets.qm9.observables import OBSERVABLES, observe
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

MOST_ATOMS = 10_000


class QM9(HepDataModule):
    """Small organic molecules as clouds of atoms: places and elements.

    Generated molecules have the number of atoms of a training example.

    Parameters
    ----------
    most_atoms : only molecules of at most so many atoms; null for all, up to 29.
    cloud : scaling of places and elements.

    References
    ----------
    R. Ramakrishnan et al., doi:10.1038/sdata.2014.22.
    """

    info = INFO
    observables = OBSERVABLES

    source: Literal["auto", "full", "mini"] = "auto"
    most_atoms: int | None = None
    cloud: MoleculeCloud | None = None
    n_generate: int = field(default=10, init=False)
    generate_seed: int = field(default=0, init=False)
    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.most_atoms is not None and not 1 <= self.most_atoms <= MOST_ATOMS:
            raise ConfigError(f"dataset.most_atoms must be from 1 to {MOST_ATOMS:,} or null, got {self.most_atoms}")
        super().__post_init__()

    def make_representations(self) -> list[Representation]:
        return [self.cloud or MoleculeCloud()]

    def arrange(self, opened: SplitStore) -> SplitStore:
        """Only the molecules that are small enough."""
        if self.most_atoms is None:
            return opened
        small, least = opened.store.counts <= self.most_atoms, int(opened.store.counts.min(initial=0))
        if not small.any():
            raise ConfigError(
                f"dataset.most_atoms must be >= {least}, those of the smallest one, got {self.most_atoms}"
            )
        return replace(opened, splits={name: rows[small[rows]] for name, rows in opened.splits.items()})

    def observe(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        return observe(examples, names)

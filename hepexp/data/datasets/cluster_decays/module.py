"""Decays of clusters to two pions: the published file of Herwig's, or Pythia's own strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.cluster_decays.features import DecayDirection
from hepexp.data.datasets.cluster_decays.info import INFO
from hepexp.data.datasets.cluster_decays.observables import OBSERVABLES, OF_STRINGS, observe
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged

AT_ONCE = 10_000  # decays


class ClusterDecays(HepDataModule):
    """Clusters of hadronisation that decay to two pions: Herwig's, as published, or strings of Pythia.

    Generators make the direction of the first pion in the rest frame of the cluster; the other one is back to back with
    it. The kinds of pions are those of a training example, like the conditions.

    Parameters
    ----------
    extras : what generated decays depend on, standardised over the training decays: mass and momentum of the cluster,
        which are its four-momentum, as published, or that of the first parton too.
    features : coordinates of the direction, and the axes of the rest frame.

    References
    ----------
    A. Ghosh, X. Ju, B. Nachman, A. Siodmok, arXiv:2203.12660.
    """

    info = INFO
    observables = OBSERVABLES

    extras: Sequence[str] = ("cluster_m", "cluster_px", "cluster_py", "cluster_pz")
    features: DecayDirection | None = None
    views: None = field(default=None, init=False)
    augment: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [self.features or DecayDirection()]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._along_string:
            self.observables = (*OBSERVABLES, *OF_STRINGS)

    @property
    def _along_string(self) -> bool:
        return self.features is not None and self.features.frame == "string"

    def observe(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        return observe(examples, [*(one.name for one in self.observables), "features"] if names is None else names)

    def arrange(self, opened: SplitStore) -> SplitStore:
        """With axes along the string, only the clusters whose partons are known."""
        if not self._along_string:
            return opened
        return replace(opened, splits={name: _of_known_partons(opened, rows) for name, rows in opened.splits.items()})


def _of_known_partons(opened: SplitStore, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    parts = (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))
    known = [part[opened.store.take(part)["parton_e"] > 0] for part in parts]
    return np.concatenate(known) if known else rows

"""The examples of a data set, opened and split, and the keys that say how batches are made of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from pytorch_lightning import LightningDataModule

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.keys import require_different
from hepexp.data.loading.dataset import ScaledExtras, SplitDataset
from hepexp.data.loading.element_targets import ElementTargets
from hepexp.data.loading.example_weights import ExampleWeights
from hepexp.data.loading.quantities import Quantities
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.loading.target_values import TargetValues
from hepexp.data.representations.representation import Representation
from hepexp.data.store.store import Store
from hepexp.data.transforms.shift import Shift
from hepexp.data.transforms.transform import Transform
from hepexp.observable import LayerMap, Observable


class Examples(LightningDataModule):
    """What the bases of HepDataModule share: it gives the keys, and `setup` opens and splits the examples."""

    info: DatasetInfo
    element_classes: Mapping[str, Sequence[str]] = MappingProxyType({})  # of columns of the elements that hold labels
    observables: tuple[Observable, ...] = ()  # by which generated examples are judged, see `observe`
    layer_maps: tuple[LayerMap, ...] = ()  # of showers, see `densities`
    jetnet_kinds: tuple[
        str, ...
    ] = ()  # classes of jets that are compared with those of JetNet, if it has moments of them

    batch_size: int
    num_workers: int
    seed: int
    targets: Sequence[str]

    # keys of those data sets that name them
    element_targets: Sequence[str] = ()
    pair_targets: Sequence[str] = ()
    edge_targets: Collection[str] | None = ()
    classes: Collection[str] | None = None
    train_classes: Sequence[str] | None = None
    extras: Sequence[str] = ()
    bucket: int = 1

    class_names: tuple[str, ...]
    extra_names: tuple[str, ...]
    new_label: NDArray[np.int64]  # of each class of the store
    representation: Representation
    split_store: SplitStore
    splits: dict[str, SplitDataset]
    stored_shift: Shift | None = None  # of a column of the store; one of p4 is among the steps of the representation

    _extras: ScaledExtras
    _targets: TargetValues | None
    _target_quantities: Quantities
    _element_targets: ElementTargets
    _observers: Quantities
    _weights: ExampleWeights

    def setup(self, stage: str | None = None) -> None:
        """Open the files and cut the splits, once."""
        raise NotImplementedError

    def named_targets(self) -> dict[str, str]:
        """The name of each target, and the stored column or observable that it is."""
        require_different("targets", self.targets)
        return {name: name for name in self.targets}

    @property
    def store(self) -> Store:
        return self.split_store.store

    def as_particles(self) -> tuple[Transform, ...] | None:
        """The steps from the columns of the store to the four-momenta of all particles, from which observables follow.

        None if the examples do not consist of particles.
        """
        return None

    def _dataset(self, store: Store, rows: np.ndarray, representation: Representation | None = None) -> SplitDataset:
        known = store is self.store  # a file may have neither targets nor weights
        return SplitDataset(
            store,
            rows,
            representation or self.representation,
            self._extras,
            self.new_label,
            targets=self._targets if known else None,
            weights=self._weights if known and self._weights else None,
            observers=self._observers,
            shift=self.stored_shift,
        )

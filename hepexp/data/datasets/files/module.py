"""One's own files of jets, described by a configuration alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.files.classes import OF_PARTICLE
from hepexp.data.datasets.files.features import FileFeatures
from hepexp.data.datasets.files.own_files import OwnFiles
from hepexp.data.datasets.files.particles import FileParticles
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.representation import Representation
from hepexp.data.representations.scale import Scaled
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError

_Inputs = Sequence[str | Mapping[str, str | float | Sequence[float] | None]]  # expressions, and how they are scaled


class Files(OwnFiles, JetDataModule):
    """Jets or events in one's own ROOT, HDF5, Parquet, Arrow or NumPy files.

    Columns are named by expressions such as `log(part_pt)`: names of columns (in backquotes where they have other
    characters than letters, digits, _ and .), numbers, + - * / **, comparisons, & | ~, and functions. `hepexp data
    inspect FILE` shows the columns of a file. Images are the data set `image_files`.

    Parameters
    ----------
    p4 : four-momenta of the particles, in GeV, by their components, each an expression or a number: px, py, pz and
        energy or mass; pt, eta or y, phi and energy, mass or pid (PDG number).
    element_targets : real numbers to predict for each particle, as `targets` for each example.
    element_classes : classes to predict for each particle, by the value or values of `element_label`, such as {photon:
        22, pion: [211, -211]}; or, without that, by conditions such as {photon: pid == 22}, where particles that fulfil
        none do not count.
    element_label : column with a whole number for each particle, for which `element_classes` gives the class.
    pair_targets : the number of a group of particles, such as their vertex: whether two particles have it in common is
        to be predicted.
    scalars : inputs for each particle beside its four-momentum: expressions, standardised to mean 0 and variance 1 over
        the training examples and clipped to [-5, 5], or {expr: ..., shift: ..., scale: ..., clip: [LOW, HIGH], pad:
        ...}, as `extras`.
    particle_selection : condition for particles to be used; null for all.
    edges : edges of graphs, by two columns {from: ..., to: ...} with one value for each edge of an example: the places
        of the particles at its ends, counted from 0; where arrays are padded, -1 is no edge. They run in both
        directions, unless `graph.directed=true`, and an edge is dropped with either of its particles. Models that take
        particles or images see none.
    edge_targets : column with one value for each edge: 1 if its particles belong together, as hits of one track, 0 if
        they do not, negative or NaN where that is unknown, which is to be predicted.
    """

    # those of other data sets are names of columns, as `__post_init__` makes them
    p4: Mapping[str, str | float] | None = None
    element_targets: Sequence[str] | Mapping[str, str] | None = None  # type: ignore[assignment]  # wider
    element_classes: Mapping[str, str | float | Sequence[float]] | None = None  # type: ignore[assignment]  # wider
    element_label: str | None = None
    pair_targets: Sequence[str] | Mapping[str, str] | None = None  # type: ignore[assignment]  # wider
    scalars: _Inputs = ()
    features: JetFeatures | _Inputs | None = None  # type: ignore[assignment]  # wider
    particle_selection: str | None = None
    edges: Mapping[str, str] | None = None
    edge_targets: Sequence[str] | Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        named = not isinstance(self.features, JetFeatures) and self.features is not None
        keys = self.open(features=self.features if named else ())
        self._features = FileFeatures(keys.features) if keys.features else None
        self._particles = self.info.particles() if keys.p4 else None
        if self._particles is None and not keys.features:
            raise ConfigError(
                "dataset needs p4, the four-momenta of the particles, or features of each example; got none"
            )
        labels = {OF_PARTICLE: tuple(keys.of_particle_class.given)} if keys.of_particle_class else {}
        self.element_targets = (*keys.element_targets, *labels)
        self.element_classes = labels  # type: ignore[assignment]  # as in other data sets
        self.pair_targets = tuple(keys.pair_targets)
        self.edge_targets = tuple(keys.edge_targets)
        super().__post_init__()

    # ---- what models get

    def particle_inputs(self) -> FileParticles:
        assert self._particles is not None  # `make_representations` asks for them only where there are some
        return self._particles

    def as_particles(self) -> tuple[FileParticles, ...] | None:
        return None if self._particles is None else (self._particles,)

    def make_representations(self) -> list[Representation]:
        if self._features is not None and self._particles is None:
            return [self._features]
        return super().make_representations()

    def as_features(self, transforms: tuple[Transform, ...]) -> Representation:
        return self._features or super().as_features(transforms)

    def can_score(self, store: Store) -> NDArray[np.bool_]:
        """Only examples with particles, for models that read these."""
        needed = self._particles is not None and self.representation is not self._features
        return store.counts > 0 if needed else super().can_score(store)

    def fit_inputs(self, examples: Ragged) -> None:
        if self._particles is not None:
            self._particles.fit(examples)

    def _scaled(self) -> dict[str, Scaled]:
        scalars = {} if self._particles is None else {"scalars": self._particles.scalars}
        return super()._scaled() | scalars

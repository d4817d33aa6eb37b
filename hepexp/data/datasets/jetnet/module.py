"""JetNet, or jets simulated in the same way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.jetnet.cloud import JetCloud
from hepexp.data.datasets.jetnet.info import CLASSES, INFO
from hepexp.data.datasets.jetnet.observables import OBSERVABLES, observe
from hepexp.data.datasets.jetnet.relative import HardestCentred, RelativeParticles
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError


class JetNet(JetDataModule):
    """Jets of gluons, light quarks, tops, W and Z with pT near 1 TeV, anti-kT R = 0.4, as clouds of particles.

    Models that generate jets read each as a set of (eta_rel, phi_rel, pt_rel); for others all particles are massless,
    and their only scalar is the constant 1.

    Parameters
    ----------
    n_particles : keep only this many particles per jet, the hardest ones, 30 or 150 in the papers; null for all. Jets
        that are generated are relative to the sum of what is kept.
    classes : classes to use, in the order of their new labels; null for all.
    extras : additional inputs for each jet, standardised over the training jets: what generated jets depend on, beside
        class and number of particles.
    cloud : scaling of the jets, for models that generate such.

    References
    ----------
    R. Kansal et al., arXiv:2106.11535; data at doi:10.5281/zenodo.6975118 and 10.5281/zenodo.6975117.
    """

    info = INFO
    observables = OBSERVABLES
    jetnet_kinds = CLASSES

    n_particles: int | None = 30
    classes: Sequence[str] | None = None
    extras: Sequence[str] = ()
    cloud: JetCloud | None = None

    def particle_inputs(self) -> RelativeParticles:
        return RelativeParticles()

    def make_representations(self) -> list[Representation]:
        cloud = (self.cloud or JetCloud()).with_transforms(HardestCentred(self.n_particles))
        return [*super().make_representations(), cloud]

    def arrange(self, opened: SplitStore) -> SplitStore:
        there_are = int(opened.store.counts.max(initial=0))
        if self.n_particles is not None and self.n_particles > there_are:
            raise ConfigError(
                f"dataset.n_particles must be <= {there_are}, the most particles of a jet in this source, got "
                f"{self.n_particles}; JetNet's files with 150 (g150.hdf5, ...) and dataset.source=generate have more"
            )
        return opened

    def observe(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
        return observe(examples, names)

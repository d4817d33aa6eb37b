"""Events with two tops that decay to quarks: which jets are those of which top?"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from hepexp.data.datasets.ttbar_assignment.info import INFO, ROLES, TOPS
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.physics.kinematics import four_momenta, rapidity
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import with_particles
from hepexp.data.transforms.transform import Transform


class TaggedJets(Transform):
    """The jets of an event, each with one scalar: 1 if it is b-tagged, 0 if not."""

    scalar_names = ("btag",)
    own_scalars = True

    def __call__(self, jets: Ragged) -> Ragged:
        pt, eta, phi, mass = (jets[name] for name in ("pt", "eta", "phi", "mass"))
        p4 = four_momenta(pt, rapidity(pt, eta, mass), phi, mass)
        return with_particles(jets, p4, np.asarray(jets["btag"])[:, None])


class TtbarAssignment(JetDataModule):
    """Top pairs that decay to six quarks. The elements of an example are the jets of an event.

    Each jet is that of a top (`top`: first or second, which is which means nothing), as the bottom quark or as a quark
    of the W (`role`), or of none. A top is complete if all three of its jets are there.

    References
    ----------
    A. Shmakov et al., arXiv:2106.03898.
    """

    info = INFO
    element_classes = MappingProxyType({"top": TOPS, "role": ROLES})

    element_targets: Sequence[str] = ("top", "role")

    def particle_inputs(self) -> TaggedJets:
        return TaggedJets()

"""Events with four tops or two: which is it, by their jets, lepton and missing momentum?"""

from __future__ import annotations

from dataclasses import field

import numpy as np

from hepexp.data.datasets.four_tops.info import INFO, KINDS
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.physics.kinematics import four_momenta, rapidity
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import with_particles
from hepexp.data.transforms.transform import Transform


class EventObjects(Transform):
    """The objects of an event, each with five scalars: b-tag, whether electron, muon or missing momentum, and charge.

    Missing momentum is transverse: a massless particle with pz = 0.
    """

    scalar_names = ("btag", *KINDS[1:], "charge")
    own_scalars = True

    def __call__(self, events: Ragged) -> Ragged:
        pt, eta, phi, mass = (events[name] for name in ("pt", "eta", "phi", "mass"))
        p4 = four_momenta(pt, rapidity(pt, eta, mass), phi, mass)
        kinds = [np.asarray(events["kind"]) == kind for kind in range(1, len(KINDS))]
        return with_particles(events, p4, np.stack([events["btag"], *kinds, events["charge"]], axis=1))


class FourTops(JetDataModule):
    """Four tops (label 1) against top pairs with further jets (label 0). The elements of an example are its objects.

    Each event has one electron or muon, five or more jets, two or more of them b-tagged, and the missing momentum.

    References
    ----------
    The search that a graph network of objects decided: ATLAS, arXiv:2303.15061.
    """

    info = INFO

    n_files: None = field(default=None, init=False)

    def particle_inputs(self) -> EventObjects:
        return EventObjects()

"""How quark and gluon jets are drawn: the kinds of particles that CMS and ATLAS tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics import species
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import PARTICLE_KINDS, JetView
from hepexp.data.pictures.quantities import jet_quantities
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import PdgParticles

_PARTICLES = PdgParticles(pid=True, scalars="pid")


def kind_of(jets: Ragged) -> NDArray[np.int64]:
    """Index in PARTICLE_KINDS of each particle (m,)."""
    number = np.abs(jets["pdgid"])
    charged = species.charge(number) != 0
    return np.select([number == 22, number == 11, number == 13, charged], [2, 3, 4, 0], 1)


DRAWING = Drawing(jet_quantities(_PARTICLES), JetView(_PARTICLES, 0.4, PARTICLE_KINDS, kind_of))

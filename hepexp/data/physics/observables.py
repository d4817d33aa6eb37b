"""High-level variables of a jet, as used by taggers before they took particles as input.

Each function computes the variable it is named after: from jets with a column p4, one value per jet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import around_axis, invariant_mass, sums
from hepexp.data.store.ragged import Ragged

Values = NDArray[np.float64]


class Jets:
    """Jets with the quantities that several variables share, each computed once.

    Parameters
    ----------
    particles : with a column p4, (E, px, py, pz) in GeV.
    """

    def __init__(self, particles: Ragged) -> None:
        self.particles = particles

    def sum(self, values: Values) -> Values:
        """Sum over the particles of each jet (n, ...) of values (m, ...)."""
        return sums(values, self.particles)

    @cached_property
    def p4(self) -> Values:
        """Four-momentum of each jet (n, 4), GeV."""
        return self.sum(self.particles["p4"])

    @cached_property
    def around(self) -> tuple[Values, Values, Values]:
        """pT in GeV of each particle (m,), and its rapidity and azimuth relative to the jet axis."""
        return around_axis(self.particles)

    @cached_property
    def z(self) -> Values:
        """Fraction of its jet's summed pT that each particle (m,) carries."""
        pt, _, _ = self.around
        return pt / np.repeat(self.sum(pt), self.particles.counts)

    @cached_property
    def distance(self) -> Values:
        """dR between each particle (m,) and the jet axis."""
        _, dy, dphi = self.around
        return np.hypot(dy, dphi)

    @cached_property
    def correlations(self) -> tuple[Values, Values]:
        """e2 and e3 with beta = 1 (arXiv:1409.6298, equation 2): sums over pairs and triples of z and distances.

        With M_ij = sqrt(z_i z_j) R_ij, the sum over triples is tr(M^3) / 6, a matrix product.
        """
        _, dy, dphi = self.around
        found = np.zeros((2, len(self.particles)))
        for jet, (start, stop) in enumerate(pairwise(self.particles.offsets)):
            z, y, phi = self.z[start:stop], dy[start:stop], dphi[start:stop]
            turn = abs(phi[:, None] - phi)
            distance = np.hypot(y[:, None] - y, np.minimum(turn, 2 * np.pi - turn))
            m = np.sqrt(z[:, None] * z) * distance
            found[:, jet] = z @ distance @ z / 2, np.vdot(m @ m, m) / 6
        return found[0], found[1]

    @cached_property
    def taus(self) -> Values:
        """tau_1 to tau_3 (n, 3), see `tau1`."""
        from hepexp.data.physics.jet_clustering import jagged  # both need FastJet, an optional package
        from hepexp.data.physics.substructure import subjettiness

        return subjettiness(jagged(self.particles["p4"], self.particles.counts), 3, radius=1.0)


def pt(jets: Jets) -> Values:
    """Transverse momentum of the jet, GeV."""
    return np.hypot(jets.p4[:, 1], jets.p4[:, 2])


def mass(jets: Jets) -> Values:
    """Invariant mass of all particles, GeV."""
    return invariant_mass(jets.p4)


def multiplicity(jets: Jets) -> Values:
    """Number of particles."""
    return jets.particles.counts.astype(np.float64)


def width(jets: Jets) -> Values:
    """Girth: sum z dR with z = pT / sum pT, dR from the jet axis (arXiv:1106.3076)."""
    return jets.sum(jets.z * jets.distance)


def ptd(jets: Jets) -> Values:
    """Momentum dispersion pTD: sqrt(sum pT^2) / sum pT (CMS-PAS-JME-13-002)."""
    return np.sqrt(jets.sum(jets.z**2))


def lha(jets: Jets) -> Values:
    """Les Houches angularity: sum z sqrt(dR / 0.4) (arXiv:1704.03878)."""
    return jets.sum(jets.z * np.sqrt(jets.distance / 0.4))


def c2(jets: Jets) -> Values:
    """C2 = e3 / e2^2, beta = 1 (arXiv:1305.0007); 0 if all particles are collinear."""
    e2, e3 = jets.correlations
    return _ratio(e3, e2**2)


def d2(jets: Jets) -> Values:
    """D2 = e3 / e2^3, beta = 1 (arXiv:1409.6298); 0 if all particles are collinear."""
    e2, e3 = jets.correlations
    return _ratio(e3, e2**3)


def tau1(jets: Jets) -> Values:
    """tau_N = sum z min_a dR(a) with N exclusive kT axes a, beta = 1, not divided by R0 (arXiv:1011.2268, eq. 2.1)."""
    return jets.taus[:, 0]


def tau2(jets: Jets) -> Values:
    """As `tau1` with two axes; 0 for up to two particles."""
    return jets.taus[:, 1]


def tau3(jets: Jets) -> Values:
    """As `tau1` with three axes; 0 for up to three particles."""
    return jets.taus[:, 2]


def tau21(jets: Jets) -> Values:
    """tau_2 / tau_1, small for two-prong jets; 0 if all particles are collinear."""
    return _ratio(tau2(jets), tau1(jets))


def tau32(jets: Jets) -> Values:
    """tau_3 / tau_2, small for three-prong jets; 0 for up to two particles."""
    return _ratio(tau3(jets), tau2(jets))


def _ratio(over: Values, under: Values) -> Values:
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


Observable = Callable[[Jets], Values]
SUBJETTINESS: dict[str, Observable] = {f.__name__: f for f in (tau1, tau2, tau3, tau21, tau32)}
OBSERVABLES: dict[str, Observable] = {f.__name__: f for f in (pt, mass, multiplicity, width, ptd, lha, c2, d2)}
OBSERVABLES |= SUBJETTINESS
UNITS = {"pt": "GeV", "mass": "GeV"}  # the others have none

"""Decays of strings by Pythia 8: a quark and an antiquark of a given mass that become two pions.

Quarks are u or d. The mass of a string is flat, its direction of flight isotropic, and its rapidity along that flat; of
strings that do not become two pions, the most, nothing is kept, so that few heavy ones are left. In the rest frame the
quark has the density (1 + cos theta) / 2 about the direction of flight, as where it brings the share z of the string's
energy with density 2 z. The first pion is the one at the quark's end. Hadrons that decay (rho, eta, ...) are kept as
they are, so that two pions come from the string itself.

Without Herwig there are no clusters: a cluster decays isotropically, or along its quark up to a smearing; a string
always along it, with a transverse momentum of about 0.34 GeV.

References
----------
C. Bierlich et al., arXiv:2203.11601, section 7 (strings and ministrings); P. Ilten, T. Menzo, A. Youssef, J. Zupan,
arXiv:2203.04983 (learning the first hadron of such a string).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pythia8mc

from hepexp.data.datasets.cluster_decays.info import CLASSES, CLUSTER, LAYOUT, PARTON
from hepexp.data.datasets.cluster_decays.two_body import Floats, boosted, break_up_momentum, unit
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first
from hepexp.simulation.pythia import make_pythia

PACKAGES = ("pythia8mc",)
BLOCK = 5000  # decays, a few seconds
AT_ONCE = 500  # strings
MASS, RAPIDITY = (0.7, 2.5), (0.0, 3.0)  # GeV, and along the direction of flight
OF_PYTHIA = ("ProcessLevel:all = off", "HadronLevel:Decay = off")
QUARKS, PIONS = (1, 2), (111, 211)
GRID = 2.0**-20  # GeV, on which momenta are, so that columns compress


def settings(kind: str) -> list[str]:
    """The settings of the simulation, for the record."""
    return [
        *OF_PYTHIA,
        f"mass = {MASS[0]:g} to {MASS[1]:g} GeV, flat, before strings with other hadrons are left out",
        f"rapidity along the flight = {RAPIDITY[0]:g} to {RAPIDITY[1]:g}, flat",
        "density of the quark's direction = (1 + cos theta) / 2 about the flight",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n decays of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    pythia, random = make_pythia(OF_PYTHIA, own_seed), np.random.default_rng(own_seed)
    return first(n, _decays(pythia, random), report)


def _decays(pythia: pythia8mc.Pythia, random: np.random.Generator) -> Iterator[Ragged]:
    """Decays of some strings after the other, without end."""
    while True:
        found = [made for m in random.uniform(*MASS, AT_ONCE) if (made := _pions(pythia, m, random)) is not None]
        if found:
            numbers, momenta = (np.array(column) for column in zip(*found, strict=True))
            yield _moving(numbers, momenta, random)


def _pions(
    pythia: pythia8mc.Pythia, m: float, random: np.random.Generator
) -> tuple[list[int], list[list[float]]] | None:
    """Numbers of two pions, and momenta of these and of the quark, of a string at rest along z; None of others."""
    quark, antiquark = (int(number) for number in random.choice(QUARKS, 2))
    masses = (pythia.particleData.m0(quark), pythia.particleData.m0(antiquark))
    (p,) = break_up_momentum(*np.array([[m], *([one] for one in masses)])).tolist()
    event = pythia.event
    event.reset()
    event.append(quark, 23, 101, 0, 0, 0, p, np.hypot(p, masses[0]), masses[0])
    event.append(-antiquark, 23, 0, 101, 0, 0, -p, np.hypot(p, masses[1]), masses[1])
    if not pythia.next():
        return None
    made = [particle for particle in map(event.__getitem__, range(event.size())) if particle.isFinal()]
    if len(made) != 2 or any(abs(one.id()) not in PIONS for one in made):
        return None
    momenta = [[one.e(), one.px(), one.py(), one.pz()] for one in made]
    return [one.id() for one in made], [*momenta, [float(np.hypot(p, masses[0])), 0.0, 0.0, p]]


def _moving(numbers: np.ndarray, momenta: Floats, random: np.random.Generator) -> Ragged:
    """Decays of strings in flight.

    Parameters
    ----------
    numbers, momenta : (n, 2) of pions; (n, 3, 4) of these and of the quark, at rest, the string along z.
    """
    n = len(numbers)
    along, across = unit(random.normal(size=(n, 3))), random.normal(size=(n, 3))
    cosine = 2 * np.sqrt(random.random(n)) - 1  # of the density (1 + cos) / 2
    across = unit(across - (across * along).sum(1, keepdims=True) * along)
    z = cosine[:, None] * along + np.sqrt(1 - cosine**2)[:, None] * across
    x = unit(np.cross(z, along))
    basis = np.stack([x, np.cross(z, x), z], axis=1)
    turned = np.concatenate([momenta[..., :1], momenta[..., 1:] @ basis], axis=2)
    m = np.sqrt((turned[:, :2].sum(1) ** 2 @ [1, -1, -1, -1]).clip(0))
    rapidity = random.uniform(*RAPIDITY, n)[:, None]
    frame = m[:, None] * np.concatenate([np.cosh(rapidity), np.sinh(rapidity) * along], axis=1)
    moving = np.stack([boosted(turned[:, i], frame, back=True) for i in range(3)], axis=1)
    moving = np.round(moving / GRID) * GRID
    columns = dict(zip(LAYOUT.elements, [numbers.reshape(-1), *moving[:, :2].reshape(-1, 4).T], strict=True))
    cluster = moving[:, :2].sum(1)
    cluster[:, 0] = invariant_mass(cluster)
    extras = zip((*CLUSTER, *PARTON), [*cluster.T, *moving[:, 2].T], strict=True)
    return Ragged(np.zeros(n, np.int8), 2 * np.arange(n + 1), columns, dict(extras)).cast(LAYOUT)

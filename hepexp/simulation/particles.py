"""Particles of a batch of simulated events as flat columns, both at generator level and as seen by a detector."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics import species
from hepexp.simulation.impact import straight_line

CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, ELECTRON, MUON = range(5)  # the column `kind`
NEUTRINOS = (12, 14, 16)
_KIND_OF = {11: ELECTRON, 13: MUON, 22: PHOTON}


@dataclass(frozen=True)
class Particles:
    """Particles, ordered by event.

    Shapes
    ------
    All (m,): `event`, the index of the event, ascending; `pt` and `mass` in GeV; `eta`; `phi` in radians; `kind`, one
    of the constants of this module; `charge` in units of the positron's; `d0` and `dz`, signed, in mm; `birth`, the
    distance from the beam axis at which a particle was produced, in mm.
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    kind: NDArray[np.int64]
    charge: NDArray[np.float64]
    d0: NDArray[np.float64]
    dz: NDArray[np.float64]
    birth: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, chosen: NDArray) -> Particles:
        """The particles at these positions, or where the mask is True."""
        return Particles(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @property
    def momentum(self) -> NDArray[np.float64]:
        """Four-momenta (m, 4) as (E, px, py, pz) in GeV."""
        p = np.stack([self.pt * np.cos(self.phi), self.pt * np.sin(self.phi), self.pt * np.sinh(self.eta)], 1)
        return np.concatenate([self.energy[:, None], p], 1)

    @property
    def energy(self) -> NDArray[np.float64]:
        """Energies (m,) in GeV."""
        return np.hypot(self.pt * np.cosh(self.eta), self.mass)

    def change(self, **columns: NDArray) -> Particles:
        """The same particles with some columns replaced."""
        return replace(self, **columns)

    @staticmethod
    def concatenate(parts: list[Particles]) -> Particles:
        """All particles of several parts, sorted by event."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Particles)
        }
        return Particles(**columns)[np.argsort(columns["event"], kind="stable")]


def visible(events: ak.Array, max_eta: float) -> Particles:
    """The stable particles of the events, except neutrinos, within |eta| < max_eta.

    Parameters
    ----------
    events : as returned by `pythia8mc.Pythia.nextBatch`.
    """
    chosen = events.prt.status > 0
    for neutrino in NEUTRINOS:
        chosen = chosen & (abs(events.prt.id) != neutrino)
    particles = events.prt[chosen]
    event = np.repeat(np.arange(len(particles)), ak.to_numpy(ak.num(particles)))
    flat = ak.flatten(particles)
    px, py, pz = (ak.to_numpy(flat.p[name]) for name in ("px", "py", "pz"))
    x, y, z = (ak.to_numpy(ak.fill_none(flat.vProd[name], 0.0)) for name in ("px", "py", "pz"))
    pdgid = ak.to_numpy(flat.id)
    charge = species.charge(pdgid)
    kind = np.where(charge != 0, CHARGED_HADRON, NEUTRAL_HADRON)
    for number, its_kind in _KIND_OF.items():
        kind[abs(pdgid) == number] = its_kind
    pt = np.hypot(px, py)
    d0, dz = straight_line(np.stack([x, y, z], 1), np.stack([px, py, pz], 1))
    mass = ak.to_numpy(flat.m)
    everything = Particles(
        event, pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass, kind, charge, d0, dz, np.hypot(x, y)
    )
    return everything[abs(everything.eta) < max_eta]

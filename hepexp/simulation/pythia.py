"""Pythia 8: its initialisation from lines of settings and a seed, and particles from its event record."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import awkward as ak
import numpy as np
import pythia8mc

from hepexp.data.physics import species
from hepexp.errors import HepexpError
from hepexp.simulation.particles import (
    CHARGED_HADRON,
    ELECTRON,
    MUON,
    NEUTRAL_HADRON,
    PHOTON,
    Particles,
    impact_parameters,
)

NEUTRINOS = (12, 14, 16)
HARD_PRODUCT = -23  # status of a parton or lepton from the hard process or from a resonance decay
_KIND = {11: ELECTRON, 13: MUON, 22: PHOTON}


def make_pythia(settings: Sequence[str], seed: int, hooks: pythia8mc.UserHooks | None = None) -> pythia8mc.Pythia:
    """Pythia, ready to generate events.

    Parameters
    ----------
    settings : lines of Pythia settings.
    seed : random seed, 1 to 900,000,000.
    hooks : may veto events during generation. The caller must keep them alive as long as Pythia, which does not own
        them.

    Raises
    ------
    HepexpError : Pythia does not accept a line, or cannot be initialised with these settings.
    """
    pythia = pythia8mc.Pythia("", False)
    for line in ("Print:quiet = on", *settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise HepexpError(f"Pythia {version('pythia8mc')} does not accept the setting {line!r}")
    if hooks is not None:
        pythia.setUserHooksPtr(hooks)
    if not pythia.init():
        raise HepexpError(f"Pythia could not be initialised with {'; '.join(settings)}")
    return pythia


def visible(particles: ak.Array) -> ak.Array:
    """The stable particles except neutrinos.

    Parameters
    ----------
    particles : `prt` of events as returned by `pythia8mc.Pythia.nextBatch`.
    """
    chosen = particles.status > 0
    for neutrino in NEUTRINOS:
        chosen = chosen & (abs(particles.id) != neutrino)
    return particles[chosen]


def visible_particles(events: ak.Array, max_eta: float) -> Particles:
    """The stable particles of the events, except neutrinos, within |eta| < max_eta.

    Parameters
    ----------
    events : as returned by `pythia8mc.Pythia.nextBatch`.
    """
    particles = visible(events.prt)
    event = np.repeat(np.arange(len(particles)), ak.to_numpy(ak.num(particles)))
    flat = ak.flatten(particles)
    off_beam = ak.to_numpy((flat.p.px != 0) | (flat.p.py != 0))  # a remnant of a proton may have no pT at all
    event, flat = event[off_beam], flat[off_beam]
    px, py, pz = (ak.to_numpy(flat.p[name]) for name in ("px", "py", "pz"))
    x, y, z = (ak.to_numpy(ak.fill_none(flat.vProd[name], 0.0)) for name in ("px", "py", "pz"))
    pdgid = ak.to_numpy(flat.id)
    charge = species.charge(pdgid)
    kind = np.where(charge != 0, CHARGED_HADRON, NEUTRAL_HADRON)
    for number, its_kind in _KIND.items():
        kind[abs(pdgid) == number] = its_kind
    pt = np.hypot(px, py)
    d0, dz = impact_parameters(np.stack([x, y, z], 1), np.stack([px, py, pz], 1))
    mass = ak.to_numpy(flat.m)
    everything = Particles(
        event, pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass, kind, charge, d0, dz, np.hypot(x, y)
    )
    return everything[abs(everything.eta) < max_eta]


def decay_products(events: ak.Array, mothers: tuple[int, ...], n_partons: int, n_leptons: int = 0) -> ak.Array:
    """Momenta of the partons and charged leptons from the decays of given resonances, before radiation.

    Parameters
    ----------
    events : as returned by `pythia8mc.Pythia.nextBatch`.
    mothers : signed PDG numbers of the resonances of one chain, such as 6 and 24 for the decay of a top.
    n_partons, n_leptons : required numbers of decay products; for any other decay, nothing is returned.
    """
    particles = events.prt
    mother = particles.id[particles.mother1]
    of_these = mother == mothers[0]
    for number in mothers[1:]:
        of_these = of_these | (mother == number)
    products = particles[of_these & (particles.status == HARD_PRODUCT)]
    lepton, parton = is_lepton(products.id), is_parton(products.id)
    required = (ak.sum(parton, axis=1) == n_partons) & (ak.sum(lepton, axis=1) == n_leptons)
    return products[(parton | lepton) & required].p


def is_lepton(pdgid: ak.Array | int) -> ak.Array | bool:
    """Whether these PDG numbers are those of electrons or muons."""
    return (abs(pdgid) == 11) | (abs(pdgid) == 13)


def is_parton(pdgid: ak.Array | int) -> ak.Array | bool:
    """Whether these PDG numbers are those of gluons or of quarks other than the top."""
    return (abs(pdgid) <= 5) | (pdgid == 21)

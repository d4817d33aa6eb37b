"""Towers of a calorimeter, and what they hold beyond the tracks: photons and neutral hadrons of the energy flow.

Energy is summed in cells of (eta, phi), smeared, and kept where it stands out of the noise. What the tracks that enter
a cell do not account for becomes a massless neutral object at a random place in the cell, as by Delphes'
SmearTowerCenter.

References
----------
Delphes, arXiv:1307.6346, sections 2.3 (calorimeters) and 3.1 (energy flow).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepexp.data.generate.particles import CHARGED_HADRON, ELECTRON, NEUTRAL_HADRON, PHOTON, Particles
from hepexp.data.generate.tracker import smear


@dataclass(frozen=True)
class Layer:
    """A calorimeter for one sort of shower.

    Parameters
    ----------
    stops : kinds of particles that leave all their energy here.
    gives : kind of the neutral objects that it sees.
    energy_min : a cell below this, in GeV, is not read out.
    significance_min : nor one below so many standard deviations.
    resolution : standard deviation in GeV as a function of energy in GeV and eta.
    """

    stops: tuple[int, ...]
    gives: int
    energy_min: float
    significance_min: float
    resolution: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

    def read_out(self, energy: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The energies, or 0 where they do not stand out."""
        energy = np.maximum(energy, 0)
        return np.where(
            (energy > self.energy_min) & (energy > self.significance_min * self.resolution(energy, eta)), energy, 0
        )


def electromagnetic(
    energy_min: float, significance_min: float, resolution: Callable[[NDArray, NDArray], NDArray]
) -> Layer:
    """A layer that stops electrons and photons."""
    return Layer((PHOTON, ELECTRON), PHOTON, energy_min, significance_min, resolution)


def hadronic(energy_min: float, significance_min: float, resolution: Callable[[NDArray, NDArray], NDArray]) -> Layer:
    """A layer that stops hadrons."""
    return Layer((CHARGED_HADRON, NEUTRAL_HADRON), NEUTRAL_HADRON, energy_min, significance_min, resolution)


@dataclass(frozen=True)
class Calorimeter:
    """Layers with the same cells; their objects of one cell lie at the same place.

    Parameters
    ----------
    eta_edges : of the rings of cells, rising.
    phi_cells : cells in each ring.
    layers : one or more.
    """

    eta_edges: NDArray[np.float64]
    phi_cells: NDArray[np.int64]
    layers: tuple[Layer, ...]

    def neutrals(
        self,
        particles: Particles,
        phi: NDArray[np.float64],
        tracked: NDArray[np.float64],
        random: np.random.Generator,
    ) -> Particles:
        """Neutral objects of the energy flow.

        Parameters
        ----------
        particles : all that reach the calorimeter.
        phi : (m,) where they reach it.
        tracked : (m,) energy of the track of each in GeV, 0 where there is none.
        """
        ring = np.searchsorted(self.eta_edges, particles.eta, "right") - 1
        inside = (ring >= 0) & (ring < len(self.phi_cells))
        particles, phi, tracked, ring = particles[inside], phi[inside], tracked[inside], ring[inside]
        column = ((phi / (2 * np.pi) % 1) * self.phi_cells[ring]).astype(np.int64)
        shape = (len(self.phi_cells), int(self.phi_cells.max()) + 1)
        cells, cell = np.unique((particles.event * shape[0] + ring) * shape[1] + column, return_inverse=True)
        event, ring, column = cells // (shape[0] * shape[1]), cells // shape[1] % shape[0], cells % shape[1]
        low, high = self.eta_edges[ring], self.eta_edges[ring + 1]
        eta = low + (high - low) * random.random(len(cells))
        phi = (column + random.random(len(cells))) * 2 * np.pi / self.phi_cells[ring]
        objects = []
        for layer in self.layers:
            stopped = np.isin(particles.kind, layer.stops)
            true, accounted = (
                np.bincount(cell[stopped], energy[stopped], len(cells)) for energy in (particles.energy, tracked)
            )
            measured = layer.read_out(smear(true, layer.resolution(true, eta), random), eta)
            left = layer.read_out(measured - accounted, eta)
            seen = np.flatnonzero(left)
            nothing = np.zeros(len(seen))
            objects.append(
                Particles(
                    event=event[seen],
                    pt=left[seen] / np.cosh(eta[seen]),
                    eta=eta[seen],
                    phi=phi[seen],
                    mass=nothing,
                    kind=np.full(len(seen), layer.gives),
                    charge=nothing,
                    d0=nothing,
                    dz=nothing,
                )
            )
        return Particles.concatenate(objects)

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

Share = Callable[
    ["Layer", NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]],
    tuple[NDArray[np.float64], NDArray[np.float64]],
]


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
    share : one of the functions of `energy_flow`.
    """

    stops: tuple[int, ...]
    gives: int
    energy_min: float
    significance_min: float
    resolution: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
    share: Share

    def shows(self, energy: NDArray[np.float64], sigma: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether energies (n,) with these standard deviations are read out."""
        return (energy > self.energy_min) & (energy > self.significance_min * sigma)

    def compare(
        self,
        true: NDArray[np.float64],
        cell: NDArray[np.int64],
        tracked: NDArray[np.float64],
        error: NDArray[np.float64],
        eta: NDArray[np.float64],
        random: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The neutral energy of each cell (n,) in GeV, and the factor (k,) by which each track is scaled.

        Parameters
        ----------
        true : (k,) energy in GeV of each particle that is stopped.
        cell : (k,) where it is.
        tracked, error : (k,) energy of its track, 0 where there is none, and its standard deviation.
        eta : (n,) of the cells.
        """
        true = np.bincount(cell, true, len(eta))
        measured = smear(true, self.resolution(true, eta), random)
        measured[~self.shows(measured, self.resolution(measured, eta))] = 0
        return self.share(self, measured, eta, cell, tracked, error)


def electromagnetic(
    energy_min: float, significance_min: float, resolution: Callable[[NDArray, NDArray], NDArray], share: Share
) -> Layer:
    """A layer that stops electrons and photons."""
    return Layer((PHOTON, ELECTRON), PHOTON, energy_min, significance_min, resolution, share)


def hadronic(
    energy_min: float, significance_min: float, resolution: Callable[[NDArray, NDArray], NDArray], share: Share
) -> Layer:
    """A layer that stops hadrons."""
    stops = (CHARGED_HADRON, NEUTRAL_HADRON)
    return Layer(stops, NEUTRAL_HADRON, energy_min, significance_min, resolution, share)


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

    def measure(
        self,
        particles: Particles,
        arrival: NDArray[np.float64],
        phi: NDArray[np.float64],
        tracked: NDArray[np.float64],
        sigma: NDArray[np.float64],
        random: np.random.Generator,
    ) -> tuple[Particles, NDArray[np.float64]]:
        """Neutral objects of the energy flow, and what the calorimeter makes of the tracks.

        Parameters
        ----------
        particles : all that reach the calorimeter.
        arrival, phi : (m,) pseudorapidity and azimuth at which they do.
        tracked, sigma : (m,) energy of the track of each and its standard deviation in GeV, 0 where there is none.

        Returns
        -------
        neutrals : where a cell has significantly more energy than its tracks.
        scale : (m,) by which the energy of each track is multiplied.
        """
        ring = np.searchsorted(self.eta_edges, arrival, "right") - 1
        inside = (ring >= 0) & (ring < len(self.phi_cells))
        ring = np.clip(ring, 0, len(self.phi_cells) - 1)
        column = ((phi / (2 * np.pi) % 1) * self.phi_cells[ring]).astype(np.int64)
        shape = (len(self.phi_cells), int(self.phi_cells.max()) + 1)
        cells, cell = np.unique((particles.event * shape[0] + ring) * shape[1] + column, return_inverse=True)
        event, ring, column = cells // (shape[0] * shape[1]), cells // shape[1] % shape[0], cells % shape[1]
        low, high = self.eta_edges[ring], self.eta_edges[ring + 1]
        eta = low + (high - low) * random.random(len(cells))
        phi = (column + random.random(len(cells))) * 2 * np.pi / self.phi_cells[ring]
        neutrals, scale = [], np.ones(len(particles))
        for layer in self.layers:
            stopped = inside & np.isin(particles.kind, layer.stops)
            entering = (values[stopped] for values in (particles.energy, cell, tracked, sigma))
            left, scale[stopped] = layer.compare(*entering, eta, random)
            seen = np.flatnonzero(left)
            nothing = np.zeros(len(seen))
            pt, kind = left[seen] / np.cosh(eta[seen]), np.full(len(seen), layer.gives)
            direction = eta[seen], phi[seen]
            neutrals.append(Particles(event[seen], pt, *direction, nothing, kind, *[nothing] * 4))
        return Particles.concatenate(neutrals), scale

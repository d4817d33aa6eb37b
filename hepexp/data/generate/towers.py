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

    def compare(
        self,
        true: NDArray[np.float64],
        by_tracks: NDArray[np.float64],
        variance: NDArray[np.float64],
        eta: NDArray[np.float64],
        random: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The neutral energy of each cell (n,) in GeV, and the factor by which its tracks are scaled.

        Parameters
        ----------
        true : (n,) energy that enters, GeV.
        by_tracks, variance : (n,) energy of the tracks that enter, and its variance.
        eta : (n,) of the cells.
        """
        measured = smear(true, self.resolution(true, eta), random)
        sigma = self.resolution(measured, eta)
        measured[(measured < self.energy_min) | (measured < self.significance_min * sigma)] = 0
        left = measured - by_tracks
        neutral = (left > self.energy_min) & (left > self.significance_min * np.sqrt(sigma**2 + variance))
        corrected = ~neutral & (by_tracks > 0) & (measured > 0)
        mean = by_tracks + left * variance / np.where(corrected, sigma**2 + variance, 1)
        scale = np.where(corrected, mean / np.where(corrected, by_tracks, 1), 1)
        return np.where(neutral, left, 0), scale


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

    def measure(
        self,
        particles: Particles,
        phi: NDArray[np.float64],
        tracked: NDArray[np.float64],
        sigma: NDArray[np.float64],
        random: np.random.Generator,
    ) -> tuple[Particles, NDArray[np.float64]]:
        """Neutral objects of the energy flow, and what the calorimeter makes of the tracks.

        Parameters
        ----------
        particles : all that reach the calorimeter.
        phi : (m,) where they reach it.
        tracked, sigma : (m,) energy of the track of each and its standard deviation in GeV, 0 where there is none.

        Returns
        -------
        neutrals : where a cell has significantly more energy than its tracks.
        scale : (m,) by which the energy of each track is multiplied: elsewhere the tracks of a cell get, together, the
            mean of both measurements, weighted by their variances.
        """
        ring = np.searchsorted(self.eta_edges, particles.eta, "right") - 1
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
            true, by_tracks, variance = (
                np.bincount(cell[stopped], values[stopped], len(cells))
                for values in (particles.energy, tracked, sigma**2)
            )
            left, best = layer.compare(true, by_tracks, variance, eta, random)
            scale[stopped] = best[cell[stopped]]
            seen = np.flatnonzero(left)
            nothing = np.zeros(len(seen))
            pt, kind = left[seen] / np.cosh(eta[seen]), np.full(len(seen), layer.gives)
            direction = eta[seen], phi[seen]
            neutrals.append(Particles(event[seen], pt, *direction, nothing, kind, *[nothing] * 4))
        return Particles.concatenate(neutrals), scale

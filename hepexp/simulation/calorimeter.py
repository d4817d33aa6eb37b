"""Calorimeter towers, and the energy-flow photons and neutral hadrons reconstructed from their excess over the tracks.

Energy is summed in cells of (eta, phi), smeared, and kept if it is significant compared with the noise. The energy that
the tracks entering a cell do not account for becomes a massless neutral object at a random position in the cell, as
with Delphes' SmearTowerCenter. Two algorithms compare a cell with its tracks, `pooled` and `better_of_two`, from two
versions of Delphes.

References
----------
Delphes, arXiv:1307.6346, sections 2.3 (calorimeters) and 3.1 (energy flow), and its module Calorimeter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.particles import CHARGED_HADRON, ELECTRON, NEUTRAL_HADRON, PHOTON, Particles
from hepexp.simulation.tracker import smear

Floats = NDArray[np.float64]

Resolution = Callable[[Floats, Floats], Floats]  # standard deviation in GeV of energies in GeV at these eta

# How the energy of cells is divided between tracks and neutral objects: `pooled` or `better_of_two`. Given the measured
# energy (n,) in GeV and the eta (n,) of each cell, and for each particle stopped there the cell (k,), the energy (k,)
# of its track in GeV, 0 without a track, and the standard deviation (k,) of that energy, it returns the neutral energy
# (n,) of the cells, and the factors (k,) by which tracks are scaled.
Sharing = Callable[["Layer", Floats, Floats, NDArray[np.int64], Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Layer:
    """A calorimeter for one kind of shower.

    Parameters
    ----------
    stops : kinds of particles that deposit all their energy here.
    neutral : kind of the neutral objects that are reconstructed.
    energy_min : minimum energy in GeV of a cell that is read out.
    significance_min : minimum significance of a cell that is read out, in standard deviations.
    resolution : of the energy of a cell.
    share : `pooled` or `better_of_two`.
    """

    stops: tuple[int, ...]
    neutral: int
    energy_min: float
    significance_min: float
    resolution: Resolution
    share: Sharing

    def is_significant(self, energy: Floats, sigma: Floats) -> NDArray[np.bool_]:
        """Whether energies (n,) with these standard deviations are read out."""
        return (energy > self.energy_min) & (energy > self.significance_min * sigma)

    def compare(
        self,
        true: Floats,
        cell: NDArray[np.int64],
        tracked: Floats,
        error: Floats,
        eta: Floats,
        random: np.random.Generator,
    ) -> tuple[Floats, Floats]:
        """The neutral energy of each cell (n,) in GeV, and the factor (k,) by which each track is scaled.

        Parameters
        ----------
        true : (k,) energy in GeV of each stopped particle.
        cell : (k,) index of the particle's cell.
        tracked, error : (k,) energy of its track, 0 without a track, and the standard deviation of that energy.
        eta : (n,) of the cells.
        """
        total = np.asarray(np.bincount(cell, true, len(eta)), np.float64)
        measured = smear(total, self.resolution(total, eta), random)
        measured[~self.is_significant(measured, self.resolution(measured, eta))] = 0
        return self.share(self, measured, eta, cell, tracked, error)


def electromagnetic(energy_min: float, significance_min: float, resolution: Resolution, share: Sharing) -> Layer:
    """A layer that stops electrons and photons."""
    return Layer((PHOTON, ELECTRON), PHOTON, energy_min, significance_min, resolution, share)


def hadronic(energy_min: float, significance_min: float, resolution: Resolution, share: Sharing) -> Layer:
    """A layer that stops hadrons."""
    stops = (CHARGED_HADRON, NEUTRAL_HADRON)
    return Layer(stops, NEUTRAL_HADRON, energy_min, significance_min, resolution, share)


@dataclass(frozen=True)
class Calorimeter:
    """Layers with the same cells; objects of different layers in a cell have the same direction.

    Parameters
    ----------
    eta_edges : of the rings of cells, ascending.
    phi_cells : number of cells in each ring.
    layers : one or more.
    """

    eta_edges: Floats
    phi_cells: NDArray[np.int64]
    layers: tuple[Layer, ...]

    def cells(
        self, event: NDArray[np.int64], arrival: Floats, phi: Floats
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The cells that particles of some events enter.

        Parameters
        ----------
        event, arrival, phi : (m,) event, pseudorapidity and azimuth of each particle.

        Returns
        -------
        inside : (m,) whether there is a cell at all.
        cell : (m,) index among the cells that are entered, a meaningless one where there is none.
        event, ring, column : (n,) of these cells.
        """
        ring = np.searchsorted(self.eta_edges, arrival, "right") - 1
        inside = (ring >= 0) & (ring < len(self.phi_cells))
        ring = np.clip(ring, 0, len(self.phi_cells) - 1)
        column = ((phi / (2 * np.pi) % 1) * self.phi_cells[ring]).astype(np.int64)
        shape = (len(self.phi_cells), int(self.phi_cells.max()) + 1)
        cells, cell = np.unique((event * shape[0] + ring) * shape[1] + column, return_inverse=True)
        return inside, cell, cells // (shape[0] * shape[1]), cells // shape[1] % shape[0], cells % shape[1]

    def measure(
        self,
        particles: Particles,
        arrival: Floats,
        phi: Floats,
        tracked: Floats,
        sigma: Floats,
        random: np.random.Generator,
    ) -> tuple[Particles, Floats]:
        """Neutral energy-flow objects, and corrections to the tracks.

        Parameters
        ----------
        particles : all particles that reach the calorimeter.
        arrival, phi : (m,) pseudorapidity and azimuth at which they do so.
        tracked, sigma : (m,) energy of each particle's track and its standard deviation in GeV, 0 without a track.

        Returns
        -------
        neutrals : from cells with significantly more energy than their tracks.
        scale : (m,) factor by which the energy of each track is multiplied.
        """
        inside, cell, event, ring, column = self.cells(particles.event, arrival, phi)
        low, high = self.eta_edges[ring], self.eta_edges[ring + 1]
        eta = low + (high - low) * random.random(len(event))
        phi = (column + random.random(len(event))) * 2 * np.pi / self.phi_cells[ring]
        neutrals, scale = [], np.ones(len(particles))
        for layer in self.layers:
            stopped = inside & np.isin(particles.kind, layer.stops)
            energy = particles.energy[stopped]
            left, scale[stopped] = layer.compare(energy, cell[stopped], tracked[stopped], sigma[stopped], eta, random)
            seen = np.flatnonzero(left)
            nothing = np.zeros(len(seen))
            pt, kind = left[seen] / np.cosh(eta[seen]), np.full(len(seen), layer.neutral)
            direction = eta[seen], phi[seen]
            neutrals.append(Particles(event[seen], pt, *direction, nothing, kind, *[nothing] * 4))
        return Particles.by_event(neutrals), scale


def pooled(
    layer: Layer, measured: Floats, eta: Floats, cell: NDArray[np.int64], tracked: Floats, error: Floats
) -> tuple[Floats, Floats]:
    """A significant excess over the tracks is neutral; otherwise, tracks and cell are averaged by inverse variance."""
    by_tracks, variance = np.bincount(cell, tracked, len(eta)), np.bincount(cell, error**2, len(eta))
    sigma = layer.resolution(measured, eta)
    left = measured - by_tracks
    neutral = layer.is_significant(left, np.sqrt(sigma**2 + variance))
    corrected = ~neutral & (by_tracks > 0) & (measured > 0)
    mean = by_tracks + left * variance / np.where(corrected, sigma**2 + variance, 1)
    scale = np.where(corrected, mean / np.where(corrected, by_tracks, 1), 1)
    return np.where(neutral, left, 0), scale[cell]


def better_of_two(
    layer: Layer, measured: Floats, eta: Floats, cell: NDArray[np.int64], tracked: Floats, error: Floats
) -> tuple[Floats, Floats]:
    """Tracks are used unless the calorimeter has a better resolution at their energy than the tracker.

    In that case they share the energy that the other tracks of their cell do not account for, and the cell has no
    neutral energy. In all other cells the excess is neutral.
    """
    doubtful = layer.resolution(tracked, eta[cell]) < error
    doubted, believed = (np.bincount(cell[chosen], tracked[chosen], len(eta)) for chosen in (doubtful, ~doubtful))
    left = np.maximum(measured - believed, 0)
    taken = doubted > 0
    scale = np.where(doubtful, (left / np.where(taken, doubted, 1))[cell], 1)
    left[taken] = 0
    return np.where(layer.is_significant(left, layer.resolution(left, eta)), left, 0), scale

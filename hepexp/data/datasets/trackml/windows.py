"""Hits of a layer in bands along it, sorted in azimuth, so that those in a window are found without the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.trackml.layout import N_BARREL

N_BANDS = 8  # of a layer
_PERIOD = 8 * np.pi  # between the keys of two bands, more than the three turns of azimuth that each has
_ROUNDING = 1e-6  # rad and mm, by which windows are wider than what they must hold
_MOST_WINDOW = np.pi * (1 - 1e-12)  # so that no hit is found twice
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BandedLayer:
    """The hits of a layer by band and azimuth, each three times, one turn apart.

    Parameters
    ----------
    hit, r, phi, z : (3 m,) number, radius, azimuth from -3 pi to 3 pi, and z of the hits.
    key : (3 m,) sorted; a window of azimuth in one band is one interval of it.
    along : z of the first band's beginning in a cylinder, r in a disc; and the width of a band.
    r_of_band : (2, bands), the least and the largest radius.
    z_range : the least and the largest z of the layer.
    """

    is_disc: bool
    hit: NDArray[np.int64]
    r: Floats
    phi: Floats
    z: Floats
    key: Floats
    along: tuple[float, float]
    r_of_band: Floats
    z_range: tuple[float, float]

    @classmethod
    def of(cls, number: int, hit: NDArray[np.int64], r: Floats, phi: Floats, z: Floats) -> Self:
        """The layer of this number, with its hits (m,), at least one."""
        place = z if number < N_BARREL else r
        first = place.min()
        width = max((place.max() - first) / N_BANDS, 1e-3)
        band = np.minimum((place - first) / width, N_BANDS - 1).astype(np.int64)
        r_of_band = np.stack([np.full(N_BANDS, np.inf), np.full(N_BANDS, -np.inf)])
        np.minimum.at(r_of_band[0], band, r)
        np.maximum.at(r_of_band[1], band, r)
        turns = np.concatenate([phi - 2 * np.pi, phi, phi + 2 * np.pi])
        key = np.tile(band, 3) * _PERIOD + turns
        order = np.argsort(key)
        own = order % len(hit)
        ends = (float(z.min()), float(z.max()))
        return cls(
            number >= N_BARREL, hit[own], r[own], turns[order], z[own], key[order], (first, width), r_of_band, ends
        )

    def near(self, r: Floats, phi: Floats, z: Floats, dphi_dr: float, most_z0: float) -> tuple[NDArray, NDArray]:
        """Places in this layer, and how many (m,) each of the hits (m,) of another layer has, that may be near it.

        They hold all with |dphi / dr| < dphi_dr and |z_0| < most_z0, see `HitGraph`, and few others.
        """
        first, last = self._bands(r, z, most_z0)
        hit = np.repeat(np.arange(len(r)), last - first)
        band = _runs(first, last - first)
        low, high = self.r_of_band[:, band]
        window = dphi_dr * np.maximum(abs(low - r[hit]), abs(high - r[hit])) + _ROUNDING
        window = np.minimum(np.where(low <= high, window, 0), _MOST_WINDOW)  # a band may be empty
        middle = band * _PERIOD + phi[hit]
        start = np.searchsorted(self.key, middle - window, "left")
        n = np.searchsorted(self.key, middle + window, "right") - start
        return _runs(start, n), np.bincount(hit, n, len(r)).astype(np.int64)

    def _bands(self, r: Floats, z: Floats, most_z0: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first band (m,) that lines from |z_0| < most_z0 through hits (m,) reach, and the one after the last."""
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = (z - most_z0) / r, (z + most_z0) / r  # of z in r
            if self.is_disc:
                away = (slopes[0] > 0) | (slopes[1] < 0)
                reached = [r + (end - z) / slope for end in self.z_range for slope in slopes]
            else:
                away = r > 0
                ends = self.r_of_band[0].min(), self.r_of_band[1].max()
                reached = [z + (end - r) * slope for end in ends for slope in slopes]
        low = np.where(away, np.minimum.reduce(reached), -np.inf) - _ROUNDING
        high = np.where(away, np.maximum.reduce(reached), np.inf) + _ROUNDING
        origin, width = self.along
        first = np.floor((low - origin) / width).clip(0, N_BANDS - 1)
        last = np.floor((high - origin) / width).clip(-1, N_BANDS - 1) + 1
        return first.astype(np.int64), np.maximum(last, first).astype(np.int64)


def _runs(start: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.int64]:
    """start[0], start[0] + 1, ..., n[0] of them, then those of start[1], and so on."""
    return np.arange(n.sum()) + np.repeat(start - np.cumsum(n) + n, n)

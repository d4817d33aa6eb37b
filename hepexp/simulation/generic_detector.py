"""ACTS's generic detector, which TrackML's is, in a solenoid: its pixel modules, and what particles leave in them.

References
----------
X. Ai et al., "A common tracking software project", Comput. Softw. Big Sci. 6 (2022) 8, arXiv:2106.13593.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hepexp.errors import ConfigError

FIELD = 2.0  # T, along z
LEAST_MOMENTUM = 0.1  # GeV, of particles that are followed
BARREL_END = 545.0  # mm: between the barrel and the discs
_NEAREST = 12  # modules of a layer, by their centres, that may contain a place
Array = NDArray[np.float64]
Places = NDArray[np.int64]


class Particles(NamedTuple):
    """Particles (m,) of an event: PDG number, charge in e, mass in GeV, origin (m, 3) in mm, momentum (m, 3) in GeV."""

    pdgid: NDArray[np.int64]
    charge: Array
    mass: Array
    origin: Array
    momentum: Array


class Hits(NamedTuple):
    """Where particles cross modules: the module and the particle (k,) of each hit, and its place (k, 3) in mm.

    `momentum` (p, 3) in GeV has a row for each particle, first those that were given, then those that they made.
    """

    module: Places
    particle: Places
    place: Array
    momentum: Array


def require() -> None:
    """Raise ConfigError if ACTS is not installed; says how to install it, or that it cannot be."""
    if find_spec("acts") is None:
        if sys.platform != "linux":
            raise ConfigError(f"pyacts is not installed, and is for Linux only, which this is not ({sys.platform})")
        raise ConfigError("pyacts is not installed; pip install 'hepexp[acts]'")


@dataclass(frozen=True)
class Modules:
    """Flat modules (M,) of the pixel layers, rectangles.

    Parameters
    ----------
    layer : number of the layer; centre : (M, 3) in mm.
    axes : (M, 3, 3), unit vectors as rows: in azimuth, along the layer (z or r), and normal.
    halves : (M, 2), half width and half length in mm.
    """

    layer: Places
    centre: Array
    axes: Array
    halves: Array

    def local(self, module: Places, place: Array) -> Array:
        """Coordinates (k, 3) in mm along the axes of modules (k,)."""
        return np.einsum("kij,kj->ki", self.axes[module], place - self.centre[module])

    def place(self, module: Places, local: Array) -> Array:
        """The places (k, 3) of coordinates (k, 3)."""
        return self.centre[module] + np.einsum("kij,ki->kj", self.axes[module], local)

    def inside(self, module: Places, local: Array, tolerance: float = 0.0) -> NDArray[np.bool_]:
        """Whether coordinates (k, 3) are on their modules (k,), within a tolerance in mm."""
        over = abs(local[:, :2]) - self.halves[module]
        return over.max(1) <= tolerance

    def nearest_layer(self, place: Array) -> Places:
        """The numbers (k,) of the layers that places (k, 3) are nearest to, of the barrel or the discs."""
        numbers = np.unique(self.layer)
        centre = np.stack([np.hypot(self.centre[:, 0], self.centre[:, 1]), self.centre[:, 2]], axis=1)
        r, z = np.array([centre[self.layer == number].mean(0) for number in numbers]).T
        barrel = abs(z) < BARREL_END
        off = np.where(barrel, abs(np.hypot(place[:, 0], place[:, 1])[:, None] - r), abs(place[:, 2, None] - z))
        off[(abs(place[:, 2]) < BARREL_END)[:, None] != barrel] = np.inf
        return numbers[off.argmin(1)]

    def find(self, layer: NDArray[np.integer], place: Array, tolerance: float) -> Places:
        """The modules (k,) of these layers (k,) that places (k, 3) are on, within a tolerance in mm; -1 for none."""
        found = np.full(len(layer), -1)
        for number in np.unique(layer):
            own, here = np.flatnonzero(self.layer == number), np.flatnonzero(layer == number)
            near = own[cKDTree(self.centre[own]).query(place[here], min(_NEAREST, len(own)))[1]]
            module, points = near.ravel(), np.repeat(place[here], near.shape[1], axis=0)
            local = self.local(module, points)
            off = np.where(self.inside(module, local, tolerance), abs(local[:, 2]), np.inf).reshape(near.shape)
            best = off.argmin(1)
            rows = np.arange(len(here))
            found[here] = np.where(off[rows, best] < tolerance, near[rows, best], -1)
        return found


class GenericDetector:
    """The detector, of which a process needs only one: see `generic_detector`.

    Parameters
    ----------
    layers : number of each layer that is kept, by its volume and layer in ACTS, which are those of TrackML.

    Attributes
    ----------
    modules : of these layers, in the order of `surfaces`, the same in ACTS.
    """

    def __init__(self, layers: Mapping[tuple[int, int], int]) -> None:
        import acts
        import acts.examples

        self.quiet = acts.logging.WARNING
        config = acts.examples.GenericDetector.Config()
        config.logLevel = config.surfaceLogLevel = config.layerLogLevel = config.volumeLogLevel = self.quiet
        self._owner = acts.examples.GenericDetector(config)
        self.geometry = self._owner.trackingGeometry()
        self.field = acts.ConstantBField(acts.Vector3(0, 0, FIELD * acts.UnitConstants.T))
        self.context = acts.GeometryContext.dangerouslyDefaultConstruct()
        found = {}
        for identity, surface in self.geometry.geoIdSurfaceMap().items():
            layer = layers.get((identity.volume, identity.layer))
            if layer is not None and surface.isSensitive:
                found[identity.value] = layer, surface
        self.identities = sorted(found)
        self.surfaces = [found[identity][1] for identity in self.identities]
        self.index = {identity: i for i, identity in enumerate(self.identities)}
        rows = [self._module(surface) for surface in self.surfaces]
        centre, axes, halves = (np.array(values) for values in zip(*rows, strict=True))
        self.modules = Modules(np.array([found[identity][0] for identity in self.identities]), centre, axes, halves)

    def _module(self, surface: Any) -> tuple[Array, Array, Array]:
        import acts

        points = ((0, 0), (1, 0), (0, 1))
        normal = acts.Vector3(0, 0, 1)
        centre, across, along = (
            np.array(surface.localToGlobal(self.context, acts.Vector2(*point), normal)) for point in points
        )
        across, along = across - centre, along - centre
        return centre, np.stack([across, along, np.cross(across, along)]), np.array(surface.bounds.values()[2:])

    def sequencer(self, events: int) -> Any:
        """Runs ACTS's algorithms on so many events, one after another, in this thread."""
        import acts.examples

        return acts.examples.Sequencer(events=events, numThreads=1, logLevel=self.quiet, trackFpes=False)


@cache
def _detector(layers: tuple[tuple[tuple[int, int], int], ...]) -> GenericDetector:
    return GenericDetector(dict(layers))


def generic_detector(layers: Mapping[tuple[int, int], int]) -> GenericDetector:
    """The detector of this process, see `GenericDetector`; it takes a second to build.

    Raises
    ------
    ConfigError : ACTS is not installed.
    """
    require()
    return _detector(tuple(sorted(layers.items())))

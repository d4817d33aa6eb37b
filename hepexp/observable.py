"""Quantities by which generated examples are compared with those of a data set, and how layers of showers are drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Observable:
    """One quantity of each example, or of each of its elements, or several of one kind.

    The data set that declares it computes its values, see `HepDataModule.observe`.

    Parameters
    ----------
    name : in the names of figures, w1_<name>.
    labels : of the axes of its components, with units.
    of : what has it: an `example`, or an `element`, such as a particle.
    selects : whether the distance of its distribution from the true one selects the best epoch.
    distance : whether its Wasserstein distance and its separation power are figures of merit; otherwise it is only
        drawn.
    unit : of the Wasserstein distance; empty for none.
    mean : whether its mean is a figure, too.
    isotropic : whether its components are those of a direction (K = 3) that is isotropic if nothing else is known,
        which is tested.
    drawn : whether its distribution is drawn.
    """

    name: str
    labels: tuple[str, ...]
    of: str = "example"
    selects: bool = False
    distance: bool = True
    unit: str = ""
    mean: bool = False
    isotropic: bool = False
    drawn: bool = True


@dataclass(frozen=True)
class LayerMap:
    """A layer of a calorimeter, of which the energy density in its cells is drawn.

    Parameters
    ----------
    name : of the layer.
    edges : of the cells along x and y in mm, or along the azimuth and the radius.
    is_polar : whether it is azimuth and radius.
    """

    name: str
    edges: tuple[tuple[float, ...], tuple[float, ...]]
    is_polar: bool = False

"""Quantities by which generated examples are compared with those of a data set."""

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
    distance : whether its Wasserstein distance is a figure of merit; otherwise it is only drawn.
    unit : of the Wasserstein distance; empty for none.
    """

    name: str
    labels: tuple[str, ...]
    of: str = "example"
    selects: bool = False
    distance: bool = True
    unit: str = ""

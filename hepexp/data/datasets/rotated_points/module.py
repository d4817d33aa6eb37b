"""Points on two rings, for trying out a symmetry search before applying it to jets."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from hepexp.data.datasets.rotated_points.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.points import Points
from hepexp.data.representations.representation import Representation


class RotatedPoints(HepDataModule):
    """Points in the plane on an inner (label 0) or outer (label 1) ring around the origin, uniform in angle.

    The only connected group of linear transformations that leaves both distributions invariant is SO(2).
    """

    info = INFO

    source: Literal["auto", "mini", "generate"] = "auto"
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [Points()]

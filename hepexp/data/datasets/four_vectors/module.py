"""Four-vectors of known symmetry, for trying out a symmetry search before applying it to jets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from hepexp.data.datasets.four_vectors.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.points import Points
from hepexp.data.representations.representation import Representation


class FourVectors(HepDataModule):
    """Four-vectors of classes with a known symmetry; each symmetry has classes of its own, to be chosen together.

    The only connected group of linear transformations that leaves the distributions of the classes `so13_...` invariant
    is SO(1,3), up to the finite range of rapidities; for `so3_...` it is SO(3) of (px, py, pz), for `boosts_...` the
    boosts along z; for `none_...` it is trivial.

    Parameters
    ----------
    energy : whether an example is (E, px, py, pz); otherwise it is (px, py, pz).
    """

    info = INFO

    source: Literal["auto", "mini", "generate"] = "auto"
    classes: Sequence[str] | None = None
    energy: bool = True
    n_generate: int = 90000
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [Points(tuple(INFO.layout.elements)[0 if self.energy else 1 :])]

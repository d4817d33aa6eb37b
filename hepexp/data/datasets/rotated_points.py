"""Points on two rings, for trying out a symmetry search before applying it to jets."""

from __future__ import annotations

from typing import Literal

from hepexp.data.collections.rotated_points import COLLECTION
from hepexp.data.datamodule import HepDataModule
from hepexp.data.render.points import Points
from hepexp.data.request import Loading, Request


class RotatedPoints(HepDataModule):
    """Points in the plane on an inner (label 0) or outer (label 1) ring around the origin, uniform in angle.

    The only connected group of linear transformations that leaves both distributions invariant is SO(2).
    """

    collection = COLLECTION

    def __init__(
        self,
        source: Literal["auto", "mini", "generate"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        num_workers: int = 0,
        n_generate: int = 20000,
        generate_seed: int = 1,
        *,
        seed: int,
    ) -> None:
        super().__init__(
            Request(source, None, n_generate, generate_seed, n_train, n_val, n_test),
            Loading(batch_size, num_workers, seed),
            [Points()],
        )

"""Points on two rings, for trying out a symmetry search before applying it to jets."""

from __future__ import annotations

from typing import Literal

from hepexp.data.datasets.rotated_points.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.points import Points


class RotatedPoints(HepDataModule):
    """Points in the plane on an inner (label 0) or outer (label 1) ring around the origin, uniform in angle.

    The only connected group of linear transformations that leaves both distributions invariant is SO(2).
    """

    info = INFO

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

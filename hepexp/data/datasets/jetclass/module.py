"""JetClass, or jets simulated in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.datasets.jetclass.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.of_jets import jet_forms
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.particle_inputs import Identified


class JetClass(HepDataModule):
    """Ten classes of jets: QCD, Higgs to bb, cc, gg, 4q and lvqq, Z and W to qq, top to bqq and blv.

    Parameters
    ----------
    scalars : scalar inputs for each particle: `full` for charge, type and impact parameters; `pid` for charge and type;
        `none` for four-momenta only.

    References
    ----------
    H. Qu, C. Li, S. Qian, arXiv:2202.03772; data at doi:10.5281/zenodo.6619768.
    """

    info = INFO

    def __init__(
        self,
        source: Literal["auto", "full", "mini", "generate"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        classes: Sequence[str] | None = None,
        extras: Sequence[str] = (),
        scalars: Literal["full", "pid", "none"] = "full",
        n_particles: int | None = None,
        bucket: int = 1,
        num_workers: int = 0,
        n_files: int | None = None,
        n_generate: int = 20000,
        generate_seed: int = 1,
        image: JetImage | None = None,
        graph: ParticleGraph | None = None,
        features: JetFeatures | None = None,
        *,
        seed: int,
    ) -> None:
        super().__init__(
            Request(source, n_files, n_generate, generate_seed, n_train, n_val, n_test, classes, extras),
            Loading(batch_size, num_workers, seed, bucket),
            jet_forms(Identified(scalars), n_particles, image, graph, features),
        )

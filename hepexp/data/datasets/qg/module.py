"""Quark and gluon jets in Z + jet events at 14 TeV: the EnergyFlow sample, or jets simulated in the same way."""

from __future__ import annotations

from typing import Literal

from hepexp.data.datasets.qg.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.of_jets import jet_forms
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.particle_inputs import TypedParticles


class QuarkGluon(HepDataModule):
    """Light-quark jets (label 1) vs gluon jets (label 0), pT 500-550 GeV, |y| < 1.7, anti-kT R = 0.4.

    Parameters
    ----------
    pid : use the particle type. If false, all particles are massless and their only scalar is the constant 1.
    scalars : scalar inputs for each particle if `pid` is true: `pid` for a one-hot encoding of 8 particle types, or
        `mass_charge` for psi(mass) and charge.

    References
    ----------
    P. T. Komiske, E. M. Metodiev, J. Thaler, arXiv:1810.05165; data at doi:10.5281/zenodo.3164691.
    """

    info = INFO

    def __init__(
        self,
        source: Literal["auto", "full", "mini", "generate"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        pid: bool = True,
        scalars: Literal["pid", "mass_charge"] = "pid",
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
            Request(source, n_files, n_generate, generate_seed, n_train, n_val, n_test),
            Loading(batch_size, num_workers, seed, bucket),
            jet_forms(TypedParticles(pid, scalars), n_particles, image, graph, features),
        )

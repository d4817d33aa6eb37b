"""The Top Tagging Reference Data Set, or jets simulated in the same way."""

from __future__ import annotations

from typing import Literal

from hepexp.data.datasets.top.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.of_jets import jet_forms
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.data.representations.particle_inputs import Massive


class TopTagging(HepDataModule):
    """Hadronic top-quark jets (label 1) vs QCD jets (label 0), pT 550-650 GeV, |eta| < 2, anti-kT R = 0.8.

    Parameters
    ----------
    beams : prepend two beam particles to each jet, as LorentzNet's authors do, for models that take particles.

    References
    ----------
    G. Kasieczka et al., arXiv:1902.09914; data at doi:10.5281/zenodo.2603256.
    """

    info = INFO

    def __init__(
        self,
        source: Literal["auto", "full", "mini", "generate"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        n_particles: int | None = None,
        beams: bool = False,
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
            jet_forms(Massive("E"), n_particles, image, graph, features, beams),
        )

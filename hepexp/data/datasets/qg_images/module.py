"""Images of quark and gluon jets in CMS: CMS Open Data, or a simulation of the same sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.datasets.qg_images.info import CELL, CHANNELS, INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.crop import Window
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.of_images import jet_image_forms
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.pixel_image import PixelImage


class QuarkGluonImages(HepDataModule):
    """Quark (label 1) vs gluon (label 0) jets of CMS Open Data as images of tracks, ECAL and HCAL, 125 x 125.

    Parameters
    ----------
    channels : image channels, any of `tracks`, `ecal` and `hcal`, in the order wanted; null for all three.
    crop : size in pixels of the central square to keep; null for all 125 x 125.
    n_particles : for models that take particles, use this many pixels per image as particles, the brightest ones; null
        for all.

    References
    ----------
    M. Andrews et al., arXiv:1902.08276.
    """

    info = INFO

    def __init__(
        self,
        source: Literal["auto", "full", "mini", "generate"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        channels: Sequence[str] | None = None,
        crop: int | None = None,
        extras: Sequence[str] = (),
        train_classes: Sequence[str] | None = None,
        n_particles: int | None = 100,
        bucket: int = 1,
        num_workers: int = 0,
        n_files: int | None = None,
        n_generate: int = 10000,
        generate_seed: int = 1,
        image: PixelImage | None = None,
        graph: PixelGraph | None = None,
        features: JetFeatures | None = None,
        *,
        seed: int,
    ) -> None:
        window = Window(INFO.layout.shape, CHANNELS, channels, crop)
        super().__init__(
            Request(source, n_files, n_generate, generate_seed, n_train, n_val, n_test, None, extras, train_classes),
            Loading(batch_size, num_workers, seed, bucket),
            jet_image_forms(window, image, graph, features, CELL, n_particles),
        )

"""Electrons and photons in the CMS calorimeter: CMS Open Data, or a simulation of the same sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.datasets.electron_photon.info import CHANNELS, INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.crop import Window
from hepexp.data.representations.of_images import image_forms
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.pixel_image import PixelImage


class ElectronPhoton(HepDataModule):
    """Electrons (label 1) vs photons (label 0) of pT 50 GeV, as crops of 32 x 32 ECAL crystals: energy and time.

    Parameters
    ----------
    channels : image channels, one or both of `energy` and `time`, in the order wanted; null for both.
    crop : size in crystals of the central square to keep; null for all 32 x 32.

    References
    ----------
    M. Andrews, M. Paulini, S. Gleyzer, B. Poczos, arXiv:1807.11916.
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
        num_workers: int = 0,
        n_files: int | None = None,
        n_generate: int = 20000,
        generate_seed: int = 1,
        image: PixelImage | None = None,
        graph: PixelGraph | None = None,
        *,
        seed: int,
    ) -> None:
        window = Window(INFO.layout.shape, CHANNELS, channels, crop)
        super().__init__(
            Request(source, n_files, n_generate, generate_seed, n_train, n_val, n_test),
            Loading(batch_size, num_workers, seed),
            image_forms(window, image, graph),
        )

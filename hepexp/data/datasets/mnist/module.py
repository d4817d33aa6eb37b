"""Handwritten digits, for trying out methods before applying them to jets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.datasets.mnist.info import INFO
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.options import Loading, Request
from hepexp.data.representations.crop import Window
from hepexp.data.representations.of_images import image_forms
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.pixel_image import PixelImage


class Mnist(HepDataModule):
    """Digits of 28 x 28 pixels: MNIST with `full`; with `mini`, scikit-learn's 1,797 digits scaled up to that size.

    Parameters
    ----------
    crop : size in pixels of the central square to keep; null for all 28 x 28.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86 (1998) 2278.
    """

    info = INFO

    def __init__(
        self,
        source: Literal["auto", "full", "mini"] = "auto",
        batch_size: int = 64,
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        classes: Sequence[str] | None = None,
        crop: int | None = None,
        num_workers: int = 0,
        image: PixelImage | None = None,
        graph: PixelGraph | None = None,
        *,
        seed: int,
    ) -> None:
        window = Window(INFO.layout.shape, ("grey",), None, crop)
        super().__init__(
            Request(source, None, 10, 0, n_train, n_val, n_test, classes),
            Loading(batch_size, num_workers, seed),
            image_forms(window, image, graph),
        )

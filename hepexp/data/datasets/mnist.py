"""Handwritten digits, for trying out methods before applying them to jets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.collections.mnist import COLLECTION
from hepexp.data.datamodule import HepDataModule
from hepexp.data.render.image_forms import image_forms
from hepexp.data.render.pixel_graph import PixelGraph
from hepexp.data.render.pixel_image import PixelImage
from hepexp.data.render.window import Window
from hepexp.data.request import Loading, Request


class Mnist(HepDataModule):
    """Digits of 28 x 28 pixels: MNIST with `full`; with `mini`, scikit-learn's 1,797 digits scaled up to that size.

    Parameters
    ----------
    crop : size in pixels of the central square to keep; null for all 28 x 28.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86 (1998) 2278.
    """

    collection = COLLECTION

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
        window = Window(COLLECTION.layout.shape, ("grey",), None, crop)
        super().__init__(
            Request(source, None, 10, 0, n_train, n_val, n_test, classes),
            Loading(batch_size, num_workers, seed),
            image_forms(window, image, graph),
        )

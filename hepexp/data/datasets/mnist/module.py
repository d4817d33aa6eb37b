"""Handwritten digits, for trying out methods before applying them to jets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from hepexp.data.datasets.mnist.info import INFO
from hepexp.data.loading.image_datamodule import ImageDataModule


class Mnist(ImageDataModule):
    """Digits of 28 x 28 pixels: MNIST with `full`; with `mini`, scikit-learn's 1,797 digits scaled up to that size.

    Parameters
    ----------
    crop : size in pixels of the central square to keep; null for all 28 x 28.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86 (1998) 2278.
    """

    info = INFO
    channel_names = ("grey",)

    source: Literal["auto", "full", "mini"] = "auto"
    classes: Sequence[str] | None = None
    channels: None = field(default=None, init=False)
    n_files: None = field(default=None, init=False)
    n_generate: int = field(default=10, init=False)
    generate_seed: int = field(default=0, init=False)

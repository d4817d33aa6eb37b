"""One's own files of images, described by a configuration alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.datasets.files.own_files import OwnFiles
from hepexp.data.loading.image_datamodule import ImageDataModule
from hepexp.errors import ConfigError


class ImageFiles(OwnFiles, ImageDataModule):
    """Images in one's own ROOT, HDF5, Parquet, Arrow or NumPy files, as dense arrays.

    Parameters
    ----------
    pixels : column with an array (rows, columns), (channels, rows, columns) or (rows, columns, channels) per example;
        or a list of columns (rows, columns), one for each channel. Pixels that are zero take no space.
    channel_axis : `first` or `last`, the axis of the channels; null if there is none, or if it is the only one that is
        as short.
    channels : image channels, in the order wanted: columns of `pixels`, or NAME[0], NAME[1], ... of one with an axis of
        channels; null for all.
    """

    pixels: str | Sequence[str]
    channel_axis: Literal["first", "last"] | None = None

    def __post_init__(self) -> None:
        if not self.open().pixels:
            raise ConfigError("dataset.pixels must name one or more columns that hold the images, got none")
        super().__post_init__()

    @property
    def channel_names(self) -> tuple[str, ...]:
        return self.info.channel_names

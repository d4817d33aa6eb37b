"""What data sets of images have in common."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.pixel_graph import PixelGraph
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.representation import Representation
from hepexp.data.transforms.crop import Crop


class ImageDataModule(HepDataModule):
    """Base class of the data sets whose examples are lists of non-zero pixels; each names its `channel_names`.

    Parameters
    ----------
    channels : image channels, in the order wanted; null for all.
    crop : size in pixels of the central square to keep; null for the whole image.
    image : preprocessing and scaling of the images, for models that take images.
    graph : nodes and edges of the graphs, for models that take graphs.
    """

    channels: Sequence[str] | None = None
    crop: int | None = None
    image: PixelImage | None = None
    graph: PixelGraph | None = None

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Of all channels, in the order of the store; a data set may as well have them as an attribute."""
        raise NotImplementedError(f"{type(self).__name__} does not name its channels")

    def make_crop(self) -> Crop:
        """The part of each image that is read."""
        return Crop(self.info.layout.image_shape, self.channel_names, self.channels, self.crop)

    def make_representations(self) -> list[Representation]:
        crop = self.make_crop()
        image = (self.image or PixelImage()).of_shape(crop.shape, crop.channel_names)
        graph = (self.graph or PixelGraph()).of_shape(crop.shape)
        return [one.with_transforms(crop) for one in (image, graph)]

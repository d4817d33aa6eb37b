"""The interface between a data set and a model: the shape of the data, and a batch as the model takes it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class DataSpec:
    """What a data set tells the model that is built for it.

    A model receives those of these values that its constructor names as keyword-only parameters. A value that does not
    apply to its representation of the data is zero or None.

    Parameters
    ----------
    class_names : name of each class, in the order of the labels.
    n_scalars : scalars per particle that come with the four-momentum.
    has_beams : whether the first two particles of each jet are the beams.
    image_shape : (channels, rows, columns) of an image.
    n_node_features : features of each node of a graph.
    n_features : features of an example as a whole.
    n_extras : additional variables of each example, such as the jet's pT and mass.
    channel_names : names of an image's channels, in order; empty if they have none.
    pixel_unit : unit of an image's pixel values.
    """

    class_names: tuple[str, ...]
    n_scalars: int = 0
    has_beams: bool = False
    image_shape: tuple[int, int, int] | None = None
    n_node_features: int = 0
    n_features: int = 0
    n_extras: int = 0
    channel_names: tuple[str, ...] = ()
    pixel_unit: str = ""

    @property
    def n_classes(self) -> int:
        return len(self.class_names)


@dataclass
class Batch:
    """What batches of every representation share.

    Shapes
    ------
    label (B,) int64; index (B,) int64, the row in the data set; extras (B, X) float32, additional variables of each
    example, in the units of the data set.
    """

    label: Tensor
    index: Tensor
    extras: Tensor

    def __len__(self) -> int:
        return len(self.label)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The same batch on another device; float64 becomes float32 where the device has no float64 (Apple MPS)."""
        narrow = torch.device(device).type == "mps"
        moved = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if narrow and value.dtype == torch.float64:
                value = value.float()
            moved[f.name] = value.to(device, non_blocking=non_blocking)
        return type(self)(**moved)

    def pin_memory(self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name).pin_memory() for f in fields(self)})


@dataclass
class JetBatch(Batch):
    """Representation `particles`: each jet a padded set of particles.

    Shapes
    ------
    p4 (B, N, 4) float64, GeV, (E, px, py, pz), zero for padding; scalars (B, N, S) float32, zero for padding;
    mask (B, N) bool, True for real particles, which come first.
    """

    p4: Tensor
    scalars: Tensor
    mask: Tensor


@dataclass
class ImageBatch(Batch):
    """Representation `image`.

    Shapes
    ------
    image (B, C, H, W) float32.
    """

    image: Tensor


@dataclass
class GraphBatch(Batch):
    """Representation `graph`: all graphs side by side, without padding.

    Shapes
    ------
    x (M, F) float32, features of the nodes; edge_index (2, E) int64, from source to target, as in torch-geometric;
    graph (M,) int64, the graph of each node, in rising order.
    """

    x: Tensor
    edge_index: Tensor
    graph: Tensor


@dataclass
class FeatureBatch(Batch):
    """Representation `features`: each example a row of high-level variables.

    Shapes
    ------
    features (B, F) float32.
    """

    features: Tensor

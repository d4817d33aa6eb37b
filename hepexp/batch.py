"""The interface between a data set and a model: the shape of the data, and a batch as the model takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Literal, Self, TypeVar

import torch
from torch import Tensor

from hepexp.observable import LayerMap, Observable

# Names of scalars, as in the files of JetClass: charge, and five types of which one is 1.
PARTICLE_TYPE = ("charge", "isChargedHadron", "isNeutralHadron", "isPhoton", "isElectron", "isMuon")


@dataclass(frozen=True)
class Target:
    """One thing that a model is to predict.

    Parameters
    ----------
    name : such as mass.
    kind : `class`, or `real` for a real number.
    of : what has it: an `example`, an `element` (a particle, a node) or a `pair` of elements.
    class_names : of a class, in the order of the labels.
    unit : of a real number.
    mean, std : of a real number, over training examples: losses standardise with them.
    """

    name: str
    kind: Literal["class", "real"] = "real"
    of: Literal["example", "element", "pair"] = "example"
    class_names: tuple[str, ...] = ()
    unit: str = ""
    mean: float = 0.0
    std: float = 1.0


@dataclass(frozen=True)
class DataSpec:
    """What a data set tells the model that is built for it.

    A model receives those of these values that its constructor names as keyword-only parameters. A value that does not
    apply to its representation of the data is zero or None.

    Parameters
    ----------
    class_names : name of each class of an example, in the order of the labels; empty if examples have no class.
    n_scalars : scalars per particle that come with the four-momentum.
    scalar_names : their names, where the data set names them.
    own_scalars : whether the user of the data set has named them one by one.
    has_beams : whether the first two particles of each jet are the beams.
    image_shape : (channels, rows, columns) of an image.
    n_node_features : features of each node of a graph.
    n_features : features of an example as a whole.
    n_point_features : features of each point of a cloud.
    n_coordinates : how many of these, the first ones, are coordinates in a space without origin: their mean over the
        points of an example is zero.
    feature_names : their names, where the data set names them.
    feature_sizes : how many of the features each of these names stands for.
    feature_unit : unit of all features; empty if they have several, or are scaled.
    n_extras : additional variables of each example, such as the jet's pT and mass.
    extra_names : their names.
    extra_scales : of each the mean and the standard deviation, in its own unit, by which it is standardised; empty for
        a user's own files, whose scales do more than that.
    channel_names : names of an image's channels, in order; empty if they have none.
    pixel_unit : unit of an image's pixel values.
    empty_pixel : value of an empty pixel in each channel of an image; empty if it is zero.
    targets : what else is to be predicted, in the order of the batch's columns.
    observers : what is carried into predictions.parquet beside the predictions.
    background : class against which the others are usually set, if there are more than two; empty if none is.
    working_points : signal efficiencies at which classes are usually judged, by their names.
    observables : quantities by which generated examples are compared with those of the data set.
    layer_maps : layers of a calorimeter; empty if examples are no showers.
    """

    class_names: tuple[str, ...]
    n_scalars: int = 0
    has_beams: bool = False
    image_shape: tuple[int, int, int] | None = None
    n_node_features: int = 0
    n_features: int = 0
    feature_names: tuple[str, ...] = ()
    feature_sizes: tuple[int, ...] = ()
    feature_unit: str = ""
    n_extras: int = 0
    extra_names: tuple[str, ...] = ()
    extra_scales: tuple[tuple[float, float], ...] = ()
    channel_names: tuple[str, ...] = ()
    pixel_unit: str = ""
    targets: tuple[Target, ...] = ()
    observers: tuple[str, ...] = ()
    background: str = ""
    working_points: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    scalar_names: tuple[str, ...] = ()
    own_scalars: bool = False
    empty_pixel: tuple[float, ...] = ()
    n_point_features: int = 0
    n_coordinates: int = 0
    observables: tuple[Observable, ...] = ()
    layer_maps: tuple[LayerMap, ...] = ()

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def targets_of(self, of: str, kind: str) -> tuple[Target, ...]:
        """The targets of an example, an element or a pair that are a class, or those that are real numbers."""
        return tuple(target for target in self.targets if (target.of, target.kind) == (of, kind))


@dataclass
class Batch:
    """What batches of every representation share.

    Shapes
    ------
    label (B,) int64, -1 where it is unknown; index (B,) int64, the row in the data set; extras (B, X) float32,
    additional variables of each example, standardised.

    None where the data set has none: weight (B,) float32, which may be negative; target (B, T) float32, real numbers to
    be predicted for each example, in their units; element_target (B, N, T) float32 and element_label (B, N, C) int64,
    those of each element, padded with zeros and with the label -1; an unknown label is -1, an unknown number NaN; for
    graphs (M, T) and (M, C); element_group (B, N, G) int64, for graphs (M, G), a number that elements have in common if
    they belong together, such as that of their vertex, -1 where it is padded or unknown: the target of a pair of
    elements is whether they agree.

    mixed_label (B,) int64, mixed_share (B,) float32: each example of a batch of mixtures (mixup) is 1 - mixed_share of
    one with its `label`, and mixed_share of another one with its mixed_label.

    views : two random views of the same examples, drawn anew in each training step, where the loss compares them: those
        that the data set has turned on, or the loss's own.
    """

    label: Tensor
    index: Tensor
    extras: Tensor
    _: KW_ONLY
    weight: Tensor | None = None
    target: Tensor | None = None
    element_target: Tensor | None = None
    element_label: Tensor | None = None
    element_group: Tensor | None = None
    mixed_label: Tensor | None = None
    mixed_share: Tensor | None = None
    views: tuple[Self, Self] | None = None

    def __len__(self) -> int:
        return len(self.label)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Self:
        """The same batch on another device; float64 becomes float32 where the device has no float64 (Apple MPS)."""
        narrow = torch.device(device).type == "mps"

        def moved(value: Tensor) -> Tensor:
            value = value.float() if narrow and value.dtype == torch.float64 else value
            return value.to(device, non_blocking=non_blocking)

        return self._each(moved)

    def pin_memory(self) -> Self:
        return self._each(Tensor.pin_memory)

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name, without those that the data set does not have."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in given.items() if value is not None and name != "views"}

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same batch with each of its tensors, and of its views', changed."""
        changed = {name: change(value) for name, value in self.tensors().items()}
        views = None if self.views is None else (self.views[0]._each(change), self.views[1]._each(change))
        return type(self)(**changed, views=views)


AnyBatch = TypeVar("AnyBatch", bound=Batch)  # of what takes batches of one representation


@dataclass
class JetBatch(Batch):
    """Representation `particles`: each jet a padded set of particles.

    Shapes
    ------
    p4 (B, N, 4) float64, GeV, (E, px, py, pz), zero for padding; scalars (B, N, S) float32, zero for padding;
    mask (B, N) bool, True for real particles, which come first. None where the data set has none: deposits (B, N, N)
    float32, the energy in GeV that each particle, in the place of the element that stands for it (rows), left in each
    element (columns).
    """

    p4: Tensor
    scalars: Tensor
    mask: Tensor
    deposits: Tensor | None = None


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
    graph (M,) int64, the graph of each node, in rising order. None where the data set has none: edge_label (E, L)
    int64, to be predicted for each edge: 1 if its nodes belong together, 0 if they do not, -1 if that is unknown.
    """

    x: Tensor
    edge_index: Tensor
    graph: Tensor
    edge_label: Tensor | None = None


@dataclass
class FeatureBatch(Batch):
    """Representation `features`: each example a row of high-level variables.

    Shapes
    ------
    features (B, F) float32.
    """

    features: Tensor


@dataclass
class CloudBatch(Batch):
    """Representation `cloud`: each example a padded set of points, scaled so that a generator can learn them.

    Shapes
    ------
    points (B, N, F) float32, zero for padding; mask (B, N) bool, True for real points, which come first.
    """

    points: Tensor
    mask: Tensor


# what a model can name as its `input`: the representations that data sets give
REPRESENTATIONS = {
    "particles": JetBatch,
    "image": ImageBatch,
    "graph": GraphBatch,
    "features": FeatureBatch,
    "cloud": CloudBatch,
}

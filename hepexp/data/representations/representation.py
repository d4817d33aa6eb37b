"""How the columns of a store become a batch in the representation that a model takes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Generic, NotRequired, Self, TypedDict, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepexp.batch import Batch, CloudBatch, DataSpec, FeatureBatch, GraphBatch, ImageBatch, JetBatch, Target
from hepexp.data.representations.scale import Scaled
from hepexp.data.store.ragged import Ragged, pad
from hepexp.data.transforms.carry import UNKNOWN, Carry, carried
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError
from hepexp.memory import require

if TYPE_CHECKING:
    from hepexp.data.loading.cache import ExampleCache

_BYTES_PER_PIXEL = 12  # of a batch while it is being built: once in float64, once in float32
B = TypeVar("B", bound=Batch)


class Common(TypedDict):
    """What batches of all representations share, see Batch."""

    label: Tensor
    index: Tensor
    extras: Tensor
    target: NotRequired[Tensor]
    weight: NotRequired[Tensor]


class OfElements(TypedDict, total=False):
    """What is to be predicted for each element, see Batch."""

    element_target: Tensor
    element_label: Tensor
    element_group: Tensor


class Representation(Scaled, Generic[B]):
    """Base class of the representations.

    There are three steps. The transforms turn the store's columns into those of physics, such as four-momenta;
    `encode` computes from these what the model takes, for each example separately; `collate` makes a batch. What the
    first two have prepared can be cached.

    Attributes
    ----------
    name : the representation's name in a model's `input`; it decides the class of the batches, B.
    transforms : applied to the store's columns before `encode`, in order.
    channel_names, pixel_unit, feature_unit : of images and of features, see DataSpec.
    """

    name: ClassVar[str]
    transforms: tuple[Transform, ...] = ()
    channel_names: tuple[str, ...] = ()
    pixel_unit: str = ""
    feature_unit: str = ""

    def with_transforms(self, *transforms: Transform) -> Self:
        """A copy of this representation with these transforms."""
        made = copy.copy(self)
        made.transforms = transforms
        return made

    @property
    def reads_edges(self) -> bool:
        """Whether it needs the edges that examples may have between their elements."""
        return False

    @property
    def empty_pixel(self) -> Tensor | float:
        """Value of an empty pixel in a batch of images, or one (C, 1, 1) for each channel."""
        return 0.0

    @property
    def longest(self) -> int | None:
        """Maximum number of elements per example, None for no limit."""
        longest = None
        for transform in self.transforms:
            longest = transform.longest(longest)
        return longest

    def element_targets(
        self, examples: Ragged, arrange: Callable[[NDArray], NDArray] = lambda column: column
    ) -> OfElements:
        """What is to be predicted for each element, by the names of a batch; empty if there is nothing.

        Parameters
        ----------
        arrange : puts the flat columns (m,) into the form of the batch.
        """
        carry = next((transform for transform in self.transforms if isinstance(transform, Carry)), None)
        if carry is None:
            return {}
        found = carry.stacked({name: arrange(column) for name, column in carried(examples).items()})
        return cast(OfElements, {name: torch.from_numpy(values) for name, values in found.items()})

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """(channels, rows, columns) of an image, known before any is made; None if there are no images."""
        return None

    def require_memory(self, n: int) -> None:
        """Raise ConfigError for batches of n images that would not fit into memory, before one is made."""
        if shape := self.image_shape:
            channels, rows, columns = shape
            require(
                n * channels * rows * columns * _BYTES_PER_PIXEL,
                f"a batch of {n:,} images of {channels} x {rows:,} x {columns:,} pixels",
                "choose smaller images with the keys of dataset.image, or a smaller dataset.batch_size",
            )

    def prepare(self, examples: Ragged) -> Ragged:
        """The columns that `collate` needs, from those of the store: the transforms, then `encode`."""
        examples = examples if self.reads_edges else examples.without_edges()
        for transform in self.transforms:
            examples = transform(examples)
        return self.encode(examples)

    def encode(self, examples: Ragged) -> Ragged:
        """The columns that `collate` needs, computed for each transformed example separately."""
        return examples

    def fit(self, examples: Ragged) -> None:
        """Fit what is needed from the data, such as a scale, to some prepared training examples."""

    def plane(self, examples: Ragged) -> NDArray[np.floating]:
        """Where the elements (m, 2) of prepared examples lie when they are drawn; on a circle if they lie nowhere."""
        behind = np.arange(examples.counts.sum()) - np.repeat(examples.offsets[:-1], examples.counts)
        angle = 2 * np.pi * behind / np.repeat(examples.counts, examples.counts)
        return np.column_stack([np.cos(angle), np.sin(angle)])

    def collate(self, examples: Ragged, common: Common) -> B:
        """A batch of prepared examples."""
        raise NotImplementedError

    def collate_cached(self, cache: ExampleCache, rows: NDArray[np.int64], common: Common) -> B:
        """The same batch as from `collate`, of the cached examples at these rows (n,)."""
        return self.collate(cache.examples.take(rows), common)

    def decode(self, batch: B, like: Ragged) -> Ragged:
        """Examples in the columns of the store with the content of a batch, the inverse of `prepare` and `collate`.

        Parameters
        ----------
        batch : such as a generator makes, on any device.
        like : as many stored examples, whose label and columns of the whole example are taken over where the content
            does not determine them.

        Raises
        ------
        ConfigError : this representation keeps too little of an example.
        """
        raise ConfigError(f"{type(self).__name__} keeps too little of an example to generate such examples")


class Particles(Representation[JetBatch]):
    """Representation `particles`: four-momenta and scalars, padded to the largest multiplicity in the batch."""

    name = "particles"

    def collate(self, examples: Ragged, common: Common) -> JetBatch:
        counts = examples.counts
        mask = np.arange(counts.max(initial=0)) < counts[:, None]

        def padded(column: NDArray) -> NDArray:
            return pad(column, counts)

        return self._batch(examples, padded, mask, common)

    def collate_cached(self, cache: ExampleCache, rows: NDArray[np.int64], common: Common) -> JetBatch:
        # each value is copied once, to its place in the batch; `take` and `pad` would copy it twice
        places, mask = cache.padded(rows)

        def taken(column: NDArray) -> NDArray:
            return column.take(places, axis=0)

        return self._batch(cache.examples, taken, mask, common)

    def _batch(
        self, examples: Ragged, padded: Callable[[NDArray], NDArray], mask: NDArray[np.bool_], common: Common
    ) -> JetBatch:
        return JetBatch(
            **common,
            **_without_padding(self.element_targets(examples, padded), mask),
            p4=torch.from_numpy(padded(examples["p4"])),
            scalars=torch.from_numpy(padded(examples["scalars"])),
            mask=torch.from_numpy(mask),
        )


def _without_padding(targets: OfElements, mask: NDArray[np.bool_]) -> OfElements:
    """Targets (B, N, T) of elements, with zero in padded places, or an unknown label."""
    padding = torch.from_numpy(~mask)[..., None]

    def filled(values: Tensor) -> Tensor:
        return values.masked_fill(padding, 0 if values.is_floating_point() else UNKNOWN)

    return cast(OfElements, {name: filled(values) for name, values in cast(dict[str, Tensor], targets).items()})


def spec_of(
    batch: Batch,
    class_names: tuple[str, ...],
    representation: Representation,
    targets: tuple[Target, ...] = (),
    observers: tuple[str, ...] = (),
) -> DataSpec:
    """What a model must know about its input, read off a batch of this representation, and what it is to predict."""
    spec = DataSpec(class_names, n_extras=batch.extras.shape[1], targets=targets, observers=observers)
    named = [transform for transform in representation.transforms if transform.scalar_names]
    if named:
        spec = replace(spec, scalar_names=named[-1].scalar_names, own_scalars=named[-1].own_scalars)
    match batch:
        case JetBatch(p4=p4, scalars=scalars):
            has_beams = p4.shape[1] > 2 and bool((p4[:, :2, 1:3] == 0).all())  # no pT
            return replace(spec, n_scalars=scalars.shape[2], has_beams=has_beams)
        case ImageBatch(image=image):
            _, channels, rows, columns = image.shape
            empty = representation.empty_pixel
            return replace(
                spec,
                image_shape=(channels, rows, columns),
                channel_names=representation.channel_names,
                pixel_unit=representation.pixel_unit,
                empty_pixel=tuple(empty.flatten().tolist()) if isinstance(empty, Tensor) else (),
            )
        case GraphBatch(x=x):
            return replace(spec, n_node_features=x.shape[1])
        case FeatureBatch(features=features):
            names = tuple(getattr(representation, "variables", ()))
            return replace(
                spec,
                n_features=features.shape[1],
                feature_names=names,
                feature_unit=representation.feature_unit,
                feature_sizes=tuple(getattr(representation, "sizes", (1,) * len(names))),
            )
        case CloudBatch(points=points):
            return replace(
                spec, n_point_features=points.shape[2], n_coordinates=getattr(representation, "n_coordinates", 0)
            )
    return spec

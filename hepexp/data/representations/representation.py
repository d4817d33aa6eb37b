"""The forms of the examples: how the columns of the store become a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepexp.batch import Batch, DataSpec, FeatureBatch, GraphBatch, ImageBatch, JetBatch
from hepexp.data.representations.scale import Scaled
from hepexp.data.store.ragged import Ragged, pad

if TYPE_CHECKING:
    from hepexp.data.loading.cache import ExampleCache

Common = dict[str, Tensor]  # label, index and extras of a batch


class Representation(Scaled):
    """Base class of the forms.

    There are two steps: `expand` does the work that depends on a single example, whose result can be kept in memory;
    `collate` combines expanded examples into a batch, and `gather` does the same with examples kept in memory.

    Attributes
    ----------
    name : the form's name in a model's `input`.
    longest : maximum number of elements per example, None for no limit.
    channel_names, pixel_unit : of images, see DataSpec.
    """

    name: ClassVar[str]
    longest: int | None = None
    channel_names: tuple[str, ...] = ()
    pixel_unit: str = ""

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """(channels, rows, columns) of an image, known before any is made; None if the form is not an image."""
        return None

    def fit(self, examples: Ragged) -> None:
        """Fit what the form needs from the data, such as a scale, to some expanded training examples."""

    def expand(self, examples: Ragged) -> Ragged:
        """The columns that `collate` needs, computed for each example separately."""
        return examples

    def collate(self, examples: Ragged, common: Common) -> Batch:
        """A batch of expanded examples."""
        raise NotImplementedError

    def gather(self, kept: ExampleCache, rows: NDArray[np.int64], common: Common) -> Batch:
        """The same batch as `collate`, from the kept examples at these rows (n,)."""
        return self.collate(kept.take(rows), common)


class Particles(Representation):
    """Form `particles`: four-momenta and scalars, padded to the largest multiplicity in the batch."""

    name = "particles"

    def collate(self, examples: Ragged, common: Common) -> JetBatch:
        counts = examples.counts
        return JetBatch(
            **common,
            p4=torch.from_numpy(pad(examples["p4"], counts)),
            scalars=torch.from_numpy(pad(examples["scalars"], counts)),
            mask=torch.from_numpy(np.arange(counts.max(initial=0)) < counts[:, None]),
        )

    def gather(self, kept: ExampleCache, rows: NDArray[np.int64], common: Common) -> JetBatch:
        # each value is copied once, to its place in the batch; `take` and `pad` would copy it twice
        places, mask = kept.padded(rows)
        p4, scalars = (torch.from_numpy(kept[name].take(places, axis=0)) for name in ("p4", "scalars"))
        return JetBatch(**common, p4=p4, scalars=scalars, mask=torch.from_numpy(mask))


class After(Representation):
    """A form applied to the output of a reader, which for instance computes four-momenta from other columns.

    Parameters
    ----------
    reader : turns the store's columns into those that the form needs.
    form : the form.
    longest : see Representation.
    """

    def __init__(self, reader: Callable[[Ragged], Ragged], form: Representation, longest: int | None = None) -> None:
        self.reader = reader
        self.form = form
        self.longest = longest
        self.channel_names = form.channel_names
        self.pixel_unit = form.pixel_unit

    @property
    def name(self) -> str:
        return self.form.name

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        return self.form.image_shape

    def fit(self, examples: Ragged) -> None:
        self.form.fit(examples)

    def state(self) -> dict[str, Tensor]:
        return self.form.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.form.load_state(state)

    def expand(self, examples: Ragged) -> Ragged:
        return self.form.expand(self.reader(examples))

    def collate(self, examples: Ragged, common: Common) -> Batch:
        return self.form.collate(examples, common)

    def gather(self, kept: ExampleCache, rows: NDArray[np.int64], common: Common) -> Batch:
        return self.form.gather(kept, rows, common)


def spec_of(batch: Batch, class_names: tuple[str, ...], form: Representation) -> DataSpec:
    """What a model must know about its input, read off a batch of this form."""
    known: dict[str, object] = {"n_extras": batch.extras.shape[1]}
    match batch:
        case JetBatch():
            known["n_scalars"] = batch.scalars.shape[2]
            known["has_beams"] = batch.p4.shape[1] > 2 and bool((batch.p4[:, :2, 1:3] == 0).all())  # no pT
        case ImageBatch():
            known["image_shape"] = tuple(batch.image.shape[1:])
            known["channel_names"], known["pixel_unit"] = form.channel_names, form.pixel_unit
        case GraphBatch():
            known["n_node_features"] = batch.x.shape[1]
        case FeatureBatch():
            known["n_features"] = batch.features.shape[1]
    return DataSpec(class_names, **known)

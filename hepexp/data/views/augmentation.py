"""The keys `dataset.augment`: random transformations of the training examples."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import torch

from hepexp.batch import Batch
from hepexp.data.representations.representation import Representation
from hepexp.data.views.graph_views import NodeRotation
from hepexp.data.views.mixup import Mixup
from hepexp.data.views.views import KINDS, Kind, RandomViews, Steps

B = TypeVar("B", bound=Batch)


class Augmentation(RandomViews):
    """Random transformations of the training examples, for any loss; each is off at 0.

    They are drawn on the device of the batch, anew in each training step from seed, step and rank. Validation, test and
    the statistics of batch norms are those of the examples themselves. What is to be predicted stays that of the
    example, except with mixup. `rotate` also turns nodes with coordinates in space about the origin.

    Parameters
    ----------
    mixup : alpha of mixup, for losses on classes: each image, and its class, is mixed with a random one of the batch,
        with shares from Beta(alpha, alpha); usual are 0.1 to 1.

    Raises
    ------
    ConfigError : a strength out of range.

    References
    ----------
    H. Zhang et al., arXiv:1710.09412 (mixup).
    """

    key = "dataset.augment"
    kinds: ClassVar[dict[str, Kind]] = {
        **KINDS,
        "rotate": KINDS["rotate"]._replace(of={**KINDS["rotate"].of, "graph": NodeRotation}),
        "mixup": Kind({"image": Mixup}, most=100, least=0.1),
    }

    mixup: float = 0.0

    def of(self, representation: Representation) -> Augmented:
        """What transforms batches of this representation."""
        return Augmented(self.steps(representation))


class Augmented(Steps):
    """Transforms each example of a batch at random."""

    def __call__(self, batch: B, seed: int) -> B:
        """The batch as a seed determines it."""
        return self.one(batch, torch.Generator(batch.label.device).manual_seed(seed))

"""What a view is: a transformation of a batch, drawn at random for each of its examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic

import torch

from hepexp.batch import AnyBatch

if TYPE_CHECKING:
    from hepexp.data.representations.representation import Representation


class RandomView(Generic[AnyBatch]):
    """Base class of the views of one representation.

    A view works on the device of the batch, without a loop over its examples and without waiting for the device. The
    batch that it returns has as many examples, in the same order; of particles, real ones still come first.

    Attributes
    ----------
    reads : the representation whose batches it transforms: particles, image, graph or features.
    keeps_elements : whether particles, nodes and edges keep their number and order, and so what is to be predicted of
        them; a view of which this is not known does not.
    """

    reads: ClassVar[str]
    keeps_elements: ClassVar[bool] = False

    def fit_to(self, representation: Representation) -> None:
        """Learn what it must know about the representation of the data; nothing by default.

        Raises
        ------
        ConfigError : it cannot transform such data.
        """

    def __call__(self, batch: AnyBatch, random: torch.Generator) -> AnyBatch:
        """A transformed copy of the batch.

        Parameters
        ----------
        batch : it is not changed.
        random : source of all random numbers, on the device of the batch.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how it transforms a batch")

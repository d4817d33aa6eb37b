"""What an exported network takes and gives: the tensors that its JSON describes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import nn

from hepexp.data.store.ragged import Ragged

BATCH, PARTICLES = "batch", "particles"  # axes of any length
DTYPES = {"float64": torch.float64, "float32": torch.float32, "int64": torch.int64, "bool": torch.bool}


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    Parameters
    ----------
    name : in the file.
    dtype : one of DTYPES.
    axes : the length of each axis, or the name of one of any length.
    unit : of its values; empty for none.
    meaning : in a line.
    """

    name: str
    dtype: str
    axes: tuple[str | int, ...]
    unit: str = ""
    meaning: str = ""


class Inputs(nn.Module):
    """Prepares raw inputs inside the exported network: makes the batch that its model reads.

    Attributes
    ----------
    tensors : the inputs, in order.
    """

    tensors: tuple[TensorSpec, ...]

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        """The inputs of examples of the store, by name."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it is fed")


def of_particles(name: str, dtype: str, unit: str = "", meaning: str = "") -> TensorSpec:
    """A column with one value for each particle."""
    return TensorSpec(name, dtype, (BATCH, PARTICLES), unit, meaning)


def of_examples(name: str, unit: str = "", meaning: str = "") -> TensorSpec:
    """A column with one value for each example."""
    return TensorSpec(name, "float64", (BATCH,), unit, meaning)

"""The additional inputs of each example, standardised in the exported network; and what else every batch has."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.data.datasets.files.features import FileExtras
from hepexp.data.loading.dataset import Extras, ScaledExtras
from hepexp.data.store.ragged import Ragged
from hepexp.export.scalars import StandardisedValues
from hepexp.export.tensors import of_examples


class Extra(nn.Module):
    """`dataset.extras`.

    Parameters
    ----------
    extras : of the data set, with its scales.
    """

    def __init__(self, extras: ScaledExtras) -> None:
        super().__init__()
        scale: nn.Module
        if isinstance(extras, FileExtras):
            self.names, scale = [one.expr for one in extras.inputs], StandardisedValues(extras)
        else:
            assert isinstance(extras, Extras)
            self.names, scale = list(extras.names), Affine(extras.mean, extras.std)
        self.tensors = tuple(of_examples(name, meaning="additional input; standardised inside") for name in self.names)
        if self.names:  # torch.export cannot save buffers without values
            self.scale = scale

    def forward(self, first: Tensor, *columns: Tensor) -> dict[str, Tensor]:
        """What batches of all representations share; `first` (B, ...) is any input."""
        nothing = torch.zeros_like(first.flatten(1)[:, 0], dtype=torch.int64)
        values = torch.stack(columns, dim=-1) if columns else first.new_zeros(first.shape[0], 0, dtype=torch.float32)
        return {"label": nothing - 1, "index": nothing, "extras": self.scale(values).float() if columns else values}

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        return {name: examples.extras[name].astype(np.float64) for name in self.names}


class Affine(nn.Module):
    """(x - mean) / std of values (..., F)."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: NDArray, std: NDArray) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(np.array(mean, np.float64)))
        self.register_buffer("std", torch.from_numpy(np.array(std, np.float64)))

    def forward(self, values: Tensor) -> Tensor:
        return (values - self.mean) / self.std

"""What a generated example depends on: its class, its number of points, and additional variables."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import Batch


class Conditions(nn.Module):
    """The conditions of each example as features: one-hot class, if there are several, and the additional variables.

    The number of points of a cloud is not among them: the mask says it.

    Parameters
    ----------
    n_classes : of the data set.
    n_extras : additional variables, standardised.

    Shapes
    ------
    label (B,), extras (B, n_extras) -> (B, n); an unknown class, -1, is a row of zeros.
    """

    def __init__(self, n_classes: int, n_extras: int):
        super().__init__()
        self.n_classes = n_classes if n_classes > 1 else 0
        self.n = self.n_classes + n_extras

    def forward(self, batch: Batch, dtype: torch.dtype) -> Tensor:
        known = [batch.extras.to(dtype)]
        if self.n_classes:
            one_hot = F.one_hot(batch.label.clamp(min=0), self.n_classes)
            known.insert(0, torch.where(batch.label[:, None] >= 0, one_hot, 0).to(dtype))
        return torch.cat(known, dim=1)

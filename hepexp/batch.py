"""What passes between a data set and a model: the shape of the data, and one batch of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class DataSpec:
    """What a data set tells the model that is built for it.

    A model receives those of these values that its constructor names as keyword-only parameters.

    Parameters
    ----------
    class_names : name of each class, in the order of the labels.
    n_scalars : scalars per particle that come with the four-momentum.
    """

    class_names: tuple[str, ...]
    n_scalars: int = 0

    @property
    def n_classes(self) -> int:
        return len(self.class_names)


@dataclass
class JetBatch:
    """A batch of jets, each a padded set of particles.

    Shapes
    ------
    p4 (B, N, 4) float64, GeV, (E, px, py, pz), zero for padding; scalars (B, N, S) float32, zero for padding;
    mask (B, N) bool, True for real particles, which come first; label (B,) int64; index (B,) int64, the row in the
    data set.
    """

    p4: Tensor
    scalars: Tensor
    mask: Tensor
    label: Tensor
    index: Tensor

    def __len__(self) -> int:
        return self.p4.shape[0]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> JetBatch:
        """The same batch on another device; float64 becomes float32 where the device has no float64 (Apple MPS)."""
        narrow = torch.device(device).type == "mps"
        moved = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if narrow and value.dtype == torch.float64:
                value = value.float()
            moved[f.name] = value.to(device, non_blocking=non_blocking)
        return JetBatch(**moved)

    def pin_memory(self) -> JetBatch:
        return JetBatch(**{f.name: getattr(self, f.name).pin_memory() for f in fields(self)})

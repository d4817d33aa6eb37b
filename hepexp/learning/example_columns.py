"""What figures of merit need of each example beside the model's outputs, read off its batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hepexp.batch import Batch, DataSpec, JetBatch
from hepexp.errors import ConfigError

MASS = "mass"


class ExampleColumns:
    """Columns (B,) of a batch.

    Parameters
    ----------
    names : `mass`, the invariant mass of all particles in GeV, or names of extras.
    example : a batch of this data set.
    spec : of the data set.
    extras : names of the additional variables in a batch, in order.

    Raises
    ------
    ConfigError : the batches lack such a column.
    """

    def __init__(
        self,
        names: Sequence[str] = (),
        example: object = None,
        spec: DataSpec | None = None,
        extras: Sequence[str] = (),
    ) -> None:
        self.names, self.extras = names, tuple(extras)
        self.first = 2 if spec is not None and spec.has_beams else 0  # beams are no particles of the jet
        for name in names:
            if name in self.extras or (name == MASS and isinstance(example, JetBatch)):
                continue
            known = f"one of dataset.extras ({', '.join(self.extras) or 'none'})"
            raise ConfigError(
                f"evaluation.metrics: the column {name} is not in the examples: it must be {known}, or mass with a "
                "model that reads particles"
            )

    def of(self, batch: Batch) -> dict[str, Tensor]:
        """The columns (B,) of one batch."""
        return {name: self._column(name, batch) for name in self.names}

    def _column(self, name: str, batch: Batch) -> Tensor:
        if name in self.extras:
            return batch.extras[:, self.extras.index(name)]
        p4 = batch.p4[:, self.first :].sum(dim=1)  # padding is zero
        squared = p4[:, 0] ** 2 - (p4[:, 1:] ** 2).sum(dim=1)
        return torch.sqrt(squared.clamp(min=0))

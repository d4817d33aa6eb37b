"""What a generator makes: the tensor of a batch that holds the examples themselves, beside their conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from hepexp.batch import Batch, CloudBatch, FeatureBatch, ImageBatch
from hepexp.errors import ConfigError

FIELDS: dict[type[Batch], str] = {CloudBatch: "points", ImageBatch: "image", FeatureBatch: "features"}


def content(batch: Batch) -> Tensor:
    """The examples (B, ...) of a batch.

    Raises
    ------
    ConfigError : they are not one tensor.
    """
    if type(batch) not in FIELDS:
        raise ConfigError(
            f"no examples can be generated as a {type(batch).__name__}; choose a model that reads clouds, images or "
            "features, such as model=epic_fm"
        )
    return getattr(batch, FIELDS[type(batch)])


def with_content(batch: Batch, values: Tensor) -> Batch:
    """The same conditions with other examples (B, ...)."""
    changed: dict[str, Any] = {FIELDS[type(batch)]: values}
    return replace(batch, **changed)


def real(batch: Batch) -> Tensor:
    """Which entries of the content are no padding: (B, ...), broadcastable to it."""
    x = content(batch)
    if isinstance(batch, CloudBatch):
        return batch.mask[..., None]
    return x.new_ones((1,) * x.ndim, dtype=torch.bool)


def mean_over_entries(values: Tensor, batch: Batch) -> Tensor:
    """The mean (B,) of values (B, ...) over the entries of each example that are no padding."""
    there = real(batch).expand_as(values)
    return (values * there).flatten(1).sum(1) / there.flatten(1).sum(1).clamp(min=1)

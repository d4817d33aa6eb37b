"""What a generator makes: the tensor of a batch that holds the examples themselves, beside their conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

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


def centred(values: Tensor, batch: Batch, n: int) -> Tensor:
    """Values (B, N, F) of the points of clouds, the first n features without their mean over the points of each."""
    if n == 0:
        return values
    there = real(batch)
    mean = (values[..., :n] * there).sum(1, keepdim=True) / there.sum(1, keepdim=True).clamp(min=1)
    return torch.cat([(values[..., :n] - mean) * there, values[..., n:]], dim=2)


def require_field(model: nn.Module, example: Batch, needs: str) -> None:
    """Refuse a model that is not one of (batch, t) which returns a number for each that it is given.

    Parameters
    ----------
    needs : the beginning of the message: what is needed.

    Raises
    ------
    ConfigError : it is none.
    """
    x = content(example)
    try:
        with torch.no_grad():
            found = model(example, x.new_zeros(len(x)))
    except TypeError:
        found = None
    if not isinstance(found, Tensor) or found.shape != x.shape:
        raise ConfigError(
            f"{needs} that gives {tuple(x.shape)} for such an example; {type(model).__name__} is none: choose "
            "model=epic_fm"
        )


def mean_over_entries(values: Tensor, batch: Batch) -> Tensor:
    """The mean (B,) of values (B, ...) over the entries of each example that are no padding."""
    there = real(batch).expand_as(values)
    return (values * there).flatten(1).sum(1) / there.flatten(1).sum(1).clamp(min=1)

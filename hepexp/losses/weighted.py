"""The loss of a batch from those of its examples, and its share in a step of several batches."""

from __future__ import annotations

import torch
from torch import Tensor


def weighted_mean(each: Tensor, weight: Tensor | None) -> Tensor:
    """sum_i w_i l_i / sum_i |w_i|, the mean if the examples have no weights.

    An example of weight 2 equals the same example twice, in the loss and in its gradient. The absolute values keep the
    divisor away from zero when positive and negative weights nearly cancel. A batch whose weights are all zero gives 0.

    Parameters
    ----------
    each : (B,) loss of each example.
    weight : (B,) weights, which may be negative; None if the examples have none.
    """
    if weight is None:
        return each.mean()
    weight = weight.to(each.dtype)
    return (weight * each).sum() / weight.abs().sum().clamp(min=torch.finfo(each.dtype).tiny)


def weight_of(batch) -> Tensor | None:
    """The weights (B,) of a batch's examples; a plug-in's batch need not have any."""
    return getattr(batch, "weight", None)


def share(weight: Tensor, mean: float) -> Tensor:
    """sum_i |w_i| / (B mean |w|): by how much a batch counts in a step that takes the plain mean over batches.

    A weighted mean times its share is sum_i w_i l_i / (B mean |w|). With the mean over the training examples, which is
    the same for all batches, accumulated batches and those of several devices then add up to the weighted mean of all
    their examples, without any exchange between them.

    Parameters
    ----------
    weight : (B,); mean : of the absolute weights of the training examples, > 0.
    """
    return weight.abs().mean() / mean

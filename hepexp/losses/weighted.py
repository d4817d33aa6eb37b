"""The loss of a batch from those of its examples."""

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

"""The fastest matrix product that torch has for a small, tall problem on this device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, relu: bool = False) -> Tensor:
    """x W^T + b, then ReLU if asked; without autograd, for use inside autograd functions.

    Parameters
    ----------
    x : (E, n_in).
    weight : (n_out, n_in); x and weight may be transposed views.
    bias : (n_out,) or None.
    """
    if HAS_ONEDNN and x.device.type == "cpu" and x.dtype == torch.float32:
        # On AVX-512 machines not made by Intel, oneDNN is twice as fast as the BLAS behind F.linear.
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    y = F.linear(x, weight, bias)
    return y.relu_() if relu else y

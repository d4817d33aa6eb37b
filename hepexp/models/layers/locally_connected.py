"""Convolution without shared weights: each place of an image has a kernel of its own."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LocallyConnected2d(nn.Module):
    """y_o(p) = b_o(p) + sum over c and q of w_oc(p, q) x_c(s p + q), a kernel w and a bias b for each place p.

    All places are one batched matrix product.

    Parameters
    ----------
    n_in, n_out : channels.
    size : rows and columns of the images.
    kernel, stride : rows and columns.
    padding : zeros on each side.
    bias : whether there is one.

    Shapes
    ------
    (B, n_in, *size) -> (B, n_out, *self.out_size).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: tuple[int, int],
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: int = 0,
        bias: bool = True,
    ):
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        rows, columns = ((n + 2 * padding - k) // s + 1 for n, k, s in zip(size, kernel, stride, strict=True))
        self.out_size = rows, columns
        n_places, n_inputs = math.prod(self.out_size), n_in * math.prod(kernel)
        self.weight = nn.Parameter(torch.empty(n_places, n_inputs, n_out))
        self.bias = nn.Parameter(torch.zeros(n_places, 1, n_out)) if bias else None
        limit = math.sqrt(6 / n_inputs)  # He et al., arXiv:1502.01852
        nn.init.uniform_(self.weight, -limit, limit)

    def forward(self, x: Tensor) -> Tensor:
        patches = F.unfold(x, self.kernel, padding=self.padding, stride=self.stride)  # (B, n_inputs, places)
        # in this order one after the other: torch would multiply other strides place by place
        y = torch.bmm(patches.permute(2, 0, 1).contiguous(), self.weight)  # (places, B, n_out)
        y = y if self.bias is None else y + self.bias
        return y.permute(1, 2, 0).unflatten(2, self.out_size)

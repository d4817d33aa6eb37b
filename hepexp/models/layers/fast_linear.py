"""Linear layers and dropout at the speed that a CPU allows; elsewhere they are torch's own.

On some processors the products of oneDNN take half the time of those behind F.linear, see `cache_blocking`; 16 random
bits are enough to drop an element, where torch draws a floating-point number.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

from hepexp.exporting import applied, is_exported
from hepexp.models.layers.cache_blocking import HAS_ONEDNN, linear

LEVELS = 2**16  # of the probability with which an element is dropped


class _Product(Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return linear(x, weight, bias)

    @staticmethod
    def backward(ctx, grad: Tensor):
        x, weight = ctx.saved_tensors
        wants_x, wants_weight, wants_bias = ctx.needs_input_grad
        # through `product`, so that gradients of gradients are known too
        return (
            product(grad, weight.T) if wants_x else None,
            product(grad.T, x.T) if wants_weight else None,
            grad.sum(0) if wants_bias and ctx.has_bias else None,
        )


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b, as F.linear.

    Parameters
    ----------
    x : (..., n_in).
    weight : (n_out, n_in).
    bias : (n_out,) or None.
    """
    is_fast = HAS_ONEDNN and x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32
    if (
        not is_fast
        or torch.is_autocast_enabled("cpu")
        or is_exported()
        or x.numel() == 0
        or torch.compiler.is_compiling()
    ):
        return F.linear(x, weight, bias)
    return applied(_Product, x.reshape(-1, x.shape[-1]), weight, bias).unflatten(0, x.shape[:-1])


class Linear(nn.Linear):
    """nn.Linear through `product`."""

    def forward(self, x: Tensor) -> Tensor:
        return product(x, self.weight, self.bias)


class _Drop(Function):
    @staticmethod
    def forward(ctx, x: Tensor, level: int) -> Tensor:
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        words = words.view(torch.int16)[: x.numel()].view(x.shape)
        ctx.save_for_backward(words)
        ctx.level = level
        return _kept(x, words, level)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (words,) = ctx.saved_tensors
        return _kept(grad, words, ctx.level), None


def _kept(x: Tensor, words: Tensor, level: int) -> Tensor:
    """x, scaled, where a word is among the LEVELS - level largest, else zero; masks of booleans take longer."""
    least = level - LEVELS // 2 - 0.5
    return torch.ops.aten.threshold_backward(x, words.to(x.dtype), least) * (LEVELS / (LEVELS - level))


class Dropout(nn.Dropout):
    """nn.Dropout, its probability rounded to 1 / 65,536 on a CPU; torch's own without gradients."""

    def forward(self, x: Tensor) -> Tensor:
        level = round(self.p * LEVELS)
        is_fast = x.device.type == "cpu" and not torch.compiler.is_compiling()  # the compiler knows only torch's own
        if not (self.training and level and is_fast and torch.is_grad_enabled()):
            return super().forward(x)
        return applied(_Drop, x, level)


class AttentionDropout(Dropout):
    """Dropout of the weights of attention, each of which belongs to a pair of elements, not to a unit."""

"""Blocks without autocast and constants without rounding, for what needs its full precision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from hepexp.exporting import is_exported


def full_precision(x: Tensor) -> AbstractContextManager:
    """A block in which operations keep the precision of their arguments, on the device of x."""
    kind = x.device.type
    if is_exported():  # without autocast anyhow, and an exported program cannot be saved with such a block
        return nullcontext()
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def widest(x: Tensor) -> torch.dtype:
    """float64, or float32 on a device without it (Apple MPS)."""
    return torch.float32 if x.device.type == "mps" else torch.float64


def matmul_dtype(x: Tensor) -> torch.dtype:
    """The type of matrix products: that of autocast where it is on, else that of x."""
    kind = x.device.type
    is_on = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.get_autocast_dtype(kind) if is_on else x.dtype


def allow_tf32(allowed: bool) -> None:
    """Whether GPUs may round the factors of float32 products to 10 binary digits: in matrices and in convolutions."""
    torch.set_float32_matmul_precision("high" if allowed else "highest")
    torch.backends.cudnn.allow_tf32 = allowed


class ExactBuffers(nn.Module):
    """Buffers follow the module to a device but not to a dtype: `model.half().double()` must not round pi.

    They are cast to the dtype of the computation where they are used.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        before = {name: buffer for name, buffer in self._buffers.items() if buffer is not None}
        super()._apply(fn, recurse)
        for name, exact in before.items():
            moved = self._buffers[name]
            if moved is not None and exact is not None and moved.dtype != exact.dtype:
                self._buffers[name] = exact.to(moved.device)
        return self

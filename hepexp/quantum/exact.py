"""Modules whose constants keep their precision."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class ExactBuffers(nn.Module):
    """Buffers follow the module to a device but not to a dtype: `model.half().double()` must not round pi.

    They are cast to the dtype of the computation where they are used.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        before = dict(self._buffers)
        super()._apply(fn, recurse)
        for name, exact in before.items():
            moved = self._buffers[name]
            if moved is not None and moved.dtype != exact.dtype:
                self._buffers[name] = exact.to(moved.device)
        return self

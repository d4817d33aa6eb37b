"""What a step on a GPU must not do, found without a GPU: on the device `meta`, whose tensors have no data."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FROM_HOST = {"tensor", "as_tensor", "asarray", "from_numpy", "new_tensor"}  # functions that copy Python's numbers
aten = torch.ops.aten


class _NoTensorsOfTheCPU(TorchDispatchMode):
    """No operation takes or makes a tensor of the CPU, except single numbers, and copies that nothing waits for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor)]
        is_copy = func is aten._to_copy.default and kwargs.get("non_blocking")
        is_blank = func is aten.empty.memory_format
        if not is_copy and not is_blank and any(x.device.type == "cpu" and x.ndim for x in tensors):
            raise AssertionError(f"{func} with a tensor of the CPU{_where()}")
        return out


class _NoNumbersOfTheCPU(TorchFunctionMode):
    """No tensor of the device is made of Python's numbers, nor indexed by a list of them: that waits for a copy."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in FROM_HOST:
            raise AssertionError(f"{name}() copies from the CPU{_where()}")
        if name in ("__getitem__", "__setitem__"):
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(isinstance(i, list | range | np.ndarray) for i in index):
                raise AssertionError(f"an index copies from the CPU{_where()}")
        return func(*args, **(kwargs or {}))


@contextmanager
def on_one_device() -> Iterator[None]:
    """Raise AssertionError where the block copies from the CPU in a way that a GPU waits for."""
    with _NoTensorsOfTheCPU(), _NoNumbersOfTheCPU():
        yield


def _where() -> str:
    frames = [f for f in traceback.extract_stack() if "hepexp" in f.filename and "tests" not in f.filename]
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""

"""What a network does while it is exported: written down as a graph of operations, for any number of particles."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def is_exported() -> bool:
    """Whether the network that is running is being exported.

    Then nothing may depend on the values of its inputs: neither shapes nor branches.
    """
    return torch.compiler.is_exporting() or torch.jit.is_tracing()


def in_pieces(x: Tensor) -> bool:
    """Whether a batch is cut in pieces that fit the cache of a core: on a CPU, unless the network is exported."""
    return x.device.type == "cpu" and not is_exported()


class _NoContext(SimpleNamespace):
    """The context of a function whose backward pass will never run."""

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        pass

    def set_materialize_grads(self, value: bool) -> None:
        pass


def applied(function: type[Function], *args: Any) -> Any:
    """What an autograd function makes of its arguments; an exported network has the operations of its forward pass."""
    return function.forward(_NoContext(), *args) if is_exported() else function.apply(*args)

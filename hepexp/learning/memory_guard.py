"""Refuse a model that is too large for the machine while it is being built, before its memory is allocated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod

import torch
from omegaconf import DictConfig
from torch.utils._python_dispatch import TorchDispatchMode

from hepexp.config.content import content_of
from hepexp.errors import ConfigError
from hepexp.memory import ran_out, require

MOST_TENSORS = 20_000  # a network with this many would take minutes to build
IN_TRAINING = 4  # copies of a parameter: itself, its gradient, and two moments of the optimiser
_aten = torch.ops.aten
_MAKERS = {_aten.empty, _aten.zeros, _aten.ones, _aten.full, _aten.rand, _aten.randn}  # their first argument is a shape


@contextmanager
def within_memory(node: DictConfig, key: str) -> Iterator[None]:
    """A block that builds a model, in which no more is allocated than could be trained on this machine.

    Parameters
    ----------
    node : its configuration, whose largest number is named in the message.
    key : of the node, such as `model`.

    Raises
    ------
    ConfigError : the tensors are too large or too many.
    """
    values = dict(_numbers(content_of(node), key))
    largest = max(values, key=lambda name: values[name], default=None)
    where = f"{largest}={values[largest]}" if largest else key
    try:
        with _Watch(where):
            yield
    except (RuntimeError, OverflowError, TypeError, MemoryError) as error:
        if ran_out(error):
            raise ConfigError(f"{where} needs more memory than this machine has: choose a smaller number") from error
        if largest is None or values[largest] < 2**31:
            raise
        raise ConfigError(f"{where} is more than a tensor can hold: choose a smaller number") from error


class _Watch(TorchDispatchMode):
    """Counts what is allocated."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where, self.n_bytes, self.n_tensors = where, 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "overloadpacket", None) in _MAKERS and str(kwargs.get("device")) != "meta":
            self._count(args[0], kwargs.get("dtype") or torch.get_default_dtype())
        elif torch.Tag.pointwise in getattr(func, "tags", ()):  # of a column and a row it makes a table
            given = [arg for arg in args if isinstance(arg, torch.Tensor)]
            shape = torch.broadcast_shapes(*(arg.shape for arg in given))
            if given and prod(shape) > max(arg.numel() for arg in given) and given[0].device.type != "meta":
                self._count(shape, given[0].dtype)
        return func(*args, **kwargs)

    def _count(self, shape: list[int], dtype: torch.dtype) -> None:
        self.n_bytes += prod(shape) * dtype.itemsize
        self.n_tensors += 1
        sizes = " x ".join(f"{n:,}" for n in shape)
        require(
            IN_TRAINING * self.n_bytes,
            f"{self.where}: training with a tensor of {sizes}",
            "choose a smaller number",
        )
        if self.n_tensors > MOST_TENSORS:
            raise ConfigError(f"{self.where} makes more than {MOST_TENSORS:,} tensors: choose a smaller number")


def _numbers(value: object, key: str) -> Iterator[tuple[str, int]]:
    """Whole numbers of a configuration, with their keys."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _numbers(item, f"{key}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item, key)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield key, value

"""Dropout that stays on in predictions: each pass is another thinned network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def insert_dropout(model: nn.Module, example, rate: float) -> int:
    """Drop the inputs of each linear layer but the first one that is called; return the number of such layers.

    The layers and their names stay as they are.

    Parameters
    ----------
    model : in evaluation mode.
    example : a batch, to find which layer is called first.
    rate : probability of dropping a unit.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
    called: list[nn.Module] = []
    handles = [layer.register_forward_pre_hook(lambda layer, _: called.append(layer)) for layer in layers]
    try:
        with torch.no_grad():
            model(example)
    finally:
        for handle in handles:
            handle.remove()
    behind = [layer for layer in dict.fromkeys(called) if layer is not called[0]]
    for layer in behind:
        layer.register_forward_pre_hook(_Drop(rate))
    return len(behind)


class _Drop:
    """What is done to the inputs of a layer; a class, so that it can be copied with the layer."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (F.dropout(inputs[0], self.rate, layer.training), *inputs[1:])


@contextmanager
def dropping(model: nn.Module, draw: int, device: torch.device) -> Iterator[None]:
    """Within the block units are dropped as in training, in the pass of this number; batch statistics stay fixed.

    The random numbers outside are as if nothing had been drawn.
    """
    modes = [(module, module.training) for module in model.modules()]
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(draw)
        try:
            for module, _ in modes:
                module.training = not _has_statistics(module)
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def _has_statistics(module: nn.Module) -> bool:
    """Whether it normalises by the statistics of a batch in training, or is part of what does."""
    return any(name.rpartition(".")[2] == "running_mean" for name, _ in module.named_buffers(recurse=False))

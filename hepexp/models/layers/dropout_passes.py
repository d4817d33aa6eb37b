"""Dropout that stays on in predictions: each pass is another thinned network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hepexp.models.layers.fast_linear import AttentionDropout

_BY_CHANNEL = (F.dropout1d, F.dropout2d, F.dropout3d)
_OF_ATTENTION = {F.scaled_dot_product_attention: 4, F.multi_head_attention_forward: 10}  # the place of its dropout


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
def dropping(model: nn.Module, draw: int, device: torch.device) -> Iterator[_OneNetwork]:
    """Within the block the model is the thinned network of this number; batch statistics stay fixed.

    Each layer drops the same units of all examples and of all their elements: a pass is one network drawn from the
    variational distribution, W = M diag(z) with z_i ~ Bernoulli(1 - p) (arXiv:1506.02142, section 3), as a pass of
    `loss=bayesian` is. What it says of an example depends neither on its batch nor on the order of its elements, nor on
    padding. Weights of attention, each of a pair of elements, are no units of a network: they are not dropped.

    The random numbers outside are as if nothing had been drawn. Gradients are not needed: the block is for `no_grad`.
    """
    modes = [(module, module.training) for module in model.modules()]
    masks = _OneNetwork(draw)
    handles = masks.follow(model)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(draw)
        try:
            for module, _ in modes:
                module.training = not (_has_statistics(module) or isinstance(module, AttentionDropout))
            with torch.compiler.set_stance("force_eager"), masks:  # a compiled model has not seen the masks
                yield masks
        finally:
            for handle in handles:
                handle.remove()
            for module, mode in modes:
                module.training = mode


class _OneNetwork(TorchFunctionMode):
    """Dropout with a mask over the features alone, which follows from the numbers of the pass and of the layer.

    Parameters
    ----------
    draw : number of the pass.

    Attributes
    ----------
    n_drawn : number of masks so far.
    """

    def __init__(self, draw: int) -> None:
        super().__init__()
        self.draw, self.n_drawn = draw, 0
        self._within: list[list[int]] = [[0, 0]]  # number of each layer that is being called, dropouts in it so far

    def follow(self, model: nn.Module) -> list:
        """Keep account of the layer that is being called; what takes it away again."""
        handles = []
        for number, module in enumerate(model.modules(), start=1):
            enter = lambda *_, number=number: self._within.append([number, 0])  # noqa: E731
            handles.append(module.register_forward_pre_hook(enter, prepend=True))
            handles.append(module.register_forward_hook(lambda *_: self._leave(), always_call=True))
        return handles

    def _leave(self) -> None:
        self._within.pop()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is F.dropout:
            return self._thinned(-1, *args, **kwargs)
        if func in _BY_CHANNEL:
            return self._thinned(1, *args, **kwargs)
        if (place := _OF_ATTENTION.get(func)) is not None:
            kwargs = {**kwargs, "dropout_p": 0.0} if len(args) <= place else kwargs
            args = (*args[:place], 0.0, *args[place + 1 :]) if len(args) > place else args
        return func(*args, **kwargs)

    def _thinned(self, axis: int, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False):
        if not training or not p:
            return x
        number, before = self._within[-1]
        self._within[-1][1] += 1
        self.n_drawn += 1
        n = x.shape[axis]
        kept = np.random.default_rng((self.draw, number, before)).random(n) >= p
        shape = [1] * x.ndim
        shape[axis] = n
        mask = torch.from_numpy(kept).to(x).view(shape) / max(1 - p, torch.finfo(x.dtype).eps)
        return x.mul_(mask) if inplace else x * mask


def _has_statistics(module: nn.Module) -> bool:
    """Whether it normalises by the statistics of a batch in training, or is part of what does."""
    return any(name.rpartition(".")[2] == "running_mean" for name, _ in module.named_buffers(recurse=False))

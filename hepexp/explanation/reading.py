"""Where a network reads its input, found while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from hepexp.batch import Batch, FeatureBatch, GraphBatch, ImageBatch, JetBatch
from hepexp.explanation.plain_forms import in_plain_form
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm

WHOLE = {ImageBatch: "image", GraphBatch: "x", FeatureBatch: "features"}  # what is read as it is
NORMS = (MaskedBatchNorm, nn.modules.batchnorm._BatchNorm)
_NEW = {"new_zeros", "new_ones", "new_empty", "new_full", "zeros_like", "ones_like", "empty_like", "full_like"}


@dataclass
class Read:
    """A tensor of numbers that the network reads, and the module that does.

    Parameters
    ----------
    value : a leaf with a gradient.
    module : its path in the model, such as `LGEBs.0.phi_e`; empty for the model itself.
    """

    value: Tensor
    module: str


class Reading(TorchFunctionMode):
    """Runs a model, and makes what it reads leaves of the graph of its outputs.

    A relevance of a particle's px says little: it is a small difference of large numbers, and networks take logarithms
    and angles first. What a network reads are the numbers that meet its parameters, or what has met them, for the first
    time: of an MLP its features, of ParticleNet the kinematic features of each particle, of LorentzNet the scalars, the
    invariants of each pair, and x. Everything before is preparation, also a batch norm of the input. Images, nodes and
    features are read as they are.

    Parameters
    ----------
    model : in evaluation mode, its parameters without gradients.
    values : numbers in place of those that are read, in the same order; None for the batch's own.

    Attributes
    ----------
    reads : what has been read, in the order of reading.
    order : (B, N) the order into which the network has brought the particles before, if it has.
    """

    def __init__(self, model: nn.Module, values: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.model, self.values = model, values
        self.reads: list[Read] = []
        self.order: Tensor | None = None
        # tensors by their ids, which stay theirs as long as they are kept here
        self._of_model: dict[int, Tensor] = {id(parameter): parameter for parameter in model.parameters()}
        self._data: dict[int, Tensor] = {}
        self._leaves: dict[int, Tensor] = {}
        self._path, self._prepares = [""], False

    def __call__(self, batch: Batch) -> Tensor:
        """The outputs (B, C) of the model for a batch."""
        if whole := WHOLE.get(type(batch)):
            leaf: Any = self._leaf(getattr(batch, whole).double())
            batch = replace(batch, **{whole: leaf})
        elif isinstance(batch, JetBatch):
            self._mark(self._data, (batch.p4, batch.scalars))
        self._mark(self._data, batch.extras)
        with in_plain_form(self.model), self._watched(), torch.enable_grad(), self:
            return self.model(batch)

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if self._prepares:
            return func(*args, **kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        of_data = any(id(t) in self._data for t in tensors)
        of_model = any(t.requires_grad or id(t) in self._of_model for t in tensors)
        if of_data and of_model and torch.is_grad_enabled() and func is not Tensor.to:
            args, kwargs = tree_map(self._read, (args, kwargs))
        found = self.rule(func, args, kwargs)
        name = getattr(func, "__name__", "")
        if name == "gather" and id(args[0]) in self._data and args[0].ndim == 3 and args[1] == 1:
            self.order = args[2][..., 0]
        if name not in _NEW and not any(t.requires_grad for t in tensors):
            if (of_data and not of_model) or (func is Tensor.to and of_data):
                self._mark(self._data, found)
                if found is None:  # x[...] = y
                    self._mark(self._data, args[0])
            elif of_model and not of_data:
                self._mark(self._of_model, found)
        return found

    def rule(self, func: Callable, args: tuple, kwargs: dict) -> Any:
        """What a function of torch gives; a subclass changes its derivative."""
        return func(*args, **kwargs)

    def norm(self, module: nn.Module, forward: Callable, x: Tensor, *more: Any) -> Tensor:
        """The output of a batch norm."""
        if id(x) not in self._data:
            return forward(x, *more)
        self._prepares = True
        try:
            prepared = forward(x, *more)
        finally:
            self._prepares = False
        self._mark(self._data, prepared)
        return prepared

    def _mark(self, known: dict[int, Tensor], found: Any) -> None:
        for leaf in tree_leaves(found):
            if isinstance(leaf, Tensor) and leaf.is_floating_point() and not leaf.requires_grad:
                known[id(leaf)] = leaf

    def _read(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or id(value) not in self._data:
            return value
        if id(value) not in self._leaves:
            self._leaves[id(value)] = self._leaf(value)
        return self._leaves[id(value)].clone()  # which may be overwritten in place

    def _leaf(self, value: Tensor) -> Tensor:
        k = len(self.reads)
        leaf = value.detach().clone() if self.values is None else self.values[k]
        leaf = leaf if leaf.requires_grad else leaf.requires_grad_()
        self.reads.append(Read(leaf, self._path[-1]))
        return leaf

    def _leave(self, *_: Any) -> None:
        self._path.pop()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Knows in which module the model is, and treats batch norms by their rule."""
        hooks, norms = [], []
        for name, module in self.model.named_modules():
            hooks.append(module.register_forward_pre_hook(lambda *_, name=name: self._path.append(name)))
            hooks.append(module.register_forward_hook(self._leave))
            if isinstance(module, NORMS):
                norms.append(module)
                forward = module.forward
                module.forward = partial(self.norm, module, forward)  # type: ignore[method-assign]  # until the end
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            for module in norms:
                del module.forward

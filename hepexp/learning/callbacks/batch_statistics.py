"""Statistics of batch norms, re-estimated before each validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeGuard

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.hooks import RemovableHandle

from hepexp.data.loading.experiment_data import data_of
from hepexp.learning.module import ExperimentModule


class BatchStatistics(Callback):
    """Puts the mean and variance over many training batches in place of the running estimates of batch norms.

    A running estimate is an average over the last ten batches or so, at weights that have changed since. Where the
    rate is high or the inputs have long tails, as Lorentz invariants have, that makes validation noise. Here the
    weights stand still: with the means mu_i and variances v_i of n batches, the mean is that of mu_i, and the variance
    the mean of v_i plus the variance of mu_i (Wu and Johnson, arXiv:2105.07576, section 3). The batches are the first
    ones of the epoch in the order of its training, dropout is off, and no random number of the training is used up,
    so a resumed run has the same statistics. Checkpoints hold them, and training resumes from them.

    Batch norms that are frozen keep theirs. In a distributed run the batches are those of all ranks.

    It must come after the callback that averages weights, whose average then has statistics of its own.

    Parameters
    ----------
    batches : number of batches n, at most an epoch.
    """

    def __init__(self, batches: int):
        self.batches = batches
        self._modes: list[tuple[nn.Module, bool]] = []  # of the last training step; a validation puts all to evaluation

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *args: Any) -> None:
        if trainer.is_last_batch:
            self._modes = [(layer, layer.training) for layer in module.modules()]

    def on_validation_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        norms = [layer for layer, training in self._modes if training and _has_estimates(layer)]
        if not norms or trainer.state.fn != TrainerFn.FITTING:
            return
        assert isinstance(module, ExperimentModule)
        sums = [_Sums(norm) for norm in norms]
        with _training_without_dropout(self._modes), torch.no_grad(), _own_random_numbers(module), _latest(norms):
            batches = data_of(trainer).training_batches(trainer.current_epoch, self.batches)
            for number, batch in enumerate(batches):
                batch = module.with_views(module.transfer_batch_to_device(batch, module.device, 0), number, "test")
                with trainer.precision_plugin.forward_context():
                    module.objective.terms(module.model, batch)
                for each in sums:
                    each.add()
        for each in sums:
            each.write(trainer.world_size)


class _Norm(Protocol):
    """A batch norm, of torch or our own."""

    running_mean: Tensor
    running_var: Tensor
    momentum: float
    num_features: int

    def register_forward_pre_hook(self, hook: Callable[[nn.Module, tuple], None]) -> RemovableHandle: ...


class _Sums:
    """Sums over batches of a norm's mean, and of its mean squared plus its variance, biased as in normalising."""

    def __init__(self, norm: _Norm):
        self.norm = norm
        self.entries: Tensor | float = math.inf  # of the latest batch: the running estimate is of the unbiased variance
        self.hook = norm.register_forward_pre_hook(self._count)
        self.first, self.second = (torch.zeros_like(norm.running_mean, dtype=torch.float64) for _ in range(2))
        self.n = 0

    def _count(self, norm: nn.Module, inputs: tuple) -> None:
        self.entries = inputs[0].numel() / self.norm.num_features

    def add(self) -> None:
        mean, entries = self.norm.running_mean.double(), getattr(self.norm, "entries", self.entries)
        self.first += mean
        self.second += mean.square() + self.norm.running_var.double() * (1 - 1 / entries)
        self.n += 1

    def write(self, world_size: int) -> None:
        self.hook.remove()
        moments: Tensor = torch.stack([self.first, self.second]) / self.n
        if world_size > 1:
            torch.distributed.all_reduce(moments)
            moments /= world_size
        mean, second = moments
        self.norm.running_mean.copy_(mean)
        self.norm.running_var.copy_(second - mean.square())


def _has_estimates(layer: nn.Module) -> TypeGuard[_Norm]:
    return isinstance(getattr(layer, "running_mean", None), Tensor)


@contextmanager
def _training_without_dropout(modes: list[tuple[nn.Module, bool]]) -> Iterator[None]:
    """The layers in the modes of training, dropout in evaluation; afterwards as before."""
    before = [(layer, layer.training) for layer, _ in modes]
    for layer, training in modes:
        layer.training = training and not isinstance(layer, _DropoutNd)
    try:
        yield
    finally:
        for layer, training in before:
            layer.training = training


@contextmanager
def _latest(norms: list[_Norm]) -> Iterator[None]:
    """The running estimates are those of the latest batch alone."""
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


@contextmanager
def _own_random_numbers(module: ExperimentModule) -> Iterator[None]:
    """Random numbers, of views or latent variables, that depend on nothing but the seed; those of training stay."""
    devices = [module.device] if module.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(module.seed)
        yield

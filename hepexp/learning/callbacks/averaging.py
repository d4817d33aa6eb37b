"""Averages of the weights over a training, which are validated, saved and tested in place of the last weights."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

AVERAGING = "averaging_state"  # a checkpoint with this key holds the average as its weights


class AveragedWeights(WeightAveraging):
    """Lightning's averaging, with checkpoints and validation that always show the same weights.

    An exponential moving average follows every step: after the first, a = w, then a <- decay a + (1 - decay) w. The
    stochastic weight average is the mean of the weights at the end of the epochs from `first_epoch` on
    (arXiv:1803.05407); until then there is no average, and the weights themselves are validated and saved. Running
    statistics of batch norms are averaged likewise, until `BatchStatistics` puts those of the average in their place.

    It must come before the callbacks that write checkpoints.

    Parameters
    ----------
    decay : of the moving average; None for the mean over epochs.
    first_epoch : of the mean over epochs; the first epoch is 1.
    """

    def __init__(self, decay: float | None, first_epoch: int = 1):
        super().__init__(avg_fn=self.average)
        self.decay, self.first_epoch = decay, first_epoch

    def average(self, averaged: Tensor, current: Tensor, n_averaged: Tensor | int) -> Tensor:
        """The average with one more value in it; that of equal values, as in frozen layers, is exact."""
        if not averaged.is_floating_point():
            return current  # counters
        share = 1 / (n_averaged + 1) if self.decay is None else 1 - self.decay
        return averaged + (current - averaged) * share

    @property
    def has_begun(self) -> bool:
        return self._average_model is not None and bool(self._average_model.n_averaged > 0)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if stage == "fit":  # the module itself would be copied with its data set
            parts = nn.ModuleDict({name: pl_module.get_submodule(name) for name in ("model", "objective")})
            self._average_model = AveragedModel(parts, use_buffers=True, avg_fn=self.average)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self._average_model is not None, "made by setup"
        self._average_model.to(pl_module.device)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any) -> None:
        ends_epoch = trainer.is_last_batch and trainer.current_epoch + 1 >= self.first_epoch
        if self.decay is not None or ends_epoch:
            super().on_train_batch_end(trainer, pl_module, *args)

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.has_begun:
            self._swap_models(pl_module)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Not yet: the module evaluates what it collected after this."""

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.has_begun:
            self._swap_models(pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.has_begun:
            self._copy_average_to_current(pl_module)

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict) -> None:
        if self.has_begun:
            super().on_save_checkpoint(trainer, pl_module, checkpoint)

    def on_load_checkpoint(self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict) -> None:
        if AVERAGING in checkpoint:
            super().on_load_checkpoint(trainer, pl_module, checkpoint)

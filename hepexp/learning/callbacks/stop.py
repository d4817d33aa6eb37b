"""Reasons to stop before the last epoch: the clock, a signal."""

from __future__ import annotations

import time

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from hepexp.interrupts import Interrupts
from hepexp.learning.callbacks.checkpoints import Checkpoints


class TimeLimit(Callback):
    """Ends training cleanly when its time is up: the best epoch is still tested.

    Parameters
    ----------
    seconds : wall time from the start of the training of this process; a resumed run has its own.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.reached = False

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._end = time.monotonic() + self.seconds

    def on_train_batch_end(self, trainer: pl.Trainer, *_) -> None:
        over = time.monotonic() > self._end
        if trainer.strategy.broadcast(over) if trainer.world_size > 1 else over:
            self.reached = True
            trainer.should_stop = True  # Lightning validates and ends the epoch here, so a checkpoint follows


class StopAtSignal(Callback):
    """Saves `last.ckpt` after the current step when SIGINT or SIGTERM has arrived, then stops.

    If the epoch has finished its batches and its validation, `Checkpoints` saves it first.

    Parameters
    ----------
    interrupts : the handler that took the signal.
    checkpoints : writes the last checkpoint.
    """

    def __init__(self, interrupts: Interrupts, checkpoints: Checkpoints):
        self.interrupts, self.checkpoints = interrupts, checkpoints

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.interrupts.check()
        self.interrupts.wait_for_batch = True

    def on_train_epoch_start(self, *_) -> None:
        self.interrupts.check()

    def on_train_batch_end(self, trainer: pl.Trainer, module, outputs, batch, batch_idx: int) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches and not trainer.is_last_batch:
            return  # gradients accumulated for the next step would be lost
        if self.interrupts.signal:
            # with several ranks each took the signal at its own batch: they cannot save together
            if trainer.world_size == 1:
                self.checkpoints.save_last(trainer)
            self.interrupts.check()

    def on_validation_batch_end(self, trainer: pl.Trainer, *_) -> None:
        if not self.checkpoints.has_large:
            self.interrupts.check()
        elif self.interrupts.signal is not None:
            # The last one may be of many epochs ago: validation ends first, which Lightning would leave at SIGTERM.
            trainer._signal_connector.received_sigterm = False

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.interrupts.wait_for_batch = False
        self.interrupts.check()

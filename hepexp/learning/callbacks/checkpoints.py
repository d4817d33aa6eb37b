"""The best and the last checkpoint of a run."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Checkpoint

from hepexp.config.suggest import did_you_mean
from hepexp.errors import HepexpError
from hepexp.interrupts import Interrupts

LARGE = 100_000_000  # bytes of a checkpoint that is not written after each epoch


class Checkpoints(Checkpoint):
    """Writes `best.ckpt` when the monitored metric improves, or after every epoch, and `last.ckpt` after every epoch.

    During long epochs `last.ckpt` is also written every `every_minutes`, so that a kill costs no more than that. A
    large one is written only then, after the first and the last epoch, and at a signal.

    Parameters
    ----------
    folder : where the two files go.
    monitor, mode : the metric that determines the best epoch, and whether it is maximised (`max`) or minimised (`min`).
    every_minutes : minutes between checkpoints within an epoch, and between large ones.
    keep : `best` epoch, or `last`, in best.ckpt.
    interrupts : takes SIGINT and SIGTERM, after which there will be no other epoch.

    Attributes
    ----------
    best_epoch : epoch of best.ckpt; the first is 1.
    """

    def __init__(
        self,
        folder: Path,
        monitor: str,
        mode: str,
        every_minutes: float,
        keep: str = "best",
        interrupts: Interrupts | None = None,
    ) -> None:
        self.best_path, self.last_path = folder / "best.ckpt", folder / "last.ckpt"
        self.monitor, self.mode, self.keep = monitor, mode, keep
        self.every_seconds, self.interrupts = 60 * every_minutes, interrupts
        self.best_value: float | None = None
        self.best_epoch: int | None = None
        self._saved_at = time.monotonic()

    def is_better(self, value: float) -> bool:
        if self.keep == "last" or self.best_value is None or math.isnan(self.best_value):
            return True
        return value > self.best_value if self.mode == "max" else value < self.best_value

    @property
    def has_large(self) -> bool:
        """Whether there is a checkpoint, too large to be written after each epoch."""
        return self.last_path.exists() and self.last_path.stat().st_size > LARGE

    def save_last(self, trainer: pl.Trainer) -> None:
        trainer.save_checkpoint(self.last_path)
        self._saved_at = time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, module, outputs, batch, batch_idx: int) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return  # gradients accumulated for the next step are not in a checkpoint
        self._save_last_if(self._is_late(), trainer)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.monitor not in trainer.callback_metrics:
            there_are = [name for name in trainer.callback_metrics if name.startswith("val/")]
            raise HepexpError(
                f"the loss has monitor = {self.monitor!r}, which is not computed in validation"
                f"{did_you_mean(self.monitor, there_are)} (there are: {', '.join(there_are)})"
            )
        value = float(trainer.callback_metrics[self.monitor])
        if self.is_better(value):
            self.best_value, self.best_epoch = value, trainer.current_epoch + 1
            trainer.save_checkpoint(self.best_path)
        ends = trainer.should_stop or trainer.current_epoch + 1 >= (trainer.max_epochs or 0)
        interrupted = self.interrupts is not None and self.interrupts.signal is not None
        self._save_last_if(ends or interrupted or self._is_late() or not self.has_large, trainer)

    def _save_last_if(self, due: bool, trainer: pl.Trainer) -> None:
        """All ranks do as the first one, which has the clock and the files."""
        if trainer.strategy.broadcast(due) if trainer.world_size > 1 else due:
            self.save_last(trainer)

    def _is_late(self) -> bool:
        return time.monotonic() - self._saved_at > self.every_seconds

    def state_dict(self) -> dict:
        return {"best_value": self.best_value, "best": self.best_epoch}

    def load_state_dict(self, state: dict) -> None:
        self.best_value = state["best_value"]
        if "best_epoch" in state:  # written by older versions, which counted epochs from zero
            self.best_epoch = None if state["best_epoch"] is None else state["best_epoch"] + 1
        else:
            self.best_epoch = state["best"]

"""The learning curve: one row per epoch, in the run folder, in MLflow and in the checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from hepexp.learning.module import ExperimentModule
from hepexp.metric import Metric

METRICS = (
    Metric(
        "train/lr",
        "neither",
        "learning rate",
        "Mean learning rate over the steps of an epoch; in adversarial training, the generator's.",
        range=">= 0",
        recorded=False,
    ),
    Metric(
        "train/examples_per_second",
        "higher",
        "examples/s",
        "Training examples processed per second on all devices together, without the time for validation.",
        range=">= 0; 0 if nothing was trained",
        no_error="measured once",
    ),
    Metric(
        "train/seconds",
        "lower",
        "seconds",
        "Wall time of all epochs, including validation.",
        range=">= 0; 0 if nothing was trained",
        no_error="measured once",
    ),
)


class History(Callback):
    """Collects losses, validation metrics, learning rate and speed of every epoch.

    Parameters
    ----------
    report : called with (row, epoch) on the first rank after each epoch; the first epoch is 1.
    """

    def __init__(self, report: Callable[[dict[str, float], int], None]):
        self.rows: list[dict[str, float]] = []
        self.report = report
        self.examples = 0  # seen in training by all ranks since this process started
        self.seconds = 0.0
        self._epoch_examples, self._clock = 0, 0.0
        self._rates, self._steps = 0.0, 0  # sum of the learning rates of the epoch's batches, and their number

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._clock = time.monotonic()  # a run resumed in mid epoch has no start of that epoch

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._epoch_examples, self._clock = 0, time.monotonic()
        self._rates, self._steps = 0.0, 0

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch, batch_idx: int) -> None:
        self._rates += trainer.optimizers[0].param_groups[0]["lr"]  # the schedule updates it after the step
        self._steps += 1

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs, batch, batch_idx: int
    ) -> None:
        self._epoch_examples += len(batch) * trainer.world_size

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.sanity_checking or not self._epoch_examples:
            return
        seconds = time.monotonic() - self._clock
        self.examples += self._epoch_examples
        self.seconds += seconds
        self._speed = self._epoch_examples / seconds

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        assert isinstance(module, ExperimentModule)
        epoch = trainer.current_epoch + 1  # counted from one
        row: dict[str, float] = {"epoch": epoch}
        row |= {f"train/{name}": value for name, value in module.training_means().items()}
        row |= {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("val/")}
        now = trainer.optimizers[0].param_groups[0]["lr"]
        row["train/lr"] = self._rates / self._steps if self._steps else now
        row["train/examples_per_second"] = self._speed
        row["train/seconds"] = time.monotonic() - self._clock  # validation included
        self.rows.append(row)
        if trainer.is_global_zero:
            self.report(row, epoch)

    @property
    def examples_per_second(self) -> float:
        """Training examples per second of training steps, without validation."""
        if self.seconds:
            return self.examples / self.seconds
        return self.rows[-1]["train/examples_per_second"] if self.rows else 0.0

    def state_dict(self) -> dict:
        return {"rows": self.rows, "rates": self._rates, "steps": self._steps}

    def load_state_dict(self, state: dict) -> None:
        # checkpoints of older versions counted epochs from zero, and had no rates
        self.rows = [{**row, "epoch": k + 1} for k, row in enumerate(state["rows"])]
        self._rates, self._steps = state.get("rates", 0.0), state.get("steps", 0)

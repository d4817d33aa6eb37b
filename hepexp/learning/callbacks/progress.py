"""Progress: a live bar on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import time

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ProgressBar
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hepexp.console import PlainConsole
from hepexp.learning.module import ExperimentModule


class TrainingProgress(ProgressBar):
    """Epoch, loss, the monitored value, examples per second and the time left.

    Parameters
    ----------
    monitor : logged value to show.
    noun : what an example is called.
    """

    REFRESH_SECONDS = 0.5  # reading the loss waits for the device: twice per second costs nothing

    def __init__(self, monitor: str, noun: str = "jet"):
        super().__init__()
        self.monitor = monitor
        self.noun = noun
        self.console = PlainConsole(stderr=True)
        self._progress: Progress | None = None
        self._enabled = True
        self._shown_at = 0.0

    def disable(self) -> None:
        self._enabled = False

    def enable(self) -> None:
        self._enabled = True

    @property
    def live(self) -> bool:
        return self._enabled and self.console.is_terminal

    def _start(self, description: str, total: int | float, completed: int = 0) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[values]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._progress = Progress(
            *columns, console=self.console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._progress.start()
        self._task = self._progress.add_task(description, total=total, completed=completed, values="")

    def _stop(self) -> None:
        if self._progress:
            self._progress.stop()
            self._progress = None

    # --- training

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._clock, self._seen, self._shown_at = time.monotonic(), 0, 0.0
        if self.live:
            self._start(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", trainer.num_training_batches)

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs, batch, batch_idx: int
    ) -> None:
        if not self._enabled:
            return
        assert isinstance(module, ExperimentModule)
        self._seen = getattr(self, "_seen", 0) + len(batch) * trainer.world_size
        now = time.monotonic()
        if self._progress and now - self._shown_at > self.REFRESH_SECONDS:
            self._shown_at = now
            values = f"loss {float(module.last_loss):.4f}"
            if self.monitor in trainer.callback_metrics:
                values += f"  {self.monitor} {float(trainer.callback_metrics[self.monitor]):.4f}"
            values += f"  {self._seen / (now - self._clock):,.0f} {self.noun}s/s"
            self._progress.update(self._task, completed=batch_idx + 1, values=values)

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self._progress:
            self._progress.update(self._task, completed=trainer.num_training_batches, values="validation")

    def line(self, row: dict[str, float], max_epochs: int) -> None:
        """One epoch's figures, kept above the bar."""
        self._stop()
        metrics = [f"{name} {value:.4f}" for name, value in row.items() if name.startswith(("val/", "train/loss"))]
        text = "  ".join([*metrics, f"{row['train/examples_per_second']:,.0f} {self.noun}s/s"])
        self.console.print(f"epoch {int(row['epoch'])}/{max_epochs}  {text}", soft_wrap=True)

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        self._stop()

    # --- test

    def on_test_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if self.live:
            self._start("test", sum(trainer.num_test_batches))

    def on_test_batch_end(self, trainer: pl.Trainer, *_) -> None:
        if self._progress:
            self._progress.advance(self._task)

    def on_test_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._stop()

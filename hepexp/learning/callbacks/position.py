"""The position of a run in its training data, kept in the checkpoint so that a resumed run takes the next batch."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from hepexp.data.loading.experiment_data import data_of


class Position(Callback):
    """Counts epochs and batches, and tells the data module where to start after a resume.

    It must come before the callback that writes checkpoints.

    Attributes
    ----------
    has_begun : whether the training has begun, and all that a checkpoint holds is restored.
    """

    def __init__(self) -> None:
        self.epoch, self.batch, self.has_begun = 0, 0, False

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        # Lightning has restored this callback by now and has not asked for the loader yet
        data_of(trainer).start_at(self.epoch, self.batch)

    def on_train_start(self, *_) -> None:
        self.has_begun = True

    def on_train_batch_end(self, *_) -> None:
        self.batch += 1

    def on_train_epoch_end(self, *_) -> None:
        self.epoch, self.batch = self.epoch + 1, 0

    def state_dict(self) -> dict:
        return {"epoch": self.epoch, "batch": self.batch}

    def load_state_dict(self, state: dict) -> None:
        self.epoch, self.batch = state["epoch"], state["batch"]

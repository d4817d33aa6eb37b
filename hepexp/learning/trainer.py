"""The Lightning Trainer of a run: the group `trainer`."""

from __future__ import annotations

import logging
import math
import re
import warnings
from datetime import timedelta
from typing import Literal

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, EarlyStopping
from pytorch_lightning.strategies import DDPStrategy

from hepexp.config.annotated_keys import AnnotatedKeys
from hepexp.errors import ConfigError
from hepexp.learning.callbacks.averaging import AveragedWeights
from hepexp.learning.callbacks.batch_statistics import BatchStatistics
from hepexp.learning.checkpoint_io import AtomicCheckpointIO
from hepexp.memory import keep_freed
from hepexp.precision import allow_tf32

# How long processes on one machine wait for each other. Nodes keep Lightning's half an hour: each may have to convert
# the data first.
LONGEST_WAIT = timedelta(minutes=5)
_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}  # of durations


class TrainerOptions(AnnotatedKeys):
    """Hardware and length of a training.

    Parameters
    ----------
    max_epochs : passes over the training split; 0 only evaluates.
    min_steps : least number of steps: where max_epochs of a small training split make fewer, there are more epochs.
    patience : epochs without improvement of the monitored metric before the training stops; null never stops early.
    keep : epoch whose weights are tested and kept in best.ckpt: best by the monitored metric, or last, for trainings in
        which no metric of an epoch judges the model, as those of two players.
    time_limit : wall time after which the training stops cleanly: 90m, 1h30m, 01:30:00; null for none.
    gradient_clip : largest norm of the gradient; null for no clipping.
    accumulate : number of batches over whose examples the gradient of each step is averaged.
    ema : decay of a moving average of the weights, such as 0.999, which is validated, saved and tested; null for none.
    swa : fraction of the epochs from which on the weights at their ends are averaged, such as 0.75; null for none.
    batch_statistics : number of training batches over which the statistics of batch norms are re-estimated before each
        validation; 0 keeps the running estimates.
    lr_find : whether a range test sets optimizer.lr before the training: a tenth of the largest stable rate.
    precision : floating-point precision of training, in the names of Lightning.
    tf32 : whether float32 matrix products and convolutions on GPUs may use TensorFloat-32.
    compile : whether to run the model through torch.compile.
    channels_last : whether images have their channels next to each other in memory, as GPUs convolve them.
    accelerator : cpu, gpu, mps, or auto for the best available.
    devices : devices per node.
    num_nodes : number of nodes, started by SLURM or torchrun.
    strategy : auto for one device, ddp for several.
    checkpoint_minutes : minutes between checkpoints within an epoch, and between those of more than 100 MB, which are
        not written after each epoch.
    deterministic : whether to refuse operations whose result varies from run to run.
    progress : whether to show progress.
    """

    max_epochs: int = 20
    min_steps: int | None = None
    patience: int | None = 10
    keep: Literal["best", "last"] = "best"
    time_limit: str | float | None = None
    gradient_clip: float | None = None
    accumulate: int = 1
    ema: float | None = None
    swa: float | None = None
    batch_statistics: int = 40
    lr_find: bool = False
    precision: Literal["32-true", "64-true", "bf16-mixed", "16-mixed"] = "32-true"
    tf32: bool = False
    compile: bool = False
    channels_last: bool = False
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto"
    devices: int = 1
    num_nodes: int = 1
    strategy: Literal["auto", "ddp"] = "auto"
    checkpoint_minutes: float = 10.0
    deterministic: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        leasts = {
            "max_epochs": 0,
            "min_steps": 1,
            "patience": 1,
            "batch_statistics": 0,
            "accumulate": 1,
            "devices": 1,
            "num_nodes": 1,
        }
        for name, least in leasts.items():
            if (value := getattr(self, name)) is not None and value < least:
                raise ConfigError(f"trainer.{name} must be >= {least}, got {value}")
        for name in ("gradient_clip", "checkpoint_minutes"):
            if (value := getattr(self, name)) is not None and not value > 0:
                raise ConfigError(f"trainer.{name} must be > 0, got {value}")
        if self.keep not in ("best", "last"):
            raise ConfigError(f"trainer.keep must be best or last, got {self.keep!r}")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ConfigError(f"trainer.ema must be in (0, 1), got {self.ema}")
        if self.swa is not None and not 0 <= self.swa < 1:
            raise ConfigError(f"trainer.swa must be in [0, 1), got {self.swa}")
        if self.ema is not None and self.swa is not None:
            raise ConfigError("trainer.ema and trainer.swa are two averages of the weights: choose one of them")
        if self.devices * self.num_nodes > 1 and self.lr_find:
            raise ConfigError(
                "trainer.lr_find needs one device; find the rate with trainer=default, then set optimizer.lr"
            )
        if self.devices * self.num_nodes > 1 and self.strategy == "auto":
            raise ConfigError(
                f"trainer.devices={self.devices} needs trainer.strategy=ddp, got auto; or use trainer=ddp"
            )
        self.time_limit = None if self.time_limit is None else seconds(self.time_limit)

    def lengthen(self, batches: int) -> None:
        """Raise `max_epochs`, of so many batches each, until they make `min_steps`, and `patience` in proportion."""
        if not (self.max_epochs and self.min_steps):
            return
        steps_an_epoch = max(math.ceil(batches / self.accumulate), 1)
        epochs = max(self.max_epochs, math.ceil(self.min_steps / steps_an_epoch))
        if self.patience is not None:
            self.patience = math.ceil(self.patience * epochs / self.max_epochs)
        self.max_epochs = epochs

    def early_stopping(self, monitor: str, mode: str) -> list[EarlyStopping]:
        if self.patience is None:
            return []
        return [EarlyStopping(monitor=monitor, mode=mode, patience=self.patience, check_on_train_epoch_end=False)]

    def averaging(self) -> list[Callback]:
        """The callback that averages the weights, if they are to be averaged."""
        if self.ema is not None:
            return [AveragedWeights(self.ema)]
        if self.swa is not None:
            return [AveragedWeights(None, int(self.swa * self.max_epochs) + 1)]
        return []

    def statistics(self) -> list[Callback]:
        """The callback that re-estimates the statistics of batch norms, if they are to be."""
        return [BatchStatistics(self.batch_statistics)] if self.batch_statistics else []

    def build(self, callbacks: list[Callback], clips: bool = True) -> pl.Trainer:
        """The Lightning Trainer with these callbacks; it clips gradients unless the module does so itself.

        Raises
        ------
        ConfigError : the machine lacks what is asked for.
        """
        logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # its advertisements do not concern our users
        warnings.filterwarnings("ignore", ".*your dataloader is not resumable.*")  # `Position` resumes it
        warnings.filterwarnings("ignore", ".*LeafSpec.*")  # Lightning's own use of torch
        warnings.filterwarnings("ignore", ".*does not have many workers.*")  # jets of a sample in memory need none
        warnings.filterwarnings("ignore", ".*predict returned None.*")  # `ExperimentModule` collects predictions
        allow_tf32(self.tf32)
        keep_freed()
        on_one_machine = self.strategy == "ddp" and self.num_nodes == 1
        try:
            return pl.Trainer(
                max_epochs=self.max_epochs,
                accelerator=self.accelerator,
                devices=self.devices,
                num_nodes=self.num_nodes,
                strategy=DDPStrategy(timeout=LONGEST_WAIT) if on_one_machine else self.strategy,
                precision=self.precision,
                gradient_clip_val=self.gradient_clip if clips else None,
                accumulate_grad_batches=self.accumulate,
                deterministic=self.deterministic,
                callbacks=callbacks,
                plugins=[AtomicCheckpointIO()],
                logger=False,
                enable_checkpointing=any(isinstance(c, pl.callbacks.Checkpoint) for c in callbacks),
                enable_progress_bar=any(isinstance(c, pl.callbacks.ProgressBar) for c in callbacks),
                enable_model_summary=False,
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
            )
        except (pl.utilities.exceptions.MisconfigurationException, ValueError, RuntimeError) as error:
            raise ConfigError(f"trainer: {str(error).splitlines()[0]}") from error


def seconds(text: str | float, name: str = "trainer.time_limit") -> float:
    """Seconds of a duration: `90m`, `1h30m`, `45s`, `2d`, `01:30:00`, or a bare number of minutes; of a named key.

    Raises
    ------
    ConfigError : the text is none of these, or not positive.
    """
    text = str(text).strip()
    total = None
    if re.fullmatch(r"\d+(\.\d*)?", text):
        total = 60 * float(text)
    elif re.fullmatch(r"\d+:\d\d:\d\d", text):
        hours, minutes, rest = map(int, text.split(":"))
        total = 3600.0 * hours + 60 * minutes + rest
    elif re.fullmatch(r"(\d+(\.\d+)?[dhms])+", text):
        total = sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([dhms])", text))
    if not total:
        raise ConfigError(f"{name} must be a duration such as 90m, 1h30m or 01:30:00, got {text!r}")
    return float(total)

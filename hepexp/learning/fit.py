"""Training and test of composed components, on one process or on each of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_lightning import LightningDataModule
from pytorch_lightning.utilities.exceptions import SIGTERMException

from hepexp.errors import ConfigError
from hepexp.interrupts import Interrupts
from hepexp.learning.callbacks.averaging import AVERAGING
from hepexp.learning.callbacks.checkpoints import Checkpoints
from hepexp.learning.callbacks.history import History
from hepexp.learning.callbacks.position import Position
from hepexp.learning.callbacks.progress import TrainingProgress
from hepexp.learning.callbacks.stop import StopAtSignal, TimeLimit
from hepexp.learning.checkpoint_io import read_checkpoint
from hepexp.learning.components import Components
from hepexp.learning.trainer import TrainerOptions
from hepexp.learning.training_state import damaged
from hepexp.models.weights import kind
from hepexp.tracking.run_folder import RunFolder


@dataclass
class Fitted:
    """What a training leaves: per-example test outputs, and its history."""

    outputs: dict[str, np.ndarray]
    history: History
    best_epoch: int | None  # the first epoch is 1
    ending: str  # why the training ended


def fit(
    components: Components,
    folder: RunFolder,
    interrupts: Interrupts,
    report: Callable[[dict[str, float], int], None],
    resume_from: Path | None = None,
) -> Fitted:
    """Train, reload the epoch that is kept, test.

    Parameters
    ----------
    components : what the config built.
    folder : where the checkpoints go.
    interrupts : takes SIGINT and SIGTERM.
    report : called with (row, epoch) after each epoch on the first rank.
    resume_from : checkpoint to resume from.
    """
    module, options = components.module, components.trainer
    monitor, mode = module.objective.monitor
    checkpoints = Checkpoints(folder.checkpoints, monitor, mode, options.checkpoint_minutes, options.keep, interrupts)
    progress = TrainingProgress(monitor, components.noun)

    def tell(row: dict[str, float], epoch: int) -> None:
        if options.progress:
            progress.line(row, options.max_epochs)
        report(row, epoch)

    history, position = History(tell), Position()
    early = options.early_stopping(monitor, mode)
    limit = [] if options.time_limit is None else [TimeLimit(float(options.time_limit))]  # in seconds, once checked
    callbacks = [
        position,
        *options.averaging(),
        *options.statistics(),
        history,
        *early,
        *limit,
        StopAtSignal(interrupts, checkpoints),
        checkpoints,
    ]
    shown = [progress] if options.progress else []
    trainer = options.build([*callbacks, *shown], clips=module.automatic_optimization)

    if options.max_epochs and module.trains:
        if resume_from is not None:
            _check_kinds(resume_from, module.state_dict(), read_checkpoint(resume_from)["state_dict"])
        try:
            trainer.fit(module, datamodule=components.data, ckpt_path=resume_from, weights_only=True)
        except SIGTERMException as error:  # between epochs Lightning looks for the signal before StopAtSignal does
            raise interrupts.exception() from error
        except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            if resume_from is None or position.has_begun:
                raise
            raise damaged(resume_from, f"it cannot be restored ({type(error).__name__}: {error})") from error
        interrupts.check()
        load_state(module, checkpoints.best_path)
    trainer.test(module, datamodule=components.data, verbose=False)
    interrupts.check()

    ending = "all epochs done" if module.trains else "nothing to train"
    if any(callback.stopped_epoch for callback in early):
        ending = f"{monitor} has not improved for {options.patience} epochs"
    if any(callback.reached for callback in limit):
        ending = f"time limit of {limit[0].seconds:,.0f} s reached"
    return Fitted(module.outputs, history, checkpoints.best_epoch, ending)


def check_resumable(checkpoint: Path, options: TrainerOptions) -> None:
    """Refuse to train averaged weights on, as if they were those of the last step.

    Raises
    ------
    ConfigError : the checkpoint holds an average, and the options ask for none.
    """
    if AVERAGING in read_checkpoint(checkpoint) and not options.averaging():
        raise ConfigError(f"{checkpoint} holds averaged weights: keep trainer.ema or trainer.swa to resume")


def load_state(module: torch.nn.Module, path: Path, data: LightningDataModule | None = None) -> None:
    """Load the weights of a checkpoint of this same model and, into a data set, the scales that it was trained with.

    Raises
    ------
    ConfigError : the file is missing, broken, of another model, or holds another kind of numbers.
    """
    checkpoint = read_checkpoint(path)
    wanted, found = module.state_dict(), checkpoint["state_dict"]
    _check_kinds(path, wanted, found)
    if different := _difference(wanted, found):
        raise ConfigError(f"checkpoint {path} is of another model: {different}; its run's config.yaml says which")
    try:
        module.load_state_dict(found)
    except ConfigError as error:
        raise ConfigError(f"checkpoint {path} is not one that a run wrote: {error}") from None
    if data is not None and (scales := checkpoint.get(type(data).__qualname__)):  # Lightning's place for them
        wanted = data.state_dict()
        _check_kinds(path, wanted, scales)
        if wrong := next((k for k, value in wanted.items() if k not in scales or scales[k].shape != value.shape), None):
            raise ConfigError(
                f"checkpoint {path} is of another representation of the data: it lacks {wrong}, or has another shape"
            )
        data.load_state_dict(scales)


def _difference(wanted: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]) -> str:
    """The first tensor that one of two models lacks or that has another shape; empty if there is none."""
    for key, tensor in wanted.items():
        if key not in found:
            return f"it has no {key}"
        if found[key].shape != tensor.shape:
            return f"{key} has shape {tuple(found[key].shape)} there, {tuple(tensor.shape)} in this model"
    return next((f"it has {key}, which this model does not have" for key in found if key not in wanted), "")


def _check_kinds(path: Path, wanted: Mapping[str, torch.Tensor], found: Mapping[str, Any]) -> None:
    """Refuse numbers of another kind, which torch would convert silently: complex ones lose their imaginary part."""
    for key, tensor in wanted.items():
        given = found.get(key, tensor)  # what is missing is another fault
        if isinstance(given, torch.Tensor) and kind(given) == kind(tensor):
            continue
        theirs = f"{kind(given)} numbers ({given.dtype})" if isinstance(given, torch.Tensor) else "no tensor"
        raise ConfigError(
            f"checkpoint {path} is not one that this model wrote: {key} holds {theirs}, "
            f"expected {kind(tensor)} ones ({tensor.dtype})"
        )

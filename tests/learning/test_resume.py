"""A run that was stopped anywhere resumes and ends exactly the same."""

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from hepexp.errors import Interrupted
from hepexp.interrupts import Interrupts
from hepexp.learning.callbacks import checkpoints
from hepexp.learning.callbacks.checkpoints import Checkpoints
from hepexp.learning.callbacks.history import History
from hepexp.learning.callbacks.stop import StopAtSignal
from hepexp.learning.components import Components
from hepexp.learning.fit import fit
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.tracking.run_folder import RunFolder
from tests.learning.toy import ToyModel, ToyObjective, toy_components
from tests.learning.views import components_with_augmentation, components_with_views


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))


def run(folder, components=None, resume_from=None):
    rows = []
    fitted = fit(components or toy_components(), folder, Interrupts(), lambda row, epoch: rows.append(row), resume_from)
    return fitted, components


def final_weights(folder):
    return torch.load(folder.last, weights_only=True)["state_dict"]


@pytest.mark.parametrize("killed_at", [1, 6, 8, 12, 17])  # of 18 steps, 6 an epoch
@pytest.mark.parametrize("every_minutes", [1e-9, 10.0])  # a checkpoint after every batch, or after epochs only
def test_killed_and_resumed_equals_uninterrupted(killed_at, every_minutes):
    check_resumed(killed_at, lambda: toy_components(checkpoint_minutes=every_minutes))


@pytest.mark.parametrize("killed_at", [1, 8, 17])
def test_so_does_a_large_model_which_writes_fewer_checkpoints(killed_at, monkeypatch):
    monkeypatch.setattr(checkpoints, "LARGE", 0)
    check_resumed(killed_at, toy_components)


def test_a_large_checkpoint_is_written_after_the_first_and_the_last_epoch(monkeypatch):
    monkeypatch.setattr(checkpoints, "LARGE", 0)
    saved = []
    monkeypatch.setattr(Checkpoints, "save_last", watched(Checkpoints.save_last, saved))
    run(RunFolder.create("toy", "large"), toy_components(max_epochs=4))
    assert saved == [0, 3]
    saved.clear()
    run(RunFolder.create("toy", "late"), toy_components(max_epochs=4, checkpoint_minutes=1e-9))
    assert len(saved) == 4 * 7  # the time is always up: after each of six batches, and after the epoch


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_validation_start", "on_validation_epoch_end"])
def test_a_large_checkpoint_is_written_at_a_signal(monkeypatch, hook):
    monkeypatch.setattr(checkpoints, "LARGE", 0)
    saved, interrupts = [], Interrupts()
    monkeypatch.setattr(Checkpoints, "save_last", watched(Checkpoints.save_last, saved))
    original = getattr(StopAtSignal, hook)

    def signalled(self, trainer, *args):
        if trainer.current_epoch == 2:
            interrupts.signal = signal.SIGTERM
        original(self, trainer, *args)

    monkeypatch.setattr(StopAtSignal, hook, signalled)
    with pytest.raises(Interrupted):
        fit(toy_components(max_epochs=5), RunFolder.create("toy", "stopped"), interrupts, lambda row, epoch: None)
    assert saved == [0, 2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_validation_leaves_a_large_checkpoint_of_the_epoch(monkeypatch, number):
    monkeypatch.setattr(checkpoints, "LARGE", 0)
    saved, seen = [], []
    monkeypatch.setattr(Checkpoints, "save_last", watched(Checkpoints.save_last, saved))
    components, start = toy_components(max_epochs=5), StopAtSignal.on_validation_batch_end
    batch = components.data._batch(torch.arange(32))
    monkeypatch.setattr(components.data, "val_dataloader", lambda: DataLoader([batch, batch, batch], batch_size=None))

    def signalled(self, trainer, *args):
        seen.append(trainer.current_epoch)
        if seen.count(2) == 1 and seen[-1] == 2:  # after the first of three batches
            signal.raise_signal(number)
        start(self, trainer, *args)

    monkeypatch.setattr(StopAtSignal, "on_validation_batch_end", signalled)
    with pytest.raises(Interrupted, match=number.name), Interrupts() as interrupts:
        fit(components, RunFolder.create("toy", "stopped"), interrupts, lambda row, epoch: None)
    assert seen.count(2) == 3
    assert saved == [0, 2]


def watched(save_last, saved: list[int]):
    """`Checkpoints.save_last` that notes the epoch."""

    def save(self, trainer):
        saved.append(trainer.current_epoch)
        save_last(self, trainer)

    return save


@pytest.mark.parametrize("killed_at", [8, 15])  # in the epoch that unfreezes a layer, and in the next
@pytest.mark.parametrize("average", [{"ema": 0.8}, {"swa": 0.4}])
def test_so_does_an_average_of_weights_that_are_unfrozen_one_by_one(killed_at, average):
    def components():
        made = toy_components(checkpoint_minutes=1e-9, **average)
        optimizer = AdamW(lr=1e-2, freeze="body", unfreeze={2: "layers.0", 3: "body"}, lr_factor={"layers.0": 0.3})
        torch.manual_seed(0)
        made.module = ExperimentModule(ToyModel(), ToyObjective(), optimizer, seed=1)
        return made

    check_resumed(killed_at, components)


@pytest.mark.parametrize("killed_at", [8, 11])  # the first and the last but one batch of an epoch
def test_so_does_a_loss_on_random_views(killed_at):
    check_resumed(killed_at, lambda: components_with_views(checkpoint_minutes=1e-9), "embedding")


@pytest.mark.parametrize("killed_at", [8, 11])
def test_so_does_a_training_with_augmentation(killed_at):
    check_resumed(killed_at, lambda: components_with_augmentation(checkpoint_minutes=1e-9))


def check_resumed(killed_at: int, make: Callable[[], Components], output: str = "scores") -> None:
    """A training killed at a step and resumed ends as one that was not."""
    whole = RunFolder.create("toy", "whole")
    expected, _ = run(whole, make())

    broken = RunFolder.create("toy", "broken")
    components = make()
    step = components.module.training_step

    def dying_step(batch, batch_idx):
        if components.module.trainer.global_step == killed_at:
            raise Killed
        return step(batch, batch_idx)

    components.module.training_step = dying_step
    with pytest.raises(Killed):
        run(broken, components)
    resume_from = broken.last if broken.last.exists() else None
    resumed, _ = run(broken, make(), resume_from)

    assert all(
        torch.equal(a, b) for a, b in zip(final_weights(whole).values(), final_weights(broken).values(), strict=True)
    )
    assert np.array_equal(expected.outputs[output], resumed.outputs[output])
    assert expected.best_epoch == resumed.best_epoch
    for before, after in zip(expected.history.rows, resumed.history.rows, strict=True):
        assert {k: v for k, v in before.items() if "second" not in k} == {
            k: v for k, v in after.items() if "second" not in k
        }


def test_checkpoints_of_before_counted_epochs_from_zero():
    history, before = History(lambda row, epoch: None), Checkpoints(Path(), "val/auc", "max", 10.0)
    history.load_state_dict({"rows": [{"epoch": 0, "val/auc": 0.8}, {"epoch": 1, "val/auc": 0.7}]})
    before.load_state_dict({"best_value": 0.8, "best_epoch": 0})
    assert [row["epoch"] for row in history.rows] == [1, 2]
    assert before.best_epoch == 1
    again = Checkpoints(Path(), "val/auc", "max", 10.0)
    again.load_state_dict(before.state_dict())
    assert again.best_epoch == 1

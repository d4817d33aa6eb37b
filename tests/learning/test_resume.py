"""A run that was stopped anywhere resumes and ends exactly the same."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.interrupts import Interrupts
from hepexp.learning.callbacks.checkpoints import Checkpoints
from hepexp.learning.callbacks.history import History
from hepexp.learning.fit import fit
from hepexp.tracking.run_folder import RunFolder
from tests.learning.toy import toy_components


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
    whole = RunFolder.create("toy", "whole")
    expected, _ = run(whole)

    broken = RunFolder.create("toy", "broken")
    components = toy_components(checkpoint_minutes=every_minutes)
    step = components.module.training_step

    def dying_step(batch, batch_idx):
        if components.module.trainer.global_step == killed_at:
            raise Killed
        return step(batch, batch_idx)

    components.module.training_step = dying_step
    with pytest.raises(Killed):
        run(broken, components)
    resume_from = broken.last if broken.last.exists() else None
    resumed, _ = run(broken, toy_components(checkpoint_minutes=every_minutes), resume_from)

    assert all(
        torch.equal(a, b) for a, b in zip(final_weights(whole).values(), final_weights(broken).values(), strict=True)
    )
    assert np.array_equal(expected.outputs["scores"], resumed.outputs["scores"])
    assert expected.best_epoch == resumed.best_epoch
    for before, after in zip(expected.history.rows, resumed.history.rows, strict=True):
        assert {k: v for k, v in before.items() if "second" not in k} == {
            k: v for k, v in after.items() if "second" not in k
        }


def test_checkpoints_of_before_counted_epochs_from_zero():
    history, checkpoints = History(lambda row, epoch: None), Checkpoints(Path(), "val/auc", "max", 10.0)
    history.load_state_dict({"rows": [{"epoch": 0, "val/auc": 0.8}, {"epoch": 1, "val/auc": 0.7}]})
    checkpoints.load_state_dict({"best_value": 0.8, "best_epoch": 0})
    assert [row["epoch"] for row in history.rows] == [1, 2]
    assert checkpoints.best_epoch == 1
    again = Checkpoints(Path(), "val/auc", "max", 10.0)
    again.load_state_dict(checkpoints.state_dict())
    assert again.best_epoch == 1

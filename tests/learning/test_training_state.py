"""A run is resumed only from a checkpoint whose state of the training can be restored; otherwise one line says so."""

import copy

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.interrupts import Interrupts
from hepexp.learning.fit import fit
from hepexp.learning.training_state import check_training_state
from hepexp.tracking.run_folder import RunFolder
from tests.learning.toy import toy_components


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The last checkpoint of a short run, and its parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPEXP_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        components, folder = toy_components(), RunFolder.create("hepexp", "toy")
        fit(components, folder, Interrupts(), lambda row, epoch: None)
        yield torch.load(folder.last, weights_only=True), list(components.module.parameters())


def first(checkpoint):
    return checkpoint["optimizer_states"][0]


def of_a_parameter(checkpoint):
    return next(iter(first(checkpoint)["state"].values()))


DAMAGES = {
    "no loops": lambda c: c.pop("loops"),
    "an epoch of text": lambda c: c.update(epoch="1"),
    "a text for the states": lambda c: c.update(optimizer_states="adamw"),
    "a text for a state": lambda c: c.update(optimizer_states=["adamw"]),
    "a text in a state": lambda c: first(c).update(state="adamw"),
    "a text for a parameter": lambda c: first(c)["state"].update({0: "x"}),
    "a text for a moment": lambda c: of_a_parameter(c).update(exp_avg="x"),
    "a moment of another shape": lambda c: of_a_parameter(c).update(exp_avg=torch.zeros(3, 1, 7)),
    "no groups": lambda c: first(c).pop("param_groups"),
    "a text for a group": lambda c: first(c).update(param_groups=["x"]),
    "a number for a schedule": lambda c: c.update(lr_schedulers=[1]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_before_anything_is_recorded(trained, tmp_path, damage):
    checkpoint, path = copy.deepcopy(trained[0]), tmp_path / "last.ckpt"
    torch.save(checkpoint, path)
    check_training_state(path, trained[1])  # what a run wrote is accepted
    DAMAGES[damage](checkpoint)
    torch.save(checkpoint, path)
    with pytest.raises(ConfigError, match=r"^last.ckpt is damaged: [^\n]+, in [^\n]+; train anew$"):
        check_training_state(path, trained[1])


def test_what_only_restoring_it_shows_is_said_in_the_same_way(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    checkpoint, folder = copy.deepcopy(trained[0]), RunFolder.create("hepexp", "toy")
    first(checkpoint)["param_groups"] *= 2  # of another optimiser
    torch.save(checkpoint, folder.last)
    check_training_state(folder.last, trained[1])
    with pytest.raises(ConfigError, match=r"^last.ckpt is damaged: it cannot be restored \(ValueError: "):
        fit(toy_components(), folder, Interrupts(), lambda row, epoch: None, folder.last)

"""No signal is lost, wherever it comes: the run leaves by `Interrupted` and can be resumed."""

import signal

import pytest
from pytorch_lightning.callbacks import Callback

from hepexp.errors import Interrupted
from hepexp.interrupts import Interrupts
from hepexp.learning.fit import fit
from hepexp.learning.trainer import TrainerOptions
from tests.learning.toy import toy_components

UNCALLED = ("on_predict", "on_sanity", "on_exception", "on_load_checkpoint")  # in a training that begins anew
HOOKS = [
    hook for hook in dir(Callback) if hook.startswith(("on_", "setup", "teardown")) and not hook.startswith(UNCALLED)
]


def signalling(hook: str, number: int, occurrence: int) -> Callback:
    """A callback that sends a signal to this process at one hook."""
    seen = []

    def send(self, *_, **__):
        seen.append(hook)
        if len(seen) == occurrence:
            signal.raise_signal(number)

    return type("Signalling", (Callback,), {hook: send})()


@pytest.fixture
def at(monkeypatch):
    """`at(hook, number)` adds the callback to every training, behind all others but the checkpoints."""
    build = TrainerOptions.build

    def add(hook: str, number: int = signal.SIGINT, occurrence: int = 1) -> None:
        def with_signal(self, callbacks, clips=True):
            return build(self, [*callbacks, signalling(hook, number, occurrence)], clips)

        monkeypatch.setattr(TrainerOptions, "build", with_signal)

    yield add
    monkeypatch.undo()


@pytest.mark.parametrize("place", range(len(HOOKS)), ids=HOOKS)
def test_a_signal_at_any_hook_of_the_last_epoch_ends_the_run(folder, at, monkeypatch, place):
    number = Interrupts.SIGNALS[place % 2]
    at(HOOKS[place], number)
    with pytest.raises(Interrupted, match=signal.Signals(number).name), Interrupts() as interrupts:
        fit(toy_components(max_epochs=1), folder, interrupts, lambda row, epoch: None)
    monkeypatch.undo()
    resumed = fit(
        toy_components(max_epochs=1),
        folder,
        Interrupts(),
        lambda row, epoch: None,
        folder.last if folder.last.exists() else None,
    )
    assert len(resumed.history.rows) == 1


def test_a_signal_after_validation_leaves_the_epoch_s_checkpoint(folder, at):
    import torch

    at("on_validation_end", occurrence=2)
    with pytest.raises(Interrupted, match="SIGINT"), Interrupts() as interrupts:
        fit(toy_components(max_epochs=3), folder, interrupts, lambda row, epoch: None)
    assert torch.load(folder.last, weights_only=True)["epoch"] == 1  # counted from 0: two of three are done

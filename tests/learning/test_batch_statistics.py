"""Statistics of batch norms before a validation, against those of the inputs that the norms have there."""

import pytest
import torch

from hepexp.interrupts import Interrupts
from hepexp.learning.fit import fit
from tests.learning.toy import ToyData, toy_components

NORM = "model.layers.1"


def states(folder, **trainer):
    """The state dict at each validation and after each step of a toy training."""
    components = toy_components(**{"max_epochs": 2, **trainer})
    module, validated, steps = components.module, [], []

    def copy(into):
        return lambda *_: into.append({name: value.clone() for name, value in module.state_dict().items()})

    module.on_validation_start, module.on_train_batch_end = copy([]), copy(steps)
    collect = module.on_validation_epoch_end
    module.on_validation_epoch_end = lambda: (copy(validated)(), collect())
    fit(components, folder, Interrupts(), lambda row, epoch: None)
    return validated, steps


def pooled(state, epoch, n):
    """Mean and biased variance of a norm's inputs over batches of equal size."""
    inputs = [
        batch.p4.flatten(1).float() @ state["model.layers.0.weight"].T + state["model.layers.0.bias"]
        for batch in ToyData().training_batches(epoch, n)
    ]
    x = torch.cat(inputs)
    return x.mean(0), x.var(0, correction=0)


@pytest.mark.parametrize(("option", "n"), [({}, 6), ({"batch_statistics": 2}, 2), ({"ema": 0.9}, 6), ({"swa": 0.0}, 6)])
def test_the_statistics_are_those_over_batches_at_the_validated_weights(folder, option, n):
    validated, _ = states(folder, **option)
    for epoch, state in enumerate(validated):
        mean, variance = pooled(state, epoch, n)
        torch.testing.assert_close(state[f"{NORM}.running_mean"], mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(state[f"{NORM}.running_var"], variance, rtol=1e-4, atol=1e-5)
    saved = torch.load(folder.last)["state_dict"]
    torch.testing.assert_close(saved[f"{NORM}.running_var"], validated[-1][f"{NORM}.running_var"])


def test_nothing_else_of_the_training_changes(folder):
    (_, estimated), (_, plain) = states(folder), states(folder, batch_statistics=0)
    for one, other in zip(estimated, plain, strict=True):
        for name in one:
            if "running" not in name and "tracked" not in name:
                assert torch.equal(one[name], other[name]), name

"""Averages of weights against their definitions, and gradients accumulated over batches against larger batches."""

import pytest
import torch
from torch import nn

from hepexp.errors import ConfigError
from hepexp.interrupts import Interrupts
from hepexp.learning.fit import check_resumable, fit
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import SGD, AdamW
from hepexp.learning.trainer import TrainerOptions
from tests.learning.toy import ToyData, ToyModel, ToyObjective, toy_components

STEPS = 6  # of a toy epoch


def nothing(row, epoch):
    pass


def trained(folder, **trainer):
    """The weights and running estimates after each step of a toy training, what it left, and its components."""
    components, steps = toy_components(**{"batch_statistics": 0, **trainer}), []
    components.module.on_train_batch_end = lambda *_: steps.append(weights(components.module.state_dict()))
    return steps, fit(components, folder, Interrupts(), nothing), components


def weights(state):
    return {name: tensor.double().clone() for name, tensor in state.items() if tensor.is_floating_point()}


def saved(file):
    return weights(torch.load(file)["state_dict"])


def assert_same(found, expected, **tolerance):
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, **tolerance)


def test_the_moving_average_is_its_recursion_and_leaves_the_training_as_it_is(folder):
    steps, _, _ = trained(folder, max_epochs=2, ema=0.8)
    average = steps[0]
    for step in steps[1:]:
        average = {name: 0.8 * average[name] + 0.2 * step[name] for name in average}
    assert_same(saved(folder.last), average, rtol=1e-5, atol=1e-6)
    plain, _, _ = trained(folder, max_epochs=2)
    assert_same(steps[-1], plain[-1], rtol=0, atol=0)


def test_the_mean_over_epochs_begins_after_its_fraction_of_the_training(folder):
    steps, _, _ = trained(folder, max_epochs=4, swa=0.5)
    third, fourth = steps[3 * STEPS - 1], steps[4 * STEPS - 1]
    assert_same(saved(folder.last), {n: (third[n] + fourth[n]) / 2 for n in third}, rtol=1e-5, atol=1e-6)
    steps, _, _ = trained(folder, max_epochs=1, swa=0.0)
    assert_same(saved(folder.last), steps[-1], rtol=0, atol=0)


def test_a_loss_sees_the_weights_after_each_step_and_how_far_the_training_is(folder):
    components, steps, seen = toy_components(batch_statistics=0, max_epochs=2, accumulate=2), [], []
    components.module.objective.after_step = lambda model, done: seen.append((weights(model.state_dict()), done))
    components.module.on_train_batch_end = lambda *_: steps.append(weights(components.module.model.state_dict()))
    fit(components, folder, Interrupts(), nothing)
    assert [done for _, done in seen] == pytest.approx([k / STEPS for k in range(1, STEPS + 1)])
    for k, (after, _) in enumerate(seen):
        assert_same(after, steps[2 * k + 1], rtol=0, atol=0)


@pytest.mark.parametrize("option", [{"ema": 0.9}, {"swa": 0.7}])
def test_what_is_validated_is_what_is_saved_and_tested(folder, option):
    """Validation and test set of the toy are the same examples, so the best epoch's figures are too."""
    _, fitted, components = trained(folder, max_epochs=3, **option)
    best = fitted.history.rows[fitted.best_epoch - 1]
    tested = components.module.objective.evaluator.quick(fitted.outputs)
    assert {name: best[f"val/{name}"] for name in tested} == pytest.approx(tested, rel=1e-6)
    assert_same(weights(components.module.state_dict()), saved(folder.best), rtol=0, atol=0)


@pytest.mark.parametrize("option", [{"ema": 0.9}, {"swa": 0.5}])
def test_a_resumed_average_equals_one_that_was_never_stopped(folder, option):
    trained(folder, max_epochs=4, batch_statistics=40, **option)
    whole = saved(folder.last)

    class Stopped(Exception):
        pass

    def stop(row, epoch):
        if len(seen) == 3:
            raise Stopped
        seen.append(epoch)

    seen: list[int] = []
    with pytest.raises(Stopped):
        fit(toy_components(max_epochs=4, **option), folder, Interrupts(), stop)
    fit(toy_components(max_epochs=4, **option), folder, Interrupts(), nothing, resume_from=folder.last)
    assert_same(saved(folder.last), whole, rtol=0, atol=0)
    with pytest.raises(ConfigError, match=r"last.ckpt holds averaged weights: keep trainer.ema or trainer.swa"):
        check_resumable(folder.last, toy_components().trainer)


def test_the_average_of_frozen_weights_is_theirs_to_the_last_bit(folder):
    components = toy_components(max_epochs=1, ema=0.9)
    optimizer = AdamW(lr=1e-2, freeze="body")
    components.module = ExperimentModule(ToyModel(), ToyObjective(), optimizer, seed=1)
    before = weights(components.module.state_dict())
    fit(components, folder, Interrupts(), nothing)
    body = {name: tensor for name, tensor in before.items() if not name.startswith("model.layers.4")}
    assert_same(saved(folder.last), body, rtol=0, atol=0)


class Perceptron(nn.Module):
    """Without batch norm and dropout an example's gradient does not depend on its batch."""

    input = "particles"

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, batch):
        return self.layers(batch.p4.flatten(1).to(self.layers[0].weight.dtype))


@pytest.mark.parametrize("n", [96, 80])  # 80: the last step of an epoch has one batch
def test_batches_that_are_accumulated_equal_larger_ones(folder, n):
    def train(batch_size, accumulate):
        components = toy_components(max_epochs=2, accumulate=accumulate, precision="64-true")
        components.data = ToyData(n, batch_size)
        torch.manual_seed(0)
        optimizer = SGD(lr=0.1, momentum=0.9, schedule="cosine")
        components.module = ExperimentModule(Perceptron(), ToyObjective(), optimizer, seed=1)
        fitted = fit(components, folder, Interrupts(), nothing)
        return saved(folder.last), [(row["train/loss"], row["train/lr"]) for row in fitted.history.rows]

    (accumulated, rows), (whole, expected) = train(16, 2), train(32, 1)
    assert_same(accumulated, whole, rtol=1e-10, atol=1e-12)
    assert [loss for loss, _ in rows] == pytest.approx([loss for loss, _ in expected], rel=1e-6)


def test_batches_of_one_step_do_not_share_their_dropout(folder):
    components, seeds = toy_components(max_epochs=1, accumulate=2), []
    step = components.module.training_step
    components.module.training_step = lambda *args: (seeds.append(torch.initial_seed()), step(*args))[1]
    fit(components, folder, Interrupts(), nothing)
    assert len(set(seeds)) == STEPS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ema": 1.0}, r"trainer.ema must be in \(0, 1\), got 1.0"),
        ({"ema": 0.0}, r"trainer.ema must be in \(0, 1\), got 0.0"),
        ({"swa": -0.1}, r"trainer.swa must be in \[0, 1\), got -0.1"),
        ({"ema": 0.9, "swa": 0.5}, "trainer.ema and trainer.swa are two averages"),
        ({"lr_find": True, "devices": 2, "strategy": "ddp"}, "trainer.lr_find needs one device"),
    ],
)
def test_averages_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        TrainerOptions(**options)

"""Two players with two optimisers: each trains its own weights, and a stopped run resumes and ends the same."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.data.datasets.rotated_points.module import RotatedPoints
from hepexp.errors import ConfigError
from hepexp.interrupts import Interrupts
from hepexp.learning.adversarial import AdversarialModule
from hepexp.learning.components import Components
from hepexp.learning.fit import fit
from hepexp.learning.optimizers import SGD, Adam
from hepexp.learning.trainer import TrainerOptions
from hepexp.losses.lie_gan import LieGan
from hepexp.models.lie_generators import LieMomenta, LiePoints
from hepexp.quantum.backend import Backend
from hepexp.tracking.run_folder import RunFolder
from tests.learning.toy import ToyData


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it runs."""


def toy_game(optimizer=None, objective=None, **trainer) -> Components:
    """Four generators against a small critic; keywords go to the trainer."""
    torch.manual_seed(0)
    data = ToyData()
    options = TrainerOptions(**{"max_epochs": 3, "patience": None, "progress": False, "accelerator": "cpu", **trainer})
    model = LieMomenta(n_channels=4, unit=1.0, initial=0.5)
    objective = objective or LieGan(critic_widths=(8,), critic_lr=3e-2, compare_with="so13")
    objective.prepare(model, data._batch(torch.arange(1)), data.spec)
    module = AdversarialModule(model, objective, optimizer or Adam(lr=1e-2), 1, options)
    return Components(data, module, options, Backend())


def run(folder, components=None, resume_from=None):
    return fit(components or toy_game(), folder, Interrupts(), lambda row, epoch: None, resume_from)


def final_weights(folder):
    return torch.load(folder.last, weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted training: its folder and what it left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPEXP_RUNS_DIR", str(tmp_path_factory.mktemp("whole")))
        folder = RunFolder.create("toy", "whole")
        return folder, run(folder)


@pytest.mark.parametrize("killed_at", [1, 7, 12, 16])  # of 18 batches, 6 an epoch
@pytest.mark.parametrize("every_minutes", [1e-9, 10.0])  # a checkpoint after every batch, or after epochs only
def test_killed_and_resumed_equals_uninterrupted(folder, whole, killed_at, every_minutes):
    components = toy_game(checkpoint_minutes=every_minutes)
    step, seen = components.module.training_step, []

    def dying_step(batch, batch_idx):
        if len(seen) == killed_at:
            raise Killed
        seen.append(batch_idx)
        return step(batch, batch_idx)

    components.module.training_step = dying_step
    with pytest.raises(Killed):
        run(folder, components)
    resume_from = folder.last if folder.last.exists() else None
    resumed = run(folder, toy_game(checkpoint_minutes=every_minutes), resume_from)

    expected_folder, expected = whole
    for name, value in final_weights(expected_folder).items():
        assert torch.equal(value, final_weights(folder)[name]), name
    assert np.array_equal(expected.outputs["transformed"], resumed.outputs["transformed"])
    for before, after in zip(expected.history.rows, resumed.history.rows, strict=True):
        assert {k: v for k, v in before.items() if "second" not in k} == {
            k: v for k, v in after.items() if "second" not in k
        }


def test_every_epoch_tells_of_both_players(whole):
    _, fitted = whole
    for row in fitted.history.rows:
        assert {"train/critic_accuracy", "train/critic_loss", "train/displacement"} <= set(row)
        assert {"val/critic_accuracy", "val/mismatch", "val/angle_error_deg"} <= set(row)
    best = min(fitted.history.rows, key=lambda row: row["val/mismatch"])
    assert fitted.best_epoch == best["epoch"]


def one_step(components: Components, folder) -> tuple[dict, dict]:
    """Weights before and after a single batch."""
    components.data.batch_size = len(components.data.label)
    before = {name: value.clone() for name, value in components.module.state_dict().items()}
    run(folder, components)
    return before, final_weights(folder)


def test_each_player_moves_at_its_own_rate_down_the_clipped_gradient_of_its_own_loss(folder):
    clip, rate, critic_rate = 1e-3, 0.5, 0.25
    objective = LieGan(critic_widths=(8,), critic_lr=critic_rate)
    components = toy_game(SGD(lr=rate), objective, max_epochs=1, gradient_clip=clip)
    before, after = one_step(components, folder)
    change = {name: after[name] - before[name] for name in before}
    critic = torch.cat([value.flatten() for name, value in change.items() if name.startswith("objective.critic")])
    # gradients here are far above the clip, so each step is as long as clip x rate
    assert_close(critic.norm(), torch.tensor(clip * critic_rate), rtol=1e-3, atol=0)
    assert_close(change["model.generators"].norm(), torch.tensor(clip * rate), rtol=1e-3, atol=0)


def test_the_generator_takes_the_steps_that_the_objective_asks_for(folder):
    clip, rate = 1e-3, 0.5
    objective = LieGan(critic_widths=(8,), critic_lr=0.25)
    objective.generator_steps = 3
    before, after = one_step(toy_game(SGD(lr=rate), objective, max_epochs=1, gradient_clip=clip), folder)
    change = {name: after[name] - before[name] for name in before}
    critic = torch.cat([value.flatten() for name, value in change.items() if name.startswith("objective.critic")])
    assert_close(critic.norm(), torch.tensor(clip * 0.25), rtol=1e-3, atol=0)
    assert change["model.generators"].norm() > 2 * clip * rate  # nearly the same direction three times


def test_both_rates_follow_the_schedule(folder):
    components = toy_game(Adam(lr=1e-2, schedule="cosine"), max_epochs=2)
    rates = []
    step = components.module.training_step

    def watched(batch, batch_idx):
        step(batch, batch_idx)
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in components.module.optimizers()])

    components.module.training_step = watched
    run(folder, components)
    fractions = np.arange(1, 13) / 12
    expected = 0.5 * (1 + np.cos(np.pi * fractions))[:, None] * [1e-2, 3e-2]
    np.testing.assert_allclose(rates, expected, atol=1e-12)


def test_a_plateau_halves_both_rates(folder):
    components = toy_game(Adam(lr=1e-12, schedule="plateau"), LieGan(critic_widths=(8,), critic_lr=1e-12), max_epochs=6)
    components.module.objective.evaluator.quick = lambda outputs: {"mismatch": 1.0, "loss": 1.0}  # never better
    run(folder, components)
    for optimizer, lr in zip(components.module.optimizers(), (1e-12, 1e-12), strict=True):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(lr / 2)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"accumulate": 2}, "trainer.accumulate must be 1 in adversarial training, got 2"),
        ({"compile": True}, "trainer.compile must be false in adversarial training, got true"),
        ({"devices": 2, "strategy": "ddp"}, "trainer.devices must be 1 in adversarial training, got 2"),
        ({"precision": "16-mixed"}, "trainer.precision must be 32-true, 64-true or bf16-mixed in adversarial"),
    ],
)
def test_options_that_two_optimisers_have_no_use_for(keys, message):
    with pytest.raises(ConfigError, match=message):
        toy_game(**keys)


def weights(components):
    state = components.module.state_dict()
    return {name: tensor.double().clone() for name, tensor in state.items() if tensor.is_floating_point()}


def test_the_moving_average_of_both_players_is_its_recursion_and_leaves_the_game_as_it_is(folder):
    """One value a batch, in which each player takes a step."""
    components, steps = toy_game(max_epochs=2, ema=0.8), []
    components.module.on_train_batch_end = lambda *_: steps.append(weights(components))
    run(folder, components)
    average = steps[0]
    for step in steps[1:]:
        average = {name: 0.8 * average[name] + 0.2 * step[name] for name in average}
    found = final_weights(folder)
    for name, tensor in average.items():
        assert_close(found[name].double(), tensor, rtol=1e-5, atol=1e-6)
    plain, last = toy_game(max_epochs=2), []
    plain.module.on_train_batch_end = lambda *_: last.append(weights(plain))
    run(folder, plain)
    for name, tensor in last[-1].items():
        assert torch.equal(tensor, steps[-1][name])


def test_a_game_with_an_average_resumes_and_ends_the_same(folder, tmp_path, monkeypatch):
    run(folder, toy_game(max_epochs=2, ema=0.8))
    expected = final_weights(folder)
    components = toy_game(max_epochs=2, ema=0.8, checkpoint_minutes=1e-9)
    step, seen = components.module.training_step, []

    def killed(batch, batch_idx):
        seen.append(batch_idx)
        if len(seen) == 8:
            raise Killed
        return step(batch, batch_idx)

    components.module.training_step = killed
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "other"))
    other = RunFolder.create("toy", "killed")
    with pytest.raises(Killed):
        run(other, components)
    run(other, toy_game(max_epochs=2, ema=0.8), resume_from=other.last)
    found = final_weights(other)
    for name, tensor in expected.items():
        assert_close(found[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_other_precisions_train(folder, precision):
    fitted = run(folder, toy_game(max_epochs=1, precision=precision))
    assert np.isfinite(fitted.outputs["transformed"]).all()


def points_game(weight: float) -> Components:
    """One generator of points on rings against a small critic, quick enough for a test."""
    data = RotatedPoints(batch_size=200, n_train=6000, n_val=400, n_test=400, seed=1)
    data.setup()
    torch.manual_seed(2)
    model = LiePoints(n_features=2)
    objective = LieGan(displacement_weight=weight, critic_widths=(64, 64), critic_lr=2e-3, compare_with="so2")
    objective.prepare(model, data.typical_example(), data.spec)
    options = TrainerOptions(max_epochs=8, patience=None, progress=False, accelerator="cpu", gradient_clip=1.0)
    module = AdversarialModule(model, objective, Adam(lr=1e-2, betas=(0.5, 0.99)), 1, options)
    return Components(data, module, options, Backend())


def test_rotations_are_found_and_without_the_displacement_nothing_is(folder):
    found = run(folder, points_game(1.0))
    last = found.history.rows[-1]
    assert last["val/angle_error_deg"] < 8  # 66 degrees is the median of random generators
    assert last["train/displacement"] > 0.5
    assert last["train/critic_accuracy"] < 0.6
    lost = run(folder, points_game(0.0)).history.rows[-1]
    assert lost["train/displacement"] < 0.1

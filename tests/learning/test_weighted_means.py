"""Training means and validation losses weight each example; a checkpoint in mid epoch keeps the sums."""

import numpy as np
import pytest
import torch
from torch import nn

from hepexp.evaluation.evaluators.evaluator import loss_figures, mean_loss
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.losses.weighted import share, weighted_mean


class Weighted:
    def __init__(self, weight: list[float]):
        self.weight = torch.tensor(weight)

    def __len__(self) -> int:
        return len(self.weight)


class Given(nn.Module):
    def terms(self, model, batch):
        return {"loss": weighted_mean(batch.each, batch.weight)}, {}


def test_the_mean_of_an_epoch_is_the_weighted_mean_of_its_examples(monkeypatch):
    each = torch.tensor([1.0, 2.0, 4.0, 8.0, -3.0])
    weight = torch.tensor([1.0, 2.0, -1.0, 0.5, 3.0])
    module = ExperimentModule(nn.Linear(1, 1), nn.Identity(), optimizer=AdamW(), seed=1)
    module.on_train_epoch_start()
    monkeypatch.setattr(ExperimentModule, "trainer", type("Trainer", (), {"world_size": 1})())
    checkpoint: dict = {}
    for rows in (slice(0, 2), slice(2, 5)):
        batch = Weighted(weight[rows].tolist())
        module.count({"loss": weighted_mean(each[rows], batch.weight)}, batch)
        module.on_save_checkpoint(checkpoint)
        module = ExperimentModule(nn.Linear(1, 1), nn.Identity(), optimizer=AdamW(), seed=1)
        module.on_load_checkpoint(checkpoint)
    expected = weighted_mean(each, weight).item()
    assert module.training_means()["loss"] == pytest.approx(expected)
    outputs = {"loss": each.numpy(), "weight": weight.numpy()}
    assert mean_loss(outputs) == pytest.approx(expected)
    assert loss_figures(outputs, seed=1)["loss"] == pytest.approx(expected)


def test_accumulated_batches_and_devices_add_up_to_the_weighted_mean_of_all_examples(monkeypatch):
    """A step takes the plain mean over batches, and over devices: that of the module's losses is that of one batch."""
    each = torch.tensor([1.0, 2.0, 4.0, 8.0, -3.0, 0.5])
    weight = torch.tensor([1.0, 2.0, -1.0, 0.5, 3.0, 0.0])
    batches = [weight[:2], weight[2:4], weight[4:]]
    mean = weight.abs().mean().item()  # of the training examples, here those of the step
    losses = [weighted_mean(e, w) * share(w, mean) for e, w in zip(each.split(2), batches, strict=True)]
    assert torch.stack(losses).mean().item() == pytest.approx(weighted_mean(each, weight).item())

    module = ExperimentModule(nn.Linear(1, 1), Given(), optimizer=AdamW(), seed=1)
    module.mean_weight = mean
    monkeypatch.setattr(
        ExperimentModule,
        "trainer",
        type(
            "Trainer", (), {"accumulate_grad_batches": 3, "num_training_batches": 3, "world_size": 1, "global_step": 0}
        )(),
    )
    found = []
    for k, (e, w) in enumerate(zip(each.split(2), batches, strict=True)):
        batch = Weighted(w.tolist())
        batch.each = e
        found.append(module.training_step(batch, k).item())
    assert found == pytest.approx([loss.item() for loss in losses])
    assert module.training_means()["loss"] == pytest.approx(weighted_mean(each, weight).item())


def test_without_weights_the_loss_is_the_plain_mean():
    each = np.array([1.0, 2.0, 6.0])
    assert mean_loss({"loss": each}) == loss_figures({"loss": each}, seed=1)["loss"] == 3


def test_the_loss_of_a_batch_is_a_weighted_mean_itself():
    each = np.array([1.0, 2.0, 4.0, 8.0])
    weight = np.array([1.0, -3.0, -1.0, 0.5])
    loss = [weight[rows] @ each[rows] / abs(weight[rows]).sum() for rows in (slice(0, 2), slice(2, 4))]
    found = mean_loss({"batch_loss": np.repeat(loss, 2), "weight": weight})
    assert found == pytest.approx(mean_loss({"loss": each, "weight": weight}))

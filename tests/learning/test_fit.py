"""How a training ends: all epochs, no improvement, the clock, a signal."""

import os
import signal

import numpy as np
import pytest
import torch

from hepexp.errors import HepexpError, Interrupted
from hepexp.interrupts import Interrupts
from hepexp.learning.fit import fit
from tests.learning.toy import toy_components


def nothing(row, epoch):
    pass


def test_an_easy_task_is_learnt_and_every_epoch_is_recorded(folder):
    fitted = fit(toy_components(max_epochs=40), folder, Interrupts(), nothing)
    assert fitted.ending == "all epochs done"
    assert [row["epoch"] for row in fitted.history.rows] == list(range(1, 41))
    assert max(row["val/auc"] for row in fitted.history.rows) > 0.9
    assert fitted.history.rows[-1]["train/loss"] < fitted.history.rows[0]["train/loss"]


def test_the_best_epoch_is_the_one_tested(folder):
    fitted = fit(toy_components(max_epochs=6), folder, Interrupts(), nothing)
    best = max(fitted.history.rows, key=lambda row: row["val/auc"])
    assert fitted.best_epoch == best["epoch"]
    # validation and test of the toy are the same jets
    quick = toy_components().module.objective.evaluator.quick(fitted.outputs)
    assert quick["auc"] == pytest.approx(best["val/auc"], abs=1e-6)


def test_the_last_epoch_is_the_one_tested_if_it_is_to_be_kept(folder):
    fitted = fit(toy_components(max_epochs=6, keep="last"), folder, Interrupts(), nothing)
    assert fitted.best_epoch == 6
    last, best = (torch.load(path, weights_only=True)["state_dict"] for path in (folder.last, folder.best))
    assert all(torch.equal(last[name], best[name]) for name in last)
    quick = toy_components().module.objective.evaluator.quick(fitted.outputs)
    assert quick["auc"] == pytest.approx(fitted.history.rows[-1]["val/auc"], abs=1e-6)


def test_early_stopping_waits_for_patience_epochs(folder):
    fitted = fit(toy_components(max_epochs=200, patience=2), folder, Interrupts(), nothing)
    assert fitted.ending == "val/auc has not improved for 2 epochs"
    assert len(fitted.history.rows) == fitted.best_epoch + 2


def test_the_time_limit_still_tests_the_best_epoch(folder):
    fitted = fit(toy_components(max_epochs=10_000, time_limit="1s"), folder, Interrupts(), nothing)
    assert fitted.ending == "time limit of 1 s reached"
    assert len(fitted.outputs["scores"]) == 32


def test_the_error_of_the_loss_is_that_of_its_mean_over_examples(folder):
    components = toy_components(max_epochs=1)
    fitted = fit(components, folder, Interrupts(), nothing)
    scores, label = fitted.outputs["scores"].astype(np.float64), fitted.outputs["label"]
    each = -np.log(scores[np.arange(len(label)), label])
    judged = components.module.objective.evaluator.final(fitted.outputs, seed=1)
    assert judged["loss"] == pytest.approx(each.mean(), rel=1e-5)
    assert judged["loss_err"] == pytest.approx(each.std() / np.sqrt(len(each)), rel=0.15)  # of 200 replicas: 5 %


def test_a_loss_of_batches_is_their_mean_and_says_why_it_has_no_error(folder):
    components = toy_components(max_epochs=1)
    terms = components.module.objective.terms

    def of_the_batch(model, batch):
        loss, outputs = terms(model, batch)
        return loss, {"scores": outputs["scores"]}

    components.module.objective.terms = of_the_batch
    fitted = fit(components, folder, Interrupts(), nothing)
    judged = components.module.objective.evaluator.final(fitted.outputs, seed=1)
    assert judged["loss"] == pytest.approx(fitted.history.rows[-1]["val/loss"])  # the toy tests its validation jets
    assert "loss_err" not in judged
    assert judged["loss_note"] == "no error: this loss is that of a batch, not of an example"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_checkpoint_after_the_running_batch(folder, number):
    components = toy_components(max_epochs=3)
    step = components.module.training_step

    def signalled_step(batch, batch_idx):
        if components.module.trainer.global_step == 7:
            os.kill(os.getpid(), number)
        return step(batch, batch_idx)

    components.module.training_step = signalled_step
    before = signal.getsignal(number)
    with pytest.raises(Interrupted, match=number.name), Interrupts() as interrupts:
        fit(components, folder, interrupts, nothing)
    assert signal.getsignal(number) == before
    import torch

    assert torch.load(folder.last, weights_only=True)["global_step"] == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_epochs_is_an_interruption_too(folder, number):
    def signalled(row, epoch):
        if epoch == 2:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match=number.name), Interrupts() as interrupts:
        fit(toy_components(max_epochs=3), folder, interrupts, signalled)
    assert folder.last.exists()


def test_no_epochs_only_evaluate(folder):
    fitted = fit(toy_components(max_epochs=0), folder, Interrupts(), nothing)
    assert not fitted.history.rows
    assert len(fitted.outputs["scores"]) == 32


def test_double_precision_reaches_the_weights(folder):
    components = toy_components(max_epochs=1, precision="64-true")
    fit(components, folder, Interrupts(), nothing)
    assert components.module.model.layers[0].weight.dtype.is_floating_point
    assert components.module.model.layers[0].weight.element_size() == 8


def test_a_monitor_that_validation_lacks_is_named(folder):
    components = toy_components(max_epochs=1)
    components.module.objective.monitor = ("val/aucc", "max")
    with pytest.raises(HepexpError, match=r"monitor = 'val/aucc', .*did you mean val/auc.*there are: val/loss"):
        fit(components, folder, Interrupts(), nothing)


def test_terms_without_a_loss_are_named(folder):
    components = toy_components(max_epochs=1)
    components.module.objective.terms = lambda model, batch: ({"penalty": torch.zeros(())}, {})
    with pytest.raises(HepexpError, match=r"ToyObjective.terms gives no 'loss', got penalty"):
        fit(components, folder, Interrupts(), nothing)

"""Moment networks rest at mean and spread of a skew target; their loss is that of all examples, on all devices."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.testing import assert_close

from hepexp.evaluation.ensembles import combined
from hepexp.losses.regression_with_sigma import MomentNetwork
from tests.losses.test_regression import MASS, SPEC, Constant, examples

SOME = MASS[::40]


def prepared() -> tuple[MomentNetwork, Constant]:
    objective, model = MomentNetwork(), Constant(2)
    objective.prepare(model, examples(MASS[:1]), SPEC)
    return objective.double(), model


def test_a_moment_network_rests_at_mean_and_standard_deviation_of_a_skew_distribution():
    (objective, model), batch = prepared(), examples(MASS)
    spread = math.sqrt(3999 / 4000) - 1e-3
    with torch.no_grad():
        model.outputs.copy_(torch.tensor([0, math.log(math.expm1(spread))], dtype=torch.float64))
    assert_close(objective.outputs(model, batch)["sigma"][0], MASS.std(correction=0)[None], rtol=1e-6, atol=0)
    slopes = []
    for step in (0.0, 0.1):
        with torch.no_grad():
            model.outputs += step
        model.zero_grad()
        objective.terms(model, batch)[0]["loss"].backward()
        slopes.append(model.outputs.grad.clone())
    assert slopes[0].abs().max() < 1e-6
    assert (slopes[1] > 0.05).all()  # and goes back there


def test_the_loss_of_a_moment_network_is_that_of_its_batch():
    objective, model = prepared()
    terms, outputs = objective.terms(model, examples(MASS))
    square = ((MASS - MASS.mean()) / MASS.std()) ** 2
    fourth = (square - (math.log(2) + 1e-3) ** 2) ** 2
    assert terms["loss"].item() == pytest.approx(math.log(square.mean()) + math.log(fourth.mean()), rel=1e-5)
    assert "loss" not in outputs
    assert_close(outputs["sigma"][:, 0].double(), (math.log(2) + 1e-3) * MASS.std().expand(4000), rtol=1e-5, atol=0)


def of_batches(size: int) -> tuple[MomentNetwork, dict[str, np.ndarray]]:
    """What is collected of the examples in batches of so many."""
    objective, model = prepared()
    objective.eval()
    rows = []
    for batch in torch.arange(len(SOME)).split(size):
        terms, outputs = objective.terms(model, replace(examples(SOME[batch]), index=batch))
        rows.append({"index": batch, "batch_loss": terms["loss"].detach().expand(len(batch)), **outputs})
    return objective, {name: torch.cat([row[name] for row in rows]).numpy() for name in rows[0]}


def test_the_loss_of_validation_and_test_does_not_depend_on_batches():
    (objective, few), (_, all_at_once) = of_batches(10), of_batches(100)
    evaluator = objective.evaluator
    assert few["batch_loss"].mean() != pytest.approx(all_at_once["batch_loss"].mean(), abs=0.1)
    expected = evaluator.quick(all_at_once)["loss"]
    assert expected == pytest.approx(all_at_once["batch_loss"][0], rel=1e-12)
    assert evaluator.quick(few)["loss"] == pytest.approx(expected, rel=1e-12)
    final = evaluator.final(few, seed=1)
    assert final["loss"] == pytest.approx(expected, rel=1e-12)
    assert 0 < final["loss_err"] < 2
    assert evaluator.of_weights(few)["loss"](np.ones(100)) == pytest.approx(expected, rel=1e-12)


def test_the_loss_of_an_ensemble_is_that_of_all_its_predictions():
    index, target = np.arange(3), np.array([[70.0], [95.0], [81.0]])
    objective, _ = prepared()
    objective.std.fill_(20)
    own = {"index": index, "label": index * 0, "target": target, "batch_loss": np.zeros(3)}
    own |= {"sigma": np.full((3, 1), 8.0)}
    found = combined([{**own, "predicted": target - 4}, {**own, "predicted": target - 8}], objective.of_predictions)
    square, variance = (6 / 20) ** 2, (8**2 + 2 * 2**2) / 20**2
    expected = math.log(square) + 2 * math.log(variance - square)
    assert objective.evaluator.quick(found)["loss"] == pytest.approx(expected, rel=1e-6)


def gradient(mass: torch.Tensor) -> tuple[float, torch.Tensor]:
    objective, model = prepared()
    with torch.no_grad():
        model.outputs += 0.3
    loss = objective.terms(model, examples(mass))[0]["loss"]
    loss.backward()
    return loss.item(), model.outputs.grad


def _rank(rank: int, file: str, out) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    out[rank] = gradient(SOME[rank::2])
    dist.destroy_process_group()


def test_two_processes_have_the_loss_and_the_gradient_of_one_with_all_examples(tmp_path):
    with mp.Manager() as manager:
        out = manager.dict()
        mp.spawn(_rank, (str(tmp_path / "store"), out), nprocs=2)
        ranks = [out[0], out[1]]
    loss, slope = gradient(SOME)
    assert [rank[0] for rank in ranks] == pytest.approx([loss, loss], rel=1e-12)
    assert_close((ranks[0][1] + ranks[1][1]) / 2, slope)
    assert gradient(SOME[::2])[0] != pytest.approx(loss, rel=1e-3)

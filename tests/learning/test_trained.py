"""A trained run is judged and asked for scores, which are numbers or refused."""

import json
import math
from types import MethodType

import numpy as np
import pytest
from omegaconf import OmegaConf
from torch.utils.data import DataLoader

from hepexp.data.loading.dataset import Unscored
from hepexp.errors import HepexpError
from hepexp.learning.trained import evaluate, other_files, predict, same_seed
from hepexp.tracking.run_folder import RunFolder
from tests.learning.toy import toy_components


def give_scores(components):
    components.module.objective.outputs = MethodType(
        lambda self, model, batch: {"scores": model(batch).softmax(dim=1)}, components.module.objective
    )


@pytest.mark.parametrize("ask", [evaluate, predict])
@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_refused_with_its_example(ask, number):
    components = toy_components()
    give_scores(components)
    assert len(ask(components, components.data.val_dataloader())["scores"]) == 32
    components.data.p4[7, 0, 1] = number
    with pytest.raises(HepexpError, match=r"the scores of 1 of 32 examples are NaN or infinite, first for example 7"):
        ask(components, components.data.val_dataloader())


class Batches(list):
    unscored: Unscored | None = None

    def observed(self, rows):
        return {"mass": rows * 10.0}


def test_an_example_that_cannot_be_scored_has_a_row_of_its_own_without_a_score():
    components = toy_components()
    give_scores(components)
    batches = Batches(components.data.val_dataloader().dataset)
    loader = DataLoader(batches, batch_size=None)
    scored = predict(components, loader)
    n = len(scored["index"])
    batches.unscored = Unscored(np.array([n, n + 1]), np.array([1, -1]))
    outputs = predict(components, loader)
    assert outputs["index"].tolist() == list(range(n + 2))
    assert outputs["label"].tolist() == [*scored["label"].tolist(), 1, -1]
    assert outputs["observed/mass"].tolist() == [10.0 * i for i in range(n + 2)]
    for name in scored.keys() - {"index", "label", "observed/mass"}:
        assert np.array_equal(outputs[name][:n], scored[name])
        assert np.isnan(outputs[name][n:]).all()


def test_files_other_than_those_of_the_training_are_named(tmp_path):
    recorded = [{"name": name, "sha256": name * 2} for name in ("a.npz", "b.npz")]
    (tmp_path / "environment.json").write_text(json.dumps({"data": {"files": recorded}}))
    (tmp_path / "config.yaml").write_text("choices: {dataset: files}\ndataset: {files: ['*.npz']}\n")
    folder, config = RunFolder(tmp_path), OmegaConf.create({"files": ["*.npz"]})

    def said(*files, config=config):
        return other_files(
            folder, config, lambda: {"files": [dict(zip(("name", "sha256"), f, strict=True)) for f in files]}
        )

    assert said(("a.npz", "a.npza.npz"), ("b.npz", "b.npzb.npz")) is None
    assert said(("b.npz", "other"), ("c.npz", "c")).endswith(
        "was trained on: changed: b.npz; new: c.npz; missing: a.npz"
    )
    assert said(("b.npz", "other"), config=OmegaConf.create({"files": ["other.npz"]})) is None  # asked for


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("hepexp data generate qg --n 300 --seed 1", False),  # the very sample, in the same splits
        ("hepexp data generate qg --n 20000 --seed 1", True),
        ("hepexp data generate qg --n 20000 --seed 1 --classes quark", True),
        ("hepexp data generate qg --n 20000 --seed 12", False),
        ("hepexp data generate top --n 20000 --seed 1", False),
        ("hepexp data fetch qg", False),
    ],
)
def test_examples_of_the_seed_of_the_training_are_named(made: str, said: bool, tmp_path):
    trained = {"simulated": True, "how": "hepexp data generate qg --n 300 --seed 1"}
    (tmp_path / "environment.json").write_text(json.dumps({"data": trained}))
    (tmp_path / "config.yaml").write_text("choices: {dataset: qg}\ndataset: {source: mini}\n")
    folder, config = RunFolder(tmp_path), OmegaConf.create({"source": "generate"})
    warning = same_seed(folder, config, lambda: {"simulated": True, "how": made})
    assert (warning is not None) == said
    assert not said or ("trained on, 1: test examples may" in warning and "dataset.generate_seed" in warning)
    assert same_seed(folder, config, lambda: {"simulated": False, "how": made}) is None

"""Emulations of networks and trees for FPGAs: bit for bit exact arithmetic, and near the run."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.export.emulation import _emulation
from hepexp.models.boosted_trees import BoostedTrees
from hepexp.models.mlp import MLP
from hepexp.models.trigger_mlp import TriggerMLP

pytest.importorskip("hls4ml")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")


def features(n: int, n_features: int) -> np.ndarray:
    return (3 * np.random.default_rng(1).normal(size=(n, n_features))).astype(np.float32)


def outputs(model: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    n = len(x)
    batch = FeatureBatch(torch.zeros(n).long(), torch.arange(n), torch.zeros(n, 0), features=torch.from_numpy(x))
    with torch.no_grad():
        return model.eval()(batch).double().numpy()


@needs_compiler
def test_a_network_of_few_bits_is_emulated_bit_for_bit(tmp_path: Path):
    pytest.importorskip("brevitas")
    torch.manual_seed(1)
    model = TriggerMLP(widths=(8, 4), bits=5, sparsity=0.3, n_features=6, n_classes=3).eval()
    made, x = _emulation(model, tmp_path / "out", None), features(300, 6)
    found = made.outputs(x)
    np.testing.assert_array_equal(found, made.reference(x))
    np.testing.assert_allclose(found, outputs(model, x), atol=1e-6)
    assert found.std() > 1e-3
    assert len(np.unique(found)) > 20
    with pytest.raises(ConfigError, match=r"this one was trained with model\.bits=5"):
        _emulation(model, tmp_path / "other", 8)


def has_json() -> bool:
    if shutil.which("g++") is None:
        return False
    command = ["g++", "-x", "c++", "-E", "-include", "nlohmann/json.hpp", "/dev/null"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_json(), reason="there is no g++ with nlohmann/json.hpp")
def test_trees_are_emulated_bit_for_bit_also_for_features_beyond_all_thresholds(tmp_path: Path):
    pytest.importorskip("conifer")
    pytest.importorskip("xgboost")
    x = features(400, 4)
    model = BoostedTrees(n_trees=12, depth=3, n_features=4, n_classes=2)
    model.grow(torch.from_numpy(x), torch.from_numpy((x[:, 0] * x[:, 1] > 0).astype(int)), None, "classes", 10, 1)
    made = _emulation(model, tmp_path, None)
    x[0], x[1] = 1e6, -1e6
    found = made.outputs(x)
    np.testing.assert_array_equal(found, made.reference(x))
    np.testing.assert_allclose(found, outputs(model, x), atol=1e-3)
    assert found[:, 1].std() > 0.1


def test_other_models_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"--format hls is for model=trigger_mlp and model=boosted_trees, not MLP"):
        _emulation(MLP(n_features=3, n_classes=2), tmp_path, None)


def test_trees_that_need_more_bits_are_refused(tmp_path: Path):
    pytest.importorskip("conifer")
    model = BoostedTrees(n_trees=1, depth=1, n_features=1, n_classes=1)
    model.threshold.fill_(3000.0)
    with pytest.raises(ConfigError, match=r"--bits must be > 14 for the numbers of these trees, got 8"):
        _emulation(model, tmp_path, 8)

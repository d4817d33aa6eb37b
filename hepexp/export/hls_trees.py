"""Boosted trees as a project of conifer, with the types of its numbers.

References
----------
S. Summers et al., arXiv:2002.02534.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from math import ceil, log2
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.errors import ConfigError
from hepexp.export.hls_project import Emulation
from hepexp.models.boosted_trees import BoostedTrees

HEADERS = "XILINX_AP_INCLUDE"  # where conifer looks for the headers of fixed-point types, which hls4ml has


def trees(model: BoostedTrees, out: Path, bits: int) -> Emulation:
    """The compiled project of trees, with the branch to the left for x < threshold as they were grown.

    Parameters
    ----------
    bits : of features and thresholds, of which as many are before the point as the largest threshold needs, and of
        scores, as the sum of the largest leaves.

    Raises
    ------
    ConfigError : there are fewer bits than the numbers need before the point; the project cannot be compiled.
    """
    import conifer

    threshold, leaf = model.threshold.double().numpy(), model.leaf.double().numpy()
    used = np.isfinite(threshold)
    of_inputs = _integer_bits(abs(threshold[used]).max(initial=0))
    of_scores = _integer_bits(abs(leaf).max(1).sum() / model.per_round)
    if max(of_inputs, of_scores) >= bits:
        raise ConfigError(f"--bits must be > {max(of_inputs, of_scores)} for the numbers of these trees, got {bits}")
    types = {
        "input": f"ap_fixed<{bits},{of_inputs},AP_TRN,AP_SAT>",
        "score": f"ap_fixed<{bits},{of_scores},AP_TRN,AP_SAT>",
    }
    config = {
        "Backend": "cpp",
        "ProjectName": "trees",
        "OutputDir": str(out.absolute()),
        "InputPrecision": types["input"],
        "ThresholdPrecision": types["input"],
        "WeightPrecision": types["input"],
        "ScorePrecision": types["score"],
    }
    project = conifer.model.make_model(_ensemble(model), config)
    with _headers():
        try:
            project.compile()
        except Exception as error:  # conifer raises nothing more special
            raise ConfigError(
                f"--format hls: {error}; trees need the header nlohmann/json.hpp: apt install nlohmann-json3-dev"
            ) from None
    step_in, step_out = (2.0 ** (n - bits) for n in (of_inputs, of_scores))
    exact = copy.deepcopy(model).double()
    exact.threshold.copy_(torch.from_numpy(np.where(used, _down(threshold, step_in), np.inf)))
    exact.leaf.copy_(torch.from_numpy(_down(leaf, step_out)))
    end = 2.0 ** (of_inputs - 1)

    def outputs(features: NDArray[np.float32]) -> NDArray[np.float64]:
        found = project.decision_function(features.astype(np.float64)).reshape(len(features), -1)
        return _all_outputs(model, found)

    def reference(features: NDArray[np.float32]) -> NDArray[np.float64]:
        seen = np.clip(_down(features.astype(np.float64), step_in), -end, end - step_in)
        with torch.no_grad():
            return _all_outputs(model, exact.margin(torch.from_numpy(seen)).numpy())

    return Emulation(f"conifer {version('conifer')}", types, outputs, reference)


def _all_outputs(model: BoostedTrees, margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outputs (n, K) of sums of trees; of two classes the first has none."""
    return np.hstack([np.zeros_like(margin), margin]) if model.n_classes == 2 else margin


def _integer_bits(most: float) -> int:
    """Bits before the point, with the sign, of numbers up to `most` in magnitude; at least the sign and one."""
    return 2 + max(ceil(log2(max(most, 1.0))), 0)


def _down(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Multiples of a step that are not above, which is how these types are rounded."""
    with np.errstate(invalid="ignore"):
        return np.floor(values / step) * step


def _ensemble(model: BoostedTrees) -> dict[str, Any]:
    """The trees as conifer describes them; those that are not grown are left out."""
    rounds, groups = int(model.n_grown), model.per_round
    grown = [[_tree(model, k * groups + of) for of in range(groups)] for k in range(rounds)]
    return {
        "max_depth": model.depth,
        "n_trees": rounds,
        "n_classes": max(model.n_classes, 2),
        "n_features": model.n_features,
        "trees": grown,
        "init_predict": [0.0] * groups,
        "norm": 1,
        "library": "hepexp",
        "splitting_convention": "<",
        "feature_map": {f"f{k}": k for k in range(model.n_features)},
    }


def _tree(model: BoostedTrees, place: int) -> dict[str, list]:
    """One complete tree: its nodes level by level, then its leaves."""
    nodes = 2**model.depth - 1
    feature, threshold = model.feature[place].tolist(), model.threshold[place].double().numpy()
    leaves = nodes + 1
    return {
        "feature": [*feature, *[-2] * leaves],
        "threshold": [*np.where(np.isfinite(threshold), threshold, 0.0).tolist(), *[0.0] * leaves],
        "weight": [[float(k == of) for k in range(model.n_features)] for of in [*feature, *[-2] * leaves]],
        "children_left": [*(2 * k + 1 for k in range(nodes)), *[-1] * leaves],
        "children_right": [*(2 * k + 2 for k in range(nodes)), *[-1] * leaves],
        "value": [*[0.0] * nodes, *model.leaf[place].double().tolist()],
    }


@contextlib.contextmanager
def _headers() -> Iterator[None]:
    """Tell conifer where hls4ml has the headers of fixed-point types, unless the environment does."""
    before = os.environ.get(HEADERS)
    hls4ml = find_spec("hls4ml")
    assert hls4ml is not None, "export_emulation requires it"
    assert hls4ml.origin is not None
    there = Path(hls4ml.origin).parent / "templates" / "vivado" / "ap_types"
    os.environ.setdefault(HEADERS, str(there))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(HEADERS, None)

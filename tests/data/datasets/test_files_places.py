"""Scores of particles and of pairs of them belong to those of the file, whatever was dropped on the way to a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from hepexp.data.datasets.files.module import Files
from hepexp.data.representations.particle_graph import ParticleGraph
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.learning.as_read import as_read
from hepexp.learning.gathering import gather_examples
from hepexp.losses.element_cross_entropy import ElementCrossEntropy
from hepexp.losses.pair_cross_entropy import PairCrossEntropy
from tests.data.datasets.user_files import ready

N = 40
SCALAR = {"scalars": [{"expr": "z", "shift": 0, "scale": 1, "clip": None}]}  # the last feature of a node


@pytest.fixture(autouse=True)
def own_folder(data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class OfEdges(nn.Module):
    """The logit of an edge from a to b is z_a - 2 z_b, which differs between the two directions."""

    def forward(self, batch) -> torch.Tensor:
        z = batch.x[:, -1]
        return (z[batch.edge_index[0]] - 2 * z[batch.edge_index[1]])[:, None]


class OfNodes(nn.Module):
    """The logits of a node are 0 and z."""

    def forward(self, batch) -> torch.Tensor:
        return torch.stack([torch.zeros_like(batch.x[:, -1]), batch.x[:, -1]], dim=1)


def sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))


def events() -> dict[str, list]:
    """Particles of any pT, and edges that repeat, run either way, or lead from a particle to itself."""
    random = np.random.default_rng(1)
    given: dict[str, list] = {name: [] for name in ("pt", "z", "kind", "src", "dst", "same")}
    for _ in range(N):
        n, edges = int(random.integers(2, 8)), int(random.integers(0, 12))
        given["pt"].append(random.uniform(1, 10, n).tolist())
        given["z"].append(random.normal(size=n).tolist())
        given["kind"].append(random.integers(0, 2, n).tolist())
        given["src"].append(random.integers(0, n, edges).tolist())
        given["dst"].append(random.integers(0, n, edges).tolist())
        given["same"].append([given["kind"][-1][i] == given["kind"][-1][j] for i, j in ends(given, -1)])
    return given | {"truth": [i % 2 for i in range(N)]}


def ends(given: dict, event: int) -> list[tuple[int, int]]:
    return list(zip(given["src"][event], given["dst"][event], strict=True))


def kept_of(pt: list[float]) -> list[int]:
    """The places of the three hardest particles above 4 GeV, in their order."""
    above = [i for i, value in enumerate(pt) if value > 4]
    return sorted(sorted(above, key=lambda i: -pt[i])[:3])


def data_of(given: dict, **keys) -> Files:
    lists = {name: pa.array(column) for name, column in given.items()}
    pq.write_table(pa.table(lists), "a.parquet")
    own = {"p4": {"pt": "pt", "eta": 0, "phi": 0, "mass": 0}, "classes": {"a": 0, "b": 1}, **SCALAR}
    return ready(["a.parquet"], representation="graph", particle_selection="pt > 4", n_particles=3, **own, **keys)


def lists(data: Files, objective, model, split: str | None = None) -> dict[int, dict[str, np.ndarray]]:
    """What is written of each example that is scored, from the file itself or from a split of its examples."""
    found: dict[int, dict[str, np.ndarray]] = {}
    for loader in data.loaders_of_file(Path("a.parquet")) if split is None else [data.loader_of(split)]:
        rows = []
        for batch in loader:
            outputs = objective.outputs(model, batch) if split is None else objective.terms(model, batch)[1]
            rows.append({"index": batch.index, **outputs})
        outputs = gather_examples({name: torch.cat([row[name] for row in rows]).numpy() for name in rows[0]}, 1)
        outputs = as_read(outputs, loader.dataset)
        names = {name for name in outputs if name.startswith(ELEMENT)} - {f"{ELEMENT}index"}
        for row in outputs["index"].tolist():
            own = outputs[f"{ELEMENT}index"] == row
            found[row] = {name.removeprefix(ELEMENT): outputs[name][own] for name in names}
    return found


@pytest.mark.parametrize("directed", [False, True])
def test_each_edge_of_the_file_has_the_score_of_its_pair_in_the_order_of_the_file(directed):
    given = events()
    keys = {"edges": {"from": "src", "to": "dst"}, "edge_targets": ["same"], "graph": ParticleGraph(directed=directed)}
    data = data_of(given, **keys)
    found = lists(data, PairCrossEntropy(), OfEdges())
    assert found.keys() == {i for i, pt in enumerate(given["pt"]) if max(pt) > 4}
    for event, its in found.items():
        z, kept = given["z"][event], kept_of(given["pt"][event])
        expected = [
            np.nan if i == j or not {i, j} <= {*kept}
            else sigmoid(z[i] - 2 * z[j]) if directed
            else (sigmoid(z[i] - 2 * z[j]) + sigmoid(z[j] - 2 * z[i])) / 2
            for i, j in ends(given, event)
        ]  # fmt: skip
        assert_allclose(its["score"], expected, rtol=1e-5)


def test_edges_between_neighbours_name_their_ends_in_the_file_once_for_each_pair():
    given = events()
    data = data_of(given, pair_targets=["kind"], graph=ParticleGraph(edges="all"))
    for event, its in lists(data, PairCrossEntropy(), OfEdges()).items():
        z, kept = given["z"][event], kept_of(given["pt"][event])
        pairs = [(i, j) for i in kept for j in kept if i < j]
        assert list(zip(its["from"].tolist(), its["to"].tolist(), strict=True)) == pairs
        mean = [(sigmoid(z[i] - 2 * z[j]) + sigmoid(z[j] - 2 * z[i])) / 2 for i, j in pairs]
        assert_allclose(its["score"], mean, rtol=1e-5)


def test_the_test_split_has_the_labels_of_edges_and_of_particles_beside_their_scores():
    given = events()
    given["kind"][0][0] = 0
    edges = {"edges": {"from": "src", "to": "dst"}, "edge_targets": ["same"]}
    classes = {"element_label": "kind", "element_classes": {"even": 0, "odd": 1}}
    data = data_of(given, **edges, observers=["sum(pt)"])
    of_test = lists(data, PairCrossEntropy().eval(), OfEdges(), "test")
    event_of = {float(np.float32(sum(pt))): event for event, pt in enumerate(given["pt"])}
    sums = data.splits["test"].observed(np.array([*of_test]))["sum(pt)"]
    for total, its in zip(sums.astype(np.float32).tolist(), of_test.values(), strict=True):
        event = event_of[min(event_of, key=lambda one: abs(one - total))]
        kept = kept_of(given["pt"][event])
        labels = [
            -1 if i == j or not {i, j} <= {*kept} else int(same)
            for (i, j), same in zip(ends(given, event), given["same"][event], strict=True)
        ]
        assert its["label"].tolist() == labels
        assert_array_equal(np.isnan(its["score"]), its["label"] < 0)
    data = data_of(given, **classes)
    for event, its in lists(data, ElementCrossEntropy(), OfNodes()).items():
        assert its["particle"].tolist() == kept_of(given["pt"][event])
        assert_allclose(its["score"][:, 1], sigmoid(np.array(given["z"][event])[its["particle"]]), rtol=1e-5)


def test_examples_are_scored_in_parts_of_bounded_output(monkeypatch):
    given = events()
    data = data_of(given, pair_targets=["kind"], graph=ParticleGraph(edges="all"))
    whole = lists(data, PairCrossEntropy(), OfEdges())
    monkeypatch.setattr("hepexp.data.loading.loaders._OUTPUTS_TO_SCORE", 30)
    assert len([*data.loaders_of_file(Path("a.parquet"))]) > 5
    for event, its in lists(data, PairCrossEntropy(), OfEdges()).items():
        assert_allclose(its["score"], whole[event]["score"])

"""Edges that are right give the tracks that the graph allows; the loss is that of pairs."""

import numpy as np
import pytest
import torch
from torch import nn

from hepexp.batch import GraphBatch
from hepexp.data.datasets.trackml.module import TrackML
from hepexp.errors import ConfigError
from hepexp.evaluation import tracks
from hepexp.losses.pair_cross_entropy import PairCrossEntropy
from hepexp.losses.track_edges import TrackEdges
from tests import jets


class Given(nn.Module):
    """The same logit for all right edges, and its negative for the others."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))

    def forward(self, batch: GraphBatch) -> torch.Tensor:
        particle = batch.element_group[:, 0]
        right = particle[batch.edge_index[0]] == particle[batch.edge_index[1]]
        return self.logit * (2 * right.float() - 1)[:, None]


@pytest.fixture(scope="module")
def data() -> TrackML:
    made = TrackML(source="mini", batch_size=2, n_train=2, n_val=2, n_test=2, seed=0)
    made.setup()
    return made


def outputs(batch: GraphBatch, logit: float) -> dict[str, np.ndarray]:
    loss = TrackEdges().eval()
    terms, found = loss.terms(Given(logit), batch)
    torch.testing.assert_close(terms["loss"], PairCrossEntropy().terms(Given(logit), batch)[0]["loss"])
    return {"index": batch.index.numpy(), **{name: values.numpy() for name, values in found.items()}}


def test_right_edges_find_what_the_graph_allows(data):
    batch = next(iter(data.loader_of("test")))
    evaluator = TrackEdges.evaluator
    found = evaluator.quick(outputs(batch, 5.0))
    assert found["edge_auc"] == found["edge_efficiency"] == found["edge_purity"] == 1
    for finder in ("dbscan", "connected"):
        assert found[f"lhc_efficiency_{finder}"] == 1
        assert found["graph_efficiency"] - 0.15 < found[f"perfect_efficiency_{finder}"] <= 1
    assert 0.9 < found["graph_efficiency"] < 1
    wrong = evaluator.quick(outputs(batch, -5.0))
    assert wrong["edge_auc"] == wrong["edge_efficiency"] == wrong["edge_purity"] == 0
    assert wrong["perfect_efficiency_dbscan"] < 0.2


def test_predictions_need_no_truth_and_number_the_tracks_of_each_event(data):
    batch = next(iter(data.loader_of("test")))
    track = TrackEdges().outputs(Given(5.0), batch)["element/track"].numpy()
    judged = outputs(batch, 5.0)["element/track"]
    for event in range(2):
        own = batch.graph.numpy() == event
        assert track[own].min() == 0
        assert len(np.unique(track[own])) == len(np.unique(judged[own]))


def test_counts_are_those_of_all_events(data):
    batch = next(iter(data.loader_of("test")))
    found = outputs(batch, 5.0)
    pt, particle = batch.element_target[:, 0].numpy(), batch.element_group[:, 0].numpy()
    for event in range(2):
        own = batch.graph.numpy() == event
        sizes = np.bincount(particle[own & (pt > 1)])
        assert found["dbscan_pt"][event, tracks.COUNTS.index("particles")].sum() == (sizes >= 3).sum()


def test_figures_are_against_kinematics_and_multiplicity(data, tmp_path):
    batch = next(iter(data.loader_of("test")))
    found = outputs(batch, 5.0)
    assert found["edge_counts"][:, -1].tolist() == np.bincount(batch.graph.numpy()).tolist()
    TrackEdges.evaluator.figures(found, (), tmp_path, seed=0)
    assert {path.stem for path in tmp_path.iterdir()} == {"tracks_pt", "tracks_eta", "tracks_multiplicity", "edges"}


def test_what_it_cannot_be_is_one_line(data):
    for keys, message in (({"eps": 1.0}, r"loss.eps must be > 0 and < 1"), ({"pt_min": -1.0}, r"loss.pt_min must be")):
        with pytest.raises(ConfigError, match=message):
            TrackEdges(**keys)
    with pytest.raises(ConfigError, match=r"loss=track_edges needs graphs; Given reads another representation"):
        TrackEdges().prepare(Given(1.0), jets.random_jets(1), data.spec)
    other = TrackML(source="mini", element_targets=["pt"], seed=0)
    with pytest.raises(ConfigError, match=r"needs hits with dataset.element_targets=\[pt,eta,layer\].*got \[pt\]"):
        TrackEdges().check_names(other.names)

"""Cross entropy of edges between hits, and the tracks that the edges make."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec, GraphBatch
from hepexp.errors import ConfigError
from hepexp.evaluation import tracks
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.evaluation.evaluators.tracks import N_BINS, TracksEvaluator
from hepexp.losses.pair_cross_entropy import PairCrossEntropy

OF_HITS = ("pt", "eta", "layer")


class TrackEdges(PairCrossEntropy):
    """-ln p of the edges of a graph of hits being between two hits of one particle, or not; averaged over an event.

    As loss=pair_cross_entropy, and judged by tracks: hits that edges with a score above the threshold connect, and
    those of DBSCAN with distances of 1 - score; and those that a model with a method `tracks` finds itself.

    Parameters
    ----------
    threshold : of the score of selected edges.
    eps, min_points : of DBSCAN.
    pt_min : GeV; efficiencies are those of particles above.

    Raises
    ------
    ConfigError : a value out of range; from `prepare`, data that are no hits, or a model without outputs for edges.

    References
    ----------
    G. DeZoort et al., arXiv:2103.16701, sections 4 and 5.
    """

    monitor = ("val/edge_auc", "max")
    evaluator = TracksEvaluator()  # type: ignore[assignment]  # other figures of the same loss

    def __init__(self, threshold: float = 0.5, eps: float = 0.4, min_points: int = 1, pt_min: float = 1.0) -> None:
        super().__init__()
        for key, value in (("threshold", threshold), ("eps", eps)):
            if not 0 < value < 1:
                raise ConfigError(f"loss.{key} must be > 0 and < 1, got {value}")
        if not 1 <= min_points <= 1000:
            raise ConfigError(f"loss.min_points must be from 1 to 1000, got {min_points}")
        if not 0 <= pt_min < 1e5:
            raise ConfigError(f"loss.pt_min must be >= 0 and < 1e5, in GeV, got {pt_min}")
        self.threshold, self.eps, self.min_points, self.pt_min = threshold, eps, min_points, pt_min

    def check_names(self, spec: DataSpec) -> None:
        names = tuple(target.name for target in spec.targets_of("element", "real"))
        if names != OF_HITS:
            raise ConfigError(
                "loss=track_edges needs hits with dataset.element_targets=[pt,eta,layer], as data=trackml has them; "
                f"got [{','.join(names)}]"
            )

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        self.check_names(spec)
        if not isinstance(example, GraphBatch):
            raise ConfigError(
                f"loss=track_edges needs graphs; {type(model).__name__} reads another representation: choose "
                "model=interaction_network"
            )
        super().prepare(model, example, spec)

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        score = self._of_pairs(model, batch)[0].sigmoid()
        hit, ends = _on_cpu(batch.graph), _on_cpu(batch.edge_index)
        track = _own_tracks(model, batch)
        if track is None:
            track = tracks.dbscan(len(hit), ends, _on_cpu(score), self.eps, self.min_points)
        return {f"{ELEMENT}index": batch.index[batch.graph], f"{ELEMENT}track": torch.from_numpy(_within(track, hit))}

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        logits, example, real = self._of_pairs(model, batch)
        terms, outputs = self._terms_of(logits, example, real, batch)
        judged = {} if self.training else self._judged(logits.detach().sigmoid(), batch, _own_tracks(model, batch))
        return terms, {"loss": outputs["loss"], **judged}

    def _judged(self, score: Tensor, batch, own_tracks: np.ndarray | None) -> dict[str, Tensor]:
        """The counts of each event of a batch, see `TracksEvaluator`, and the track of each hit.

        Parameters
        ----------
        own_tracks : (M,) those that the model finds itself, None for others.
        """
        graph, ends, scores = _on_cpu(batch.graph), _on_cpu(batch.edge_index), _on_cpu(score)
        group, x = _on_cpu(batch.element_group)[:, 0], _on_cpu(batch.x)
        pt, eta, layer = _on_cpu(batch.element_target).T
        distance = np.hypot(x[:, 0], x[:, 2])
        found: dict[str, list[np.ndarray]] = {}
        track = np.zeros(len(graph), np.int64)
        for event in range(len(batch)):
            hits, own = np.flatnonzero(graph == event), graph[ends[1]] == event
            first, n = (int(hits[0]) if len(hits) else 0), len(hits)
            edges, p, particle = ends[:, own] - first, scores[own], group[hits]
            same, selected = particle[edges[0]] == particle[edges[1]], p > self.threshold
            counts = tracks.segments(particle, layer[hits], distance[hits], pt[hits] > self.pt_min)
            of_edges = [len(p), same.sum(), selected.sum(), (selected & same).sum(), counts.shape[1]]
            place = (p * N_BINS).astype(np.int64).clip(0, N_BINS - 1)
            row = {
                "edge_counts": np.array([*of_edges, tracks.in_graph(counts, edges, n), n]),
                "edge_scores": np.stack([np.bincount(place[same == kind], minlength=N_BINS) for kind in (False, True)]),
            }
            track[hits] = tracks.dbscan(n, edges, p, self.eps, self.min_points)
            by = {"dbscan": track[hits], "connected": tracks.connected(n, edges[:, selected])}
            if own_tracks is not None:
                track[hits] = by["own"] = own_tracks[hits]
            for finder, numbers in by.items():
                binned = tracks.count_tracks(numbers, particle, pt[hits], eta[hits], self.pt_min)
                row[f"{finder}_pt"], row[f"{finder}_eta"] = binned
            for name, values in row.items():
                found.setdefault(name, []).append(values)
        columns = {name: torch.from_numpy(np.stack(values)) for name, values in found.items()}
        hits_of = {"index": batch.index[batch.graph], "track": torch.from_numpy(track)}
        hits_of["particle"] = batch.element_group[:, 0]
        return columns | {f"{ELEMENT}{name}": values for name, values in hits_of.items()}

    def gallery(self, model: nn.Module, batch) -> dict[str, Tensor]:
        """The hits and edges of the first event of a batch."""
        logits, example, _ = self._of_pairs(model, batch)
        own, hits = example == 0, batch.graph == 0
        same = self._truth(batch)[1]
        return {
            "hits": batch.x[hits],
            "ends": batch.edge_index[:, own].T,
            "score": logits[own].sigmoid(),
            "same": same[own].long(),
        }


def _on_cpu(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()


def _own_tracks(model: nn.Module, batch) -> np.ndarray | None:
    """The track (M,) of each hit, of a model that finds them itself; None for others."""
    find = getattr(model, "tracks", None)
    return None if find is None else _on_cpu(find(batch))


def _within(track: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Numbers of tracks (m,) from 0 in each event (m,), which are in rising order."""
    _, starts, place = np.unique(event, return_index=True, return_inverse=True)
    return track - np.minimum.reduceat(track, starts)[place]

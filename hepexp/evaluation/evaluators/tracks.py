"""Evaluator of edges between hits: the graph itself, the edges that are selected, and the tracks that they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ratio
from hepexp.evaluation.evaluators.evaluator import Outputs, element_columns
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.evaluation.tracks import COUNTS
from hepexp.metric import Metric

FINDERS = ("dbscan", "connected", "own")  # the last of models that find tracks themselves
N_BINS = 1000  # of scores
EDGE_COUNTS = ("edges", "true", "selected", "selected_true", "segments", "segments_in_graph", "hits")
_NO_PARTICLE = "no particle with three hits is above loss.pt_min"
_NO_TRACK = "no track with three hits is of a particle above loss.pt_min"


class TracksEvaluator(EvaluatorOfWeights):
    """Counts over all events, in which an event with more particles counts more.

    Columns, of each event: `edge_scores` (n, 2, 1000), edges between hits of different particles and of one in bins of
    the score; `edge_counts` (n, 7), see EDGE_COUNTS; `<finder>_pt` (n, 5, bins) and `<finder>_eta`, see `count_tracks`.
    """

    metrics = (
        Metric(
            "edge_auc",
            "higher",
            "edge AUC",
            "Area under the ROC curve of the scores of all edges, in 1,000 bins.",
            range="0 to 1",
            undefined="all edges are of one kind",
            column=True,
        ),
        Metric(
            "graph_efficiency",
            "higher",
            "graph efficiency",
            "Fraction of the pairs of hits that follow each other on a particle above loss.pt_min that have an edge.",
            range="0 to 1",
            undefined="no particle above loss.pt_min has two hits",
        ),
        Metric(
            "graph_purity",
            "higher",
            "graph purity",
            "Fraction of the edges that are between two hits of one particle.",
            range="0 to 1",
            undefined="there are no edges",
        ),
        Metric(
            "edge_efficiency",
            "higher",
            "edge efficiency",
            "Fraction of the edges between two hits of one particle that are selected, score over loss.threshold.",
            range="0 to 1",
            undefined="no edge is between two hits of one particle",
        ),
        Metric(
            "edge_purity",
            "higher",
            "edge purity",
            "Fraction of the selected edges that are between two hits of one particle.",
            range="0 to 1",
            undefined="no edge is selected",
        ),
        Metric(
            "perfect_efficiency_{finder}",
            "higher",
            "perfect, {finder}",
            "Fraction of the particles of which a track has all hits and no others (arXiv:2103.16701).",
            range="0 to 1",
            undefined=_NO_PARTICLE,
            column=True,
            values=FINDERS,
        ),
        Metric(
            "double_majority_efficiency_{finder}",
            "higher",
            "double majority, {finder}",
            "Fraction of the particles that have over half of the hits of a track, which has over half of theirs.",
            range="0 to 1",
            undefined=_NO_PARTICLE,
            column=True,
            values=FINDERS,
        ),
        Metric(
            "lhc_efficiency_{finder}",
            "higher",
            "LHC, {finder}",
            "Fraction of the tracks with over 75 % of their hits of one particle, among those mostly of a particle "
            "above loss.pt_min (arXiv:2103.16701).",
            range="0 to 1",
            undefined=_NO_TRACK,
            column=True,
            values=FINDERS,
        ),
    )

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[NDArray], float]]:
        edges = dict(zip(EDGE_COUNTS, outputs["edge_counts"].astype(np.float64).T, strict=True))
        scores = outputs["edge_scores"].astype(np.float64)
        figures: dict[str, Callable[[NDArray], float]] = {
            "edge_auc": lambda weight: _auc(np.tensordot(weight, scores, 1)),
            "graph_efficiency": ratio(edges["segments_in_graph"], edges["segments"]),
            "graph_purity": ratio(edges["true"], edges["edges"]),
            "edge_efficiency": ratio(edges["selected_true"], edges["true"]),
            "edge_purity": ratio(edges["selected_true"], edges["selected"]),
        }
        for finder in (one for one in FINDERS if f"{one}_pt" in outputs):
            counts = dict(zip(COUNTS, outputs[f"{finder}_pt"].sum(2).astype(np.float64).T, strict=True))
            figures[f"perfect_efficiency_{finder}"] = ratio(counts["perfect"], counts["particles"])
            figures[f"double_majority_efficiency_{finder}"] = ratio(counts["double_majority"], counts["particles"])
            figures[f"lhc_efficiency_{finder}"] = ratio(counts["lhc"], counts["tracks"])
        return figures

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, and lists: the `track` of each hit, the model's own or by DBSCAN, and the `particle`."""
        columns = {"index": pa.array(outputs["index"].astype(np.int64))}
        if "edge_counts" in outputs:
            for name, counts in zip(EDGE_COUNTS, outputs["edge_counts"].T, strict=True):
                columns[name] = pa.array(counts.astype(np.int64))
        return pa.table(columns | element_columns(outputs, {"track": "track", "particle": "particle"}))

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        weight = outputs.get("weight", np.ones(len(outputs["index"])))
        finder = "own" if "own_pt" in outputs else "dbscan"
        for axis in ("pt", "eta"):
            plots.track_efficiency(folder / f"tracks_{axis}.png", axis, outputs[f"{finder}_{axis}"], weight, seed)
        edges = dict(zip(EDGE_COUNTS, outputs["edge_counts"].T, strict=True))
        counts = dict(zip(COUNTS, outputs[f"{finder}_pt"].sum(2).T, strict=True))
        ratios = {
            "edge efficiency": (edges["selected_true"], edges["true"]),
            "edge purity": (edges["selected_true"], edges["selected"]),
            "perfect": (counts["perfect"], counts["particles"]),
            "double majority": (counts["double_majority"], counts["particles"]),
            "LHC": (counts["lhc"], counts["tracks"]),
        }
        plots.track_multiplicity(folder / "tracks_multiplicity.png", edges["hits"], ratios, weight, seed)
        plots.edge_scores(folder / "edges.png", np.tensordot(weight, outputs["edge_scores"], 1))
        if "gallery/hits" in outputs:
            names = ("hits", "ends", "score", "same")
            plots.track_display(folder / "event.png", *(outputs[f"gallery/{name}"] for name in names))


def _auc(counts: NDArray[np.float64]) -> float:
    """Area under the ROC curve of negatives and positives (2, bins) in rising order of the score; equal bins half."""
    negative, positive = counts
    below = np.cumsum(negative) - negative / 2
    pairs = negative.sum() * positive.sum()
    return float(positive @ below / pairs) if pairs else float("nan")

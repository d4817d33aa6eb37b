"""Figures of a run, from its predictions or its history alone: they can be drawn again without the model."""

from hepexp.evaluation.plots.confusion import confusion_matrix
from hepexp.evaluation.plots.embedding import embedding_map
from hepexp.evaluation.plots.learning import learning_curves
from hepexp.evaluation.plots.rejection import roc
from hepexp.evaluation.plots.score import score_histogram

__all__ = ["confusion_matrix", "embedding_map", "learning_curves", "roc", "score_histogram"]

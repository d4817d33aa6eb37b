"""A figure of merit of a recorded run, computed anew from its predictions."""

from __future__ import annotations

import numpy as np

from hepexp.compare.record import Record
from hepexp.config import figures_of_merit, targets
from hepexp.config.build import instantiate
from hepexp.errors import ConfigError, DataError
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting


class NotFromScoresError(DataError):
    """A metric does not follow from the recorded scores."""


def judge(record: Record, metric: str) -> Judge:
    """The figure of merit of a metric for the recorded predictions.

    The examples are in the order of the rows of the data set, so that a replica draws the same ones for all runs.

    Raises
    ------
    NotFromScoresError : the metric is none of scores.
    DataError : predictions cannot be read, or the metric needs more than them.
    """
    figure = _figure(record, metric)
    found = record.predictions
    order = np.argsort(found.index, kind="stable")
    if lacking := [name for name in figure.needs if name not in found.columns]:
        raise DataError(f"{metric} needs {lacking[0]}, which {record.folder.predictions} lacks")
    setting = found.setting or Setting(found.class_names, 0 if found.scores.shape[1] == 2 else None)
    weight = None if found.weight is None else found.weight[order]
    columns = {name: values[order] for name, values in found.columns.items()}
    of = Judge([figure], ScoredExamples(found.scores[order], found.label[order], weight, setting, columns))
    if figure.why_not(setting) or metric not in of():
        raise NotFromScoresError(f"{metric} does not follow from the recorded scores")
    return of


def _figure(record: Record, metric: str) -> FigureOfMerit:
    """With the keys that the run gave it, if any."""
    try:
        path = figures_of_merit.find(metric)
    except ConfigError as error:
        raise NotFromScoresError(f"{metric} does not follow from the recorded scores") from error
    kind = targets.load(path, figures_of_merit.KIND)
    node = record.folder.config.get("evaluation")
    figures = instantiate(node, "evaluation").figures.values() if node else ()
    return next((figure for figure in figures if type(figure) is kind), None) or kind()

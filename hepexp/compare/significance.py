"""Whether two settings differ: a paired bootstrap over their common test examples, and the spread over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hepexp.compare.columns import Column
from hepexp.compare.groups import Group
from hepexp.compare.judged import NotFromScoresError, judge
from hepexp.config.metrics import lower_is_better
from hepexp.errors import DataError
from hepexp.evaluation.bootstrap import TAIL, replicas

N_BOOTSTRAP = 300  # replicas of the test set
ROUNDING = 1e-12  # as a share of the metric
SIGNIFICANT = 0.05  # two-sided p-value below which a difference is called one


@dataclass(frozen=True)
class Difference:
    """Of a metric between a group and the one that it is compared with.

    Parameters
    ----------
    value : the group's mean over seeds less the other's.
    error : one standard deviation, of the shared test examples and of the seeds of both, added in quadrature.
    p : two-sided p-value of no difference, by the normal distribution; None where there is no error.
    """

    value: float
    error: float | None
    p: float | None

    @property
    def is_significant(self) -> bool:
        return self.p is not None and self.p < SIGNIFICANT


@dataclass(frozen=True)
class Comparison:
    """What groups differ by in one metric.

    Parameters
    ----------
    metric : of the differences.
    reference : the name of the group that the others are compared with.
    differences : of each group; None where there is nothing to compare it with.
    paired : whether the errors are those of the same test examples, whose fluctuations cancel; otherwise they are those
        of independent ones, which are larger.
    """

    metric: Column
    reference: str
    differences: Sequence[Difference | None]
    paired: bool = True


def differences(groups: Sequence[Group], reference: int, metric: str, n_bootstrap: int, seed: int) -> list[Difference]:
    """The difference of each group from the reference (itself included).

    Each replica of the test set judges all runs, so fluctuations of the shared examples cancel. The variance of a
    difference is that of its replicas (means over seeds), plus s^2 / n for the n seeds of either group; a group of one
    seed adds nothing, so that its error is that of its test examples alone. For a rejection, whose replicas have heavy
    tails, half the width of the central 68 % of the replicas is taken in place of their standard deviation.

    Parameters
    ----------
    groups : runs tested on the same examples.
    reference : place of the one to compare with.
    metric : one of the figures of a figure of merit, which follows from the recorded scores.

    Raises
    ------
    DataError : predictions cannot be read, or the metric needs more than them.
    """
    judges = [[judge(record, metric) for record in group.records] for group in groups]
    examples = judges[0][0].examples
    n, weight = len(examples), examples.weight
    if any(_differ(weight, each.examples.weight) for own in judges for each in own):
        raise DataError("the test examples of some runs have other weights than those of others")
    point = [np.array([of()[metric] for of in own]) for own in judges]
    draws = [[np.mean([of(w)[metric] for of in own]) for own in judges] for w in replicas(n, n_bootstrap, seed, weight)]
    drawn = np.array(draws).reshape(-1, len(groups))
    base = point[reference]
    found = []
    for place, values in enumerate(point):
        value = float(values.mean() - base.mean())
        with np.errstate(invalid="ignore"):  # no background passes in a replica of either: inf - inf
            apart = drawn[:, place] - drawn[:, reference]
        width = judges[0][0].width(metric)(apart) if np.isnan(apart).mean() <= TAIL else None
        if place == reference or width is None or not math.isfinite(value):
            found.append(Difference(value, None, None))
            continue
        error = math.sqrt(width**2 + _of_mean(values) + _of_mean(base))
        if max(abs(value), error) < ROUNDING * abs(base.mean()):
            value = error = 0.0  # means of the same scores, summed in another order
        found.append(Difference(value, error, math.erfc(abs(value) / error / math.sqrt(2)) if error else None))
    return found


def unpaired_differences(groups: Sequence[Group], reference: int, metric: str) -> list[Difference]:
    """The difference of each group from the reference, of a metric that does not follow from recorded scores.

    The variance is the sum of those of both groups: the square of the mean error that the runs have on their test
    examples, and s^2 / n for n seeds. The test examples are the same, so that this is too large rather than too small.

    Parameters
    ----------
    metric : one that all groups have, such as test/retrieval_top1.
    """
    point = [_values(group, metric) for group in groups]
    of_examples = [_values(group, f"{metric}_err") for group in groups]
    variances = [
        _of_mean(values) + (errors.mean() ** 2 if len(errors) else 0.0)
        for values, errors in zip(point, of_examples, strict=True)
    ]
    found = []
    for place, values in enumerate(point):
        value = float(values.mean() - point[reference].mean())
        error = math.sqrt(variances[place] + variances[reference])
        if place == reference or not error:
            found.append(Difference(value, None, None))
        else:
            found.append(Difference(value, error, math.erfc(abs(value) / error / math.sqrt(2))))
    return found


def against_best(
    groups: Sequence[Group], by: str, against: str | None = None, n_bootstrap: int = N_BOOTSTRAP
) -> Comparison | None:
    """The differences of each group from the best one, or from the one named.

    Parameters
    ----------
    by : a metric of the test; for auc and others of classifiers, of embeddings that of their linear probe.

    Returns
    -------
    None where there is only one group or where the metric is not known for all of them.

    Raises
    ------
    DataError : predictions cannot be read, or a figure of merit needs more than them.
    """
    for metric in (f"test/{prefix}{by}" for prefix in ("", "probe_")):
        values = [value for g in groups if isinstance(value := g.figure(metric).value, int | float)]
        if len(values) == len(groups):
            break
    else:
        return None
    if len(groups) < 2:
        return None
    names = [g.name for g in groups]
    best = values.index(min(values) if lower_is_better(metric) else max(values))
    reference = names.index(against) if against in names else best
    try:
        found, paired = differences(groups, reference, by, n_bootstrap, seed=0), True
    except NotFromScoresError:
        found, paired = unpaired_differences(groups, reference, metric), False
    return Comparison(Column(metric), names[reference], found, paired)


def _values(group: Group, metric: str) -> np.ndarray:
    """Of the runs that have one."""
    return np.array([r.metrics[metric] for r in group.records if r.metrics.get(metric) is not None])


def _of_mean(values: np.ndarray) -> float:
    """The variance of the mean over seeds; 0 for one."""
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else 0.0


def _differ(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is not other
    return not np.array_equal(one, other)

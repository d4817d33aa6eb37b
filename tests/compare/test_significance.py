import math

import numpy as np
import pytest

from hepexp.compare import significance
from hepexp.compare.groups import group
from hepexp.compare.record import Record
from hepexp.compare.significance import against_best, differences
from hepexp.errors import DataError
from tests.compare.runs import labels, run, scores


def compared(*records, metric="auc", n=200):
    return differences(group(list(records)), 0, metric, n, seed=1)


def test_equal_scores_do_not_differ(tmp_path):
    same = scores(1, 1)
    _, other = compared(run(tmp_path, "a", same), run(tmp_path, "b", same, model="other"))
    assert other.value == 0
    assert other.error == 0
    assert other.p is None
    assert not other.is_significant


def test_a_far_better_tagger_is_significantly_better_and_a_noisy_twin_is_not(tmp_path):
    rng = np.random.default_rng(0)
    logit = np.log(scores(1, 1)[:, 1] / scores(1, 1)[:, 0]) + rng.normal(scale=0.02, size=len(labels()))
    signal = 1 / (1 + np.exp(-logit))
    twin = np.stack([1 - signal, signal], 1)
    reference, noisy, better = compared(
        run(tmp_path, "a", scores(1, 1)),
        run(tmp_path, "b", twin, model="twin"),
        run(tmp_path, "c", scores(3, 1), model="better"),
    )
    assert reference.error is None  # it is not compared with itself
    assert better.value > 0.1
    assert better.is_significant
    assert not noisy.is_significant


def test_the_others_are_compared_with_the_best_by_what_the_metric_declares(tmp_path, monkeypatch):
    groups = group([run(tmp_path, "a", scores(1, 1)), run(tmp_path, "b", scores(3, 1), model="better")])
    assert against_best(groups, "auc", n_bootstrap=2).reference == "better"
    monkeypatch.setattr(significance, "lower_is_better", lambda key: key == "test/auc")
    assert against_best(groups, "auc", n_bootstrap=2).reference == "pfn"


def test_a_metric_that_needs_more_than_the_scores_is_refused(tmp_path):
    with pytest.raises(DataError, match="loss does not follow from the recorded scores"):
        compared(run(tmp_path, "a", scores(1, 1)), metric="loss")


def test_the_error_is_that_of_paired_examples(tmp_path):
    """Two taggers that mostly agree: their difference is known better than either figure."""
    base = np.random.default_rng(1).normal(size=600) + labels()
    close = [1 / (1 + np.exp(-(base + 0.2 * np.random.default_rng(s).normal(size=600)))) for s in (2, 3)]
    a, b = (run(tmp_path, str(k), np.stack([1 - s, s], 1), model=str(k)) for k, s in enumerate(close))
    _, paired = compared(a, b)
    assert 0 < paired.error < 0.4 * np.hypot(a.metrics["test/auc_err"], b.metrics["test/auc_err"])


def test_the_spread_over_seeds_is_part_of_the_error(tmp_path):
    one = run(tmp_path, "one", scores(1, 1), model="one")
    steady = [run(tmp_path, f"s{s}", scores(1, 1), seed=s) for s in (1, 2)]
    shaky = [run(tmp_path, f"t{s}", scores(x, 1), seed=s, model="shaky") for s, x in ((1, 0.8), (2, 1.2))]
    _, same, other = compared(one, *steady, *shaky)
    aucs = [record.metrics["test/auc"] for record in shaky]
    assert same.error == pytest.approx(0, abs=1e-12)  # two equal seeds, the same examples
    assert other.error**2 >= np.var(aucs, ddof=1) / 2


def test_the_order_in_which_examples_were_recorded_does_not_matter(tmp_path):
    from hepexp.evaluation.predictions import predictions_table, write_predictions

    a, b = run(tmp_path, "a", scores(1, 1)), run(tmp_path, "b", scores(1.5, 2), model="b")
    wanted = compared(a, b)[1]
    shuffled = run(tmp_path, "c", scores(1.5, 2), model="b")
    order = np.random.default_rng(0).permutation(len(labels()))
    write_predictions(
        shuffled.folder.predictions,
        predictions_table(order, labels()[order], scores(1.5, 2)[order], ("gluon", "quark")),
    )
    assert compared(a, shuffled)[1] == wanted


def test_the_difference_of_rejections_has_the_width_of_its_central_replicas(tmp_path):
    """4 of 60 background examples pass in one run, 12 in the other; in some replicas none does: 1/eB is infinite."""
    n, label = 120, labels(120)

    def passing(k):
        p = np.where(label == 1, np.linspace(0.02, 1, n), 0.01)
        p[np.flatnonzero(label == 0)[:k]] = 0.97
        return np.stack([1 - p, p], 1)

    few, many = (run(tmp_path, str(k), passing(k), model=str(k)) for k in (4, 12))
    n_background = (label == 0).sum()
    _, other = compared(few, many, metric="rejection_0.3")
    assert other.value == pytest.approx(n_background / 12 - n_background / 4, rel=0.5)
    assert 2 < other.error < n_background / 3


def test_weights_count_in_a_difference(tmp_path):
    weight = np.random.default_rng(0).gamma(2, size=len(labels()))
    a, b = (run(tmp_path, x, scores(k, k), model=x, weight=weight) for x, k in (("a", 1), ("b", 2)))
    _, other = compared(a, b)
    assert other.value == pytest.approx(b.metrics["test/auc"] - a.metrics["test/auc"])
    plain = [run(tmp_path, f"plain_{x}", scores(k, k), model=x) for x, k in (("a", 1), ("b", 2))]
    assert compared(*plain)[1].value != other.value
    with pytest.raises(DataError, match="other weights"):
        compared(a, plain[1])


def test_any_figure_of_merit_is_compared_that_follows_from_the_scores(tmp_path):
    a, b = (run(tmp_path, x, scores(k, k), model=x) for x, k in (("a", 1), ("b", 2)))
    for metric in ("calibration_error", "max_sic"):
        assert compared(a, b, metric=metric)[1].error > 0
    with pytest.raises(DataError, match=r"mass_jsd_0\.5 needs mass, which "):
        compared(a, b, metric="mass_jsd_0.5")
    with pytest.raises(DataError, match="auc_ovo does not follow from the recorded scores"):
        compared(a, b, metric="auc_ovo")


def test_what_is_no_figure_of_scores_is_compared_by_the_errors_of_both(tmp_path):
    """sigma^2 is the sum over both groups of the test examples' variance, and of s^2 / n of the n seeds."""
    top1 = {"one": [0.70, 0.74], "two": [0.80, 0.86]}
    records = [
        run(
            tmp_path, f"{name}{k}", scores(1, k), k, name, **{"test/retrieval_top1": x, "test/retrieval_top1_err": 0.02}
        )
        for name, values in top1.items()
        for k, x in enumerate(values)
    ]
    found = against_best(group(records), "retrieval_top1", "one")
    assert (found.metric.metric, found.reference, found.paired) == ("test/retrieval_top1", "one", False)
    own, other = found.differences
    assert (own.value, own.error, own.p) == (0, None, None)
    error = math.sqrt(2 * 0.02**2 + (0.04**2 + 0.06**2) / 2 / 2)  # s of two values is their distance / sqrt(2)
    assert (other.value, other.error) == pytest.approx((0.11, error))
    assert other.p == pytest.approx(math.erfc(0.11 / error / math.sqrt(2)))
    assert against_best(group(records), "auc").paired


def test_an_area_above_one_from_weights_of_either_sign_is_no_damage(tmp_path):
    record = run(tmp_path, "a", scores(1, 1), **{"test/auc": 1.0003})
    with pytest.raises(DataError, match=r"test/auc is 1\.0003, which is impossible"):
        record.check()
    config = record.folder.config
    record.folder.write_yaml("config.yaml", {**config, "dataset": {"weight": "mc_weight"}})
    Record(record.folder).check()

from hepexp.tracking import series


def test_no_name_is_both_a_curve_and_a_value_of_the_run():
    row = {"epoch": 1, "train/loss": 0.5, "val/auc": 0.8, "train/seconds": 3.0, "train/examples_per_second": 100.0}
    metrics = {"test/auc": 0.7, "val/auc": 0.9, "train/seconds": 6.0, "train/examples_per_second": 110.0, "data": "x"}
    curve, final = series.of_epoch(row), series.of_run(metrics)
    assert curve == {"train/loss": 0.5, "val/auc": 0.8}
    assert final == {"test/auc": 0.7, "best/val/auc": 0.9, "train/seconds": 6.0, "train/examples_per_second": 110.0}
    assert not curve.keys() & final.keys()

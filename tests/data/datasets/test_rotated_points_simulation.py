"""Points on rings: all angles alike, and a radius that no dilation leaves alone."""

import numpy as np
import pytest
from scipy.stats import kstest

from hepexp.data.datasets.rotated_points.generate import CLASSES, RADIUS, SPREAD, make_block
from hepexp.data.datasets.rotated_points.info import INFO, check
from hepexp.data.datasets.rotated_points.module import RotatedPoints
from hepexp.data.formats.open_file import open_file
from hepexp.errors import DataError
from hepexp.simulation.simulate import simulate


def test_the_angle_is_uniform_and_the_logarithm_of_the_radius_gaussian():
    for kind in CLASSES:
        points = make_block(kind, 3, 0, 5000)
        x, y = points["x"].astype(np.float64), points["y"].astype(np.float64)
        assert kstest(np.arctan2(y, x), "uniform", (-np.pi, 2 * np.pi)).pvalue > 0.01
        assert kstest(np.log(np.hypot(x, y) / RADIUS[kind]) / SPREAD, "norm").pvalue > 0.01


def test_the_sample_is_that_of_the_command_that_it_names(tmp_path):
    path = simulate(INFO, 20_000, 1, 1, lambda made, kept: None, tmp_path / "points.arrow")
    assert INFO.mini_about["command"] == "hepexp data generate rotated_points --n 20000 --seed 1"
    store, made = open_file(INFO, path), INFO.mini()
    for name in ("x", "y"):
        np.testing.assert_array_equal(store.take(np.arange(len(store)))[name], made[name])


def test_points_come_as_they_are():
    data = RotatedPoints(n_train=40, batch_size=40, seed=1)
    data.setup()
    batch = next(iter(data.train_dataloader()))
    stored = data.store.take(batch.index.numpy())
    np.testing.assert_array_equal(batch.features, np.stack([stored["x"], stored["y"]], 1))
    assert data.source == "mini"
    assert data.provenance()["simulated"]


def test_a_point_without_number_is_refused():
    points = make_block("inner", 1, 0, 10)
    points.elements["y"][4] = np.nan
    with pytest.raises(DataError, match=r"a.parquet: point 4 has a coordinate with . = (nan|inf)"):
        check(points, "a.parquet")

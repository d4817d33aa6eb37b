import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from hepexp.errors import ConfigError
from hepexp.sweep.space import Dimension, cells, read_space


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("log(1e-4, 1e-2)", FloatDistribution(1e-4, 1e-2, log=True)),
        ("uniform(0,0.5)", FloatDistribution(0, 0.5)),
        ("int(2, 6)", IntDistribution(2, 6)),
        ("choice(pfn, [1,2], {a: 1})", CategoricalDistribution(("pfn", "[1,2]", "{a: 1}"))),
    ],
)
def test_a_dimension_is_what_is_written(text, distribution):
    assert Dimension.read("model.x", text).distribution == distribution


def test_a_grid_is_every_value():
    assert Dimension.read("x", "int(2,4)").grid == [2, 3, 4]
    assert Dimension.read("x", "choice(a,b)").grid == ["a", "b"]
    with pytest.raises(ConfigError, match="grid needs choice or int"):
        _ = Dimension.read("x", "uniform(0,1)").grid
    with pytest.raises(ConfigError, match="up to 1000 combinations, got 2,000,000"):
        cells(read_space({"x": "int(1,2000000)"}))


@pytest.mark.parametrize("text", ["", "log(1)", "log(a,b)", "int(1.5,2)", "choice(a,,b)", "choice(a,a)", "normal(0,1)"])
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ConfigError, match=r"sweep\.space\.x"):
        read_space({"x": text})

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from hepexp.errors import ConfigError
from hepexp.sweep.space import Dimension, cells, read_space, with_whole_numbers


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ("log(1e-4, 1e-2)", FloatDistribution(1e-4, 1e-2, log=True)),
        ("uniform(0,0.5)", FloatDistribution(0, 0.5)),
        ("int(2, 6)", IntDistribution(2, 6)),
        ("log-int(16,64)", IntDistribution(16, 64, log=True)),
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log(1)",
        "log(a,b)",
        "int(1.5,2)",
        "choice(a,,b)",
        "choice(a,a)",
        "normal(0,1)",
        "log(0,1)",
        "log(-1,1)",
        "log-int(0,8)",
        "log-int(1.5,8)",
        "log(1,inf)",
        "uniform(nan,1)",
        "int(1,1e3)",
        "int(0,99999999999999999999)",
        "log(2,2)",
    ],
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(ConfigError, match=r"sweep\.space\.x"):
        read_space({"x": text})


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("dataset.n_train", "log(16,64)", "log-int(16, 64)"),
        ("dataset.n_train", "uniform(16, 64)", "int(16, 64)"),
        ("seed", "uniform(1,9)", "int(1, 9)"),
        ("trainer.patience", "log(1,9)", "log-int(1, 9)"),  # int | None
        ("optimizer.lr", "log(1,9)", "log(1.0, 9.0)"),
        ("trainer.gradient_clip", "uniform(1,9)", "uniform(1.0, 9.0)"),
        ("dataset.image.n_pixels", "log(16,64)", "log-int(16, 64)"),
        ("model.n_blocks", "log(1,8)", "log-int(1, 8)"),  # of one of the models
    ],
)
def test_a_key_that_takes_whole_numbers_gets_them(key, text, found):
    space = {key: text} | ({"model": "choice(lorentznet)"} if key.startswith("model") else {})
    first, *_ = with_whole_numbers(["model=pfn", "dataset=qg"], read_space(space))
    assert str(first) == found


def test_a_bound_that_is_no_whole_number_is_refused_for_such_a_key():
    with pytest.raises(ConfigError, match="takes whole numbers: give whole bounds, got log"):
        with_whole_numbers(["model=pfn", "dataset=qg"], read_space({"dataset.n_train": "log(0.5,64)"}))

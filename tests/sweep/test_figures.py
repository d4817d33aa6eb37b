"""The figures of a sweep, drawn from its trials."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import create_trial

from hepexp.figures import about
from hepexp.sweep import figures
from hepexp.sweep.space import Dimension

SPACE = (Dimension.read("optimizer.lr", "log(1e-4, 1e-2)"), Dimension.read("model.width", "choice(32, 64)"))
DISTRIBUTIONS = {
    "optimizer.lr": FloatDistribution(1e-4, 1e-2, log=True),
    "model.width": CategoricalDistribution(("32", "64")),
}
TRIALS = [
    create_trial(
        params={"optimizer.lr": lr, "model.width": width}, distributions=DISTRIBUTIONS, values=[auc, 0.5 - auc / 4]
    )
    for lr, width, auc in ((1e-4, "32", 0.7), (1e-3, "64", 0.9), (1e-2, "64", 0.8))
]
SETTINGS = [trial.params for trial in TRIALS]


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, not written."""
    made = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (made.append(self), path.touch()))
    return made


def test_the_best_value_so_far_rises_or_falls_with_the_direction(drawn, tmp_path):
    for direction, best in (("maximize", [0.7, 0.9, 0.9]), ("minimize", [0.7, 0.7, 0.7])):
        figures.history(tmp_path / "a.png", TRIALS, "val/auc", direction)
        assert drawn[-1].axes[0].get_lines()[1].get_ydata().tolist() == best


def test_a_setting_has_its_place_between_the_bounds_on_their_own_scale(drawn, tmp_path):
    figures.parallel_coordinate(tmp_path / "a.png", TRIALS, SETTINGS, SPACE, "val/auc", "maximize")
    lines = [line.get_ydata() for line in drawn[0].axes[0].get_lines() if len(line.get_xdata()) == 2]
    placed = sorted(tuple(np.round(line, 6)) for line in lines if line[1] != line[0] or line[0] in (0.0, 1.0))
    assert {(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)} <= set(
        placed
    )  # 1e-3 is halfway in the logarithm; 64 is the last choice


def test_each_says_which_sweep_it_is_of(drawn, tmp_path):
    with about("sweep lr: model=pfn data=qg, 3 trials"):
        figures.history(tmp_path / "a.png", TRIALS, "val/auc", "maximize")
        figures.importances(tmp_path / "b.png", {"optimizer.lr": 0.8, "model.width": 0.2}, "val/auc")
        figures.parallel_coordinate(tmp_path / "c.png", TRIALS, SETTINGS, SPACE, "val/auc", "maximize")
        figures.pareto_front(tmp_path / "d.png", TRIALS, TRIALS[1:2], ["val/auc", "val/loss"])
    titles = [drawing.get_suptitle().splitlines() for drawing in drawn]
    assert all(title[0] and "sweep lr: model=pfn data=qg, 3 trials" in " ".join(title) for title in titles)
    assert len({title[0] for title in titles}) == 4


def test_a_line_reaches_values_outside_the_space_and_has_a_gap_where_none_is_known(drawn, tmp_path):
    outside = [{"optimizer.lr": 1e-6, "model.width": "16"}, {"model.width": "32"}, {"optimizer.lr": 1e-2}]
    figures.parallel_coordinate(tmp_path / "a.png", TRIALS, outside, SPACE, "val/auc", "maximize")
    lines = [line.get_ydata() for line in drawn[0].axes[0].get_lines() if line.get_marker() == "o"]
    placed = {tuple(np.round(line, 6)) for line in lines}
    assert {str((float(lr), float(width))) for lr, width in placed} == {"(0.0, 1.0)", "(nan, 0.0)", "(1.0, nan)"}
    assert {"1e-06", "0.01", "16"} <= {text.get_text() for text in drawn[0].axes[0].texts}

import sys

import numpy as np
import pytest
from PIL import Image

from hepexp.evaluation import plots
from hepexp.figures import figure


def classes(n_classes, n=400, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, n_classes, n)
    scores = rng.normal(size=(n, n_classes))
    scores[np.arange(n), label] += 1.5
    scores = np.exp(scores)
    return scores / scores.sum(1, keepdims=True), label


HISTORY = [
    {"epoch": e, "train/loss": 1 / (e + 1), "val/loss": 1.1 / (e + 1), "val/auc": 0.8 + 0.01 * e, "train/lr": 1e-3}
    for e in range(4)
]
NAMES = ("gluon", "quark")


def is_figure(path):
    """A PNG of legible size with something drawn on it."""
    with Image.open(path) as image:
        return image.format == "PNG" and min(image.size) > 400 and len(set(image.convert("L").tobytes())) > 10


@pytest.mark.parametrize("draw", [plots.roc, plots.score_histogram, plots.confusion_matrix])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_each_figure_is_drawn(draw, n_classes, tmp_path):
    draw(tmp_path / "plots" / "a.png", *classes(n_classes), NAMES)  # names may be missing: class 2, class 3...
    assert is_figure(tmp_path / "plots" / "a.png")
    assert len(list((tmp_path / "plots").iterdir())) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("scores", "label"),
    [
        (np.array([[1.0, 0.0]] * 20 + [[0.0, 1.0]] * 20), np.array([0] * 20 + [1] * 20)),  # perfect
        (np.full((40, 2), 0.5), np.arange(40) % 2),  # all the same
        (classes(2)[0], np.ones(400, int)),  # no background
        (np.array([[0.4, 0.6]]), np.array([1])),  # one example
        (np.log(classes(2)[0]), classes(2)[1]),  # scores that are no probabilities
    ],
)
def test_odd_test_sets_are_drawn_without_a_warning(scores, label, tmp_path):
    for draw in (plots.roc, plots.score_histogram, plots.confusion_matrix):
        draw(tmp_path / "a.png", scores, label, NAMES)
        assert is_figure(tmp_path / "a.png")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [HISTORY, HISTORY[:1], [{"epoch": 0, "val/loss": None, "val/auc": float("nan")}]])
def test_learning_curves_of_any_length(rows, tmp_path):
    plots.learning_curves(tmp_path / "a.png", rows, best_epoch=0)
    assert is_figure(tmp_path / "a.png")


def test_a_figure_that_fails_leaves_the_former_one(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"former")

    def fail():
        with figure(path) as drawing:
            drawing.subplots()
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        fail()
    assert path.read_bytes() == b"former"
    assert list(tmp_path.iterdir()) == [path]


def test_drawing_needs_no_display_and_leaves_no_figure_open(tmp_path):
    plots.confusion_matrix(tmp_path / "a.png", *classes(2), NAMES)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        assert pyplot.get_fignums() == []

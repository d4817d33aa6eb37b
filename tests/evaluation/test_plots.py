import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from hepexp.evaluation import plots
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.classifiers.significance import SignificanceImprovement
from hepexp.evaluation.plots.channel_images import colour_range
from hepexp.evaluation.rounding import with_error
from hepexp.figures import about, figure


def classes(n_classes, n=400, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, n_classes, n)
    scores = rng.normal(size=(n, n_classes))
    scores[np.arange(n), label] += 1.5
    scores = np.exp(scores)
    return scores / scores.sum(1, keepdims=True), label


HISTORY = [
    {"epoch": e + 1, "train/loss": 1 / (e + 1), "val/loss": 1.1 / (e + 1), "val/auc": 0.8 + 0.01 * e, "train/lr": 1e-3}
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
@pytest.mark.parametrize(
    "rows",
    [
        HISTORY,
        HISTORY[:1],
        [{"epoch": 1, "val/loss": None, "val/auc": float("nan")}],
        [{"epoch": 1, "train/loss": 1.0, "train/lr": 0.01}],  # the end of a decade
    ],
)
def test_learning_curves_of_any_length(rows, tmp_path):
    plots.learning_curves(tmp_path / "a.png", rows, best_epoch=1)
    assert is_figure(tmp_path / "a.png")


def test_learning_curves_are_of_the_figures_that_are_validated(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (drawn.append(self), path.touch()))
    figures = {"knn_accuracy": 0.7, "effective_rank": 3.0, "collapsed_dimensions": 0.1, "pair_accuracy": 0.6}
    rows = [
        {"epoch": e, "train/loss": 1.0, "train/lr": 0.1} | {f"val/{k}": v * e for k, v in figures.items()}
        for e in (1, 2)
    ]
    plots.learning_curves(tmp_path / "a.png", rows)
    (drawing,) = drawn
    labels = [axes.get_ylabel() for axes in drawing.axes]
    assert labels == [
        "loss",
        "kNN accuracy",
        "collapsed dimensions",
        "pair accuracy",
        "learning rate",
    ]  # no rank is best
    np.testing.assert_allclose(drawing.axes[1].lines[0].get_ydata(), [0.7, 1.4])
    terms = {"loss": 1.0, "fidelity": 0.9, "contrastive": 2.0, "seconds": 3.0, "kl": 1.0}
    row = {"epoch": 1, "val/kl": 1.0, **{f"train/{name}": value for name, value in terms.items()}}
    plots.learning_curves(tmp_path / "c.png", [row])
    labels = [axes.get_ylabel() for axes in drawn.pop().axes]
    assert labels[:3] == ["loss", "fidelity of positives", "contrastive loss"]
    assert "seconds" not in " ".join(labels)
    many = [{"epoch": 1, **{f"val/auc_{k}": 0.9 for k in range(8)}, "val/auc": 0.8}]
    plots.learning_curves(tmp_path / "b.png", many)
    labels = [axes.get_ylabel() for axes in drawn[1].axes]
    assert len(labels) == 5
    assert "AUC" in labels  # of those in tables none is left out


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


def test_a_name_with_dollars_that_is_no_latex_is_drawn_as_it_is(tmp_path):
    scores, label = classes(2)
    plots.score_histogram(tmp_path / "a.png", scores, label, ("$\\frac{$", "$t\\bar{t}$"))
    assert is_figure(tmp_path / "a.png")


def test_drawing_needs_no_display_and_leaves_no_figure_open(tmp_path):
    plots.confusion_matrix(tmp_path / "a.png", *classes(2), NAMES)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        assert pyplot.get_fignums() == []


def test_a_figure_says_what_it_shows_and_of_what(tmp_path):
    sample = "qmlhep_2_particlenet: qg, source mini (simulated), 200 test jets of a study with a long name"
    with about(sample), figure(tmp_path / "a.png", 5, 4, "ROC curve of the linear probe") as drawing:
        assert drawing.get_suptitle().splitlines()[0] == "ROC curve of the linear probe"
        assert " ".join(drawing.get_suptitle().splitlines()[1:]) == sample  # in lines that fit the width
        assert drawing.get_size_inches()[1] > 4  # which takes nothing from the axes
    with figure(tmp_path / "a.png") as drawing:
        assert drawing.get_suptitle() == ""


SCORES, LABEL = classes(2)
MANY, OF_MANY = classes(10)
POINTS = np.random.default_rng(1).normal(size=(400, 3))
RESPONSE = {"ecal": 1 + 0.1 * POINTS[:, 0], "hcal": 1 + 0.3 * POINTS[:, 1]}
ANOMALY = {"error": np.exp(POINTS[:, 0] + LABEL), "kl": POINTS[:, 1], "pixels": POINTS[:, 2]}
TEN = ScoredExamples(MANY, OF_MANY, setting=Setting(tuple(f"class {c}" for c in range(10)), background=0))


def significance(path, examples):
    everywhere = {c: np.ones(len(examples.against_background(c).last) + 1, bool) for c in examples.setting.signals}
    plots.significance_improvement(path, examples, everywhere, 1, n_bootstrap=5)


DRAWN = {
    "roc": lambda path: plots.roc(path, SCORES, LABEL, NAMES, n_bootstrap=5),
    "roc of many": lambda path: plots.roc(path, MANY, OF_MANY, n_bootstrap=5),
    "significance": lambda path: significance(path, ScoredExamples(SCORES, LABEL)),
    "significance of many": lambda path: significance(path, TEN),
    "scores": lambda path: plots.score_histogram(path, SCORES, LABEL, NAMES),
    "scores of many": lambda path: plots.score_histogram(path, MANY, OF_MANY),
    "embedding": lambda path: plots.embedding_map(path, POINTS, OF_MANY),
    "embedding with t-SNE": lambda path: plots.embedding_map(path, POINTS[:120], OF_MANY[:120], seed=1),
    "learning": lambda path: plots.learning_curves(path, HISTORY, 2),
    "response": lambda path: plots.energy_response(path, RESPONSE, LABEL, NAMES),
    "kl": lambda path: plots.kl_per_dimension(path, np.linspace(0.001, 1, 16)),
    "anomaly": lambda path: plots.anomaly(path, ANOMALY, LABEL == 1, LABEL, NAMES, n_bootstrap=5),
    "amplitudes": lambda path: plots.amplitudes(path, np.full(32, (1 - 1j) / 8), "z"),
    "plane": lambda path: plots.latent_plane(path, POINTS, LABEL, 30.0 * (OF_MANY % 12), NAMES),
    "angles": lambda path: plots.angle_error(path, np.abs(POINTS[:, 0]), 30.0 * OF_MANY),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_legend_covers_nothing_and_no_text_leaves_the_figure(name, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (drawn.append(self), path.touch()))
    DRAWN[name](tmp_path / "a.png")
    (drawing,) = drawn
    drawing.canvas.draw()  # the layout is made anew, in the figure's own resolution
    assert drawing.get_suptitle()
    for axes in drawing.axes:
        legends = [found for found in (axes.get_legend(), *drawing.legends) if found]
        assert not any(legend.get_window_extent().overlaps(axes.bbox.padded(-2)) for legend in legends)
    texts = [drawing._suptitle, *(t for axes in drawing.axes for t in (axes.xaxis.label, axes.yaxis.label))]
    texts += [text for axes in drawing.axes if axes.get_legend() for text in axes.get_legend().get_texts()]
    page = drawing.bbox.padded(1)
    outside = [text.get_text() for text in texts if text.get_text() and not _holds(page, text.get_window_extent())]
    assert outside == []


def _holds(outer, inner):
    return outer.x0 <= inner.x0 <= inner.x1 <= outer.x1 and outer.y0 <= inner.y0 <= inner.y1 <= outer.y1


def test_a_roc_curve_without_background_says_so_in_place_of_an_empty_panel(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (drawn.append(self), path.touch()))
    label = np.arange(40) % 2
    plots.roc(tmp_path / "a.png", np.stack([1 - label, label], axis=1).astype(float), label, NAMES, n_bootstrap=5)
    (said,) = [text.get_text() for text in drawn[0].axes[0].texts]
    assert said == "fewer than 5 background examples\npass at every signal efficiency"


def sic_curves(folder, scores, label, weight=None, floor=25):
    SignificanceImprovement(floor).draw(ScoredExamples(scores, label, weight), folder, seed=1)


def test_the_curve_of_significance_improvement_has_the_largest_value_of_the_metrics(tmp_path, monkeypatch):
    """A quarter of the signal, then background and signal in turn: k of n signal examples pass with k - n/4 others."""
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (drawn.append(self), path.touch()))
    n = 100
    score = np.linspace(1, 0, 2 * n)  # signal and background in turn, after a quarter of the signal
    label = np.r_[np.ones(n // 4, int), np.tile([0, 1], 3 * n // 4), np.zeros(n // 4, int)]
    scores = np.stack([1 - score, score], axis=1)
    sic_curves(tmp_path, scores, label)
    axes = drawn[0].axes[0]
    es, sic = axes.get_lines()[0].get_data()
    k = np.round(n * es)
    assert k[0] == n // 2 - 1  # the 25th background example comes after 25 + 24 signal examples
    passed = np.round((es / sic) ** 2 * n)
    np.testing.assert_allclose(sic, es / np.sqrt(passed / n), rtol=1e-12)
    inner = k < n
    assert set((passed - (k - n // 4))[inner]) == {0, 1}
    found = Judge([SignificanceImprovement()], ScoredExamples(scores, label)).with_errors(200, seed=1)
    text = axes.get_legend().get_texts()[0].get_text()
    assert with_error(found["max_sic"], found["max_sic_err"]) in text
    assert max(sic) == found["max_sic"]


@pytest.mark.filterwarnings("error")
def test_curves_of_significance_improvement_are_drawn_of_odd_test_sets(tmp_path):
    scores, label = classes(2)
    perfect = np.stack([1 - label, label], axis=1).astype(float)
    weight = np.random.default_rng(1).uniform(-0.5, 1, len(label))
    many = classes(5)
    for given in (
        (perfect, label), (np.full((400, 2), 0.5), label), (scores, label, weight), (scores, label, None, 1000),
        (scores, np.ones(400, int)), (scores[:1], label[:1]), (scores, label, None, 1), (scores, label, -weight),
    ):  # fmt: skip
        sic_curves(tmp_path, *given)
        assert is_figure(tmp_path / "significance_improvement.png")
    examples = ScoredExamples(*many, setting=Setting(tuple("abcde"), background=0))
    SignificanceImprovement(10).draw(examples, tmp_path, seed=1)
    assert is_figure(tmp_path / "significance_improvement.png")


def test_reconstructions_much_fainter_than_their_images_are_not_black():
    images = np.zeros((4, 8, 8))
    images[:, 2:4, 2:4] = np.geomspace(1, 100, 4).reshape(2, 2)
    faint = np.full((4, 8, 8), 1e-3)
    low, high = colour_range(images, images, faint)
    assert low < faint.max() < images.max() == high
    assert colour_range(images, images, images * 0.9) == colour_range(images)  # a good network changes nothing
    for nothing in (np.zeros_like(images), -images):
        assert colour_range(images, nothing) == colour_range(images)


def test_a_roc_curve_that_begins_late_says_why(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (drawn.append(self), path.touch()))
    score = np.concatenate([np.linspace(0, 0.6, 40), np.linspace(0.2, 1, 40)])  # half of the signal beyond all others
    plots.roc(tmp_path / "a.png", np.stack([1 - score, score], axis=1), np.repeat([0, 1], 40), NAMES, n_bootstrap=5)
    (axes,) = drawn[0].axes
    start = axes.get_lines()[0].get_xdata()[0]
    assert 0.5 < start < 0.7
    (text,) = axes.texts
    assert text.get_text().split() == ["fewer", "than", "5", "background", "examples", "pass"]
    assert text.get_position()[0] == pytest.approx(start / 2)


@pytest.mark.parametrize(("elements", "n_points"), [([], 0), ([5, 5, 5], 1), ([3, 5, 5, 7], 3)])
def test_groups_are_drawn_however_few_sizes_there_are(elements, n_points, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (drawn.append(self), path.touch()))
    f1 = np.linspace(0.2, 1, len(elements))
    label = np.zeros(len(elements), int)
    plots.groups_by_size(tmp_path / "f1.png", np.array(elements, int), f1, label, ("all",), np.ones(len(elements)))
    points = [line.get_xdata() for line in drawn[0].axes[0].lines if line.get_marker() == "o"]
    assert sum(map(len, points)) == n_points

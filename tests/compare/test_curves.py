"""A metric along a key or along another metric: which runs are a curve, and what it is called."""

import numpy as np
import pytest
from matplotlib.axes import Axes

from hepexp.cli.compare import main
from hepexp.compare.axis import Axis
from hepexp.compare.curves import curves, frontier
from hepexp.compare.groups import group
from hepexp.errors import ConfigError, DataError
from hepexp.metric import OTHERWISE
from tests.compare.runs import run, scores

WEIGHTS = "pretrain/2026-01-02_03-04-05_teacher/checkpoints/best.ckpt"


def of(root, n_train, seed, separation, weights=None, width=8, **metrics):
    """A run of so many training jets; a small split has more epochs."""
    name = f"{n_train}_{seed}_{separation}_{width}"
    settings = {"weights": weights, "width": width} | ({"head": "new"} if weights else {})
    lengths = {"min_steps": 1000, "max_epochs": 60_000 // n_train, "patience": 10}
    record = run(root, name, scores(separation, seed), seed, settings=settings, trainer=lengths, **metrics)
    config = record.folder.config
    config["dataset"] = {"n_train": n_train}
    record.folder.write_yaml("config.yaml", config)
    return type(record)(record.folder)


@pytest.fixture
def study(tmp_path):
    """Two settings at two sizes, two seeds each."""
    return [
        of(tmp_path, n, seed, separation, weights)
        for separation, weights in ((1.0, None), (2.0, WEIGHTS))
        for n in (2000, 500)
        for seed in (1, 2)
    ]


def test_a_curve_is_a_setting_along_the_key_whatever_its_length_in_epochs(study):
    axis = Axis.named("n_train", study)
    assert (axis.name, axis.heading) == ("dataset.n_train", "training examples")
    scratch, tuned = curves(group(study), axis)
    assert (scratch.name, tuned.name) == ("model.weights=null", "model.weights=teacher")
    assert [axis.of(point)[0] for point in tuned.groups] == [500, 2000]
    assert [point.name for point in tuned.groups] == [f"model.weights=teacher n_train={n}" for n in (500, 2000)]
    assert all(point.seeds == [1, 2] for point in tuned.groups)


def test_settings_are_points_along_their_cost_in_its_order(tmp_path, monkeypatch):
    records = [of(tmp_path, 500, 1, width / 8, width=width, **{"model/flops": 1000 * width}) for width in (16, 8)]
    axis, groups = Axis.named("flops", records), group(records)
    assert axis.name == "model/flops"
    assert [axis.of(point)[0] for curve in curves(groups, axis) for point in curve.groups] == [8000, 16000]
    assert [curve.name for curve in curves(groups, axis)] == ["model.width=8", "model.width=16"]
    monkeypatch.setattr("hepexp.compare.curves.COLOURS", ["black"])  # fewer than settings: one for each model
    assert [curve.name for curve in curves(groups, axis)] == ["pfn"]


def test_what_is_no_number_or_no_key_is_one_line(study, tmp_path):
    with pytest.raises(ConfigError, match=r"--x 'n_trains' is neither a key nor .*; did you mean n_train\?"):
        Axis.named("n_trains", study)
    costly = of(tmp_path, 500, 5, 1.0, **{"model/flops": 1000})
    with pytest.raises(ConfigError, match=r"--x 'flop' is .*; did you mean flops\?"):
        Axis.named("flop", [costly])
    lacking = [*study[:1], of(tmp_path, 500, 4, 1.0, width=None)]
    with pytest.raises(ConfigError, match=r"--x model.width needs numbers, got null in .*width=null"):
        curves(group(lacking), Axis.named("model.width", lacking))
    for words, said in ((["--y", "auc"], "--y needs --x"), (["--x", "lr", "--columns", "auc"], "--columns has no")):
        with pytest.raises(ConfigError, match=said):
            main(words)


def test_the_figure_and_the_table_have_the_mean_and_spread_over_seeds(study, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    drawn, plot = [], Axes.plot

    def noted(self, x, y, *args, **known):
        drawn.append((x, y, known))
        return plot(self, x, y, *args, **known)

    monkeypatch.setattr(Axes, "plot", noted)
    figure = tmp_path / "auc.png"
    words = ["tests", "--x", "n_train", "--y", "auc", "--plot", str(figure), "--bootstrap", "20", "--format", "csv"]
    assert main(words) == 0
    assert figure.stat().st_size > 10_000
    (x, y, known), _ = drawn
    aucs = {n: [r.metrics["test/auc"] for r in study if r.config["dataset.n_train"] == n][:2] for n in (500, 2000)}
    assert x.tolist() == [500, 2000]
    assert y == pytest.approx([np.mean(aucs[500]), np.mean(aucs[2000])])
    assert known["label"] == "model.weights=null"
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(",")[0] for row in rows[1:5]] == [
        f"model.weights={weights} n_train={n}" for weights in ("null", "teacher") for n in (500, 2000)
    ]
    words = [
        "tests",
        "--x",
        "parameters",
        "--y",
        "rejection_0.3",
        "--plot",
        str(tmp_path / "b.pdf"),
        "--bootstrap",
        "9",
    ]
    assert main(words) == 0  # error bars, one x for all


def test_weights_of_the_same_name_are_told_apart_by_the_time_of_their_runs(tmp_path):
    other = WEIGHTS.replace("03-04-05", "09-00-00")
    records = [of(tmp_path, 500, 1, i + 1, weights) for i, weights in enumerate((WEIGHTS, other, "published.pt"))]
    assert [found.name for found in group(records)] == [
        "model.weights=2026-01-02_03-04-05_teacher",
        "model.weights=2026-01-02_09-00-00_teacher",
        "model.weights=published.pt",
    ]


def test_the_frontier_is_what_no_other_point_beats():
    cost, auc = np.array([4.0, 1.0, 2.0, 3.0, 4.0]), np.array([0.90, 0.80, 0.85, 0.84, 0.95])
    assert frontier(cost, auc, "model/flops", "test/auc").tolist() == [1, 2, 4]
    assert frontier(-cost, auc, "train/examples_per_second", "test/auc").tolist() == [1, 2, 4]
    assert frontier(cost, -auc, "model/flops", "test/loss").tolist() == [1, 2, 4]
    assert frontier(cost, auc, "train/epochs", "test/auc").size == 0  # more of them is neither better nor worse


def test_a_frontier_is_drawn_over_the_runs_that_were_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    for width, time in ((8, 0.5), (16, 5.0), (32, 50.0)):
        figures = {"model/flops": 1000 * width, "model/latency_1": time, "model/multiplicity": 42}
        of(tmp_path, 500, 1, width / 8, width=width, **figures)
    of(tmp_path, 500, 1, 0.5, width=4)  # of an older version
    drawn, plot = {}, Axes.plot

    def noted(self, x, y, *args, **known):
        drawn[known.get("label")] = x
        drawn["x label"] = self
        return plot(self, x, y, *args, **known)

    monkeypatch.setattr(Axes, "plot", noted)
    words = ["tests", "--x", "latency_1", "--y", "auc", "--plot", str(tmp_path / "a.png"), "--bootstrap", "9"]
    assert main(words) == 0
    assert drawn["frontier"].tolist() == [0.5, 5.0, 50.0, 50.0]
    assert drawn["x label"].get_xlabel() == "CPU ms/example, batch 1, multiplicity 42"
    assert "left out model.width=4: no value of model/latency_1" in capsys.readouterr().err
    assert main(["tests", "--columns", "flops,latency_1", "--format", "csv", "--bootstrap", "9"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.startswith("setting,runs,seeds,model/flops,model/flops_err,model/latency_1,")
    assert len(rows) == 4


def test_a_cost_measured_under_other_conditions_has_no_place_and_a_table_says_which(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    note = {"model/latency_512_note": f"{OTHERWISE} 8, as 512 take too long beside this short training"}
    for width, own in ((8, {}), (16, note), (32, {})):
        of(tmp_path, 500, 1, width / 8, width=width, **{"model/flops": width, "model/latency_512": 1 / width, **own})
    words = ["tests", "--bootstrap", "9", "--format", "csv"]
    for along in (
        ["--x", "latency_512"],
        ["--x", "flops", "--y", "latency_512"],
        ["--x", "model.width", "--y", "latency_512"],
    ):
        assert main([*words, *along]) == 0
        said = capsys.readouterr()
        assert "left out model.width=16: model/latency_512 was measured in batches of 8, as 512 take" in said.err
        assert len(said.out.splitlines()) == 3  # two settings below the header
    assert main(["tests", "--bootstrap", "9", "--columns", "latency_512"]) == 0
    below = " ".join(capsys.readouterr().out.split())
    assert (
        "batch 512: measured in batches of 8, as 512 take too long beside this short training (model.width=16)" in below
    )
    for width in (8, 32):
        of(tmp_path, 500, 1, width / 8, width=width, **{"model/latency_512": 1 / width, **note})
    with pytest.raises(DataError, match="no run has a place along --x latency_512"):
        main([*words, "--x", "latency_512"])


def test_values_without_an_error_and_lower_bounds_do_not_define_a_frontier(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    found = {
        8: {"test/rejection_0.3": 20.0, "test/rejection_0.3_err": 3.0},
        16: {
            "test/rejection_0.3": 115.0,
            "test/rejection_0.3_err": None,
            "test/rejection_0.3_note": "1 of 115 pass; no error: x",
        },
        24: {"test/rejection_0.3": None, "test/rejection_0.3_err": None, "test/rejection_0.3_bound": 38.0},
        32: {"test/rejection_0.3": 40.0, "test/rejection_0.3_err": 5.0},
    }
    for width, figures in found.items():
        of(tmp_path, 500, 1, width / 16, width=width, **{"model/flops": 1000 * width, **figures})
    drawn, plot = {}, Axes.plot

    def noted(self, x, y, *args, **known):
        drawn[known.get("label")] = list(y)
        return plot(self, x, y, *args, **known)

    monkeypatch.setattr(Axes, "plot", noted)
    words = ["tests", "--x", "flops", "--y", "rejection_0.3", "--plot", str(tmp_path / "a.png"), "--bootstrap", "9"]
    assert main(words) == 0
    assert drawn["frontier"] == [20, 40, 40]
    said = capsys.readouterr()
    assert "not on the frontier: model.width=16: 1 of 115 pass; no error: x" in said.err
    assert "not on the frontier: model.width=24: a lower bound of 1/εB (εS=0.3) is no value" in said.err
    assert "1/εB (εS=0.3): 1 of 115 pass; no error: x (model.width=16)" in " ".join(said.out.split())

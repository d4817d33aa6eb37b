"""The pages of `hepexp ui`, as a real browser shows them: runs side by side, curves, figures, descriptions."""

import json
import re
import signal
import socket
import subprocess
from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.image import imread
from mlflow.tracking import MlflowClient

from hepexp.cli import ui
from hepexp.evaluation.plots import roc
from hepexp.learning.description import description, run_name
from hepexp.tracking import series, view
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder
from tests import browser
from tests.commands.shell import command

pytestmark = pytest.mark.skipif(browser.program() is None, reason=f"no browser on PATH: {', '.join(browser.NAMES)}")
CURVE = [0.71, 0.83, 0.79]  # of val/auc; the best epoch is not the last one
AUC = {"pfn": 0.8123, "cnn": 0.7456, "resnet15": 0.7789}
# what the charts draw: title, kind, and the values of a bar, or epochs and values of a curve
CHARTS = """[...document.querySelectorAll('[data-testid="experiment-view-compare-runs-card"]')].map(card => {
    const drawn = card.querySelector('.js-plotly-plot')?.data?.[0];
    const axes = drawn?.type == 'bar' ? [drawn.x] : [drawn?.x, drawn?.y];
    return [card.innerText.split('\\n')[0], drawn?.type, ...axes.map(values => [...(values || [])])];
})"""


@dataclass
class Site:
    """A server with runs, and a browser.

    Parameters
    ----------
    table : address of the table of runs that `hepexp ui` prints.
    runs : id of each model's run.
    """

    page: browser.Browser
    address: str
    table: str
    runs: dict[str, str]
    folder: RunFolder

    def run_page(self, model: str, tab: str = "") -> None:
        self.page.open(f"{self.address}/#/experiments/1/runs/{self.runs[model]}{tab}")


def record(model: str, seed: int, parent: str | None = None) -> tuple[RunFolder, str]:
    """What a training leaves in its folder and in MLflow, without the training."""
    overrides = [f"model={model}", "dataset=qg", f"seed={seed}"]
    folder = RunFolder.create("study", f"{model}_qg")
    folder.write_yaml("config.yaml", {"choices": {}, "expected": {"exact": {"test/auc": 0.9}}})
    folder.write_yaml("overrides.yaml", overrides)
    metrics = {"test/auc": AUC[model], "test/auc_err": 0.0042, "val/auc": max(CURVE), "train/seconds": 2.5}
    folder.write_json("metrics.json", metrics)
    label = np.arange(400) % 2
    scores = np.clip(label * 0.2 + np.random.default_rng(seed).random(400) * 0.8, 0, 1)
    roc(folder.plots / "roc.png", np.stack([1 - scores, scores], axis=1), label, n_bootstrap=10)
    params = {"model": {"name": model}, "dataset": {"name": "qg"}, "seed": seed, "optimizer": {"lr": 0.001}}
    run = MlflowRun.start(
        "study", run_name(f"{model}_qg", overrides), params, {"mlflow.parentRunId": parent}, folder.path
    )
    run.log_dataset("qg", {"source": "mini"})
    for epoch, value in enumerate(CURVE):
        run.log_metrics(series.of_epoch({"epoch": epoch, "val/auc": value, "train/seconds": 0.8}), epoch)
    run.log_metrics(series.of_run(metrics))
    run.describe(description(folder))
    run.finish("FINISHED")
    return folder, run.run_id


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    home = tmp_path_factory.mktemp("ui")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPEXP_RUNS_DIR", str(home / "runs"))
        (home / "runs" / "sweeps" / "search").mkdir(parents=True)
        parent = MlflowRun.start("study", "search", {}, {"kind": "sweep"}, home / "runs" / "sweeps" / "search")
        record("resnet15", 9, parent.run_id)
        parent.finish("FINISHED")
        made = {model: record(model, seed) for seed, model in enumerate(AUC, 1)}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen(**command(home, "ui", "--port", str(port)), stdout=subprocess.PIPE) as server:
        try:
            address = re.search(r"http://[^/]+", server.stdout.readline())[0]
            table = re.fullmatch(r" +study +(http://\S+)\n", server.stdout.readline())[1]
            with browser.Browser(home / "profile", width=3200, height=3000) as page:
                yield Site(page, address, table, {m: run_id for m, (_, run_id) in made.items()}, made["pfn"][0])
        finally:
            server.send_signal(signal.SIGTERM)


def test_the_printed_address_shows_names_settings_and_figures(site):
    site.page.open(site.table)
    site.page.wait_for_text("pfn_qg seed=1", "cnn_qg seed=2", "resnet15_qg seed=3")
    site.page.wait_for_text("model.name", "optimizer.lr", "test/auc", "best/val/auc", "0.8123", "0.7456")
    site.page.wait_for_text("Dataset", "Description")
    assert "test/knn_auc" not in site.page.text()  # no run has it


def test_experiments_without_runs_get_no_view_and_are_not_offered(site):
    server = MlflowClient(site.address)
    empty = server.create_experiment("empty")
    assert [experiment.name for experiment in ui._experiments(site.address)] == ["study"]
    assert view.TAG not in server.get_experiment(empty).tags


def test_a_trial_is_below_its_sweep(site):
    site.page.open(site.table)
    site.page.wait_for_text("search")
    assert "resnet15_qg seed=9" not in site.page.text()
    site.page.wait_for("""[...document.querySelectorAll('[col-id="attributes.`Run Name`"] button')].length""")
    site.page.value("""document.querySelector('[col-id="attributes.`Run Name`"] button').click()""")
    site.page.wait_for_text("resnet15_qg seed=9")


def test_a_filter_leaves_the_runs_of_one_model(site):
    site.page.open(f"{site.table.split('&')[0]}&searchFilter=params.model.name%20%3D%20%27cnn%27")
    site.page.wait_for_text("1 matching run", "cnn_qg seed=2")
    assert "pfn_qg" not in site.page.text()


def test_three_runs_stand_beside_each_other(site):
    runs = json.dumps(list(site.runs.values()), separators=(",", ":")).replace('"', "%22")
    site.page.open(f"{site.address}/#/compare-runs?runs={runs}&experiments=[%221%22]")
    site.page.wait_for_text("Comparing 3 Runs", "pfn_qg seed=1", "cnn_qg seed=2", "resnet15_qg seed=3")
    site.page.wait_for_text("model.name", "test/auc", "best/val/auc")
    text = site.page.text()
    assert re.search(r"\nmodel\.name\s+pfn\s+cnn\s+resnet15\n", text)
    assert re.search(r"\nseed\s+1\s+2\s+3\n", text)
    shown = text.partition("\nbest/val/auc\n")[2].partition("\nArtifacts\n")[0]  # names, then values row by row
    assert re.search(r"\n0.812\s+0.746\s+0.779\n", shown)


def test_epochs_are_a_curve_and_final_figures_are_bars(site):
    site.run_page("pfn", "/model-metrics")
    site.page.wait_for(f"(charts => charts.length == 5 && charts.every(chart => chart[1]))({CHARTS})")
    assert site.page.value(CHARTS) == [
        ["auc", "bar", [0.83]],  # best/val
        ["auc", "bar", [0.8123]],  # test
        ["auc_err", "bar", [0.0042]],
        ["seconds", "bar", [2.5]],  # train
        ["auc", "scatter", [0, 1, 2], CURVE],  # val: three epochs, and no fourth point
    ]
    assert site.page.value("document.querySelector('.js-plotly-plot .scatterlayer path.js-line').getTotalLength()") > 0


def test_a_figure_is_shown_among_the_artifacts(site):
    site.run_page("pfn", "/artifacts/plots/roc.png")
    width = site.page.wait_for("[...document.querySelectorAll('img')].map(i => i.naturalWidth).find(w => w > 300)")
    assert width == imread(site.folder.plots / "roc.png").shape[1]


def test_a_run_says_its_command_and_its_figures_beside_the_published_ones(site):
    site.run_page("pfn")
    site.page.wait_for_text("hepexp train model=pfn dataset=qg seed=1", site.folder.path.name)
    rows = "[...document.querySelectorAll('tr')].map(row => row.innerText.split(/\\s*\\t\\s*/))"
    shown = site.page.wait_for(f"{rows}.find(row => row[0] == 'test/auc')")
    assert shown == ["test/auc", "0.8123 ± 0.0042", "0.9000 exact", "-0.0877"]

"""-m: one failing job does not stop the others, the table says what became of each, and the rest can be run again."""

import csv
import json
import sqlite3

import pytest

from tests.commands.shell import SMALL, hepexp, one_line, started

TINY = (*SMALL, "trainer.max_epochs=1", "dataset.n_train=256")


def reports(folder):
    (multirun,) = folder.glob("runs/hepexp/*_multirun")
    return multirun, [json.loads(file.read_text()) for file in sorted(multirun.glob("job_*.json"))]


def test_a_failing_job_does_not_stop_the_others_and_is_run_again(tmp_path):
    # the second job asks for more jets than there are, which only the data can say
    result = hepexp(tmp_path, "train", "-m", *TINY, "optimizer.lr=1e-3,1e30,2e-3", "trainer.gradient_clip=null")
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    multirun, jobs = reports(tmp_path)
    assert [job["status"] for job in jobs] == ["FINISHED", "FAILED", "FINISHED"]
    assert "diverged" in jobs[1]["error"]
    assert jobs[2]["metrics"]["test/auc"] > 0.5
    assert "FAILED" in result.stdout
    assert f"--rerun-failed {multirun}" in result.stdout
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as store:
        statuses = [row for (row,) in store.execute("select status from runs order by start_time")]
    assert statuses == ["FINISHED", "FAILED", "FINISHED"]

    again = hepexp(tmp_path, "train", "-m", "--rerun-failed", str(multirun))
    assert again.returncode == 1
    folders = sorted(tmp_path.glob("runs/hepexp/*_multirun*"))
    (second,) = [other for other in folders if other != multirun]
    assert json.loads((second / "jobs.json").read_text()) == [jobs[1]["overrides"]]
    (report,) = second.glob("job_*.json")
    assert "diverged" in json.loads(report.read_text())["error"]  # it did run


def test_joblib_runs_jobs_side_by_side(tmp_path):
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    result = started(tmp_path, "train", "-m", *TINY, "seed=1,2", *launcher)
    assert result.returncode == 0, result.stderr
    _, jobs = reports(tmp_path)
    assert [job["status"] for job in jobs] == ["FINISHED", "FINISHED"]
    assert len({job["run"] for job in jobs}) == 2
    assert jobs[0]["metrics"]["test/auc"] != jobs[1]["metrics"]["test/auc"]


def test_submitit_runs_jobs(tmp_path):
    launcher = ("hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5")
    result = started(tmp_path, "train", "-m", *TINY, "seed=1,2", *launcher)
    assert result.returncode == 0, result.stderr
    assert [job["status"] for job in reports(tmp_path)[1]] == ["FINISHED", "FINISHED"]


def test_no_such_multirun_is_one_line(tmp_path):
    assert "no multirun" in one_line(hepexp(tmp_path, "train", "-m", "--rerun-failed", "nowhere"), 2)


def test_seeds_are_a_multirun_with_one_row_of_means(tmp_path):
    result = hepexp(tmp_path, "train", "seeds=2", *SMALL, "trainer.max_epochs=1")
    assert result.returncode == 0, result.stderr
    assert "standard deviation over seeds" in result.stdout
    (file,) = (tmp_path / "runs").glob("*/*_multirun/aggregated.csv")
    (row,) = csv.DictReader(file.read_text().splitlines())
    runs = [json.loads(f.read_text())["metrics"]["test/auc"] for f in file.parent.glob("job_*.json")]
    assert row["seeds"] == "1 2"
    assert float(row["test/auc"]) == pytest.approx(sum(runs) / 2)

    compared = hepexp(tmp_path, "compare", str(file.parent), "--format", "csv", "--columns", "auc")
    assert compared.returncode == 0, compared.stderr
    (again,) = csv.DictReader(compared.stdout.splitlines())
    assert again["test/auc"] == row["test/auc"]
    assert "did you mean test/auc" in one_line(hepexp(tmp_path, "compare", "--columns", "test/acu"), 2)


@pytest.mark.parametrize(
    ("words", "said"), [(["seeds=0"], "seeds must be a number"), (["seeds=2", "seed=1"], "leave out seed=1")]
)
def test_seeds_that_make_no_sense_are_refused(tmp_path, words, said):
    assert said in one_line(hepexp(tmp_path, "train", *words), 2)

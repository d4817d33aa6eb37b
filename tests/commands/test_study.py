"""hepexp study: skips what is done, resumes what was interrupted, retries what failed, and tabulates all of it."""

import csv
import json
import shutil
import signal
import statistics
import subprocess
import time

import pytest

from hepexp.cli.main import main
from hepexp.learning import experiment
from hepexp.learning.callbacks.history import History
from tests.commands.shell import SMALL, command, started
from tests.commands.test_resume import TIMINGS

TINY = [word for word in SMALL if not word.startswith("model=")]
TINY += ["trainer.max_epochs=1", "dataset.n_train=100", "dataset.n_val=60", "dataset.n_test=60"]
MINE = """\
# A study of mine.
# hepexp study mine
_target_: hepexp.study.options.StudyOptions
base: {base}
settings:
  slow: model=pfn optimizer.lr=1e-4
  fast: model=pfn optimizer.lr={lr}
axes:
  dataset.n_train: [64, 128]
seeds: {seeds}
columns: [auc, parameters]
against: slow
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def study(home, monkeypatch):
    """One runs folder for all, as it takes long to make a store; of the studies each test has its own."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(home / "runs"))
    monkeypatch.chdir(home)
    for name in ("runs/studies", "conf"):
        shutil.rmtree(home / name, ignore_errors=True)
    (home / "conf" / "study").mkdir(parents=True)

    def run(*words: str, lr: float = 1e-2, seeds: int = 1, base: str = " ".join(TINY)) -> int:
        (home / "conf" / "study" / "mine.yaml").write_text(MINE.format(lr=lr, seeds=seeds, base=base))
        return main(["study", "mine", "--config-dir", "conf", *words])

    run.folder = home / "runs" / "studies" / "mine"
    return run


@pytest.fixture
def trained(monkeypatch):
    """The overrides of every training that begins."""
    words, whole = [], experiment.train

    def note(config, overrides, watcher=None):
        words.append(overrides)
        return whole(config, overrides, watcher)

    monkeypatch.setattr(experiment, "train", note)
    return words


def rows(folder, name):
    return list(csv.DictReader((folder / name).read_text().splitlines()))


def figures(folder):
    """All figures of all runs but their timings, by their commands."""
    found = {}
    for row in rows(folder, "runs.csv"):
        metrics = json.loads((folder.parents[1] / row["run"] / "metrics.json").read_text())
        found[row["command"]] = {key: value for key, value in metrics.items() if key not in TIMINGS}
    return found


def test_a_study_is_run_once_and_grows(study, trained, monkeypatch, capsys):
    assert study() == 0
    assert len(trained) == 4
    first = rows(study.folder, "table.csv")
    assert [row["setting"] for row in first] == [
        "slow n_train=64",
        "slow n_train=128",
        "fast n_train=64",
        "fast n_train=128",
    ]
    assert (study.folder / "figure.png").stat().st_size > 10_000
    assert "relative to slow at the same n_train" in (study.folder / "table.md").read_text()
    before = figures(study.folder)

    capsys.readouterr()
    assert study() == 0  # all done: only the table is made
    assert len(trained) == 4
    assert "slow n_train=64" in capsys.readouterr().out
    monkeypatch.setattr("hepexp.cli.study.MOST_SHOWN", 0)
    assert study() == 0
    said = capsys.readouterr()
    assert not said.out
    assert "table.md has 1 table" in said.err
    assert rows(study.folder, "table.csv") == first

    assert study("seeds=2") == 0
    assert [words[-1] for words in trained[4:]] == ["seed=2"] * 4
    assert before.items() <= figures(study.folder).items()
    for row in rows(study.folder, "table.csv"):
        setting, _, n = row["setting"].partition(" n_train=")
        lr = {"slow": "1e-4", "fast": "0.01"}[setting]
        own = [m["test/auc"] for c, m in figures(study.folder).items() if f"lr={lr}" in c and f"n_train={n} " in c]
        assert row["seeds"] == "1 2"
        assert float(row["test/auc"]) == pytest.approx(statistics.mean(own))
        assert float(row["test/auc_err"]) == pytest.approx(statistics.stdev(own))
    # the difference is that between the means at the same size
    of = {row["setting"]: float(row["test/auc"]) for row in rows(study.folder, "table.csv")}
    for row in rows(study.folder, "table.csv"):
        n = row["setting"].partition(" ")[2]
        assert float(row["test/auc_difference"]) == pytest.approx(of[row["setting"]] - of[f"slow {n}"])
    capsys.readouterr()

    assert study("dataset.n_train=64", "--dry-run") == 0  # other overrides: other runs, none of them done
    said = capsys.readouterr()
    assert said.out.count("hepexp train --config-dir conf experiment=mine") == said.out.count("\n") == 2
    assert "2 to begin" in said.err
    assert study("--dry-run", "seeds=3") == 0
    said = capsys.readouterr()
    assert said.out.count("# done: hepexp train") == 8
    assert "12 runs, 8 done, 4 to begin" in said.err


def test_settings_that_have_changed_are_trained_anew(study, trained, capsys):
    (study.folder.parents[2] / "conf" / "optimizer").mkdir()
    optimizer = study.folder.parents[2] / "conf" / "optimizer" / "own.yaml"
    node = "# Mine.\n# hepexp train optimizer=own\n_target_: hepexp.learning.optimizers.Adam\nlr: {lr}\n"
    base = " ".join([*TINY, "optimizer=own"])
    optimizer.write_text(node.format(lr=1e-3))
    assert study("dataset.n_train=64", base=base) == 0
    optimizer.write_text(node.format(lr=1e-3) + "betas: [0.8, 0.9]\n")
    capsys.readouterr()
    assert study("dataset.n_train=64", base=base) == 0
    assert len(trained) == 4
    assert "2 runs were made with other values of optimizer.betas, and are done again" in capsys.readouterr().err


def test_a_failed_run_does_not_stop_the_others_and_is_retried(study, trained, capsys):
    broken = " ".join([*TINY, "trainer.gradient_clip=null"])
    assert study("dataset.n_train=128", lr=1e30, base=broken) == 1
    folder = next((study.folder.parent).glob("mine,*"))
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert [row["status"] for row in rows(folder, "runs.csv")] == ["FINISHED", "FAILED"]
    assert [row["setting"] for row in rows(folder, "table.csv")] == ["slow"]
    assert "1 of 2 runs are missing: fast seed=1: failed," in (folder / "table.md").read_text()
    assert "again: hepexp study mine --config-dir conf dataset.n_train=128" in said.err
    assert study("dataset.n_train=128", lr=1e30, base=broken) == 1  # tried again
    assert len(trained) == 3
    assert study("dataset.n_train=128", lr=1e-3, base=broken) == 0  # mended in the file
    assert len(trained) == 4
    assert {row["status"] for row in rows(folder, "runs.csv")} == {"FINISHED"}


def test_a_study_that_is_interrupted_is_resumed_to_the_same_digits(study, trained, monkeypatch, capsys):
    words = ("dataset.n_train=96", "trainer.max_epochs=2")
    assert study(*words) == 0
    folder = next(study.folder.parent.glob("mine,*"))
    whole = figures(folder)
    shutil.rmtree(folder)

    ended, calls = History.on_validation_start, []

    def interrupt(self, trainer, module):
        ended(self, trainer, module)
        calls.append(trainer.current_epoch)
        if len(calls) == 4:  # in the second run: its first epoch is validated after the sanity check, if any
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(History, "on_validation_start", interrupt)
    capsys.readouterr()
    assert study(*words) == 130
    assert "resume with: hepexp study mine" in capsys.readouterr().err
    assert study("--dry-run", *words) == 0
    assert "1 to resume" in capsys.readouterr().err
    begun = len(trained)
    assert study(*words) == 0
    assert len(trained) == begun  # the first run was done, the second one was resumed
    assert figures(folder) == whole


def test_a_study_runs_once_at_a_time(study, capsys):
    from filelock import FileLock

    study.folder.mkdir(parents=True)
    with FileLock(study.folder / ".lock"):
        assert study() == 2
    assert "study mine is running already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["study", "top_tabel"], "unknown study 'top_tabel'; did you mean top_table?"),
        (["study", "model=pfn"], "which study? hepexp study NAME model=pfn"),
        (["study", "top_table", "--dry-rn"], "did you mean --dry-run?"),
        (["study", "top_table", "-j", "0"], "must be a whole number >= 1"),
        (["study", "top_table", "-j", "100000"], "is more than"),
        (["study", "top_table", "-j", "2", "hydra/launcher=joblib"], "leave it out, or hydra/launcher=joblib"),
        (["train", "study=top_table"], "study is for hepexp study"),
    ],
)
def test_a_wrong_request_gets_one_line(study, capsys, words, said):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_wrong_key_of_a_file_gets_the_closest_match(study, home, capsys):
    study("--dry-run")
    file = home / "conf" / "study" / "mine.yaml"
    file.write_text(file.read_text().replace("settings:", "setings:"))
    capsys.readouterr()
    assert main(["study", "mine", "--config-dir", "conf"]) == 2
    assert "study.setings is not an option of mine; did you mean settings?" in capsys.readouterr().err


def test_every_run_refused_is_one_line_and_leaves_nothing(study, capsys):
    assert study("dataset.n_train=64", "trainer.accelerator=gpu", "trainer.devices=64") == 2
    assert "was refused before it began" in capsys.readouterr().err.splitlines()[-1]


def test_studies_are_listed(study, capsys):
    assert main(["study"]) == 0
    assert "top_table" in capsys.readouterr().out


def test_a_killed_study_is_resumed_by_two_processes(tmp_path):
    """SIGKILL leaves no time for a report: the folder of the run that had begun is known all the same."""
    (tmp_path / "conf" / "study").mkdir(parents=True)
    base = " ".join([*TINY, "dataset.n_train=5120", "trainer.checkpoint_minutes=0.001", "trainer.max_epochs=2"])
    text = MINE.format(lr=1e-3, seeds=1, base=base).replace("[64, 128]", "[5120]")
    (tmp_path / "conf" / "study" / "mine.yaml").write_text(text)
    words = ("study", "mine", "--config-dir", "conf")
    with subprocess.Popen(**command(tmp_path, *words), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        end = time.monotonic() + 120
        while not list(tmp_path.glob("runs/mine/*/checkpoints/last.ckpt")) and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    folder = tmp_path / "runs" / "studies" / "mine"
    assert json.loads((folder / "job_0.json").read_text())["status"] == "LOST"
    done = started(tmp_path, *words, "-j", "2")
    assert done.returncode == 0, done.stderr
    assert "slow seed=1, resumed" in done.stderr
    assert len(list(tmp_path.glob("runs/mine/*/metrics.json"))) == 2  # no third run
    assert any("resumed from" in file.read_text() for file in tmp_path.glob("runs/mine/*/log.txt"))
    assert "test/auc" in (folder / "job_0.log").read_text()  # what the run printed

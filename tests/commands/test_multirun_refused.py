"""A multirun of which no job can begin leaves nothing."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hepexp.cli import hydra_app, multirun
from hepexp.cli.main import main
from hepexp.config.grammar import parse
from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.multirun import FAILED, MultirunJob
from tests.commands.shell import SMALL


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_a_value_that_every_job_refuses_leaves_no_folder(runs, capfd):
    assert main(["train", "-m", *SMALL, "seed=1,2", "optimizer.lr=-1"]) == 2
    said = capfd.readouterr()
    assert "job 1: optimizer.lr must be > 0, got -1" in said.out
    assert "--rerun-failed" not in said.out
    assert not list(runs.iterdir())


def test_values_that_the_launcher_refuses_leave_no_folder(runs, capfd):
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=0")
    assert main(["train", "-m", *SMALL, "seed=1,2", *launcher]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("hepexp: error: the launcher of the jobs failed: n_jobs == 0")
    assert not list(runs.iterdir())


@pytest.mark.parametrize(
    ("begins", "error", "refused"),
    [(False, ConfigError("a"), True), (True, ConfigError("a"), False), (False, HepexpError("a"), False)],
)
def test_only_a_job_that_was_refused_before_it_began_leaves_nothing(tmp_path, begins, error, refused):
    def train(config, started):
        if begins:
            started("run")
        raise error

    folder = tmp_path / "e" / "multirun"
    folder.mkdir(parents=True)
    code = multirun._launch(
        folder, [["seed=1"]], lambda: multirun.attempt(folder, 0, ["seed=1"], lambda started: train(None, started))
    )
    assert (code, folder.exists()) == ((2, False) if refused else (1, True))


def test_one_job_that_began_keeps_the_folder(tmp_path):
    folder = tmp_path / "e" / "multirun"
    folder.mkdir(parents=True)
    jobs = [MultirunJob(0, ["seed=1"], FAILED, error="a", refused=True), MultirunJob(1, ["seed=2"], FAILED, error="b")]
    assert multirun._launch(folder, [job.overrides for job in jobs], lambda: [job.write(folder) for job in jobs]) == 1
    assert (folder / "jobs.json").is_file()


@pytest.mark.parametrize("name", ["a,b (c)", "it's", "x=${y}", "back\\slash", "[1]"])
def test_a_folder_of_any_name_reaches_hydra(name):
    mode, place = parse(hydra_app._multirun_in(Path("/tmp") / name))
    assert (mode.value(), place.key_or_group) == ("MULTIRUN", "hydra.sweep.dir")
    assert OmegaConf.create({"dir": place.value()}).dir == f"/tmp/{name}"

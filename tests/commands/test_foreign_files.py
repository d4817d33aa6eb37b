"""Run folders, configurations and sweeps of strangers: whatever they hold, nothing in them runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from hepexp.cli.main import main
from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.learning.experiment import freeze

CALL = {"_target_": "torch.utils.collect_env.run", "command": "touch called"}
LOGGING = {"version": 1, "handlers": {"x": {"()": "os.system", "command": "touch called"}}, "root": {"handlers": ["x"]}}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", "runs")
    monkeypatch.setenv("SECRET", "do-not-tell")
    return tmp_path


@pytest.fixture(scope="module")
def recorded():
    """The plain config of a run."""
    config = compose(read(["model=pfn", "data=qg", "trainer=quick"]))
    return OmegaConf.to_container(freeze(config, config.hydra.runtime.choices))


def run_folder(config: dict | str) -> str:
    folder = Path("foreign")
    folder.mkdir()
    (folder / "config.yaml").write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    for name, content in {"metrics.json": {"test/auc": 0.9}, "environment.json": {}}.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "overrides.yaml").write_text("[]\n")
    return str(folder)


def refused(capsys, *words: str) -> str:
    """The one line of a command that is refused and has called nothing."""
    assert main([*words]) in (1, 2)
    error = capsys.readouterr().err
    assert not Path("called").exists()
    assert "do-not-tell" not in error
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    return lines[0]


READERS = [
    ["evaluate", "foreign"],
    ["predict", "foreign", "--input", "x.npz", "--out", "o.parquet"],
    ["train", "--resume", "foreign"],
]


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_a_function_in_a_run_is_refused_by_every_reader(here, capsys, recorded, words):
    (here / "x.npz").touch()
    folder = run_folder({**recorded, "optimizer": {**recorded["optimizer"], "lr": CALL}})
    assert folder == "foreign"
    assert "optimizer.lr: expected a number, got _target_ torch.utils.collect_env.run" in refused(capsys, *words)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"optimizer": {"lr": CALL}}, "it has no _target_"),
        ({"model": CALL}, "model=pfn: _target_ torch.utils.collect_env.run is not allowed"),
        ({"model": {"_target_": "hepexp.cli.main.main", "args": []}}, "_target_ hepexp.cli.main.main is not a model"),
        ({"loss": {"_target_": "hepexp.models.pfn.PFN"}}, "_target_ hepexp.models.pfn.PFN is not a loss"),
        ({"dataset": None}, "dataset: choose an option first"),
        ({"dataset": CALL}, "dataset=qg: _target_ torch.utils.collect_env.run is not allowed"),
        ({"seed": CALL}, "seed: expected a plain value"),
        ({"name": "${oc.env:SECRET}"}, "name is '${oc.env:SECRET}'; a run's config holds values, not expressions"),
        ({"tags": {"a": ["b${oc.env:SECRET}"]}}, "tags.a.0 is"),
        ({"tags": {"${oc.env:SECRET}": 1}}, "a run's config holds values"),
        ({"name": "???"}, "name is '???'"),
    ],
)
def test_the_config_of_a_run_is_data(here, capsys, recorded, changed, said):
    run_folder({**recorded, **changed})
    message = refused(capsys, "evaluate", "foreign")
    assert said in message
    assert "foreign/config.yaml" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [1, 1]\nb: [*a, *a]\n", "an alias"),
        ("a: !!python/object/apply:os.system ['touch called']\n", "is not the config of a run"),
        ("a: ${oc.env:\n", "foreign/config.yaml"),
        ("- 1\n", "expected keys and values"),
        ("", "expected keys and values"),
        ("a: [1\n", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_config_is_refused(here, capsys, text, said):
    run_folder(text)
    assert said in refused(capsys, "evaluate", "foreign")


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "foreign"],
        ["predict", "foreign", "--input", "jets.parquet", "--out", "scores.parquet"],
        ["explain", "foreign"],
        ["check", "foreign"],
        ["export", "foreign"],
        ["train", "--resume", "foreign"],
    ],
    ids=lambda words: words[0],
)
def test_a_config_of_something_else_is_refused_by_every_verb(here, capsys, words):
    run_folder("a: 1\n")
    assert "is not the config of a run: it lacks choices" in refused(capsys, *words)


@pytest.mark.parametrize("verb", ["check", "explain"])
def test_nothing_is_written_or_removed_where_a_link_of_a_run_leads(here, capsys, recorded, verb):
    run_folder(recorded)
    mine = here / "mine" / "check_boosts.png"
    mine.parent.mkdir()
    mine.write_text("mine")
    Path("foreign", "plots").symlink_to(mine.parent)
    assert f"foreign/plots is a link to {mine.parent}, out of" in refused(capsys, verb, "foreign")
    assert [path.read_text() for path in mine.parent.iterdir()] == ["mine"]


def test_an_escape_hides_no_expression(here, capsys, recorded):
    run_folder(yaml.safe_dump(recorded).replace("name: pfn_qg", 'name: "\\x24{oc.env:SECRET}"'))
    assert "name is '${oc.env:SECRET}'" in refused(capsys, "evaluate", "foreign")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"optimizer": {"lr": CALL}}, "optimizer.lr: expected a number, got _target_"),
        ({"model": {"_target_": "torch.utils.collect_env.run"}}, "is not allowed"),
        ({"hydra": {"callbacks": {"x": CALL}}}, "hydra.callbacks.x._target_: expected one of Hydra's launchers"),
        (
            {"hydra": {"launcher": {"_target_": CALL["_target_"]}}},
            "hydra.launcher._target_: expected one of Hydra's launchers",
        ),
        ({"hydra": {"job": {"env_set": {"GIT_EXTERNAL_DIFF": "touch"}}}}, "hydra.job.env_set.GIT_EXTERNAL_DIFF is set"),
        ({"hydra": {"job_logging": LOGGING}}, "is set by a file"),
        ({"hydra": {"searchpath": ["file:///"]}}, "hydra"),
        ({"tags": {"a": "x${oc.env:SECRET}"}}, "tags.a is 'x${oc.env:SECRET}': a file must not record"),
        ({"tags": {"a": "${oc.${name}:SECRET}"}, "name": "env"}, "tags.a is"),
        ({"tags": {"a": CALL}}, "tags.a: expected a plain value"),
        ({"expected": {"test/auc": [CALL]}}, "expected.test/auc"),
    ],
)
@pytest.mark.parametrize("flag", [[], ["-m"]], ids=["one", "many"])
def test_a_task_of_somebody_else_runs_nothing(here, capsys, content, said, flag):
    (here / "conf" / "task").mkdir(parents=True)
    text = "# @package _global_\ndefaults:\n  - override /model: pfn\n"
    (here / "conf" / "task" / "nice.yaml").write_text(text + yaml.safe_dump(content))
    assert said in refused(capsys, "train", *flag, "--config-dir", "conf", "task=nice")
    assert not Path("runs").exists()


def test_what_hydra_does_may_be_typed(here, capsys):
    words = ["model=pfn", "+hydra.job.env_set.A=1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert compose(read(words)).hydra.job.env_set.A == "1"


def test_a_multirun_of_somebody_else_sets_no_key_of_hydra(here, capsys):
    (here / "jobs.json").write_text(json.dumps([["model=pfn", "++hydra.job_logging.root={}"]]))
    assert "a job must not set '++hydra.job_logging.root={}'" in refused(capsys, "train", "-m", "--rerun-failed", ".")
    (here / "jobs.json").write_text('[["model=pfn", {"a": 1}]]')
    assert "expected a list of overrides" in refused(capsys, "train", "-m", "--rerun-failed", ".")
    (here / "jobs.json").write_text('[["model=')
    assert "jobs.json is empty, truncated or damaged" in refused(capsys, "train", "-m", "--rerun-failed", ".")


@pytest.mark.parametrize("cluster", [{"slurm_setup": ["touch called"]}, {"partition": "gpu\ntouch called"}])
def test_a_sweep_of_somebody_else_puts_no_command_into_a_job(here, capsys, cluster):
    (here / "runs" / "sweeps" / "nice").mkdir(parents=True)
    jobs = {"launcher": "submitit_slurm", "cluster": cluster, "ids": ["1"], "folder": "."}
    (here / "runs" / "sweeps" / "nice" / "jobs.json").write_text(json.dumps(jobs))
    assert "which runs commands: type it again" in refused(capsys, "sweep", "--resume", "nice")


def test_processes_that_hepexp_starts_import_nothing_from_the_working_directory(here):
    """A folder of somebody else may hold a mlflow.py or a torch.py beside its runs."""
    (here / "mlflow.py").write_text("open('called', 'w')")
    code = (
        "import subprocess, sys; from hepexp.__main__ import run; sys.argv = ['hepexp', '--version']; run(); "
        "subprocess.run([sys.executable, '-c', 'import mlflow'], check=True)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True)
    assert not Path("called").exists()


def test_a_message_shows_no_control_characters(here, capsys):
    (here / "jobs.json").write_text(json.dumps([["model=pfn", "\x1b]0;title\x07x"]]))
    line = refused(capsys, "train", "-m", "--rerun-failed", ".")
    assert line.isprintable()
    assert "\\x1b]0;title\\x07x" in line


def test_a_task_sets_the_keys_of_the_run(here):
    (here / "conf" / "task").mkdir(parents=True)
    (here / "conf" / "task" / "mine.yaml").write_text("# @package _global_\nseed: 7\nname: mine\nexperiment: study\n")
    config = compose(read(["--config-dir=conf", "task=mine", "name=typed"]))
    assert (config.seed, config.name, config.experiment) == (7, "typed", "study")

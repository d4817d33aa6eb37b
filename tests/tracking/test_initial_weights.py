"""Weights of a run: the words that name a run become the file of its best checkpoint, once for all jobs."""

from hashlib import sha256

import pytest

from hepexp.errors import ConfigError
from hepexp.sweep.space import Dimension
from hepexp.tracking import initial_weights, registry
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.registry import Judgement
from hepexp.tracking.run_folder import RunFolder


@pytest.fixture
def run(existing_store):
    """A run with weights, in MLflow and registered as `tagger`."""
    folder = RunFolder.create("hepexp", "pfn")
    folder.write_yaml("config.yaml", {"seed": 1})
    folder.best.write_bytes(b"weights")
    run = MlflowRun.start("hepexp", "pfn", {"seed": 1}, {}, folder.path)
    run.finish("FINISHED")
    registry.register(run.client, run.run_id, "tagger", Judgement("val/auc", 0.9, "max", "qg mini"), run.insist)
    folder.point_latest()
    return folder


def test_every_name_of_a_run_is_its_best_checkpoint(run):
    names = ["latest", "models:/tagger@best", "models:/tagger/1", run.mlflow_run_id, run.label, str(run.path)]
    assert {initial_weights.file_of(name, "model.weights") for name in names} == {f"{run.label}/checkpoints/best.ckpt"}
    assert initial_weights.file_of("published.pt", "model.weights") == "published.pt"


def test_a_run_without_weights_is_refused(run):
    run.best.unlink()
    with pytest.raises(ConfigError, match=r"model.encoder.weights: hepexp/.*_pfn has no checkpoints/best.ckpt"):
        initial_weights.file_of("latest", "model.encoder.weights")
    with pytest.raises(ConfigError, match=r"model.weights: models:/tager@best: .*did you mean tagger\?"):
        initial_weights.file_of("models:/tager@best", "model.weights")


def test_jobs_of_a_multirun_take_the_run_that_was_latest_when_it_began(run):
    file = f"{run.label}/checkpoints/best.ckpt"
    words = ["model=pfn", "model.weights=null,latest", "++model.encoder.weights='models:/tagger@best'", "name=latest"]
    assert initial_weights.pinned(words) == [
        "model=pfn",
        f"model.weights=null,{file}",
        f"++model.encoder.weights={file}",
        "name=latest",
    ]
    assert initial_weights.pinned(["model.weights=choice(null, 'latest')"]) == [f"model.weights=null,{file}"]


def test_jobs_take_the_run_that_a_file_of_configuration_named_when_they_began(run):
    model = {"_target_": "A", "weights": "models:/tagger@best", "encoder": {"_target_": "B", "weights": "latest"}}
    pinned = [f"{key}={run.label}/checkpoints/best.ckpt" for key in ("model.weights", "model.encoder.weights")]
    assert initial_weights.pinned_files(["task=mine"], model) == ["task=mine", *pinned]
    assert initial_weights.pinned_files(["model.weights=null"], model) == ["model.weights=null", pinned[1]]
    assert initial_weights.pinned_files(["model=a,b"], model) == ["model=a,b"]
    assert initial_weights.pinned_files([], {"_target_": "A", "weights": "published.pt"}) == []


def test_trials_of_a_sweep_take_the_run_that_was_latest_when_it_began(run):
    file = f"{run.label}/checkpoints/best.ckpt"
    dimension = Dimension.read("model.weights", "choice(null, latest)")
    assert dimension.values == ("null", file)
    RunFolder.create("hepexp", "trial").point_latest()
    assert str(Dimension.read("model.weights", str(dimension))) == f"choice(null, {file})"  # as a worker reads the plan
    with pytest.raises(ConfigError, match="needs distinct values"):
        Dimension.read("model.weights", f"choice(models:/tagger@best, {file})")
    assert Dimension.read("name", "choice(latest, x)").values == ("latest", "x")


def test_the_source_is_the_run_and_the_checksum_of_its_file(run, tmp_path):
    checksum = sha256(b"weights").hexdigest()
    known = {"sha256": checksum, "run": run.label, "mlflow_run_id": run.mlflow_run_id}
    assert initial_weights.source(run.best) == known
    (tmp_path / "published.pt").write_bytes(b"weights")
    assert initial_weights.source(tmp_path / "published.pt") == {"sha256": checksum, "run": None, "mlflow_run_id": None}


def test_weights_of_models_inside_a_model_are_found():
    model = {"_target_": "A", "weights": None, "encoder": {"_target_": "B", "weights": "latest"}, "other": {"n": 1}}
    assert list(initial_weights.keys(model)) == [("model.encoder.weights", "latest")]

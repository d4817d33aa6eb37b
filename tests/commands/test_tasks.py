"""Every published task is one config that runs through test and record, beside its published figures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hepexp.cli.main import main
from hepexp.config import expected as published
from hepexp.config.command_line import read
from hepexp.config.metrics import find, undeclared
from hepexp.config.overrides import compose
from hepexp.config.paths import conf_dir
from hepexp.evaluation.tables import notes
from hepexp.learning.components import build_components
from hepexp.metric import is_beside
from hepexp.models.layers import escnn_import
from tests.commands.here import working_in

SMALL = ("trainer=quick", "trainer.max_epochs=1", "dataset.n_train=32", "dataset.n_val=32", "dataset.n_test=32")
SMALLER = {
    "equivariant": ("dataset.crop=15", "dataset.image.pad_to=null"),  # 200 GFLOP for a whole image
    "top": ("dataset.n_particles=8",),  # of up to 200, whose pairs cost most
    "cms": ("dataset.n_test=16",),  # of two digits there are 28
    "calo_flow_matching": ("loss.steps=1", "loss.val_steps=1", "evaluation.classifier_epochs=1"),
    "calogan": ("evaluation.classifier_epochs=1",),
    "epic_fm": ("loss.steps=1", "loss.val_steps=1"),
    "amplitude_regression": ("dataset.source=auto",),
    "importance_sampling": ("loss.n_reference=20000",),
    "hmc": ("model.thermalisation=5", "model.n_trajectories=20"),
    "cms_3e_latent_flow": ("loss.min_spread=1e-9",),  # an oracle that was trained for an instant
}
# of networks of up to 100 million parameters, which are counted without being trained
NARROW = {"equivariant": "model.widths=[1,1,1,1,1]", "jet_vae": "model.n_latent=8", "calogan": "model.n_latent=8"}
TASKS = sorted(file.stem for file in (conf_dir() / "task").glob("*.yaml"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder of runs for all."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "data").mkdir()
    escnn_import.folder().mkdir(parents=True, exist_ok=True)
    (folder / "data" / "escnn").symlink_to(escnn_import.folder().absolute())  # kernels that take half a minute each
    with working_in(folder):
        yield folder / "runs"


@pytest.mark.parametrize("task", TASKS)
def test_a_task_trains_and_compares_itself_with_the_document(runs, capfd, task):
    smaller = [word for name, words in SMALLER.items() if task.startswith(name) for word in words]
    words = [f"task={task}", "dataset.batch_size=16", *SMALL, *smaller]
    narrow = [word for name, word in NARROW.items() if task.startswith(name)]
    code = main(["train", *words, *narrow])
    printed = capfd.readouterr()
    assert code == 0, printed.err
    expected = published.read(OmegaConf.to_container(OmegaConf.load(conf_dir() / "task" / f"{task}.yaml").expected))
    assert all(one.document in " ".join(printed.out.split()) for one in expected.published)
    assert "σ" not in printed.out  # 32 examples are no published condition
    metrics = json.loads((runs / "latest" / "metrics.json").read_text())
    assert set(expected.metrics) <= set(metrics)
    assert (parameters(words) if narrow else metrics["model/parameters"]) == expected.exact["model/parameters"]
    every_figure_is_declared_and_says_why_it_has_no_value_or_error(runs / "latest", printed.out)


def parameters(words: list[str]) -> int:
    """Of the network that these words build."""
    module = build_components(compose(read(words))).module
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def every_figure_is_declared_and_says_why_it_has_no_value_or_error(run: Path, printed: str) -> None:
    loss = OmegaConf.load(run / "config.yaml").loss._target_
    metrics, rows = (json.loads((run / name).read_text()) for name in ("metrics.json", "history.json"))
    keys = {key for row in rows for key in row} - {"epoch"}
    assert not undeclared([*metrics, *keys], loss)
    for key in keys:
        metric = find(key, loss)
        assert metric.each_epoch, key
        assert key in metrics or not metric.recorded or key.startswith("train/"), key
    said = notes(metrics, loss)
    for key, value in metrics.items():
        if key.startswith(("test/", "symmetry/")) and not is_beside(key) and metrics.get(f"{key}_err") is None:
            assert any(key in line.partition(": ")[0].split(", ") for line in said), (key, value)
            assert key in printed

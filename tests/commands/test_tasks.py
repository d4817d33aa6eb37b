"""Every published task is one config that runs through test and record, beside its published figures."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hepexp.cli.main import main
from hepexp.config import expected as published
from hepexp.config import yaml_file
from hepexp.config.build import instantiate
from hepexp.config.command_line import read
from hepexp.config.metrics import find, undeclared
from hepexp.config.overrides import compose
from hepexp.config.paths import conf_dir
from hepexp.evaluation.tables import notes
from hepexp.learning.components import build_components
from hepexp.metric import is_beside
from hepexp.models.layers import escnn_import
from tests.commands.here import working_in

SMOKE = instantiate(yaml_file.load(conf_dir() / "study" / "every_task_smoke.yaml"), "study")
TASKS = list(SMOKE.settings)


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
    words = [*SMOKE.base.split(), *SMOKE.settings[task].split()]
    full = [word for word in words if not word.startswith("model.")]  # of up to 100 million parameters
    code = main(["train", *words])
    printed = capfd.readouterr()
    assert code == 0, printed.err
    expected = published.read(OmegaConf.to_container(OmegaConf.load(conf_dir() / "task" / f"{task}.yaml").expected))
    assert all(one.document in " ".join(printed.out.split()) for one in expected.published)
    assert "σ" not in printed.out  # 32 examples are no published condition
    metrics = json.loads((runs / "latest" / "metrics.json").read_text())
    assert set(expected.metrics) <= set(metrics)
    count = metrics["model/parameters"] if full == words else parameters(full)
    assert count == expected.exact["model/parameters"]
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

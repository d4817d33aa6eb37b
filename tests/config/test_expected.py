"""Published figures carry their source, and a mistake in one is one line."""

import re

import pytest
from omegaconf import OmegaConf

from hepexp.config import catalog, expected, metrics, yaml_file
from hepexp.config.command_line import read
from hepexp.config.expected import Figure
from hepexp.config.overrides import compose
from hepexp.config.paths import conf_dir
from hepexp.errors import ConfigError
from hepexp.evaluation.published_figures import shown

SOURCE = {"document": "A. Author, J. Phys. 1 (2024) 1", "link": "https://arxiv.org/abs/2201.08187", "data": "qg"}
TASKS = sorted((conf_dir() / "task").glob("*.yaml"))


def of(**changes):
    return {"published": [{**SOURCE, "figures": {"test/auc": 0.9}, **changes}]}


def test_a_figure_is_a_number_or_one_with_its_error():
    figures = {"test/auc": 0.9868, "test/rejection_0.3": "2195 +- 173", "test/loss": "2.5e-4 ± 1e-5"}
    known = expected.read(of(figures=figures, n_train=1_211_000, epochs=35, seeds=6))
    (one,) = known.published
    assert one.figures == {
        "test/auc": Figure(0.9868),
        "test/rejection_0.3": Figure(2195, 173),
        "test/loss": Figure(2.5e-4, 1e-5),
    }
    assert one.conditions == "data qg, 1,211,000 training examples, 35 epochs, 6 seeds"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"test/auc": 0.9}, "unknown key 'expected.test/auc' (keys: published, exact); a figure goes under exact"),
        ({"publised": []}, "unknown key 'expected.publised'; did you mean published?"),
        ({"published": {}, "exact": {"auc": 1}}, "'auc' is not the name of a metric"),
        ({"exact": {"tset/auc": 1}}, "'tset/auc' is not the name of a metric; did you mean test/auc?"),
        ({"exact": {"test/auc": "1 +- 0.1"}}, "expected.exact.test/auc must be a number without error"),
        (of(year=2024), "unknown key 'expected.published[0].year'"),
        (of(figurs={}), "unknown key 'expected.published[0].figurs'; did you mean figures?"),
        (of(figures={"test/auc": "about 0.9"}), "figures.test/auc must be a number, or one with an error such as"),
        (of(figures={"test/auc": True}), "figures.test/auc must be a number"),
        (of(link="arxiv 2201.08187"), "link must be an address such as https://arxiv.org/abs/2201.08187 or null"),
        (of(document=""), "document must be text, got ''"),
        (of(n_train="all"), "n_train must be a whole number > 0, or left out where unknown, got 'all'"),
        ({"published": [{"document": "a", "data": "qg", "figures": {}}]}, "needs link: a published figure carries its"),
        ({"published": "a"}, "expected.published must be a list of documents"),
    ],
)
def test_a_mistake_is_one_line(content, message):
    with pytest.raises(ConfigError) as caught:
        expected.read(content)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_task_of_a_plugin_is_checked_too(tree):
    task = tree / "conf" / "task" / "study.yaml"
    assert compose(read(["task=study"])).expected.exact
    task.write_text(task.read_text().replace("exact", "exakt"))
    with pytest.raises(ConfigError, match=r"unknown key 'expected\.exakt'; did you mean exact\?"):
        compose(read(["task=study"]))


def test_a_figure_is_one_of_a_metric_that_the_loss_has():
    loss = "hepexp.losses.cross_entropy.CrossEntropy"
    expected.check_metrics(expected.read({"exact": {"test/auc": 0.9, "model/parameters": 3}}), loss)
    with pytest.raises(ConfigError, match=r"has a metric 'test/acuracy'; did you mean test/accuracy\?"):
        expected.check_metrics(expected.read({"exact": {"test/acuracy": 0.9}}), loss)
    # a task's figures are not judged by another loss, such as one for which they do not exist
    compose(read(["task=qmlhep_1_circuits", "loss=cross_entropy"]))


def test_a_record_written_before_figures_had_sources_has_none():
    assert not expected.recorded({"test/auc": 0.9})
    assert not expected.recorded(None)


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_every_task_names_the_source_of_each_figure(path):
    known = expected.read(yaml_file.load(path).get("expected", {}))
    assert "model/parameters" in known.exact
    chosen = [yaml_file.defaults(file).get("loss") for file in catalog.files("task", path.stem, catalog.folders())]
    loss = yaml_file.load(conf_dir() / "loss" / f"{[name for name in chosen if name][-1]}.yaml")["_target_"]
    assert all(metrics.find(name, loss) for name in known.metrics)
    for one in known.published:
        assert one.figures, "a document without a figure says nothing"
        assert (conf_dir() / "dataset" / f"{one.data}.yaml").is_file()
        assert one.n_train or one.n_total or one.link, "its size, or where to look it up"


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.stem)
def test_every_published_figure_is_shown_with_the_digits_of_its_file(path):
    text = yaml_file.text_of(path)
    content = expected.as_written(yaml_file.load(path), text)
    for one in expected.read(content.get("expected") or {}).published:
        for name, figure in one.figures.items():
            as_shown = shown(figure).split(" ± ")[0].replace(",", "")
            assert re.search(rf"^ +{re.escape(name)}: +{re.escape(as_shown)}( |$)", text, re.M), name


def test_a_figure_keeps_its_digits_in_the_config_of_a_run(tree):
    (tree / "conf" / "task" / "study.yaml").write_text(
        "# @package _global_\n# A study.\ndefaults: [{override /dataset: qg}]\nexpected:\n  published:\n"
        "    - {document: A, link: null, data: qg, "
        "figures: {test/auc: 0.870, test/loss: 0.40 +- 0.10, test/rejection_0.3: 1200.0}}\n"
    )
    (one,) = expected.read(OmegaConf.to_container(compose(read(["task=study"])).expected)).published
    assert [shown(figure) for figure in one.figures.values()] == ["0.870", "0.40 ± 0.10", "1,200.0"]
    assert one.figures["test/auc"] == Figure(0.87)


@pytest.mark.parametrize("task", ["equivariant_d4_lite", "equivariant_cnn", "equivariant_harmonic", "top_pct"])
def test_a_rate_that_waits_for_a_plateau_is_halved_before_the_training_stops_there(task: str):
    config = compose(read([f"task={task}"]))
    assert config.optimizer.schedule == "plateau"
    assert config.trainer.patience is None or config.trainer.patience > 4


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (["task=hmc_u1"], True),
        (["task=hmc_u1", "model.n_trajectories=100"], True),
        (["task=hmc_u1", "loss.action.beta=7"], False),
        (["task=hmc_u1", "loss.action={size: 4}"], False),
        (["task=hmc_u1", "loss=sampling"], False),
        (["task=liegan_none", "data.classes=[so13_light, so13_heavy]"], False),
        (["task=liegan_none", "data.n_train=100"], True),
        (["task=rg_transport", "loss.theory.potential=phi**4"], False),
        (["task=qmlhep_1_circuits", "model.circuits.z.rotated=1"], False),
    ],
)
def test_exact_figures_hold_under_the_settings_of_their_task(words, holds):
    known = compose(read(words)).expected
    assert any(not name.startswith("model/") for name in known.exact) == holds
    assert "model/parameters" in known.exact
    assert list(known) == ["exact"]


def test_keys_of_exact_figures_are_keys_of_their_task():
    for path in TASKS:
        known = yaml_file.load(path).get("expected") or {}
        config = compose(read([f"task={path.stem}"])) if "exact_for" in known else None
        for key in known.get("exact_for", ()):
            assert OmegaConf.select(config, key, throw_on_missing=True) is not None, f"{path.stem}: {key}"


def test_keys_of_exact_figures_that_are_no_list_are_named(tree):
    task = tree / "conf" / "task" / "study.yaml"
    task.write_text(task.read_text().replace("0.9}", "0.9}, exact_for: loss.action"))
    with pytest.raises(ConfigError, match=r"expected.exact_for must be a list of keys, such as \[loss.action\], got"):
        compose(read(["task=study"]))

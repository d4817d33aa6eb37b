"""What MLflow calls a run tells runs of one model apart."""

import pytest

from hepexp.config.metrics import find
from hepexp.learning.description import LONGEST_NAME, description, run_name
from hepexp.tracking.run_folder import RunFolder


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["model=pfn", "dataset=qg"], "pfn_qg"),
        (["model=pfn", "dataset=qg", "optimizer.lr=0.01", "seed=2"], "pfn_qg seed=2 lr=0.01"),
        (["optimizer.lr=0.00015742631637574394", "+model.sizes=[8,8]"], "pfn_qg sizes=[8,8] lr=0.0001574"),
        (["trainer.max_epochs=20", "experiment=study", "tracking.register=best_pfn"], "pfn_qg max_epochs=20"),
        (["name=mine", "seed=3"], "pfn_qg"),  # the name that was typed is the one given
    ],
)
def test_the_name_says_what_was_typed_last_first(overrides, name):
    assert run_name("pfn_qg", overrides) == name


def test_a_name_is_not_endless():
    assert len(run_name("pfn_qg", [f"model.a{i}={i}" for i in range(100)])) <= LONGEST_NAME


def test_a_description_is_a_command_and_then_its_figures(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_yaml("overrides.yaml", ["model=pfn", "model.sizes=[8, 8]"])
    document = {"document": "LorentzNet", "link": "https://arxiv.org/abs/2201.08187", "data": "qg"}
    expected = {"published": [{**document, "n_train": 1600000, "figures": {"test/auc": 0.9156}}]}
    folder.write_yaml("config.yaml", {"expected": expected, "choices": {"dataset": "qg"}})
    folder.write_json("environment.json", {"data": {"source": "mini", "n_train": 300}})
    command = "    hepexp train model=pfn 'model.sizes=[8, 8]'"  # can be pasted into a shell
    assert description(folder).splitlines() == [command, "", f"Record: `{tmp_path}`"]
    folder.write_json("metrics.json", {"test/auc": 0.87123, "test/auc_err": 0.00714, "data/source": "mini"})
    assert description(folder).splitlines()[4:] == [
        "| metric | value | expected | difference |",
        "| --- | ---: | ---: | ---: |",
        "| test/auc | 0.8712 ± 0.0071 | 0.9156 [1] |  |",
        "| data/source | mini |  |  |",
        "",
        "[1] LorentzNet: data qg, 1,600,000 training examples; https://arxiv.org/abs/2201.08187",
        "",
        "[1] not comparable, this run against the document: source mini against full; 300 training examples against "
        "1,600,000; settings of this run: model=pfn model.sizes=[8, 8]",
        "",
        f"- test/auc: {find('test/auc').meaning}",
        f"- data/source: {find('data/source').meaning}",
    ]

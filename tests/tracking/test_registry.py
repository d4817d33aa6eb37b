"""Which version of a registered model is the best one."""

import pytest

from hepexp.errors import ConfigError
from hepexp.tracking import registry, store
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.registry import Judgement
from hepexp.tracking.run_folder import RunFolder


@pytest.fixture
def register(existing_store):
    def registered(value, metric="val/auc", mode="max", data="qg mini", name="tagger"):
        run = MlflowRun.start("hepexp", "pfn", {"seed": 1}, {}, RunFolder.create("hepexp", "pfn").path)
        (run.artifacts / "model").mkdir(parents=True)
        run.finish("FINISHED")
        return registry.register(run.client, run.run_id, name, Judgement(metric, value, mode, data), run.insist)

    return registered


def best(name="tagger"):
    return str(store.connect().get_model_version_by_alias(name, "best").version)


def test_best_is_the_version_with_the_best_validation_metric(register):
    assert [register(value) for value in (0.85, 0.87, 0.86)] == ["1", "2", "3"]
    assert best() == "2"
    register(0.87)
    assert best() == "4"  # of equal ones the newest


def test_a_loss_is_better_when_it_is_less(register):
    for value in (0.3, 0.1, 0.2):
        register(value, "val/loss", "min")
    assert best() == "2"


def test_versions_judged_otherwise_are_not_compared(register):
    register(0.99, data="top mini")
    register(0.80)
    assert best() == "2"
    register(0.2, "val/loss", "min")
    assert best() == "3"


def test_names_are_models_of_their_own(register):
    register(0.9, name="a")
    assert register(0.8, name="b") == "1"
    assert (best("a"), best("b")) == ("1", "1")


def test_a_registered_model_is_the_run_that_it_came_from(register):
    for value in (0.85, 0.87, 0.86):
        register(value)
    client = store.connect()
    folders = [RunFolder.find(client.get_model_version("tagger", str(n)).run_id).path for n in (1, 2, 3)]
    found = [RunFolder.find(f"models:/tagger{which}").path for which in ("@best", "/1", "/3", "/latest")]
    assert found == [folders[1], folders[0], folders[2], folders[2]]
    client.delete_model_version("tagger", "3")
    assert RunFolder.find("models:/tagger/latest").path == folders[1]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("models:/taggr@best", r"no model taggr is registered in .*mlflow.db; did you mean tagger\?; see: hepexp regi"),
        ("models:/tagger@champion", r"models:/tagger@champion: there is no such version; tagger has @best, /1"),
        ("models:/tagger/7", r"models:/tagger/7: there is no such version; tagger has @best, /1"),
        ("models:/tagger", r"expected models:/NAME@ALIAS or models:/NAME/VERSION"),
    ],
)
def test_a_model_that_is_not_registered_is_one_line(register, address, said):
    register(0.85)
    with pytest.raises(ConfigError, match=said):
        RunFolder.find(address)

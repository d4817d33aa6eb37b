"""What the record of a run lacks because it came later has the value of the option that was chosen."""

from hepexp.config import catalog, yaml_file
from hepexp.config.record import completed


def of(group: str, option: str) -> dict:
    return yaml_file.load(catalog.find(group, option, catalog.folders()))


def test_keys_that_came_later_have_the_values_of_the_option():
    qg = of("dataset", "qg")
    recorded = {"choices": {"dataset": "qg"}, "dataset": {"_target_": qg["_target_"], "batch_size": 7}}
    assert completed(recorded)["dataset"] == {**qg, "batch_size": 7}


def test_a_run_before_embeddings_had_a_width_of_their_own_keeps_one_output_a_class():
    for option in ("pair", "supervised_contrastive"):
        loss = of("loss", option)
        assert loss["embedding_dim"] == 64
        older = {key: value for key, value in loss.items() if key != "embedding_dim"}
        assert completed({"choices": {"loss": option}, "loss": older})["loss"] == {**loss, "embedding_dim": None}


def test_what_the_run_chose_otherwise_is_left_alone():
    image = {"_target_": "other.Image", "n_pixels": 5}
    recorded = {
        "choices": {"dataset": "qg", "model": "not_here"},
        "dataset": {**of("dataset", "qg"), "image": image},
        "model": {"_target_": "not.here", "n": 3},
    }
    found = completed(recorded)
    assert found["dataset"]["image"] == image
    assert found["model"] == recorded["model"]

"""A deviation is given where conditions are alike, and elsewhere what differs."""

from math import sqrt

import pytest

from hepexp.config.expected import read
from hepexp.evaluation.published_figures import Conditions, beside, notes, recorded

LINK = "https://arxiv.org/abs/2201.08187"
FIGURES = {"test/auc": 0.9868, "test/accuracy": "0.942 +- 0.003", "val/auc": 0.98}
DOCUMENT = {"document": "LorentzNet", "link": LINK, "data": "top", "n_train": 1_211_000, "epochs": 35, "seeds": 6}
KNOWN = read({"published": [{**DOCUMENT, "figures": FIGURES}], "exact": {"model/parameters": 224_000}})
METRICS = {
    "test/auc": 0.9858,
    "test/auc_err": 0.0005,
    "test/accuracy": 0.938,
    "test/accuracy_err": 0.004,
    "val/auc": 0.97,
    "model/parameters": 224_002,
}
SAME = Conditions("top", "full", sizes={"n_train": 1_211_000, "n_test": 404_000}, epochs=40)


def test_under_the_published_conditions_a_difference_is_in_the_errors_that_there_are():
    found = beside(METRICS, KNOWN, SAME)
    assert found["test/auc"] == [("0.9868 [1]", "-2.0 σ")]  # (0.9858 - 0.9868) / 0.0005: none was published
    pull = (0.938 - 0.942) / sqrt(0.004**2 + 0.003**2)
    assert found["test/accuracy"] == [("0.942 ± 0.003 [1]", f"{pull:+.1f} σ")]
    assert found["val/auc"] == [("0.98 [1]", "-0.01")]  # neither has an error
    assert found["model/parameters"] == [("224,000 exact", "+2")]
    assert notes(KNOWN, SAME)[1].startswith("[1] comparable; σ is the error of this run from its test examples")


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (Conditions("top", "mini", True, {"n_train": 500}, 1), "source mini (simulated) against full"),
        (Conditions("top", "full", False, {"n_train": 500}, 40), "500 training examples against 1,211,000"),
        (Conditions("top", "full", False, {"n_train": 1_211_000}, 2), "2 epochs against 35"),
        (Conditions("qg", "full", False, {"n_train": 1_211_000}, 40), "data set qg against top"),
        (
            Conditions("top", "full", False, {"n_train": 1_211_000}, 40, ("model.n_hidden=8",)),
            "settings of this run: model.n_hidden=8",
        ),
        (Conditions("top", "full"), "an unknown number of training examples against 1,211,000"),
    ],
)
def test_under_others_what_differs_stands_in_place_of_a_deviation(run, said):
    found = beside(METRICS, KNOWN, run)
    assert found["test/auc"] == [("0.9868 [1]", "")]
    assert found["model/parameters"] == [("224,000 exact", "+2")]  # an exact figure is one under all conditions
    assert f"against the document: {said}" in " ".join(notes(KNOWN, run))
    assert LINK in notes(KNOWN, run)[0]


def test_a_publication_without_sizes_and_one_that_does_something_else_are_not_comparable():
    other = {**DOCUMENT, "figures": FIGURES, "differs": "the document averages six networks"}
    (one,) = read({"published": [other]}).published
    assert SAME.differences(one) == ["the document averages six networks"]
    (one,) = read({"published": [{**DOCUMENT, "n_train": None, "figures": FIGURES}]}).published
    assert SAME.differences(one) == ["1,211,000 training examples against a number that is not given"]
    (one,) = read({"published": [{**DOCUMENT, "n_train": None, "n_total": 1_615_000, "figures": FIGURES}]}).published
    assert SAME.differences(one) == []


def test_conditions_are_read_off_a_record():
    environment = {"data": {"source": "mini", "simulated": True, "n_train": 300, "n_val": 200, "n_test": 100}}
    typed = ["task=t", "dataset.n_train=300", "dataset.source=mini", "seed=2", "trainer=quick", "+model.n_hidden=8"]
    run = Conditions.of({"choices": {"dataset": "top"}}, environment, {"train/epochs": 1}, typed)
    assert run.sample == "top, source mini (simulated)"
    assert (run.sizes["n_train"], run.epochs, run.changed) == (300, 1, ("+model.n_hidden=8",))


def test_a_figure_of_an_earlier_evaluation_has_a_plain_difference():
    found = recorded({"test/loss": 0.5, "test/loss_err": 1e-6, "data/source": "mini"}, {"test/loss": 0.6})
    assert found == {"test/loss": [("0.6000", "-0.1")]}
    assert recorded({"test/auc": 0.878125}, {"test/auc": 0.87812503}) == {"test/auc": [("0.8781", "0")]}  # rounding

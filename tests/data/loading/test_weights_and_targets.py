"""Targets, weights, balancing and reweighting, learnt on the training split alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.loading.quantities import Quantities
from hepexp.data.loading.reweighting import Reweighting
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError, DataError
from tests.data.small import use_small_samples


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    use_small_samples(monkeypatch)


def jets(kind=TopTagging, **keys):
    data = kind(source="mini", batch_size=16, seed=1, **keys)
    data.setup()
    return data


def column(data, name: str, split: str = "train") -> np.ndarray:
    return np.concatenate([getattr(batch, name).numpy() for batch in data.loader_of(split)])


def test_a_data_set_without_these_keys_has_neither():
    data = jets()
    batch = data.splits["train"][[0, 1]]
    assert batch.weight is None
    assert batch.target is None
    assert not data.weighted
    assert data.offers == {("example", "class")}
    assert set(data.state_dict()) == {"extras.mean", "extras.std"}  # as in every earlier checkpoint


@pytest.mark.parametrize("cache", [True, False])
def test_the_mass_of_a_jet_is_that_of_all_its_particles(cache, monkeypatch):
    if not cache:
        monkeypatch.setattr("hepexp.data.loading.dataset.CACHE_BYTES", -1)
    data = jets(targets=["mass", "pt"], n_particles=3)  # the model sees three, the target is of all
    batch = data.splits["train"][[0, 5]]
    rows = data.store.take(batch.index.numpy())
    p4 = np.stack([np.add.reduceat(rows[c].astype(np.float64), rows.offsets[:-1]) for c in ("E", "px", "py", "pz")], 1)
    np.testing.assert_allclose(batch.target[:, 0], invariant_mass(p4), rtol=1e-5)
    np.testing.assert_allclose(batch.target[:, 1], np.hypot(p4[:, 1], p4[:, 2]), rtol=1e-5)
    mass, pt = data.spec.targets
    assert (mass.name, mass.kind, mass.of, mass.unit) == ("mass", "real", "example", "GeV")
    assert mass.mean == pytest.approx(column(data, "target")[:, 0].mean(), rel=1e-5)
    assert pt.std == pytest.approx(column(data, "target")[:, 1].std(), rel=1e-4)
    assert data.offers == {("example", "class"), ("example", "real")}


@pytest.mark.parametrize("cache", [True, False])
def test_balanced_classes_have_equal_sums_of_weights_in_training(cache, monkeypatch):
    if not cache:
        monkeypatch.setattr("hepexp.data.loading.dataset.CACHE_BYTES", -1)
    data = jets(JetClass, classes=["QCD", "Hbb", "Tblv"], weight="jet_pt", balance="classes", n_val=4, n_test=4)
    weight, label = column(data, "weight"), column(data, "label")
    sums = np.bincount(label, weight)
    assert sums == pytest.approx(np.full(3, sums.mean()), rel=1e-5)
    assert data.mean_weight == pytest.approx(weight.mean(dtype=np.float64), rel=1e-5)
    own = np.concatenate([data.store.take(batch.index.numpy()).extras["jet_pt"] for batch in data.loader_of("train")])
    factor = weight / own
    for of in range(3):  # one factor for each class, also in the test split
        assert np.ptp(factor[label == of]) < 1e-5 * factor.max()


@pytest.mark.parametrize("to", ["flat", "QCD"])
def test_reweighted_classes_have_the_same_spectrum(to):
    reweight = Reweighting(variables=["jet_pt"], to=to, n_bins=4)
    data = jets(JetClass, classes=["QCD", "Hbb"], reweight=reweight)
    weight, label = column(data, "weight").astype(np.float64), column(data, "label")
    rows = column(data, "index")
    pt = data.store.take(rows).extras["jet_pt"]
    edges = data._weights.edges[0]
    spectra = [
        np.histogram(pt[label == of], np.append(edges[:-1], edges[-1] * 1.001), weights=weight[label == of])[0]
        for of in (0, 1)
    ]
    spectra = [spectrum / spectrum.sum() for spectrum in spectra]
    expected = np.diff(edges) / np.ptp(edges) if to == "flat" else spectra[0]
    np.testing.assert_allclose(spectra[1], expected, rtol=1e-4)
    assert weight[label == 1].sum() == pytest.approx((label == 1).sum(), rel=1e-5)
    if to == "QCD":
        assert set(weight[label == 0]) == {1.0}


def test_two_variables_and_values_beyond_the_edges():
    reweight = Reweighting(variables=["a", "b"], n_bins=3)
    random = np.random.default_rng(0)
    values = random.random((900, 2))
    edges = reweight.edges(values)
    bins = reweight.bins(values, edges)
    label = random.integers(0, 2, 900)
    factors = reweight.factors(bins, label, np.ones(900), edges, ("x", "y"))
    assert factors.shape == (2, 9)
    spectrum = np.bincount(bins, factors[label, bins] * (label == 0), minlength=9) / (label == 0).sum()
    area = np.outer(*(np.diff(of) / np.ptp(of) for of in edges)).ravel()
    np.testing.assert_allclose(spectrum, area)
    assert reweight.bins(np.array([[-5.0, 5.0]]), edges) == [2]


def test_factors_are_learnt_on_training_examples_and_travel_with_the_checkpoint():
    keys = {"balance": "classes", "weight": "jet_pt", "targets": ["jet_sdmass"]}
    small, whole = (jets(JetClass, n_train=n, reweight=Reweighting(["jet_pt"], n_bins=2), **keys) for n in (20, None))
    differ = [name for name, value in small.state_dict().items() if not torch.equal(value, whole.state_dict()[name])]
    assert {"weights.edges", "weights.class_factors", "targets.mean"} <= set(differ)
    whole.load_state_dict(small.state_dict())
    rows = column(small, "index", "test")
    assert torch.equal(small.splits["test"][range(len(rows))].weight, whole.splits["test"][range(len(rows))].weight)
    assert whole.spec.targets == small.spec.targets


def test_examples_of_a_file_have_neither_weights_nor_targets():
    data = jets(JetClass, weight="jet_pt", targets=["jet_sdmass"])
    store = Store(data.store.layout, [data.store.take([0, 1]).unlabelled()])
    batch = next(iter(data.predict_dataloader(store)))
    assert batch.weight is None
    assert batch.target is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"targets": ["mas"]}, "dataset.targets: unknown 'mas'; did you mean mass?"),
        ({"targets": ["mass", "mass"]}, "dataset.targets must name each only once"),
        ({"weight": "jet_ptt"}, "dataset.weight: unknown 'jet_ptt'; did you mean jet_pt?"),
        ({"balance": "class"}, "dataset.balance must be none or classes, got 'class'"),
        ({"reweight": Reweighting(["jet_pt"], to="QCDD")}, "dataset.reweight.to: unknown 'QCDD'; did you mean QCD?"),
        ({"reweight": Reweighting(["jet_pt"], classes=["Hb"])}, "dataset.reweight.classes: unknown 'Hb'"),
        ({"reweight": Reweighting(["jet_p"])}, "dataset.reweight.variables: unknown 'jet_p'"),
    ],
)
def test_wrong_keys_are_refused_before_anything_is_read(keys, said: str):
    with pytest.raises(ConfigError) as error:
        JetClass(source="mini", seed=1, **keys)
    assert said in str(error.value)


def test_weights_that_are_nan_or_add_up_to_nothing_are_refused(monkeypatch):
    data = JetClass(source="mini", seed=1, weight="jet_eta", balance="classes", classes=["QCD", "Hbb"])
    original = Store.take

    def taken(value):
        def of(self, rows):
            found = original(self, rows)
            return replace(found, extras={**found.extras, "jet_eta": np.full(len(found), value, np.float32)})

        return of

    for value, said in (
        (np.nan, "jet_eta must be finite, got nan"),
        (-1.0, r"the weights of QCD in training \(dataset.weight=jet_eta\) add up to -"),
    ):
        monkeypatch.setattr(Store, "take", taken(value))
        with pytest.raises(DataError, match=said):
            data.setup()


def test_a_target_that_never_changes_is_refused(monkeypatch):
    monkeypatch.setattr(Quantities, "columns", lambda self, jets: {"mass": np.full(len(jets), 80.4)})
    with pytest.raises(DataError, match=r"target mass is 80\.4 for all of the first"):
        jets(targets=["mass"])

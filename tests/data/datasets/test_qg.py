"""The data set qg: sources, splits, and what a batch holds."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.data.datasets.qg import reader as energyflow
from hepexp.data.datasets.qg.info import INFO
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.data.formats.open_file import open_file
from hepexp.data.loading.split_store import open_sample
from hepexp.data.loading.splits import split_rows
from hepexp.data.physics.kinematics import four_momenta, invariant_mass, polar, sums
from hepexp.data.pictures.quantities import class_means
from hepexp.data.transforms.four_momenta import PdgParticles
from hepexp.errors import ConfigError, DataError
from tests.data.conftest import assert_same, random_jets


def ready(**keys) -> QuarkGluon:
    data = QuarkGluon(**keys, seed=1)
    data.prepare_data()
    data.setup()
    return data


@pytest.fixture
def published(data_folder: Path, npz: Path) -> Path:
    """The first published file, as a download would leave it (twenty jets)."""
    (data_folder / "qg").mkdir(parents=True)
    return Path(shutil.copy(npz, data_folder / "qg" / "QG_jets.npz"))


# ---- the shipped sample


def test_mini_has_ten_thousand_jets_of_each_class_in_at_most_ten_megabytes():
    store = open_file(INFO, INFO.mini)
    assert np.bincount(store.label).tolist() == [10_000, 10_000]
    assert INFO.mini.stat().st_size < 10e6
    assert store.metadata[0]["command"] == "hepexp data generate qg --n 20000 --seed 1"


def test_mini_looks_like_the_published_jets():
    """Multiplicity and mass from massless particles, to 2 %: the Pythia versions differ by about as much."""
    massless = {"particles": lambda jets: jets.counts, "mass": massless_mass}
    found = class_means(open_sample(INFO), lambda jets: {name: of(jets) for name, of in massless.items()})
    means = {label: values for label, _, values in found}
    for label, multiplicity, mass in ((0, 53.7, 46.2), (1, 34.0, 32.5)):
        assert abs(means[label]["particles"][0] / multiplicity - 1) < 0.02
        assert abs(means[label]["mass"][0] / mass - 1) < 0.02


def massless_mass(jets) -> np.ndarray:
    return invariant_mass(sums(four_momenta(jets["pt"], jets["y"], jets["phi"], 0.0), jets))


def test_mini_jets_are_in_the_window():
    jets = open_sample(INFO).take(np.arange(20_000))
    pt, rapidity, phi = polar(sums(PdgParticles(True, "pid").momenta(jets), jets))
    assert pt.min() > 499.99
    assert pt.max() < 550.01
    assert abs(rapidity).max() < 1.7001
    assert abs(jets["phi"] - np.repeat(phi % (2 * np.pi), jets.counts)).max() < np.pi  # none across the period


# ---- splits


@pytest.mark.parametrize("n", [10, 103, 20_000])
def test_splits_are_disjoint_and_complete(n: int):
    rows = split_rows(n)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(n))
    assert [len(rows[name]) for name in ("val", "test")] == [n // 10, n // 10]


def test_the_split_does_not_depend_on_the_seed_of_the_run():
    a, b = QuarkGluon(source="mini", seed=1), QuarkGluon(source="mini", seed=2)
    a.setup(), b.setup()
    for name in ("train", "val", "test"):
        np.testing.assert_array_equal(a.splits[name].rows, b.splits[name].rows)


def test_a_smaller_training_set_is_contained_in_a_larger_one():
    small, large = ready(source="mini", n_train=100), ready(source="mini", n_train=1000)
    assert set(small.splits["train"].rows) < set(large.splits["train"].rows)
    assert len(small.splits["train"]) == 100
    assert len(small.splits["test"]) == 2000


# ---- batches


def test_a_batch_holds_the_jets_of_its_index():
    data = ready(source="mini", n_train=300, batch_size=64)
    batch = next(iter(data.train_dataloader()))
    jets = data.store.take(batch.index.numpy())
    assert batch.p4.dtype == torch.float64
    assert batch.p4.shape == (64, jets.counts.max(), 4)
    assert batch.scalars.shape == (64, jets.counts.max(), 8)
    np.testing.assert_array_equal(batch.mask.sum(1), jets.counts)
    np.testing.assert_array_equal(batch.label, jets.label)
    np.testing.assert_array_equal(batch.p4[batch.mask], PdgParticles(True, "pid").momenta(jets))
    assert not batch.p4[~batch.mask].any()
    assert not batch.scalars[~batch.mask].any()
    assert (batch.scalars[batch.mask].sum(1) == 1).all()


def test_without_particle_types_nothing_of_the_type_is_left():
    jets = random_jets(30)
    other = random_jets(30)
    other["pdgid"][:] = 2212
    reader = PdgParticles(False, "pid")
    np.testing.assert_array_equal(reader.momenta(jets), reader.momenta(other))
    np.testing.assert_array_equal(reader.momenta(jets), four_momenta(jets["pt"], jets["y"], jets["phi"], 0.0))
    assert (reader.features(jets["pdgid"]) == 1).all()
    assert ready(source="mini", pid=False).spec.n_scalars == 1


def test_mass_and_charge_as_scalars():
    features = PdgParticles(True, "mass_charge").features(np.array([-211, 22, 2212]))
    np.testing.assert_allclose(features, [[np.log(1.13957039), -1], [0, 0], [np.log(1.93827208816), 1]], rtol=1e-6)


def test_evaluation_gives_every_jet_once():
    data = ready(source="mini", n_test=500)
    for split, n in (("val", 2000), ("test", 500)):
        index = torch.cat([batch.index for batch in data.loader_of(split)])
        assert sorted(index.tolist()) == sorted(data.splits[split].rows.tolist())
        assert len(index) == n


# ---- sources


def test_auto_takes_mini_until_the_published_set_is_complete(published: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "hepexp.data"):
        assert QuarkGluon(seed=1).source == "mini"
        assert QuarkGluon(n_files=1, seed=1).source == "full"
    assert [len(record.getMessage().splitlines()) for record in caplog.records] == [1, 1]


def test_full_is_converted_once_and_recorded(published: Path, data_folder: Path):
    data = ready(source="full", n_files=1)
    assert_same(data.store.take(np.arange(20)), random_jets(20))
    about = data.provenance()
    assert (about["source"], about["n_train"], about["n_val"], about["n_test"]) == ("full", 16, 2, 2)
    assert about["files"][0]["name"] == "QG_jets.npz"
    assert about["files"][0]["bytes"] == published.stat().st_size
    made = (data_folder / "qg" / "QG_jets.arrow").stat().st_mtime_ns
    ready(source="full", n_files=1)
    assert (data_folder / "qg" / "QG_jets.arrow").stat().st_mtime_ns == made


def test_a_published_file_that_changed_is_converted_again(published: Path):
    ready(source="full", n_files=1)
    energyflow.write(published, [random_jets(30, seed=5)], 30, 9)
    assert len(ready(source="full", n_files=1).store) == 30


def test_the_store_is_enough_when_the_published_file_is_gone(published: Path):
    ready(source="full", n_files=1)
    published.unlink()
    assert QuarkGluon(n_files=1, seed=1).source == "full"
    assert len(ready(source="full", n_files=1).store) == 20


def test_full_without_files_says_how_to_get_them():
    with pytest.raises(DataError, match=r"QG_jets\.npz: no such file; how to get it: hepexp data download qg"):
        ready(source="full")


def test_mini_records_where_it_comes_from():
    about = ready(source="mini", n_train=10).provenance()
    assert about["source"] == "mini"
    assert about["how"] == "hepexp data generate qg --n 20000 --seed 1"
    assert about["files"][0]["name"] == "qg.parquet"
    assert len(about["files"][0]["sha256"]) == 64
    assert about["n_train"] == 10


def test_a_file_to_predict(npz: Path):
    (loader,) = QuarkGluon(source="mini", seed=1).loaders_of_file(npz)
    index = torch.cat([batch.index for batch in loader])
    assert sorted(index.tolist()) == list(range(20))


# ---- requests that cannot be met


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"batch_size": 0}, "dataset.batch_size must be >= 1, got 0"),
        ({"n_train": -5}, "dataset.n_train must be >= 1, got -5"),
        ({"n_val": 0}, "dataset.n_val must be >= 1, got 0"),
        ({"bucket": 0}, "dataset.bucket must be >= 1, got 0"),
        ({"num_workers": -1}, "dataset.num_workers must be >= 0, got -1"),
        ({"n_files": 0}, "dataset.n_files must be between 1 and 20, got 0"),
        ({"n_files": 21}, "dataset.n_files must be between 1 and 20, got 21"),
        ({"n_generate": 3}, "dataset.n_generate must be >= 10, got 3"),
        ({"source": "maxi"}, "dataset.source must be one of auto, full, mini, generate, got 'maxi'"),
        ({"scalars": "charge"}, "dataset.scalars: expected one of pid, mass_charge, kin, kinpid, got 'charge'"),
    ],
)
def test_values_out_of_range(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        QuarkGluon(**{"source": "mini", **keys}, seed=1)


def test_more_jets_than_there_are():
    message = r"dataset.n_train must be <= 16000, the size of the train split of this source, got 16001"
    with pytest.raises(ConfigError, match=message):
        ready(source="mini", n_train=16_001)

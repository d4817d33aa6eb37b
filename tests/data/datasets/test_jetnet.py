"""JetNet's files, axes and masses of relative momenta, and clouds that are turned back into jets."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepexp.data.datasets.jetnet.cloud import JetCloud
from hepexp.data.datasets.jetnet.info import INFO, LAYOUT
from hepexp.data.datasets.jetnet.module import JetNet
from hepexp.data.datasets.jetnet.observables import observe
from hepexp.data.datasets.jetnet.reader import read
from hepexp.data.datasets.jetnet.relative import HardestCentred, RelativeParticles, centred, relative_mass
from hepexp.data.physics.kinematics import invariant_mass, sums
from hepexp.data.store.ragged import Ragged, offsets_of, pad
from hepexp.errors import ConfigError, DataError


def jets(n: int = 20, most: int = 30, seed: int = 0) -> Ragged:
    random = np.random.default_rng(seed)
    counts = random.integers(2, most + 1, n)
    m = counts.sum()
    share = random.dirichlet(np.ones(m)) * n
    columns = {"eta_rel": random.normal(0, 0.2, m), "phi_rel": random.normal(0, 0.2, m), "pt_rel": share}
    extras = {"jet_pt": random.uniform(800, 1600, n), "jet_eta": random.uniform(-2, 2, n), "jet_mass": np.ones(n)}
    return Ragged(np.zeros(n, np.int8), offsets_of(counts), columns, extras)


def write(path: Path, made: Ragged, n_features: int = 4, longest: int = 30) -> Path:
    counts = made.counts
    particles = np.zeros((len(made), longest, n_features))
    padded = [pad(made[name], counts) for name in LAYOUT.elements] + [pad(np.ones(counts.sum()), counts)]
    for i, column in enumerate(padded[:n_features]):
        particles[:, : column.shape[1], i] = column
    of_jets = np.column_stack([made[name] for name in LAYOUT.extras] + [counts])
    with h5py.File(path, "w") as file:
        file["particle_features"], file["jet_features"] = particles, of_jets
    return path


def test_a_published_file_gives_its_jets_of_the_class_in_its_name(tmp_path):
    made = jets()
    for name, label in (("g.hdf5", 0), ("t150.hdf5", 2), ("z30.h5", 4)):
        (read_back,) = read(write(tmp_path / name, made))
        assert (read_back.label == label).all()
        assert (read_back.counts == made.counts).all()
        for column in (*LAYOUT.elements, *LAYOUT.extras):
            np.testing.assert_allclose(read_back[column], made[column], rtol=1e-6)


def test_a_file_of_other_features_or_another_name_is_refused_in_a_line(tmp_path):
    with pytest.raises(DataError, match=r"g.hdf5: key 'particle_features' has shape \(20, 30, 3\), expected") as error:
        list(read(write(tmp_path / "g.hdf5", jets(), n_features=3)))
    assert "\n" not in str(error.value)
    path = write(tmp_path / "jets.hdf5", jets())
    with pytest.raises(DataError, match=r"does not say which jets these are; expected one of g.hdf5 \(gluon\)"):
        list(read(path))
    (unlabelled,) = read(path, needs_label=False)
    assert (unlabelled.label == -1).all()


@pytest.mark.parametrize("value", [np.nan, -0.1, 50.0])
def test_momenta_that_are_none_are_refused_with_their_jet(tmp_path, value):
    made = jets()
    made.elements["pt_rel"][made.offsets[7]] = value
    with pytest.raises(DataError, match=r"q\.hdf5: jet 7 has a particle with pt_rel"):
        list(read(write(tmp_path / "q.hdf5", made)))


def test_a_centred_jet_has_its_sum_on_the_axis_and_the_mass_that_it_had():
    moved = centred(jets())
    assert relative_mass(moved) == pytest.approx(relative_mass(jets()), rel=1e-10)  # a turn, and a boost along the beam
    again = centred(moved)
    for name in ("eta_rel", "phi_rel"):
        assert again[name] == pytest.approx(moved[name], abs=1e-12)


def test_momenta_in_gev_have_the_mass_of_the_relative_ones():
    made = jets()
    p4 = RelativeParticles()(made)["p4"]
    assert invariant_mass(sums(p4, made)) == pytest.approx(relative_mass(made) * made["jet_pt"], rel=1e-9)


def test_the_mass_of_two_particles_is_that_of_the_closed_form():
    pair = Ragged(
        np.zeros(1, np.int8),
        np.array([0, 2]),
        {"eta_rel": np.array([0.0, 0.3]), "phi_rel": np.array([0.0, 0.4]), "pt_rel": np.array([0.7, 0.3])},
    )
    assert relative_mass(pair) == pytest.approx(np.sqrt(2 * 0.7 * 0.3 * (np.cosh(0.3) - np.cos(0.4))), rel=1e-12)


def test_a_cloud_is_turned_back_into_the_jets_that_it_was_made_of():
    made = jets()
    cloud = JetCloud().with_transforms(HardestCentred(12))
    prepared = cloud.prepare(made)
    cloud.fit(prepared)
    common = {"label": torch.zeros(len(made)).long(), "index": torch.arange(len(made)), "extras": torch.zeros(20, 0)}
    batch = cloud.collate(prepared, common)
    points = batch.points[batch.mask]
    assert points.mean(0) == pytest.approx(0, abs=1e-5)
    assert points.std(0, unbiased=False) == pytest.approx(5, rel=1e-5)
    found, expected = cloud.decode(batch, made), HardestCentred(12)(made)
    assert (found.counts == np.minimum(made.counts, 12)).all()
    assert found["pt_rel"].dtype == np.float32
    for i in range(len(made)):  # sorted by pT
        mine = slice(found.offsets[i], found.offsets[i + 1])
        order = np.argsort(-expected["pt_rel"][mine])
        for name in LAYOUT.elements:
            assert found[name][mine] == pytest.approx(expected[name][mine][order], abs=1e-5)
    assert found["jet_mass"] == pytest.approx(relative_mass(expected) * made["jet_pt"], rel=1e-3)
    INFO.check(found, "generated", 0)


def test_a_generated_particle_of_negative_momentum_becomes_a_soft_one():
    made = jets()
    made.elements["pt_rel"][3] = -0.2
    found = JetCloud().complete(made)
    INFO.check(found, "generated", 0)
    assert found["pt_rel"].min() == pytest.approx(1e-5)


def test_splits_are_70_15_and_15_percent_and_no_event_is_in_two(monkeypatch):
    monkeypatch.setattr(JetNet, "info", replace(INFO, mini=lambda: jets(2000).cast(LAYOUT)))
    data = JetNet(source="mini", seed=1)
    data.setup()
    sizes = {name: len(split) for name, split in data.splits.items()}
    assert sizes == {"train": 1398, "val": 300, "test": 300}  # one jet is left out between two splits
    rows = [set(split.rows.tolist()) for split in data.splits.values()]
    assert len(set.union(*rows)) == sum(map(len, rows))


def test_more_particles_than_there_are_is_refused(monkeypatch):
    monkeypatch.setattr(JetNet, "info", replace(INFO, mini=lambda: jets(200).cast(LAYOUT)))
    with pytest.raises(ConfigError, match=r"dataset.n_particles must be <= 30, the most particles of a jet"):
        JetNet(source="mini", seed=1, n_particles=150).setup()


def test_observables_do_not_depend_on_the_order_of_particles():
    made = jets()
    order = np.lexsort((np.random.default_rng(1).random(made.counts.sum()), np.repeat(np.arange(20), made.counts)))
    shuffled = replace(made, elements={name: column[order] for name, column in made.elements.items()})
    one, other = observe(made), observe(shuffled)
    for name in ("mass", "efp", "features", "multiplicity", "sum"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-10)
    assert one["features"].shape == (20, 36)
    np.testing.assert_allclose(one["features"][:, 0], one["sum"][:, 0])  # the graph without edges

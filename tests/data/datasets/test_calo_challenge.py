"""The CaloChallenge: files in the published layout, the order of voxels, and closed forms of its features."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hepexp.data.datasets.calo_challenge import binning
from hepexp.data.datasets.calo_challenge.features import VoxelFeatures
from hepexp.data.datasets.calo_challenge.info import CHALLENGES, info
from hepexp.data.datasets.calo_challenge.module import CaloChallenge
from hepexp.data.datasets.calo_challenge.observables import NAMES, observe
from hepexp.data.formats.open_file import open_file
from hepexp.data.store.images import from_dense
from hepexp.errors import ConfigError, DataError
from tests.data.small import represented

LAYER = '<Layer id="0" r_edges="0,5" n_bin_alpha="1"/>'
# of data set 1: layers, and of each the edges in r and the number of sectors; layers without edges have no voxels
PHOTONS = {
    0: ("0,5,10,30,50,100,200,400,600", 1),
    1: ("0,2,4,6,8,10,12,15,20,30,40,50,70,90,120,150,200", 10),
    2: ("0,2,5,10,15,20,25,30,40,50,60,80,100,130,160,200,250,300,350,400", 10),
    3: ("0,50,100,200,400,600", 1),
    4: ("0", 1),
    12: ("0,100,200,400,1000,2000", 1),
}


def write_binning(path: Path, layers: dict[int, tuple[str, int]], name: str = "photon") -> Path:
    lines = [f'<Layer id="{i}" r_edges="{edges}" n_bin_alpha="{n}" />' for i, (edges, n) in layers.items()]
    path.write_text(f'<Bins>\n<Bin pid="22" etaMin="0" etaMax="130" name="{name}">\n{"".join(lines)}</Bin></Bins>\n')
    return path


def write_showers(path: Path, n: int, n_voxels: int, seed: int = 0) -> np.ndarray:
    """Showers with half of the energy of the particle in 2 % of the voxels; returns them."""
    random = np.random.default_rng(seed)
    showers = random.exponential(1, (n, n_voxels)) * (random.random((n, n_voxels)) < 0.02)
    energies = 2.0 ** random.integers(8, 23, (n, 1))
    showers *= 0.5 * energies / showers.sum(1, keepdims=True)
    with h5py.File(path, "w") as file:
        file["incident_energies"], file["showers"] = energies, showers
    return showers


def two_layers() -> binning.Binning:
    return binning.Binning((binning.Layer(0, (0, 10, 30), 4), binning.Layer(2, (0, 100), 1)))


def test_the_binning_of_photons_has_the_voxels_of_their_showers(tmp_path: Path):
    found = binning.read(write_binning(tmp_path / "a.xml", PHOTONS), "photon")
    assert [layer.number for layer in found.layers] == [0, 1, 2, 3, 12]
    assert found.first == [0, 8, 168, 358, 363, 368]
    assert found.first[-1] == CHALLENGES["photons_1"].n_voxels
    assert found.layers[1].shape == (10, 16)


def test_rings_run_fastest_then_sectors():
    centres = two_layers().layers[0].centres
    np.testing.assert_allclose(np.hypot(*centres.T), [5, 20] * 4)
    np.testing.assert_allclose(np.arctan2(*centres.T[::-1]), np.repeat(np.pi * np.array([-3, -1, 1, 3]) / 4, 2))


def test_features_of_a_shower_in_two_voxels():
    """100 MeV each in the inner rings of opposite sectors, 300 MeV in the second layer, of a particle of 1 GeV."""
    dense = np.zeros((1, 9))
    dense[0, [0, 4]] = 100
    dense[0, 8] = 300
    found = observe(from_dense(np.zeros(1), dense, energy=np.ones(1)), two_layers())
    assert found["response"] == pytest.approx(0.5)
    np.testing.assert_allclose(found["layer_energy"], [[0.2, 0.3]])
    np.testing.assert_allclose(found["occupancy"], [[0.25, 1]])
    for axis in "xy":
        np.testing.assert_allclose(found[f"centre_{axis}"], 0, atol=1e-12)
        np.testing.assert_allclose(found[f"width_{axis}"], [[5 / 2**0.5, 0]])
    assert found["features"].shape == (1, 1 + 2 * len(NAMES))


def test_a_ring_of_equal_energy_is_centred_and_as_wide_as_its_radius():
    dense = np.zeros((1, 9))
    dense[0, 1:8:2] = 7
    found = observe(from_dense(np.zeros(1), dense, energy=np.ones(1)), two_layers(), ["centre_x", "width_y"])
    assert found["centre_x"][0, 0] == pytest.approx(0, abs=1e-12)
    assert found["width_y"][0, 0] == pytest.approx(20 / 2**0.5)
    assert found.keys() == {"centre_x", "width_y"}


@pytest.mark.parametrize("part", CHALLENGES)
def test_files_are_in_mev_and_the_store_in_gev(part: str, tmp_path: Path):
    challenge, path = CHALLENGES[part], tmp_path / "a.hdf5"
    showers = write_showers(path, 5, challenge.n_voxels)
    found = open_file(info(part), path).take(np.arange(5))
    with h5py.File(path) as file:
        np.testing.assert_allclose(found["energy"], file["incident_energies"][:, 0] / 1000)
    assert (found.label == 0).all()
    np.testing.assert_array_equal(found["position"], np.nonzero(showers)[1])
    np.testing.assert_allclose(found["value"], showers[showers > 0], rtol=1e-6)


def test_features_are_the_input_of_the_challenge_s_classifier_and_can_be_turned_back(tmp_path: Path):
    write_showers(tmp_path / "a.hdf5", 6, 368)
    examples = open_file(info("photons_1"), tmp_path / "a.hdf5").take(np.arange(6))
    features = VoxelFeatures(threshold=0.0).of(368)
    batch = represented(features, examples)
    assert batch.features.shape == (6, 369)
    np.testing.assert_allclose(batch.features[:, 0], np.log10(examples["energy"] * 1000), rtol=1e-6)
    np.testing.assert_allclose(batch.features[:, 1:].sum(1), 0.5, rtol=1e-5)
    found = features.decode(batch, examples)
    np.testing.assert_array_equal(found["position"], examples["position"])
    np.testing.assert_allclose(found["value"], examples["value"], rtol=1e-5)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both files of photons, and their binning, where published files are looked for."""
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    folder = tmp_path / "calo_challenge"
    folder.mkdir()
    for i, name in enumerate(("dataset_1_photons_1.hdf5", "dataset_1_photons_2.hdf5")):
        write_showers(folder / name, 24 + i, 368, seed=i)
    write_binning(folder / "binning_dataset_1_photons.xml", PHOTONS)
    return folder


@pytest.mark.usefixtures("published")
def test_the_second_file_is_the_test():
    data = CaloChallenge(seed=1)
    data.prepare_data()
    data.setup()
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 22, "val": 2, "test": 25}
    assert data.spec.n_features == 369
    examples = data.store.take(np.arange(4))
    values = data.observe(examples)
    for one in data.spec.observables:
        assert values[one.name].shape == (4, len(one.labels))


def test_a_missing_binning_is_named(published: Path):
    (published / "binning_dataset_1_photons.xml").unlink()
    with pytest.raises(
        DataError, match=r"binning_dataset_1_photons.xml: no such file; how to get it: .* data.part=photons_1"
    ):
        CaloChallenge(seed=1).prepare_data()


def test_a_binning_of_other_showers_is_refused(published: Path):
    write_binning(published / "binning_dataset_1_photons.xml", {0: ("0,5,10", 3)})
    with pytest.raises(DataError, match="has 6 voxels, expected 368"):
        _ = CaloChallenge(seed=1).binning


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<Bins>", "not a binning in XML"),
        ("<Bins/>", "expected one Bin with name 'photon', found none"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><Bins/>', "declares entities"),
        ('<Bin name="photon"><Layer id="0" r_edges="0,5,3" n_bin_alpha="1"/></Bin>', "rising edges in mm"),
        ('<Bin name="photon"><Layer id="0" r_edges="0,5" n_bin_alpha="0"/></Bin>', "at least 1 sector"),
        ('<Bin name="photon"><Layer id="0" r_edges="a" n_bin_alpha="1"/></Bin>', "r_edges='a'"),
        ('<Bin name="photon"><Layer id="0" r_edges="0" n_bin_alpha="1"/></Bin>', "expected 1 to 65,535 voxels"),
        (f'<Bin name="photon">{2 * LAYER}</Bin>', "two Layers have the same id"),
        (f'<Bin name="photon">{LAYER.replace("1", "9" * 5000)}</Bin>', f"n_bin_alpha='{60 * '9'}'; expected"),
        ("<Bins>" + 500 * '<Bin name="muon"/>' + "</Bins>", "found muon, muon.* more$"),
    ],
)
def test_another_binning_is_refused_in_one_line(tmp_path: Path, text: str, message: str):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(DataError, match=message) as error:
        binning.read(tmp_path / "a.xml", "photon")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"showers": np.zeros((3, 533))}, r"expected \(N, 368\); that is data.part=pions_1"),
        ({"showers": np.full((3, 368), b"1")}, "has type .S1, expected numbers$"),
        ({"showers": np.zeros((4, 368))}, "key 'showers' has 4 showers but key 'incident_energies' has 3"),
        ({"showers": np.full((3, 368), -1.0)}, "shower 0 has a voxel with value = -1"),
        ({"incident_energies": np.zeros((3, 1))}, "shower 0 has energy = 0; expected 0.001 to 100000 GeV"),
        ({"incident_energies": np.ones(3)}, r"key 'incident_energies' has shape \(3,\), expected \(N, 1\)"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, change: dict, message: str):
    write_showers(tmp_path / "a.hdf5", 3, 368)
    with h5py.File(tmp_path / "a.hdf5", "a") as file:
        for key, values in change.items():
            del file[key]
            file[key] = values
    with pytest.raises(DataError, match=message) as error:
        open_file(info("photons_1"), tmp_path / "a.hdf5")
    assert "\n" not in str(error.value)


def test_an_unknown_part_is_refused():
    with pytest.raises(ConfigError, match=r"dataset.part: unknown 'pion_1'; did you mean pions_1"):
        CaloChallenge(seed=1, part="pion_1")

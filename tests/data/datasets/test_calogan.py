"""CaloGAN: closed forms of shower shapes, the grid that holds all layers, and the published files."""

from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepexp.data.datasets.calogan import calorimeter, fractions
from hepexp.data.datasets.calogan.features import ShowerFeatures
from hepexp.data.datasets.calogan.grid import SHAPE, FinestGrid
from hepexp.data.datasets.calogan.info import CLASSES, INFO, LAYOUT, OVERFLOW
from hepexp.data.datasets.calogan.module import CaloGan
from hepexp.data.datasets.calogan.shapes import SHAPES, Showers
from hepexp.data.download.export import export_rows
from hepexp.data.formats.open_file import open_file
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError, DataError
from tests.data.small import calogan, represented


def of_cells(*cells: dict[tuple[int, int, int], float], incident: float = 50.0) -> Showers:
    """Showers whose cells (layer, along x, along y) have these energies in MeV."""
    dense = np.zeros((len(cells), calorimeter.FIRST[-1]))
    for shower, filled in zip(dense, cells, strict=True):
        for (layer, x, y), energy in filled.items():
            shower[calorimeter.FIRST[layer] + x * calorimeter.CELLS[layer][1] + y] = energy
    return Showers(dense, np.full(len(cells), incident))


def shape(name: str, showers: Showers) -> list[float]:
    return SHAPES[name].of(showers).tolist()


def test_plates_fill_the_calorimeter_and_end_where_layers_do():
    plates = calorimeter.plates()
    assert len(plates) == 2 * 80 + 1  # one of argon belongs to two layers
    depths = [sum(plate.thickness for plate in plates if plate.layer == i) for i in range(3)]
    assert depths == pytest.approx([90, 347, 43])
    assert sum(plate.thickness for plate in plates if plate.material == "lead") == pytest.approx(160)
    for one, other in pairwise(plates):
        assert other.front == pytest.approx(one.front + one.thickness)


def test_all_energy_in_one_cell():
    shower = of_cells({(1, 3, 7): 40_000.0})
    assert shape("response", shower) == [0.8]
    assert shape("depth", shower) == [1]
    assert shape("share_1", shower) == [1]
    assert shape("weighted_depth", shower) == [40]
    assert shape("mean_depth", shower) == [1]
    for name in ("depth_spread", "width_x_1", "width_y_1"):
        assert shape(name, shower) == pytest.approx([0], abs=1e-5)
    assert shape("e_ratio_1", shower) == [1]
    assert shape("occupancy_1", shower) == [1 / 144]
    assert shape("occupancy_0", shower) == [0]


def test_an_empty_shower_has_shapes_that_are_numbers():
    empty = of_cells({})
    assert shape("depth", empty) == [-1]
    assert all(np.isfinite(shape(name, empty)).all() for name in SHAPES)


def test_equal_energy_in_all_cells_has_the_width_of_a_discrete_uniform_distribution():
    flat = Showers(np.ones((1, 504)), np.ones(1))
    for layer, (nx, ny) in enumerate(calorimeter.CELLS):
        for name, n in (("x", nx), ("y", ny)):
            pitch = 480 / n
            assert shape(f"width_{name}_{layer}", flat) == pytest.approx([pitch * ((n**2 - 1) / 12) ** 0.5])
        assert shape(f"occupancy_{layer}", flat) == [1]
        assert shape(f"e_ratio_{layer}", flat) == [0]


def test_depth_is_the_mean_and_spread_of_the_layers_by_energy():
    shower = of_cells({(0, 1, 40): 1000.0, (1, 6, 6): 2000.0, (2, 6, 3): 1000.0})
    assert shape("weighted_depth", shower) == pytest.approx([4])
    assert shape("mean_depth", shower) == pytest.approx([1])
    assert shape("depth_spread", shower) == pytest.approx([0.5**0.5])


def test_two_cells_of_one_to_three():
    shower = of_cells({(1, 2, 5): 1.0, (1, 6, 5): 3.0})
    assert shape("e_ratio_1", shower) == pytest.approx([0.5])
    assert shape("width_x_1", shower) == pytest.approx([4 * 40 * (0.25 * 0.75) ** 0.5])
    assert shape("width_y_1", shower) == pytest.approx([0], abs=1e-4)


def test_the_grid_keeps_energies_and_each_cell_s_place():
    showers = calogan(20)
    dense, cells = to_dense(FinestGrid()(showers), SHAPE), Showers.of(showers)
    for layer, (nx, ny) in enumerate(calorimeter.CELLS):
        blocks = dense[:, layer].reshape(-1, nx, SHAPE[1] // nx, ny, SHAPE[2] // ny)
        np.testing.assert_allclose(blocks.sum((2, 4)), cells.layer(layer), rtol=1e-5)
        assert np.ptp(blocks, axis=(2, 4)).max() == 0  # equal energies inside a cell


def test_features_are_cells_then_the_energy_of_the_particle():
    showers = calogan(30)
    batch = represented(ShowerFeatures(power=1.0, standardise=False), showers)
    assert batch.features.shape == (30, 505)
    np.testing.assert_allclose(batch.features[:, :504], Showers.of(showers).cells, rtol=1e-6)
    np.testing.assert_allclose(batch.features[:, 504], showers["energy"])


def test_only_cells_in_their_own_unit_say_so():
    assert ShowerFeatures(["cells"], power=1.0, standardise=False).feature_unit == "MeV"
    for keys in ({"variables": ["cells", "energy"]}, {"power": 0.5}, {"standardise": True}):
        assert ShowerFeatures(**{"variables": ["cells"], "power": 1.0, "standardise": False} | keys).feature_unit == ""


def test_the_specification_has_the_scale_of_the_energy_in_gev():
    data = CaloGan(source="mini", seed=1, extras=["energy"], n_train=100, n_val=10, n_test=10)
    data.setup()
    ((mean, std),) = data.spec.extra_scales
    assert data.spec.extra_names == ("energy",)
    batch = data.splits["train"][list(range(100))]
    stored = data.store.take(data.splits["train"].rows)["energy"]
    np.testing.assert_allclose(batch.extras[:, 0] * std + mean, stored, rtol=1e-5)


def test_cells_of_a_layer_have_one_scale_and_empty_ones_stay_empty():
    showers = calogan(200)
    batch = represented(ShowerFeatures(["energy", "cells", "share_0"]), showers)
    cells = batch.features[:, 1:505].numpy()
    np.testing.assert_array_equal(cells == 0, Showers.of(showers).cells == 0)
    for layer, first in enumerate(calorimeter.FIRST[:-1]):
        assert cells[:, first : calorimeter.FIRST[layer + 1]].std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(batch.features[:, [0, 505]].mean(0), 0, atol=1e-5)


@pytest.mark.parametrize("standardise", [True, False])
def test_features_can_be_turned_back_into_showers(standardise: bool):
    showers = calogan(20)
    features = ShowerFeatures(["energy", "cells"], standardise=standardise, threshold=0.0)
    found = features.decode(represented(features, showers), showers)
    np.testing.assert_array_equal(found["position"], showers["position"])
    np.testing.assert_allclose(found["value"], showers["value"], rtol=1e-4)
    np.testing.assert_array_equal(found["energy"], showers["energy"])
    np.testing.assert_array_equal(found.label, showers.label)
    assert not any(found[name].any() for name in OVERFLOW)


def test_weak_and_negative_cells_of_generated_showers_are_empty():
    showers = calogan(20)
    features = ShowerFeatures(["cells"], power=1.0, standardise=False, threshold=0.5)
    batch = represented(features, showers)
    batch.features[:, :100] = -1.0
    found = features.decode(batch, showers)
    assert found["position"].min() >= 100
    assert found["value"].min() >= 0.5


def test_fractions_of_layers_are_those_of_what_is_left():
    shower = of_cells({(0, 1, 40): 100.0, (1, 6, 6): 600.0, (2, 6, 3): 200.0}, incident=1.0)
    u = 1 / (1 + np.exp(-fractions.of_layers(shower)[0]))
    np.testing.assert_allclose(u, [0.9 / 1.05, 100 / 900, 600 / 800])
    np.testing.assert_allclose(fractions.layer_energies(fractions.of_layers(shower), np.ones(1)), [[100, 600, 200]])


@pytest.mark.parametrize("cells", [{(0, 1, 40): 100.0}, {(1, 6, 6): 600.0, (2, 6, 3): 200.0}, {(2, 0, 0): 5.0}])
def test_layers_without_energy_stay_so(cells):
    shower = of_cells(cells, incident=1.0)
    found = fractions.layer_energies(fractions.of_layers(shower).astype(np.float32), np.ones(1))
    np.testing.assert_allclose(found, 1000 * shower.energies, rtol=1e-4)


def test_logarithms_tell_empty_cells_from_weak_ones():
    energies = np.array([0.0, 0.01, 0.1, 1.0, 1e4])
    logarithms = fractions.log_cells(energies)
    np.testing.assert_allclose(logarithms, [-1, np.log(1.1), np.log(2), np.log(11), np.log(1e5 + 1)])
    np.testing.assert_allclose(fractions.cells(logarithms, least=0.01), energies)
    np.testing.assert_allclose(fractions.cells(np.array([-0.6, -0.4, 0.05]), least=0.01), [0, 0.01, 0.01])


@pytest.mark.parametrize("standardise", [True, False])
def test_fractions_and_logarithms_can_be_turned_back_into_showers(standardise: bool):
    showers = calogan(40)
    features = ShowerFeatures(["layer_fractions", "energy", "log_cells"], standardise=standardise, threshold=0.0)
    found = features.decode(represented(features, showers), showers)
    np.testing.assert_array_equal(found["position"], showers["position"])
    np.testing.assert_allclose(found["value"], showers["value"], rtol=2e-3)
    np.testing.assert_array_equal(found["energy"], showers["energy"])


def test_generated_layers_have_the_energies_of_their_fractions():
    showers = calogan(40)
    features = ShowerFeatures(["layer_fractions", "log_cells"], standardise=False)
    batch = represented(features, showers)
    batch.features[:, 3:] += 0.3 * torch.randn(40, 504, generator=torch.Generator().manual_seed(1))
    found, expected = (Showers.of(one) for one in (features.decode(batch, showers), showers))
    there = (found.energies > 0) & (expected.energies > 0)
    np.testing.assert_allclose(found.energies[there], expected.energies[there], rtol=1e-3)
    assert there.mean() > 0.9


def test_the_features_of_each_variable_are_counted():
    data = CaloGan(
        source="mini", seed=1, n_train=50, features=ShowerFeatures(["layer_fractions", "energy", "log_cells"])
    )
    data.setup()
    assert data.spec.feature_names == ("layer_fractions", "energy", "log_cells")
    assert data.spec.feature_sizes == (3, 1, 504)


def test_shapes_alone_give_no_showers():
    features = ShowerFeatures(["energy", "share_0"])
    with pytest.raises(ConfigError, match="keeps too little"):
        features.decode(represented(features, calogan(5)), calogan(5))


def test_every_shape_is_an_observable_and_a_feature():
    data, showers = CaloGan(source="mini", seed=1), calogan(12)
    found = data.observe(showers)
    assert found.keys() == {one.name for one in data.observables} | {"features"}
    for one in data.observables:
        assert found[one.name].shape == (12, len(one.labels))
    assert found["features"].shape == (12, len(SHAPES))
    assert sum(len(one.labels) for one in data.observables) == len(SHAPES)
    np.testing.assert_array_equal(data.observe(showers, ["share"])["share"], found["share"])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"variables": ["cell"]}, r"dataset.features.variables: unknown 'cell'; did you mean cells"),
        ({"variables": ["energy", "energy"]}, "each at most once"),
        ({"variables": []}, "must name one or more"),
        ({"power": 0.0}, "dataset.features.power must be > 0, got 0.0"),
        ({"threshold": -1.0}, "dataset.features.threshold must be 0 to 100000 MeV, got -1.0"),
        ({"power": float("nan")}, "dataset.features.power must be > 0, got nan"),
    ],
)
def test_features_that_cannot_be_made_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        ShowerFeatures(**keys)


def write(path: Path, showers: Ragged) -> None:
    """The published layout, written without hepexp's writer."""
    cells = Showers.of(showers)
    with h5py.File(path, "w") as file:
        file["energy"] = showers["energy"][:, None].astype(np.float64)
        for layer in range(3):
            file[f"layer_{layer}"] = cells.layer(layer)
        file["overflow"] = np.stack([showers[name] for name in OVERFLOW], 1)


def of(kind: str, n: int) -> Ragged:
    showers = calogan(3 * n)
    return showers.take(np.flatnonzero(showers.label == CLASSES.index(kind)))


@pytest.mark.parametrize("kind", CLASSES)
def test_a_published_file_is_read_with_the_particle_of_its_name(kind: str, tmp_path: Path):
    path, expected = tmp_path / f"{kind}.hdf5", of(kind, 7)
    write(path, expected)
    found = open_file(INFO, path).take(np.arange(7))
    np.testing.assert_array_equal(found.label, CLASSES.index(kind))
    for name in LAYOUT.names[1:]:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_what_is_exported_is_in_the_published_format_with_labels(tmp_path: Path):
    showers = calogan(9)
    export_rows(INFO, Store(LAYOUT, [showers]), range(9), tmp_path / "some.hdf5")
    write(tmp_path / "eplus.hdf5", showers)
    with h5py.File(tmp_path / "some.hdf5") as one, h5py.File(tmp_path / "eplus.hdf5") as other:
        assert set(one) == {*other, "label"}
        for key in other:
            np.testing.assert_array_equal(one[key][()], other[key][()].astype(np.float32), err_msg=key)
    found = open_file(INFO, tmp_path / "some.hdf5").take(np.arange(9))
    for name in LAYOUT.names[1:]:
        np.testing.assert_array_equal(found[name], showers[name], err_msg=name)
    np.testing.assert_array_equal(found.label, showers.label)


def without(key: str):
    def change(file: h5py.File) -> None:
        del file[key]

    return change


def replaced(key: str, values: np.ndarray):
    def change(file: h5py.File) -> None:
        del file[key]
        file[key] = values

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("muon.hdf5", lambda file: None, "expected a name that begins with gamma, eplus, piplus"),
        ("gamma.hdf5", without("layer_1"), "layer_1"),
        ("gamma.hdf5", replaced("layer_0", np.zeros((3, 96, 3))), r"key 'layer_0' has shape .*expected \(N, 3, 96\)"),
        ("gamma.hdf5", replaced("energy", np.ones((4, 1))), "key 'layer_0' has 3 showers but key 'energy' has 4"),
        ("gamma.hdf5", replaced("energy", np.full((3, 1), -1.0)), r"shower 0 has energy = -1; expected"),
        ("gamma.hdf5", replaced("layer_2", np.full((3, 12, 6), np.nan)), r"shower 0 has a cell with value = nan"),
        ("gamma.hdf5", replaced("overflow", np.full((3, 3), -2.0)), r"shower 0 has overflow_0 = -2"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, name: str, change, message: str):
    write(tmp_path / name, of("gamma", 3))
    with h5py.File(tmp_path / name, "a") as file:
        change(file)
    with pytest.raises(DataError, match=message) as error:
        open_file(INFO, tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_file_of_any_name_can_be_scored(tmp_path: Path):
    from hepexp.data.formats.open_file import read_published

    write(tmp_path / "mine.hdf5", of("gamma", 3))
    (found,) = read_published(INFO, tmp_path / "mine.hdf5", needs_label=False)
    assert (found.label == -1).all()


def test_only_positrons_and_photons_unless_pions_are_asked_for():
    assert CaloGan(source="mini", seed=1).class_names == ("gamma", "eplus")
    assert CaloGan(source="mini", seed=1).generated_classes == ()
    assert CaloGan(source="mini", seed=1, classes=["piplus", "eplus"]).generated_classes == ("piplus", "eplus")

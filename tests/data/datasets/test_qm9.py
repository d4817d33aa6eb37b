"""QM9: files of the package, bonds by distances, and clouds that are turned back into molecules."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.data.datasets.qm9.bonds import LONGEST, bond_orders
from hepexp.data.datasets.qm9.cloud import MoleculeCloud
from hepexp.data.datasets.qm9.info import INFO, LAYOUT
from hepexp.data.datasets.qm9.module import QM9
from hepexp.data.datasets.qm9.observables import observe
from hepexp.data.datasets.qm9.reader import read
from hepexp.data.loading.split_store import open_sample
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import ConfigError, DataError
from tests.data.small import represented

C_H, C_C, C_O = 1.09, 1.34, 1.20  # Å


def molecule(*atoms: tuple[int, float, float, float]) -> Ragged:
    """One molecule of (atomic number, x, y, z)."""
    columns = np.array(atoms).T
    elements = {"number": columns[0].astype(np.int8), **dict(zip("xyz", columns[1:].astype(np.float32), strict=True))}
    return Ragged(np.zeros(1, np.int8), offsets_of(np.array([len(atoms)])), elements, {})


METHANE = molecule(
    (6, 0, 0, 0),
    *((1, *(C_H / 3**0.5 * np.array(corner))) for corner in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))),
)
ETHENE = molecule(
    *((6, side * C_C / 2, 0, 0) for side in (1, -1)),
    *((1, side * (C_C / 2 + C_H / 2), up * C_H * 0.75**0.5, 0) for side in (1, -1) for up in (1, -1)),
)
HYDROGEN_CYANIDE = molecule((1, -1.07, 0, 0), (6, 0, 0, 0), (7, 1.16, 0, 0))
WATER = molecule((8, 0, 0, 0), (1, 0.76, 0.59, 0), (1, -0.76, 0.59, 0))
FLUORINE = molecule((9, 0, 0, 0), (9, 1.42, 0, 0))
FORMALDEHYDE = molecule((6, 0, 0, 0), (8, C_O, 0, 0), (1, -0.59, 0.94, 0), (1, -0.59, -0.94, 0))


@pytest.mark.parametrize("found", [METHANE, ETHENE, HYDROGEN_CYANIDE, WATER, FLUORINE, FORMALDEHYDE])
def test_molecules_that_exist_are_stable(found):
    values = observe(found)
    assert values["atom_stable"].all()
    assert values["molecule_stable"].all()


def test_bonds_have_the_order_that_their_length_says():
    number, place = np.array([[6, 6]]), np.zeros((1, 2, 3))
    for distance, order in ((1.20, 3), (1.24, 2), (1.38, 2), (1.40, 1), (1.63, 1), (1.65, 0)):
        place[0, 1, 0] = distance
        assert (bond_orders(number, place)[0] == order * (1 - np.eye(2))).all()
    assert not bond_orders(np.array([[6, 0]]), np.zeros((1, 2, 3))).any()  # padding
    assert (LONGEST.transpose(0, 2, 1) == LONGEST).all()
    assert (LONGEST[0] >= LONGEST[1]).all()
    assert (LONGEST[1] >= LONGEST[2]).all()


def test_a_molecule_that_has_lost_an_atom_is_stable_but_for_the_atom_next_to_it():
    broken = molecule(*zip(*(METHANE[name][:-1] for name in LAYOUT.elements), strict=True))
    assert observe(broken)["atom_stable"][:, 0].tolist() == [0, 1, 1, 1]
    assert not observe(broken)["molecule_stable"].any()


def test_observables_of_ethene_are_those_of_its_geometry():
    found = observe(ETHENE)
    assert found["atoms"].tolist() == [[4, 2, 0, 0, 0]]
    assert found["nearest"][:, 0] == pytest.approx(6 * [C_H], rel=1e-6)
    assert found["size"][:2, 0] == pytest.approx(2 * [C_C / 2], rel=1e-6)


def test_the_sample_has_the_stability_of_small_molecules_of_qm9():
    """Of all 25,006 molecules of at most 15 atoms 97.63 % of the atoms and 86.70 % of the molecules are stable."""
    sample = open_sample(INFO)
    found = observe(sample.take(np.arange(len(sample))), ["atom_stable", "molecule_stable"])
    assert len(sample) == 4000
    assert found["atom_stable"].mean() == pytest.approx(0.9763, abs=0.003)
    assert found["molecule_stable"].mean() == pytest.approx(0.8670, abs=3 * (0.867 * 0.133 / 4000) ** 0.5)


@pytest.mark.slow
def test_all_of_qm9_has_the_stability_that_was_published():
    """99.4 % of the atoms and 95.2 % of the molecules."""
    files = [INFO.find_file(part.files[0]) for part in INFO.releases[0]]
    if None in files:
        pytest.skip("QM9 is not on this machine")
    atoms, molecules = [], []
    for found in (observe(part, ["atom_stable", "molecule_stable"]) for path in files for part in read(path)):
        atoms.append(found["atom_stable"])
        molecules.append(found["molecule_stable"])
    assert np.concatenate(atoms).mean() == pytest.approx(0.994, abs=0.0006)
    assert np.concatenate(molecules).mean() == pytest.approx(0.952, abs=0.0011)


# ---- clouds


def some() -> Ragged:
    return open_sample(INFO).take(np.arange(30))


def test_a_cloud_has_its_centre_in_the_origin_and_is_turned_back_into_its_molecule():
    cloud, molecules = MoleculeCloud(length=2.0), some()
    batch = represented(cloud, molecules)
    assert (batch.points[..., :3].sum(1).abs() < 1e-5).all()
    assert (batch.points[..., 3:].sum(2)[batch.mask] == 0.25).all()
    found = cloud.decode(batch, molecules)
    assert (found["number"] == molecules["number"]).all()
    before, after = observe(molecules), observe(found)
    for name in before:
        assert after[name] == pytest.approx(before[name], abs=2e-4), name
    INFO.check(found, "generated", 0)


def test_places_beyond_all_limits_are_moved_to_them():
    molecules = some()
    batch = represented(MoleculeCloud(), molecules)
    batch.points[0, 0, 0] = 1e9
    INFO.check(MoleculeCloud().decode(batch, molecules), "generated", 0)


def test_only_molecules_that_are_small_enough_are_used():
    data = QM9(source="mini", seed=1, most_atoms=12)
    data.setup()
    counts = [batch.mask.sum(1) for batch in data.val_dataloader()]
    assert torch.cat(counts).max() == 12
    assert data.spec.n_coordinates == 3
    with pytest.raises(ConfigError, match=r"dataset.most_atoms must be >= .*, got 2"):
        QM9(source="mini", seed=1, most_atoms=2).setup()
    with pytest.raises(ConfigError, match=r"dataset.most_atoms must be from 1 to 10,000 or null, got 0"):
        QM9(source="mini", seed=1, most_atoms=0)


# ---- files


def write(path: Path, *rows: tuple[str, str]) -> Path:
    lines = ["Index,Elements,XYZ_Ang", *(f'{i},"{symbols}","{places}"' for i, (symbols, places) in enumerate(rows))]
    path.write_text("\n".join(lines))
    return path


WATER_ROW = ("['O','H','H']", "[[-0.03,0.97,0.007],[0.006,0.002,2.*^-3],[0.87,1.3,6.9*^-4]]")


def test_a_file_gives_its_molecules(tmp_path):
    (found,) = read(write(tmp_path / "a.csv", WATER_ROW, ("['F']", "[[1.,-2,3]]")))
    assert found.counts.tolist() == [3, 1]
    assert found["number"].tolist() == [8, 1, 1, 9]
    assert found["z"] == pytest.approx([0.007, 0.002, 6.9e-4, 3])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            ("['O','Cl','H']", WATER_ROW[1]),
            "molecule 1 has an atom of an unknown element, 'Cl'; expected one of H, C, N",
        ),
        (("['O','H']", WATER_ROW[1]), "molecule 1 has 9 coordinates, expected 6"),
        (("['H']", "[[1,2,here]]"), "molecule 1, column XYZ_Ang: could not convert string to float: 'here'; expected"),
        (("['H']", "[[1,2,nan]]"), "molecule 1 has an atom with z = nan"),
        (("[]", "[]"), "molecule 1 has no atoms"),
    ],
)
def test_a_row_that_is_no_molecule_is_refused_in_a_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message) as error:
        list(read(write(tmp_path / "a.csv", WATER_ROW, row)))
    assert "\n" not in str(error.value)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="no column 'Elements'; expected those of qm9pack"):
        list(read(tmp_path / "a.csv"))
    with pytest.raises(DataError, match="no molecules"):
        list(read(write(tmp_path / "b.csv")))


def test_elements_that_the_data_set_does_not_have_are_refused():
    with pytest.raises(
        DataError, match=r"a: molecule 0 has an atom of an unknown element, number = 3; expected 1 \(H\)"
    ):
        INFO.check(molecule((3, 0, 0, 0)), "a", 0)


def test_files_are_found_in_the_package(tmp_path, monkeypatch):
    folder = tmp_path / "qm9pack"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('nothing of it is run')")
    file = INFO.releases[0][0].files[0]
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert INFO.find_file(file) is None
    path = write(folder / "data" / file.name, WATER_ROW)
    assert INFO.find_file(file) == path

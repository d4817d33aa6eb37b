"""The hls4ml jets: published tables and HDF5 files, substructure against closed forms, and simulated classes."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hepexp.data.datasets.hls4ml_jets.info import CLASSES, FEATURES, INFO, LETTERS
from hepexp.data.formats.open_file import open_file
from hepexp.errors import DataError

N = 30


def columns() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    made = {name: random.random(N) for name in FEATURES}
    return made | {"zlogz": -3 * random.random(N), "multiplicity": random.integers(10, 90, N) * 1.0}


def letters() -> np.ndarray:
    return np.array(list("tqgwz"))[np.arange(N) % 5]


def write_table(path: Path, without: str = "", as_dictionary: bool = True, **changed) -> Path:
    of_class = pa.array(letters())
    made = columns() | {"class": of_class.dictionary_encode() if as_dictionary else of_class} | changed
    pq.write_table(pa.table({name: values for name, values in made.items() if name != without}), path)
    return path


def one_hot() -> dict[str, np.ndarray]:
    return {f"j_{letter}": (letters() == letter) * 1.0 for letter in LETTERS}


def write_fields(path: Path, without: str = "", **changed) -> Path:
    """The structured array of the file of the publication, with a column that is not needed."""
    made = {f"j_{name}": values for name, values in columns().items()} | one_hot() | {"j_pt": np.ones(N)} | changed
    made.pop(without, None)
    rows = np.zeros(N, [(name, "f4") for name in made])
    for name, values in made.items():
        rows[name] = values
    with h5py.File(path, "w") as file:
        file["t_allpar_new"] = rows
    return path


def write_matrix(path: Path, without: str = "", **changed) -> Path:
    """The arrays of the files with 150 particles."""
    made = {"j_pt": np.ones(N)} | {f"j_{name}": values for name, values in columns().items()} | one_hot() | changed
    made.pop(without, None)
    with h5py.File(path, "w") as file:
        file["jets"] = np.stack(list(made.values()), 1)
        file["jetFeatureNames"] = np.array(list(made), "S")
        file["jetConstituentList"] = np.zeros((N, 150, 3), np.float32)
    return path


WRITERS = {"a.pq": write_table, "b.z": write_fields, "c.h5": write_matrix}


@pytest.mark.parametrize(("name", "write"), WRITERS.items())
def test_the_published_files_are_read(tmp_path: Path, name: str, write: Callable):
    found = open_file(INFO, write(tmp_path / name)).take(np.arange(N))
    assert [CLASSES[label] for label in found.label[:5]] == ["top", "quark", "gluon", "w", "z"]
    for column, values in columns().items():
        np.testing.assert_allclose(found[column], values, rtol=1e-6)


@pytest.mark.parametrize(("name", "write"), WRITERS.items())
def test_jets_to_predict_need_no_class(tmp_path: Path, name: str, write: Callable):
    lacking = "class" if name == "a.pq" else "j_w"
    with pytest.raises(DataError, match=f"column {lacking} missing"):
        open_file(INFO, write(tmp_path / name, without=lacking))
    found = open_file(INFO, write(tmp_path / f"d{name}", without=lacking), needs_label=False).take(np.arange(N))
    assert (found.label == -1).all()


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a.pq", {"class": np.array(list("gqwzb") * 6)}, r"row 4 has no class that is one of g, q, w, z, t"),
        ("a.pq", {"class": np.arange(30)}, r"column 'class' has type int64, expected the letters g, q"),
        ("a.pq", {"zlogz": np.full(N, np.nan)}, r"jet 0 has zlogz = nan; expected -30 to 0.001"),
        ("a.pq", {"without": "c1_b0_mmdt"}, r"column c1_b0_mmdt missing"),
        ("b.z", {"j_q": np.ones(N)}, r"row 0 is not of one class: expected 1 in one of j_g, j_q"),
        ("b.z", {"j_multiplicity": np.full(N, 0.5)}, r"jet 0 has multiplicity = 0.5; expected a whole number from 1"),
        ("c.h5", {"without": "j_mass_mmdt"}, r"column j_mass_mmdt missing"),
    ],
)
def test_what_is_no_jet_is_one_line(tmp_path: Path, name: str, change: dict, message: str):
    with pytest.raises(DataError, match=message) as error:
        open_file(INFO, WRITERS[name](tmp_path / name, **change))
    assert "\n" not in str(error.value)


def test_a_table_that_is_no_such_file_is_one_line(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.ones(3)
    with pytest.raises(DataError, match=r"has neither 't_allpar_new' nor 'jets'"):
        open_file(INFO, tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["jets"], file["jetFeatureNames"] = np.ones((3, 4)), np.array(["a", "b"], "S")
    with pytest.raises(DataError, match=r"'jets' has rows of shape \(4,\), expected \(2,\)"):
        open_file(INFO, tmp_path / "b.h5")


def test_the_sample_has_heavy_jets_heavier_than_light_ones_and_gluons_with_more_particles_than_quarks():
    from hepexp.data.loading.split_store import open_sample

    jets = open_sample(INFO).take(np.arange(5000))
    of = {name: jets.label == i for i, name in enumerate(CLASSES)}
    assert np.median(jets["mass_mmdt"][of["w"]]) == pytest.approx(80.4, abs=3)
    assert np.median(jets["mass_mmdt"][of["z"]]) == pytest.approx(91.2, abs=4)
    assert np.median(jets["mass_mmdt"][of["top"]]) == pytest.approx(172, abs=8)
    assert jets["multiplicity"][of["gluon"]].mean() > 1.3 * jets["multiplicity"][of["quark"]].mean()
    np.testing.assert_allclose(jets["d2_b1_mmdt"], jets["d2_a1_b1_mmdt"], rtol=1e-3)  # equal by definition


def _massless(pt: list[float], y: list[float], phi: list[float]) -> np.ndarray:
    pt, y, phi = (np.array(x, np.float64) for x in (pt, y, phi))
    return np.stack([pt * np.cosh(y), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y)], 1)


def test_substructure_of_three_particles_is_that_of_the_closed_forms():
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.hls4ml_jets.generate import substructure
    from hepexp.data.physics.jet_clustering import jagged

    pt, y, phi = np.array([500.0, 300.0, 200.0]), np.array([0.0, 0.3, 0.1]), np.array([0.0, 0.1, 0.4])
    p = _massless(pt, y, phi)
    found = substructure(jagged(p, np.array([3])))
    z = pt / pt.sum()
    of_pairs = [(0, 1), (0, 2), (1, 2)]
    distance = np.array([np.hypot(y[i] - y[j], phi[i] - phi[j]) for i, j in of_pairs])

    def e2(beta: float) -> float:
        return sum(z[i] * z[j] * r**beta for (i, j), r in zip(of_pairs, distance, strict=True))

    def e3(beta: float, angles: int = 3) -> float:  # the product of the smallest angles
        return z.prod() * np.sort(distance)[:angles].prod() ** beta

    for beta in (0, 1, 2):
        assert found[f"c1_b{beta}_mmdt"] == pytest.approx(e2(beta), rel=1e-6)
    for beta in (1, 2):
        assert found[f"c2_b{beta}_mmdt"] == pytest.approx(e3(beta) / e2(beta) ** 2, rel=1e-6)
        assert found[f"d2_b{beta}_mmdt"] == pytest.approx(e3(beta) / e2(beta) ** 3, rel=1e-6)
        assert found[f"d2_a1_b{beta}_mmdt"] == pytest.approx(e3(1) / e2(beta) ** (3 / beta), rel=1e-6)
        assert found[f"m2_b{beta}_mmdt"] == pytest.approx(e3(beta, 1) / e2(beta), rel=1e-6)
        assert found[f"n2_b{beta}_mmdt"] == pytest.approx(e3(beta, 2) / e2(beta) ** 2, rel=1e-6)
    energy = p[:, 0] / p[:, 0].sum()
    assert found["zlogz"] == pytest.approx((energy * np.log(energy)).sum(), rel=1e-10)
    total = p.sum(0)
    assert found["mass_mmdt"] == pytest.approx(np.sqrt(total[0] ** 2 - (total[1:] ** 2).sum()), rel=1e-6)
    assert found["multiplicity"] == 3


def test_soft_particles_at_a_wide_angle_are_groomed_away_but_counted():
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.hls4ml_jets.generate import substructure
    from hepexp.data.physics.jet_clustering import jagged

    hard = _massless([600.0, 400.0], [0.0, 0.2], [0.0, 0.0])
    both = np.concatenate([hard, _massless([20.0], [0.0], [0.7])])
    alone, dressed = substructure(jagged(hard, np.array([2]))), substructure(jagged(both, np.array([3])))
    for name in ("mass_mmdt", "c1_b1_mmdt", "d2_b1_mmdt"):
        assert dressed[name] == pytest.approx(alone[name], rel=1e-9, abs=1e-12)
    assert alone["c2_b1_mmdt"] == 0  # of two particles
    assert dressed["multiplicity"] == 3


def test_a_single_particle_has_correlators_of_zero():
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.hls4ml_jets.generate import substructure
    from hepexp.data.physics.jet_clustering import jagged

    found = substructure(jagged(_massless([900.0], [0.1], [0.3]), np.array([1])))
    assert all(abs(found[name][0]) < 1e-4 for name in FEATURES[:-1])
    assert found["multiplicity"] == 1


def test_the_simulation_is_the_same_for_the_same_seed():
    pytest.importorskip("pythia8mc")
    pytest.importorskip("fastjet")
    from hepexp.data.datasets.hls4ml_jets import generate

    one, two = (INFO.check(generate.make_block("top", 3, 0, 6), "simulation", 0) for _ in range(2))
    for name in FEATURES:
        np.testing.assert_array_equal(one[name], two[name])
    assert (one.label == CLASSES.index("top")).all()

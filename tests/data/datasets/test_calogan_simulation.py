"""Showers by Geant4: what does not depend on how they are made, and what electromagnetic showers have to be like."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.calogan import geant4_data, generate
from hepexp.data.datasets.calogan.info import CLASSES, INFO, LAYOUT, OVERFLOW
from hepexp.data.datasets.calogan.shapes import SHAPES, Showers
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError
from hepexp.simulation.simulate import simulate, write_sample

INSTALLED = find_spec("geant4_pybind") is not None  # imported without its tables, it asks whether to download them


def assert_same(a: Ragged, b: Ragged) -> None:
    for name in LAYOUT.names:
        np.testing.assert_array_equal(*((s.label if name == "label" else s[name]) for s in (a, b)), err_msg=name)


# ---- the tables


def test_tables_are_found_by_their_own_variable_or_in_the_folder_of_all(tmp_path: Path, monkeypatch):
    for variable in geant4_data.FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    for name in ("G4EMLOW8.8", "elsewhere"):
        (tmp_path / name / "tables").mkdir(parents=True)
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("G4ENSDFSTATEDATA", str(tmp_path / "elsewhere"))
    found = geant4_data.find(geant4_data.ELECTROMAGNETIC, "showers")
    assert found == {"G4LEDATA": str(tmp_path / "G4EMLOW8.8"), "G4ENSDFSTATEDATA": str(tmp_path / "elsewhere")}


@pytest.mark.skipif(not INSTALLED, reason="geant4-pybind is not installed")
@pytest.mark.parametrize(
    ("kind", "there", "missing"),
    [
        ("eplus", ["G4EMLOW8.8"], "G4ENSDFSTATE3.0 for electromagnetic showers"),
        ("piplus", ["G4EMLOW8.8", "G4ENSDFSTATE3.0"], "G4PARTICLEXS4.2 for the nuclear interactions of pi+"),
    ],
)
def test_missing_tables_are_named_in_one_line_before_anything_is_written(
    kind: str, there: list[str], missing: str, tmp_path: Path, monkeypatch
):
    for variable in geant4_data.FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    for name in there:
        (tmp_path / name / "tables").mkdir(parents=True)
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match=f"Geant4 needs its data {missing}.*set GEANT4_DATA_DIR") as error:
        simulate(INFO, 4, 1, 1, lambda made, kept: None, tmp_path / "out.arrow", [kind])
    assert "\n" not in str(error.value)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]


def test_a_folder_without_tables_with_which_geant4_would_abort_is_refused(tmp_path: Path, monkeypatch):
    for variable in geant4_data.FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    for name in ("G4EMLOW8.8", "G4ENSDFSTATE3.0"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path))
    with pytest.raises(ConfigError, match=r"G4EMLOW8\.8 is empty; set GEANT4_DATA_DIR"):
        geant4_data.find(geant4_data.ELECTROMAGNETIC, "showers")


# ---- the simulation


@pytest.fixture(scope="module")
def tables() -> None:
    """Geant4, with the tables of electromagnetic physics."""
    samples = Path(os.environ.get("HEPEXP_SAMPLES", "")) / "geant4"
    if samples.is_absolute() and samples.is_dir():
        os.environ.setdefault("GEANT4_DATA_DIR", str(samples))
    try:
        generate.require(generate.CLASSES)
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture
def soft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Particles of 0.5 to 1 GeV, in this process."""
    monkeypatch.setattr(generate, "ENERGIES", (0.5, 1.0))


@pytest.mark.usefixtures("tables", "soft")
@pytest.mark.parametrize("kind", generate.CLASSES)
def test_a_shower_is_the_same_whatever_was_simulated_before(kind: str):
    reports: list[int] = []
    long = generate.make_block(kind, 3, 1, 5, reports.append)
    generate.make_block("gamma", 3, 2, 2)
    short = generate.make_block(kind, 3, 1, 2)
    assert sum(reports) == 5
    assert (long.label == CLASSES.index(kind)).all()
    assert_same(short, long.take(slice(2)))
    assert not np.array_equal(generate.make_block(kind, 3, 2, 2)["value"], short["value"])


@pytest.mark.usefixtures("tables", "soft")
def test_energy_is_conserved_and_most_of_it_stays_in_the_calorimeter():
    showers = generate.make_block("eplus", 1, 0, 20)
    inside = Showers.of(showers).cells.sum(1) + sum(showers[name] for name in OVERFLOW)
    response = inside / showers["energy"] / 1000
    # a positron that annihilates at rest gives the energy of two electron masses more, at most; rounding 1 in 512
    assert (response < 1 + 1.1 / 500 + 1 / 512).all()
    assert response.mean() > 0.97


@pytest.mark.usefixtures("tables")
def test_electrons_lose_their_energy_in_a_radiation_length():
    """E dE/dx = E / X0 by bremsstrahlung at high energies; the screening of nuclei is not complete below."""
    generate.showers(False)
    import geant4_pybind as g4

    lead, calculator = g4.G4NistManager.Instance().FindOrBuildMaterial("G4_Pb"), g4.G4EmCalculator()
    assert lead.GetRadlen() == pytest.approx(5.612, rel=0.002)  # mm, PDG
    electron = g4.G4ParticleTable.GetParticleTable().FindParticle("e-")
    for energy, expected in ((500.0, 0.97), (20_000.0, 1.01)):
        loss = calculator.ComputeDEDX(energy, electron, "eBrem", lead)
        assert loss * lead.GetRadlen() / energy == pytest.approx(expected, abs=0.02)


@pytest.mark.slow
@pytest.mark.usefixtures("tables")
def test_two_processes_make_the_same_file_as_one(tmp_path: Path):
    for jobs in (1, 2):
        write_sample(INFO, 6, 5, jobs, tmp_path / f"{jobs}.arrow", block_size=2)
    assert (tmp_path / "1.arrow").read_bytes() == (tmp_path / "2.arrow").read_bytes()


@pytest.mark.slow
@pytest.mark.usefixtures("tables")
def test_the_shipped_sample_is_what_the_simulation_makes():
    sample = Store.open(LAYOUT, INFO.mini)
    seed = sample.metadata[0]["seed"]
    for kind in generate.CLASSES:
        rows = np.flatnonzero(sample.label == CLASSES.index(kind))[:3]
        assert_same(generate.make_block(kind, seed, 0, 3), sample.take(rows))


# ---- the sample that ships


@pytest.fixture(scope="module")
def positrons() -> Ragged:
    sample = Store.open(LAYOUT, INFO.mini)
    return sample.take(np.flatnonzero(sample.label == CLASSES.index("eplus")))


@pytest.mark.parametrize(
    ("energies", "expected", "error"), [((50, 100), 0.138, 0.007), ((20, 50), 0.171, 0.015), ((1, 20), 0.305, 0.014)]
)
def test_the_first_layer_s_share_of_positrons_falls_with_the_energy(positrons, energies, expected, error):
    """Beside a simulation with cells of another kind (a function at each step), and its statistical error."""
    showers = Showers.of(positrons)
    inside = (showers.incident >= energies[0]) & (showers.incident < energies[1])
    share = (showers.energies[:, 0] / showers.incident)[inside]
    own = share.std() / len(share) ** 0.5
    assert share.mean() == pytest.approx(expected, abs=4 * np.hypot(error, own))


def test_occupancies_and_response_of_positrons(positrons):
    showers = Showers.of(positrons)
    found = [SHAPES[f"occupancy_{layer}"].of(showers).mean() for layer in range(3)]
    np.testing.assert_allclose(found, [0.44, 0.80, 0.29], atol=0.06)
    assert SHAPES["response"].of(showers).mean() == pytest.approx(0.9965, abs=0.0005)

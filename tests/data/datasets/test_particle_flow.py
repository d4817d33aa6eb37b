"""Tracks and towers: where their particles are, what is kept of them, files of one's own, and damaged ones."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hepexp.cli.main import main
from hepexp.data.datasets.particle_flow import info
from hepexp.data.datasets.particle_flow.info import INFO, LAYOUT, TARGETS, TOWER, TRACK
from hepexp.data.datasets.particle_flow.module import ParticleFlow
from hepexp.data.datasets.particle_flow.reader import read
from hepexp.data.loading.split_store import open_sample
from hepexp.data.physics.kinematics import sums, wrapped
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError
from hepexp.simulation import particles as kinds


@pytest.fixture(scope="module")
def events() -> Ragged:
    store = open_sample(INFO)
    return store.take(np.arange(60))


def test_tracks_have_their_particle_and_towers_what_is_neutral(events: Ragged):
    kind, pid = events["kind"], events["target_pid"]
    is_track = kind == TRACK
    assert set(np.unique(pid[is_track])) == {info.CHARGED_HADRON, info.ELECTRON, info.MUON}
    assert set(np.unique(pid[events["em"] > 0])) == {info.NONE, info.PHOTON}
    assert set(np.unique(pid[events["had"] > 0])) == {info.NONE, info.NEUTRAL_HADRON}
    assert ((events["em"] > 0) != (events["had"] > 0))[kind == TOWER].all()
    assert (events["target_energy"][pid == info.NEUTRAL_HADRON] > 8.99).all()
    assert not events["target_energy"][pid == info.NONE].any()
    assert (events["target_charge"][is_track] == events["charge"][is_track]).all()
    ratio = events["pt"][is_track] / events["target_pt"][is_track]
    assert abs(np.median(ratio) - 1) < 0.01
    assert (abs(wrapped(events["phi"] - events["target_phi"]))[is_track] < 1e-3).all()


def test_a_track_turns_as_its_charge_in_the_field(events: Ragged):
    """sin(dphi) = 0.3 B R / 2 pT for tracks that reach the barrel; the direction is that of the charge."""
    chosen = (events["kind"] == TRACK) & (abs(events["eta_out"]) < 1) & (events["target_pt"] > 1)
    turn = wrapped((events["phi"] - events["phi_out"])[chosen].astype(np.float64))
    expected = events["charge"][chosen] * np.arcsin(0.15 * 3.8 * 1.29 / events["target_pt"][chosen])
    np.testing.assert_allclose(turn, expected, atol=2e-3)


def test_what_is_left_in_a_tower_without_tracks_is_its_target(events: Ragged):
    edges, first = events.given_edges, events.offsets[:-1]
    source, target = (edges[end] + np.repeat(first, edges.counts) for end in ("source", "target"))
    assert (events["kind"][source] == TOWER).all()
    own = target == source
    assert (events["kind"][target[~own]] == TRACK).all()
    left = np.bincount(source[own], edges["energy"][own], len(events["kind"]))
    tower = (events["kind"] == TOWER) & (events["target_pid"] != info.NONE)
    np.testing.assert_allclose(left[tower], events["target_energy"][tower], rtol=3e-3)
    hadronic = (events["had"] > 0) & (events["target_pid"] == info.NONE)
    assert (left[hadronic] < 9.01).all()
    assert (np.isin(edges["pid"][~own], (info.CHARGED_HADRON, info.ELECTRON))).all()


def test_deposits_are_the_edges_of_each_event():
    made = ParticleFlow(source="mini", batch_size=3, n_train=6, n_val=1, n_test=1, deposits=True, seed=0)
    made.setup()
    split = made.splits["train"]
    batch, stored = split[[2, 0, 4]], made.store.take(split.rows[[2, 0, 4]])
    assert batch.deposits.shape == (3, batch.mask.shape[1], batch.mask.shape[1])
    first = stored.given_edges.offsets
    expected = np.zeros(batch.deposits.shape)
    for event in range(3):
        for edge in range(first[event], first[event + 1]):
            source, target, energy = (stored.given_edges[name][edge] for name in ("source", "target", "energy"))
            expected[event, target, source] += energy
    np.testing.assert_allclose(batch.deposits, expected, rtol=1e-6)
    is_tower = batch.scalars[..., 0] > 0
    assert ((batch.deposits.sum(1) > 0) == (is_tower & batch.mask)).all()  # all towers have some, and nothing else
    split._cache = None  # read anew
    np.testing.assert_array_equal(split[[2, 0, 4]].deposits, batch.deposits)
    plain = ParticleFlow(source="mini", batch_size=3, n_train=6, n_val=1, n_test=1, seed=0)
    plain.setup()
    assert plain.splits["train"][[0]].deposits is None


def test_towers_are_read_out_above_two_standard_deviations(events: Ragged):
    energy = events["had"][events["had"] > 0].astype(np.float64)
    assert (energy > 2 * np.hypot(0.05 * energy, 1.5 * np.sqrt(energy)) * 0.999).all()
    is_em = events["em"] > 0
    energy, eta = events["em"][is_em].astype(np.float64), abs(events["eta"][is_em].astype(np.float64))
    factor = np.where(eta <= 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta - 2) ** 2)
    width = factor * np.sqrt((0.008 * energy) ** 2 + 0.11**2 * energy + 0.40**2)
    width = np.where(eta <= 2.5, width, np.sqrt((0.107 * energy) ** 2 + 2.08**2 * energy))
    assert (energy > 2 * width * 0.999).all()
    assert (energy < 2.2 * width).any()


def test_pile_up_adds_tracks(events: Ragged):
    assert events["pileup"].min() >= 0
    assert events["pileup"].max() <= 20
    tracks = sums((events["kind"] == TRACK).astype(np.int64), events)
    slope, few = np.polyfit(events["pileup"], tracks, 1)
    assert 5 < slope < 30
    assert few > 50


def test_the_simulation_is_the_same_for_the_same_seed():
    pytest.importorskip("pythia8mc")
    from hepexp.data.datasets.particle_flow import generate

    one, two = (INFO.check(generate.make_block("ttbar", 3, 0, 2), "simulation", 0) for _ in range(2))
    for name in LAYOUT.elements:
        np.testing.assert_array_equal(one[name], two[name])
    np.testing.assert_array_equal(one.given_edges["energy"], two.given_edges["energy"])


def test_the_sample_is_that_of_its_seed(events: Ragged):
    pytest.importorskip("pythia8mc")
    from hepexp.data.datasets.particle_flow import generate

    made = generate.make_block("ttbar", 1, 0, 2)
    counts = events.counts[:2]
    np.testing.assert_array_equal(made.counts, counts)
    for name in LAYOUT.elements:
        np.testing.assert_array_equal(made[name], events[name][: counts.sum()])


# ---- particles by hand


def observed(n: int, kind: int, energy: float, eta: float, charge: float = 0.0) -> Ragged:
    """n events with one massless particle each."""
    pytest.importorskip("pythia8mc")
    from hepexp.data.datasets.particle_flow import generate
    from hepexp.simulation.particles import Particles

    def each(value: float) -> np.ndarray:
        return np.full(n, value)

    pt, nothing = each(energy / np.cosh(eta)), np.zeros(n)
    columns = (pt, each(eta), each(0.1), nothing, np.full(n, kind), each(charge), nothing, nothing, nothing)
    return generate.observe(Particles(np.arange(n), *columns), np.zeros(n, np.int64), np.random.default_rng(1))


def test_a_charged_hadron_beyond_the_tracker_is_a_neutral_one():
    events = observed(1, kinds.CHARGED_HADRON, 100.0, 2.8, charge=1.0)
    assert events["had"].size == 1
    assert events["had"][0] == events["energy"][0]
    assert events["kind"].tolist() == [TOWER]
    assert events["target_pid"].tolist() == [info.NEUTRAL_HADRON]
    assert events["target_energy"][0] == pytest.approx(100, rel=1e-3)
    edges = events.given_edges
    assert [edges[name].tolist() for name in ("source", "target", "pid")] == [[0], [0], [info.CHARGED_HADRON]]


@pytest.mark.parametrize(("eta", "factor"), [(0.0087, 1.0), (1.4007, 1 + 0.64 * 1.4007**2)])
def test_photons_are_spread_by_the_resolution(eta: float, factor: float):
    events = observed(1000, kinds.PHOTON, 20.0, eta)
    assert len(events["em"]) == 1000
    assert (events["target_pid"] == info.PHOTON).all()
    np.testing.assert_allclose(events["target_energy"], 20, rtol=1e-3)
    width = factor * np.sqrt(0.16**2 + 0.11**2 * 20 + 0.40**2)
    assert events["em"].mean() == pytest.approx(20, abs=4 * width / 1000**0.5)
    assert events["em"].std() == pytest.approx(width, rel=4 / 2000**0.5)


def test_a_muon_leaves_no_tower():
    events = observed(200, kinds.MUON, 30.0, 0.3, charge=-1.0)
    assert len(events["kind"]) > 180  # 99 % have a track
    assert (events["kind"] == TRACK).all()
    assert (events["target_pid"] == info.MUON).all()
    assert (events["charge"] == -1).all()
    assert not events.given_edges.counts.any()


def test_a_soft_neutral_hadron_that_is_read_out_is_no_target():
    events = observed(1000, kinds.NEUTRAL_HADRON, 6.0, 0.04)
    assert 20 < len(events["had"]) < 500
    assert (events["had"] > 9.09).all()
    assert not events["target_pid"].any()
    assert not events["target_energy"].any()
    np.testing.assert_allclose(events.given_edges["energy"], 6, rtol=1e-3)


def test_the_tower_of_an_electron_belongs_to_its_track():
    events = observed(200, kinds.ELECTRON, 50.0, 0.3, charge=1.0)
    edges = events.given_edges
    with_track = np.flatnonzero(events.counts == 2)
    assert 170 < len(with_track) < 200  # 95 % have a track
    for i in range(len(events)):
        own = slice(*events.offsets[i : i + 2])
        kind, pid = events["kind"][own], events["target_pid"][own]
        (source,), (target,) = (edges[end][slice(*edges.offsets[i : i + 2])] for end in ("source", "target"))
        assert kind[source] == TOWER
        if len(kind) == 2:
            assert (pid[source], pid[target], kind[target]) == (info.NONE, info.ELECTRON, TRACK)
        else:
            assert (pid[source], target) == (info.PHOTON, source)


def test_a_batch_has_the_features_and_targets_of_its_elements():
    data = ParticleFlow(source="mini", n_train=3, n_val=2, n_test=2, seed=0)
    data.setup()
    batch = data.typical_example()
    names = data.spec.scalar_names
    scalars = dict(zip(names, batch.scalars[0].double().T, strict=True))
    np.testing.assert_allclose(scalars["sin_phi"] ** 2 + scalars["cos_phi"] ** 2, 1, rtol=1e-6)
    np.testing.assert_allclose(batch.p4[0, :, 1], scalars["pt"] * scalars["cos_phi"], atol=1e-4)
    assert batch.element_label.shape == (1, len(batch.p4[0]), 1)
    assert [target.name for target in data.spec.targets_of("element", "real")] == list(TARGETS[1:])


# ---- one's own files


def table(n: int = 2, **changed: list | None) -> pa.Table:
    events = open_sample(INFO).take(np.arange(n))
    columns = {name: list(np.split(events[name], events.offsets[1:-1])) for name in LAYOUT.elements}
    edges = events.given_edges
    columns |= {stored: list(np.split(edges[name], edges.offsets[1:-1])) for stored, name in LAYOUT.edge_names.items()}
    columns |= {"pileup": events["pileup"].tolist()} | changed
    return pa.table({name: column for name, column in columns.items() if column is not None})


def test_own_events_need_neither_label_pile_up_nor_edges(tmp_path: Path):
    without = dict.fromkeys((*LAYOUT.edge_names, "pileup"))
    pq.write_table(table(**without), tmp_path / "own.parquet")
    (events,) = read(tmp_path / "own.parquet")
    sample = open_sample(INFO).take(np.arange(2))
    for name in LAYOUT.elements:
        np.testing.assert_array_equal(events[name], sample[name])
    assert not events.given_edges.counts.any()


def test_own_events_without_targets_can_only_be_predicted(tmp_path: Path):
    path = tmp_path / "own.parquet"
    pq.write_table(table(**dict.fromkeys(TARGETS)), path)
    with pytest.raises(DataError, match=r"own.parquet.*target_pid"):
        list(read(path))
    (events,) = read(path, needs_label=False)
    assert (events["target_pid"] == -1).all()


def test_own_events_are_the_full_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    (tmp_path / "particle_flow").mkdir()
    pq.write_table(table(20), tmp_path / "particle_flow" / "particle_flow.parquet")
    data = ParticleFlow(seed=0)
    assert data.source == "full"
    data.prepare_data()
    data.setup()
    assert sum(len(split) for split in data.splits.values()) == 20


NO_ELEMENTS = [np.zeros(0, np.float32)] * 2


def changed(kind: int, of_none: bool, **values: float) -> dict[str, list]:
    """Numbers of the first track or tower of event 1 with, or without, a particle."""
    own = {name: [list(one) for one in table()[name].to_pylist()] for name in ("kind", "target_pid", *values)}
    pairs = list(zip(own["kind"][1], own["target_pid"][1], strict=True))
    place = next(i for i, (one, pid) in enumerate(pairs) if one == kind and (pid == 0) == of_none)
    for name, value in values.items():
        own[name][1][place] = value
    return {name: own[name] for name in values}


def ragged(name: str, value: float) -> dict[str, list]:
    column = [list(one) for one in table()[name].to_pylist()]
    column[1][0] = value
    return {name: column}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda: ragged("pt", -1.0), r"event 1 has an element with pt = -1; expected 1e-09 to 100000 GeV"),
        (lambda: ragged("kind", 3), r"event 1 has an element with kind = 3; expected a whole number from 1 to 2"),
        (lambda: ragged("edges.energy", -2.0), r"event 1 has an edge with edges.energy = -2; expected 0 to 100000 GeV"),
        (lambda: ragged("edges.source", 9999), r"event 1 has an edge with edges.source = 9999; expected the place of"),
        (lambda: {"charge": [[1], [1]]}, r"row 0 has lists of different lengths in kind and charge"),
        (lambda: {"charge": [1, 1]}, r"column 'charge' has type int64, expected list<number>"),
        (lambda: {"em": None}, r"em"),
        (lambda: {"edges.pid": None}, r"edges.pid"),
        (
            lambda: dict.fromkeys(LAYOUT.names[2:], NO_ELEMENTS),
            r"event 0 has no elements; expected at least one",
        ),
        (
            lambda: changed(TRACK, False, target_pt=0.0),
            r"event 1 has an element with target_pid = [1-5], target_pt = 0 and .*; expected both > 0, as there is a",
        ),
        (
            lambda: changed(TOWER, False, target_energy=0.0),
            r"event 1 has an element with target_pid = [23], target_pt = .* and target_energy = 0; expected both > 0",
        ),
        (
            lambda: changed(TOWER, True, target_pt=3.0),
            r"target_pid = 0, target_pt = 3 and target_energy = 0; expected both 0, as there is no particle",
        ),
        (
            lambda: changed(TOWER, True, em=0.0, had=0.0),
            r"event 1 has a tower with em = 0 and had = 0; expected one of them > 0",
        ),
        (lambda: changed(TRACK, False, em=2.0), r"event 1 has a track with em = 2 and had = 0; expected both 0"),
    ],
)
def test_wrong_files_are_one_line(damage, message: str, tmp_path: Path, capfd):
    path = tmp_path / "own.parquet"
    pq.write_table(table(**damage()), path)
    assert main(["data", "verify", "particle_flow", "--input", str(path)]) == 1
    with pytest.raises(DataError, match=message) as error:
        list(read(path))
    assert "\n" not in str(error.value)
    assert "Traceback" not in capfd.readouterr().err

"""Decays of clusters: kinematics against closed forms, frames, the published text, and what is refused of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.cluster_decays import two_body
from hepexp.data.datasets.cluster_decays.features import VARIABLES, DecayDirection
from hepexp.data.datasets.cluster_decays.info import CLUSTER, INFO, LAYOUT, PARTON
from hepexp.data.datasets.cluster_decays.module import ClusterDecays
from hepexp.data.datasets.cluster_decays.observables import OBSERVABLES, OF_STRINGS, observe
from hepexp.data.formats.open_file import open_file
from hepexp.data.loading.split_store import open_sample
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError, DataError
from hepexp.evaluation.generation.isotropy import isotropy
from tests.data.small import represented
from tests.samples import sample

NAMES = [one.name for one in (*OBSERVABLES, *OF_STRINGS)]
MASSES = {211: 0.13957039, 111: 0.1349768}


def clusters(n: int, seed: int = 0) -> np.ndarray:
    """Four-momenta (n, 4) of masses from 0.5 to 3 GeV in all directions."""
    random = np.random.default_rng(seed)
    m, p = random.uniform(0.5, 3, n), random.normal(0, 5, (n, 3))
    return np.concatenate([np.sqrt(m**2 + (p**2).sum(1))[:, None], p], axis=1)


def directions(n: int, seed: int = 1) -> np.ndarray:
    return two_body.unit(np.random.default_rng(seed).normal(size=(n, 3)))


def decays(n: int, seed: int = 0) -> Ragged:
    """Isotropic decays with the parton of each cluster, massless, in any direction."""
    cluster, numbers = clusters(n, seed), np.tile([211, 111], (n, 1))
    made = two_body.decayed(cluster, numbers, directions(n, seed + 1)).reshape(-1, 4)
    along = directions(n, seed + 2)
    parton = two_body.boosted(np.concatenate([np.ones((n, 1)), along], 1) * 0.4, cluster, back=True)
    m = invariant_mass(cluster)
    extras = dict(zip((*CLUSTER, *PARTON), [m, *cluster.T[1:], *parton.T], strict=True))
    columns = {"pdgid": numbers.reshape(-1), **dict(zip(two_body.HADRON, made.T, strict=True))}
    return Ragged(np.zeros(n, np.int8), 2 * np.arange(n + 1), columns, extras).cast(LAYOUT)


def test_hadrons_have_their_masses_and_the_momentum_of_the_cluster():
    examples = decays(2000)
    made, cluster = two_body.of_hadrons(examples), two_body.of_cluster(examples)
    for i, number in enumerate((211, 111)):
        np.testing.assert_allclose(invariant_mass(made[:, i]), MASSES[number], rtol=1e-9)
    assert (abs(made.sum(1) - cluster).max(1) / cluster[:, 0]).max() < 1e-14
    np.testing.assert_allclose(two_body.direction(examples), directions(2000, 1), atol=1e-9)
    INFO.check(examples, "made", 0)


def test_a_cluster_at_rest_decays_with_the_break_up_momentum_of_its_masses():
    """p* = sqrt(M^2 / 4 - m^2) of two hadrons of one mass."""
    rest = np.array([[1.0, 0, 0, 0]])
    ((one, other),) = two_body.decayed(rest, np.array([[211, -211]]), np.array([[0, 0, 1.0]]))
    p = np.sqrt(0.25 - MASSES[211] ** 2)
    np.testing.assert_allclose(one, [0.5, 0, 0, p], rtol=1e-14)
    np.testing.assert_allclose(other, [0.5, 0, 0, -p], rtol=1e-14)


def test_energies_of_isotropic_decays_are_flat_between_their_ends():
    """E = gamma (E* + beta p* cos theta) with cos theta flat, for one cluster in flight along x."""
    n, m, gamma = 20_000, 1.5, 3.0
    beta = np.sqrt(1 - gamma**-2)
    cluster = np.tile(m * gamma * np.array([1, beta, 0, 0]), (n, 1))
    made = two_body.decayed(cluster, np.full((n, 2), 211), directions(n))
    p = np.sqrt(m**2 / 4 - MASSES[211] ** 2)
    low, high = gamma * (m / 2 - beta * p), gamma * (m / 2 + beta * p)
    energy = np.sort(made[:, 0, 0])
    assert low <= energy[0] <= energy[-1] <= high
    flat = (energy - low) / (high - low)
    assert abs(flat - (np.arange(n) + 0.5) / n).max() < 1.63 / np.sqrt(n)  # Kolmogorov, 1 %


def test_a_boost_and_its_inverse_are_nothing():
    p, frame = clusters(500, 3), clusters(500, 4)
    there = two_body.boosted(p, frame)
    np.testing.assert_allclose(two_body.boosted(there, frame, back=True), p, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(invariant_mass(there), invariant_mass(p), rtol=1e-6)
    np.testing.assert_allclose(two_body.boosted(frame, frame)[:, 1:], 0, atol=1e-9)


@pytest.mark.parametrize("frame", two_body.FRAMES)
def test_axes_are_right_handed_and_of_length_one(frame):
    basis = two_body.axes(decays(200), frame)
    np.testing.assert_allclose(basis @ basis.transpose(0, 2, 1), np.tile(np.eye(3), (200, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(basis), 1, rtol=1e-12)


def test_z_is_along_the_flight_or_the_string():
    examples = decays(100)
    p = two_body.of_cluster(examples)[:, 1:]
    z = two_body.axes(examples, "flight")[:, 2]
    np.testing.assert_allclose(z, p / np.linalg.norm(p, axis=1, keepdims=True), atol=1e-12)
    np.testing.assert_allclose(two_body.axes(examples, "string")[:, 2], directions(100, 2), atol=1e-9)


@pytest.mark.parametrize("frame", two_body.FRAMES)
@pytest.mark.parametrize("coordinates", VARIABLES)
def test_what_is_encoded_is_decoded_to_the_same_decay(coordinates, frame):
    examples, representation = decays(300), DecayDirection(coordinates, frame)
    batch = represented(representation, examples)
    assert batch.features.shape == (300, len(VARIABLES[coordinates]))
    assert batch.features.abs().max() <= 1
    again = representation.decode(batch, examples)
    made, true = two_body.of_hadrons(again), two_body.of_hadrons(examples)
    scale = two_body.of_cluster(examples)[:, :1, None]
    assert (abs(made - true) / scale).max() < 1e-5  # single precision of the features
    assert (abs(made.sum(1) - two_body.of_cluster(examples)) / scale[..., 0]).max() < 1e-14
    INFO.check(again, "decoded", 0)


def test_angles_beyond_their_ends_and_vectors_of_any_length_are_directions_too():
    examples = decays(3)
    batch = represented(DecayDirection("angles", "lab"), examples)
    batch.features[:, 0] += 2  # once around
    again = DecayDirection("angles", "lab").decode(batch, examples)
    np.testing.assert_allclose(again["px"], examples["px"], atol=1e-4)
    batch = represented(DecayDirection(), examples)
    batch.features[0] *= 0
    batch.features[1] *= 7
    INFO.check(DecayDirection().decode(batch, examples), "decoded", 0)


def test_a_word_that_means_nothing_is_refused():
    with pytest.raises(ConfigError, match=r"dataset.features.frame must be one of lab, flight, string, got 'beam'"):
        DecayDirection(frame="beam")
    with pytest.raises(ConfigError, match=r"dataset.features.coordinates must be one of angles, direction, got 'xyz'"):
        DecayDirection("xyz")


def test_isotropic_decays_are_isotropic_in_every_observable():
    found = observe(decays(20_000), NAMES)
    assert min(isotropy(found["direction"]).values()) > 1e-3
    for name, flat in (("phi", found["phi"] / np.pi), ("theta", np.cos(found["theta"])), ("flight", found["flight"])):
        assert abs(np.sort(flat[:, 0]) - np.linspace(-1, 1, 20_000)).max() < 2 * 1.95 / np.sqrt(20_000), name  # 0.1 %
    assert found["imbalance"].max() < 1e-14


def test_momenta_along_and_across_the_string_are_those_of_the_break_up():
    """p_z^2 + p_T^2 = p*^2, and p_z / p* is flat for isotropic decays."""
    examples = decays(20_000)
    along, across = observe(examples, ["string"])["string"].T
    m = invariant_mass(two_body.of_cluster(examples))
    p = two_body.break_up_momentum(m, np.full(len(m), MASSES[211]), np.full(len(m), MASSES[111]))
    np.testing.assert_allclose(np.hypot(along, across), p, rtol=1e-6)
    assert abs(np.sort(along / p) - np.linspace(-1, 1, 20_000)).max() < 2 * 1.95 / np.sqrt(20_000)


def test_the_sample_is_isotropic_beside_the_laboratory_and_forward_beside_the_flight():
    store = open_sample(INFO)
    examples = store.take(np.arange(len(store)))
    found = observe(examples, NAMES)
    assert min(isotropy(found["direction"]).values()) > 1e-3
    assert found["flight"].mean() > 0.05
    assert found["imbalance"].max() < 1e-14
    quark = (two_body.string(examples) * two_body.flight(examples)).sum(1)
    assert quark.mean() == pytest.approx(1 / 3, abs=0.02)  # of the density (1 + cos) / 2
    assert (quark**2).mean() == pytest.approx(1 / 3, abs=0.02)


# ---- text

HEAVY = "88,0.0000,0.0000,0.0000,0.0000;" * 2
ONE = HEAVY + "81,1.5,0.3,-0.4,0.5;-211,0.9,0.2,-0.5,0.4;111,0.6,0.1,0.1,0.1;|"
TWO = "2,1.0,0.5,0.2,0.3;-1,0.5,-0.2,-0.6,0.2;" + ONE.removeprefix(HEAVY)


def written(folder: Path, text: str) -> Path:
    path = folder / "ClusterTo2Pi0.dat"
    path.write_text(text)
    return path


def test_events_are_read_cluster_by_cluster(tmp_path):
    store = open_file(INFO, written(tmp_path, f"{ONE}{TWO}\n\n{TWO}\n"))
    examples = store.take(np.arange(len(store)))
    assert len(examples) == 3
    assert examples["pdgid"].tolist() == [-211, 111] * 3
    assert examples["E"].tolist() == [0.9, 0.6] * 3
    assert [examples[name][0] for name in CLUSTER] == [pytest.approx(1.75**0.5), 0.3, -0.4, 0.5]
    assert examples["parton_e"].tolist() == [0, 1, 1]
    assert examples["parton_py"].tolist() == [0, 0.2, 0.2]


BAD = {
    "other columns": (
        "1 2 3\n4 5 6\n",
        "line 1 has a cluster with 1 particles of 1 numbers; expected 5 of them, two partons, the cluster and two hadr",
    ),
    "other particles": (TWO.replace("111,0.6,0.1,0.1,0.1;", ""), "line 1 has a cluster with 4 particles of 5 numbers"),
    "fewer numbers": (f"{ONE}\n" + ONE.replace("0.1,0.1;", "0.1;"), "line 2 has a cluster with 5 particles of 4 or 5"),
    "a word": (ONE.replace("0.9", "much"), "line 1 has 'much', expected a number"),
    "no cluster": (ONE + ONE.replace("81,", "82,"), "decay 1 has 82 as the third particle, expected 81, a cluster"),
    "NaN": (ONE + ONE.replace("0.9", "nan"), "decay 1 has a hadron with E = nan; expected 1e-09 to 100000 GeV"),
    "infinite": (ONE.replace("0.3", "inf"), "decay 0 is of a cluster with px = inf; expected a finite number"),
    "another momentum": (
        ONE.replace("0.9", "0.8"),
        "decay 0 has hadrons that miss the momentum of the cluster by",
    ),
    "too light": (
        ONE.replace("81,1.5,", "81,0.7569,").replace("0.9", "0.4569").replace("0.6", "0.3"),
        "GeV; expected more than its hadrons have, 0.274547",
    ),
    "unknown": (ONE.replace("111,", "113,"), "decay 0 has a hadron with pdgid = 113; expected one of known mass"),
    "nothing": ("\n", "no decays; expected events with clusters separated by |"),
    "binary": ("\x00\xff", "truncated, corrupted, or not a text file"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_such_text_is_refused_in_a_line(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as error:
        open_file(INFO, path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_three_hadrons_are_refused():
    examples = decays(4)
    columns = {name: column[:-1] for name, column in examples.elements.items()}
    offsets = np.array([0, 2, 4, 6, 7])
    with pytest.raises(DataError, match="decay 3 has 1 hadrons; expected 2"):
        INFO.check(replace(examples, offsets=offsets, elements=columns), "a", 0)


def test_the_published_file_is_read_whole():
    store = open_file(INFO, sample("hadml/ClusterTo2Pi0.dat"))
    examples = store.take(np.arange(len(store)))
    assert len(store) == 4973
    assert (examples["parton_e"] > 0).sum() == 1367
    assert invariant_mass(two_body.of_cluster(examples)).mean() == pytest.approx(1.87, abs=0.05)
    assert set(abs(examples["pdgid"]).tolist()) == {111, 211}


# ---- the data set


def test_axes_along_the_string_need_clusters_of_known_partons(tmp_path, monkeypatch):
    folder = tmp_path / "cluster_decays"
    folder.mkdir()
    written(folder, "\n".join([ONE + TWO] * 60))
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    for frame, n in (("flight", 120), ("string", 60)):
        data = ClusterDecays(source="full", features=DecayDirection(frame=frame), seed=1)
        data.prepare_data()
        data.setup()
        assert sum(len(split.rows) for split in data.splits.values()) == n
        assert ("string" in data.observe(data.store.take(np.arange(5)))) == (frame == "string")


def test_the_specification_says_what_a_generator_depends_on():
    data = ClusterDecays(source="mini", seed=1, n_train=100, n_val=10, n_test=10)
    data.setup()
    assert data.spec.extra_names == CLUSTER
    assert data.spec.n_features == 3
    assert data.spec.feature_names == ("n_x", "n_y", "n_z")

"""Halos: the laws of the mock in closed form and by integrals, its optimum by brute force, and what is refused."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest, norm

from hepexp.cli.main import main
from hepexp.data.datasets.halos import generate, mock
from hepexp.data.datasets.halos.abundance import by_colossus, shipped
from hepexp.data.datasets.halos.galaxies import Observation
from hepexp.data.datasets.halos.info import INFO
from hepexp.data.datasets.halos.module import Halos
from hepexp.data.datasets.halos.optimum import Optimum
from hepexp.data.loading.split_store import open_sample
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def halos() -> Ragged:
    """Some thousands of the mass function in the package."""
    return INFO.check(generate.draw(shipped(), 6000, np.random.default_rng(3)), "drawn", 0)


def seen(halos: Ragged, observation: Observation) -> Ragged:
    return observation.galaxies(halos.take(np.flatnonzero(observation.visible(halos, 2) & observation.within(halos))))


# ---- the laws of the mock


def test_the_dispersion_solves_the_jeans_equation():
    for x in (1e-3, 0.1, 1, 10):
        pressure, _ = quad(lambda s: mock.enclosed(s) / (s * (1 + s) ** 2 * s**2), x, np.inf)
        assert mock.dispersion(np.array(x)) == pytest.approx(x * (1 + x) ** 2 * pressure, rel=1e-6)


def test_the_mean_density_within_the_radius_is_200_times_the_critical_one():
    log_mass = np.array([12.0, 14.5])
    np.testing.assert_allclose(10**log_mass / (4 / 3 * np.pi * mock.radius(log_mass) ** 3), 200 * mock.CRITICAL)
    np.testing.assert_allclose(mock.circular_velocity(log_mass) ** 2 * mock.radius(log_mass), mock.G * 10**log_mass)


def test_subhalos_add_up_to_their_number_and_masses_invert_it():
    for ratio in (1e-3, 0.1, 0.5):
        number, _ = quad(lambda log: mock.subhalos(np.exp(log)), np.log(ratio), 0)
        assert mock.n_subhalos(np.array(ratio)) == pytest.approx(number, rel=1e-4)
        assert mock.ratio_of(mock.n_subhalos(np.array(ratio))) == pytest.approx(ratio, rel=1e-6)


def test_most_stars_for_their_mass_have_halos_like_that_of_the_milky_way():
    """2 N = 0.07, less by the sum of both powers, at 10^11.59 Msun and not far above."""
    log_mass = np.linspace(11, 14, 3001)
    share = mock.log_stars(log_mass) - log_mass
    assert log_mass[share.argmax()] - np.log10(mock.H) == pytest.approx(11.77, abs=0.05)
    assert mock.log_stars(11.59 + np.log10(mock.H)) == pytest.approx(11.59 + np.log10(mock.H * 0.0351))


def test_satellites_follow_the_profile_and_move_as_fast_as_it_says(halos: Ragged):
    host = np.repeat(np.arange(len(halos)), halos.counts)
    satellite = np.ones(len(host), bool)
    satellite[halos.offsets[:-1]] = False
    host = host[satellite]
    place = np.stack([halos[axis][satellite].astype(np.float64) for axis in "xyz"])
    log_mass, c = halos["log_mass"].astype(np.float64)[host], halos["concentration"].astype(np.float64)[host]
    x = np.linalg.norm(place, axis=0) / mock.radius(log_mass) * c
    assert kstest(mock.enclosed(x) / mock.enclosed(c), "uniform").pvalue > 1e-3
    assert kstest(place[2] / np.linalg.norm(place, axis=0), "uniform", (-1, 2)).pvalue > 1e-3
    sigma = mock.circular_velocity(log_mass) * np.sqrt(c / mock.enclosed(c) * mock.dispersion(x))
    assert kstest(halos["speed"][satellite] / sigma, "chi", (3,)).pvalue > 1e-3


def test_the_table_in_the_package_is_that_of_colossus():
    pytest.importorskip("colossus")
    ours, theirs = shipped(), by_colossus()
    for name in ("log_mass", "log_density", "log_c"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=2e-6)


def test_the_same_seed_gives_the_same_halos():
    pytest.importorskip("colossus")
    one, two = (generate.make_block("halo", 3, 0, 50) for _ in range(2))
    for name in INFO.layout.elements:
        np.testing.assert_array_equal(one[name], two[name])
    assert len(INFO.check(one, "generated", 0)) == 50


# ---- the optimum


def test_the_posterior_is_that_of_an_integral_over_concentrations_and_subhalos(halos: Ragged):
    """Brute force, term by term, for one halo with two satellites, up to a constant in the mass."""
    observation = Observation(0.15)
    some = seen(halos, observation)
    row = int(np.flatnonzero(some.counts == 3)[0])
    one = some.take([row])
    optimum = Optimum(0.15, mock.MASSES, shipped())
    of = {name: one[name].astype(np.float64) for name in one.elements}
    r = np.sqrt(of["x"] ** 2 + of["y"] ** 2 + of["z"] ** 2)

    def made(i: int, log_mass: float) -> float:
        stars = norm.pdf(of["log_stars"][i], mock.log_stars(log_mass), 0.15)
        return stars * norm.pdf(np.log10(of["size"][i]), mock.log_size(log_mass), mock.SIZE_SCATTER)

    def moving(i: int, log_mass: float, c: float) -> float:
        radius = mock.radius(log_mass)
        x = r[i] / radius * c
        sigma = mock.circular_velocity(log_mass) * np.sqrt(c / mock.enclosed(c) * mock.dispersion(x))
        density = x / (1 + x) ** 2 * c / radius / mock.enclosed(c)
        return density * np.exp(-((of["speed"][i] / sigma) ** 2) / 2) / sigma**3

    def posterior(log_mass: float) -> float:
        per_m = np.log(10)
        n_seen = quad(
            lambda m: per_m * mock.subhalos(10 ** (m - log_mass)) * norm.sf(mock.FAINTEST, mock.log_stars(m), 0.15),
            10,
            log_mass,
        )[0]
        found = shipped().density(log_mass) * np.exp(-n_seen) * made(0, log_mass)
        slow = mock.CENTRAL * mock.circular_velocity(log_mass) / np.sqrt(2)
        found *= np.exp(-((of["speed"][0] / slow) ** 2) / 2) / slow**3
        for i in (1, 2):
            found *= quad(
                lambda m, i=i: per_m * mock.subhalos(10 ** (m - log_mass)) * made(i, m), 10, log_mass, limit=200
            )[0]
        middle = shipped().log_concentration(log_mass)
        return (
            found
            * quad(
                lambda u: norm.pdf(u) * np.prod([moving(i, log_mass, 10 ** (middle + 0.16 * u)) for i in (1, 2)]), -6, 6
            )[0]
        )

    (found,) = optimum.posterior(one)
    middle = int(found.argmax())
    near = np.arange(middle - 24, middle + 25, 12)
    expected = np.array([posterior(optimum.log_mass[k]) for k in near])
    np.testing.assert_allclose(found[near] / found[middle], expected / posterior(optimum.log_mass[middle]), rtol=0.02)


@pytest.mark.parametrize(
    ("scatter", "masses"), [(0.05, mock.MASSES), (0.15, mock.MASSES), (0.3, mock.MASSES), (0.15, (13.5, 15.0))]
)
def test_the_optimum_is_unbiased_and_its_spread_is_its_error(halos: Ragged, scatter: float, masses):
    """Of a posterior under the true law, the mean of (truth - mean)^2 is that of its variances."""
    some = seen(halos, Observation(scatter, masses))
    some = some.take(np.arange(min(len(some), 800)))
    mean, sigma = Optimum(scatter, masses, shipped())(some)
    pull = (mean - some["log_mass"]) / sigma
    error = len(pull) ** -0.5
    assert abs((mean - some["log_mass"]).mean()) < 4 * error * sigma.mean()
    assert (pull**2).mean() == pytest.approx(1, abs=0.15)
    assert np.mean((mean - some["log_mass"]) ** 2) == pytest.approx(np.mean(sigma**2), rel=0.2)


def test_masses_are_in_steps_finer_than_what_is_known_of_rich_halos(halos: Ragged, monkeypatch: pytest.MonkeyPatch):
    rich = halos.take(np.argsort(halos.counts)[-3:])
    some = seen(rich, Observation())
    mean, sigma = Optimum(0.15, mock.MASSES, shipped())(some)
    monkeypatch.setattr("hepexp.data.datasets.halos.optimum.STEP", 0.002)
    finer, least = Optimum(0.15, mock.MASSES, shipped())(some)
    assert (abs(mean - finer) < 0.5 * least).all()  # by satellites at the edge, which bound the mass from below
    np.testing.assert_allclose(sigma, least, rtol=0.05)


def test_more_scatter_leaves_less_to_be_known(halos: Ragged):
    few = halos.take(np.arange(400))
    sigma = [Optimum(s, mock.MASSES, shipped())(seen(few, Observation(s)))[1].mean() for s in (0.05, 0.15, 0.3)]
    assert sigma[0] < sigma[1] < sigma[2]


# ---- the data set


def loaded(**keys) -> Halos:
    data = Halos(source="mini", seed=1, **keys)
    data.prepare_data()
    data.setup()
    return data


def test_the_sample_loads_without_colossus_and_its_features_are_in_the_published_units(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "colossus", None)
    data = loaded()
    dataset = data.splits["test"]
    batch, halos = dataset[[0, 1, 2]], data.observation.galaxies(data.store.take(dataset.rows[:3]))
    expected = [
        halos["x"] / 25,
        halos["y"] / 25,
        halos["z"] / 25,
        halos["log_stars"] - 10,
        halos["size"] / 8,
        np.log10(halos["speed"] / 100),
    ]
    np.testing.assert_allclose(batch.x, np.stack(expected, 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(batch.target[:, 0], halos["log_mass"])
    extras = batch.extras.numpy() * data.additional.std + data.additional.mean
    total = [np.log10((10 ** halos["log_stars"][a:b]).sum()) for a, b in pairwise(halos.offsets)]
    np.testing.assert_allclose(extras, np.stack([halos.counts, total], 1), rtol=1e-5)


@pytest.mark.parametrize("radius", [0.142, 0.004])
def test_galaxies_within_the_radius_are_joined(radius: float):
    from hepexp.data.datasets.halos.graph import GalaxyGraph

    batch = loaded(graph=GalaxyGraph(radius)).splits["train"][list(range(5))]
    apart = (batch.x[:, None, :3] - batch.x[None, :, :3]).norm(dim=-1).fill_diagonal_(np.inf)
    near = (apart < radius) & (batch.graph[:, None] == batch.graph)
    assert sorted(map(tuple, batch.edge_index.T.tolist())) == sorted(map(tuple, near.nonzero().tolist()))
    assert (near.sum(1) == batch.graph.bincount()[batch.graph] - 1).all() == (radius > 0.1)


def test_another_scatter_is_another_mock_of_the_same_halos():
    narrow, wide = loaded(scatter=0.05), loaded(scatter=0.3)
    rows = np.intersect1d(narrow.splits["train"].rows, wide.splits["train"].rows)
    assert len(rows) > 0.8 * len(narrow.splits["train"].rows)
    for data in (narrow, wide):
        made = data.observation.galaxies(data.store.take(rows))
        heavy = made["log_stars_mean"] > 10.5  # far above the faintest ones
        spread = (made["log_stars"] - made["log_stars_mean"])[heavy].std()
        assert spread == pytest.approx(data.scatter, rel=0.05)


def test_only_halos_of_the_range_are_used_and_the_optimum_knows_it():
    data = loaded(masses=[12.5, 13.0])
    rows = data.splits["test"].rows[:20]
    assert data.store.take(rows)["log_mass"].min() >= 12.5
    found = data.splits["test"].observed(rows)
    assert (found["optimal_log_mass"] > 12.5).all()
    assert (found["optimal_log_mass"] < 13).all()
    assert (found["optimal_sigma"] < 0.15).all()  # 0.144 of a flat distribution


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"scatter": -0.1}, r"dataset\.scatter must be from 0\.05 to 0\.3 dex, got -0\.1"),
        ({"masses": [14, 12]}, r"dataset\.masses must be two rising numbers from 11\.5 to 15\.0.*got \[14, 12\]"),
        ({"masses": [12]}, r"dataset\.masses must be two rising numbers or null, got \[12\]"),
        ({"least_galaxies": 1}, r"dataset\.least_galaxies must be >= 2, got 1"),
        ({"least_galaxies": 9000}, r"dataset\.least_galaxies=9000: no halo has so many.*choose fewer"),
        ({"masses": [14.999, 15]}, r"dataset\.masses=\[14\.999, 15\]: no halo from 10\^14\.999 to .*wider range"),
        ({"targets": ["mass"]}, r"dataset\.targets: unknown 'mass'.*did you mean log_mass"),
    ],
)
def test_what_means_nothing_is_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        loaded(**keys)


def test_without_colossus_generating_says_which_extra(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys):
    monkeypatch.setattr(generate, "find_spec", lambda name: None)
    assert main(["data", "generate", "halos", "--n", "20", "--out", str(tmp_path / "a.arrow")]) == 2
    said = capsys.readouterr().err
    assert "colossus is not installed; pip install 'hepexp[halos]'" in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_a_central_galaxy_elsewhere_is_refused():
    store = open_sample(INFO)
    halos = store.take([0, 1])
    halos["x"][halos.offsets[1]] = 0.5
    with pytest.raises(
        DataError, match=r"a: halo 8 has its first galaxy 0\.5 Mpc/h from the origin; expected the central"
    ):
        INFO.check(halos, "a", 7)


def test_halos_whose_central_galaxy_is_not_seen_or_alone_have_no_prediction():
    """A satellite is not taken for the central galaxy; the mass, which may be unknown, decides nothing."""
    data = loaded(masses=[12.0, 12.2], least_galaxies=2)
    halos = open_sample(INFO).take(np.arange(20))
    seen_before = data.observation.visible(halos, 2)
    assert seen_before.any()
    chosen = np.flatnonzero(seen_before)[0]
    halos = halos.take([chosen] * 3)
    halos.extras["log_mass"][:] = 14.9
    halos["log_stars_mean"][halos.offsets[0]] = 5  # the central galaxy of one
    alone = np.arange(halos.offsets[1] + 1, halos.offsets[2])
    halos["log_stars_mean"][alone] = 5  # all satellites of another
    store = Store(INFO.layout, [halos], sizes=[3])
    assert data.can_score(store).tolist() == [False, False, True]
    observed = data._quantities("dataset.observers", ("optimal_log_mass",)).columns(halos)["optimal_log_mass"]
    assert np.isnan(observed).tolist() == [True, False, False]
    (batch,) = data.predict_dataloader(store)
    assert batch.index.tolist() == [2]


def test_a_galaxy_without_neighbours_has_finite_outputs_and_gradients():
    from hepexp.data.datasets.halos.graph import GalaxyGraph
    from hepexp.models.halo_gnn import HaloGNN

    batch = loaded(graph=GalaxyGraph(1e-9)).splits["train"][[0, 1, 2]]
    assert batch.edge_index.shape == (2, 0)
    model = HaloGNN(8, 4, n_node_features=6, n_extras=2, n_classes=2)
    outputs = model(batch)
    assert outputs.shape == (3, 2)
    outputs.square().sum().backward()
    assert outputs.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())

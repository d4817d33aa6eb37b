"""High-level variables against closed forms and plain loops."""

import builtins
import importlib.util

import numpy as np
import pytest
import torch

from hepexp.data.physics.kinematics import four_momenta
from hepexp.data.physics.observables import OBSERVABLES, SUBJETTINESS, Jets
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import ConfigError
from tests.data.small import cone, represented, with_momenta

DEFAULTS = JetFeatures().variables
with_fastjet = pytest.mark.skipif(importlib.util.find_spec("fastjet") is None, reason="needs FastJet")


def value(name: str, jets: Ragged) -> np.ndarray:
    return OBSERVABLES[name](Jets(jets))


def two_particles(pt: float, distance: float) -> Ragged:
    """Two massless particles of the same pT at y = -+ distance / 2, and phi beyond pi."""
    p4 = four_momenta([pt, pt], [-distance / 2, distance / 2], [3.2, 3.2], 0.0)
    return Ragged(np.zeros(1, np.int8), offsets_of(np.array([2])), {"p4": p4})


def test_two_equal_particles():
    pt, distance = 30.0, 0.3
    jets = two_particles(pt, distance)
    expected = {
        "pt": 2 * pt,
        "mass": np.sqrt(2 * pt**2 * (np.cosh(distance) - 1)),  # massless: m^2 = 2 pT1 pT2 (cosh dy - cos dphi)
        "multiplicity": 2,
        "width": distance / 2,
        "ptd": 0.5**0.5,
        "lha": (distance / 2 / 0.4) ** 0.5,
        "c2": 0,  # no triples
        "d2": 0,
    }
    for name, figure in expected.items():
        assert value(name, jets)[0] == pytest.approx(figure, rel=1e-9), name
    assert Jets(jets).correlations[0][0] == pytest.approx(distance / 4)  # e2 = z1 z2 R12


def test_an_equilateral_triangle_has_the_c2_and_d2_of_its_side():
    """z = 1/3 and R = a for all: e2 = 3 a / 9, e3 = a^3 / 27, so C2 = a / 3 and D2 = 1."""
    side = 0.02
    y, phi = side * np.array([[0, 1, 0.5], [0, 0, 0.75**0.5]])
    jets = Ragged(np.zeros(1, np.int8), np.array([0, 3]), {"p4": four_momenta([10.0] * 3, y, phi, 0.0)})
    assert value("c2", jets)[0] == pytest.approx(side / 3, rel=1e-9)
    assert value("d2", jets)[0] == pytest.approx(1, rel=1e-9)


def test_correlations_are_sums_over_pairs_and_triples():
    given = cone(4, seed=3, fewest=6, most=9)
    e2, e3 = Jets(with_momenta(given)).correlations
    for jet in range(len(given)):
        one = given.take([jet])
        z, y, phi = one["pt"] / one["pt"].sum(), one["y"], one["phi"]
        n = len(z)
        r = [[np.hypot(y[i] - y[j], phi[i] - phi[j]) for j in range(n)] for i in range(n)]
        pairs = sum(z[i] * z[j] * r[i][j] for i in range(n) for j in range(i))
        triples = sum(
            z[i] * z[j] * z[k] * r[i][j] * r[j][k] * r[i][k] for i in range(n) for j in range(i) for k in range(j)
        )
        assert e2[jet] == pytest.approx(pairs)
        assert e3[jet] == pytest.approx(triples)


def _all_variables() -> list[str]:
    return [*DEFAULTS, *([] if importlib.util.find_spec("fastjet") is None else SUBJETTINESS)]


@pytest.mark.parametrize("name", _all_variables())
def test_boosts_along_the_beam_and_turns_around_it_change_nothing(name: str):
    jets = cone(60)
    moved = Ragged(jets.label, jets.offsets, {"pt": jets["pt"], "y": jets["y"] + 0.9, "phi": jets["phi"] + 2.9})
    before, after = value(name, with_momenta(jets)), value(name, with_momenta(moved))
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", _all_variables())
def test_a_jet_of_one_particle_has_no_extent(name: str):
    found = value(name, with_momenta(cone(5, most=1)))
    expected = {"pt": None, "multiplicity": 1, "ptd": 1}.get(name, 0)
    if expected is not None:
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.isfinite(found).all()


# ---- N-subjettiness


@with_fastjet
def test_two_narrow_prongs():
    """Pairs of particles: each axis is the middle of its pair, so tau_2 is half the opening of a pair."""
    apart, opening, pt = 0.5, 0.01, 20.0
    y = np.array([0, opening, apart, apart + opening])
    p4 = four_momenta([pt] * 4, y, [1.0] * 4, 0.0)
    jets = Ragged(np.zeros(1, np.int8), np.array([0, 4]), {"p4": p4})
    assert value("tau1", jets)[0] == pytest.approx(apart / 2, rel=1e-3)
    assert value("tau2", jets)[0] == pytest.approx(opening / 2, rel=1e-3)
    assert value("tau3", jets)[0] == pytest.approx(opening / 4, rel=1e-3)
    assert value("tau21", jets)[0] == pytest.approx(opening / apart, rel=1e-2)
    assert value("tau32", jets)[0] == pytest.approx(0.5, rel=1e-2)


@with_fastjet
def test_subjettiness_is_the_distance_to_exclusive_kt_subjets():
    import fastjet

    jets = with_momenta(cone(10, fewest=5), mass=0.14)
    found = np.stack([value(f"tau{n}", jets) for n in (1, 2, 3)], axis=1)
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0)
    for jet in range(len(jets)):
        rows = jets.take([jet])["p4"].tolist()
        particles = [fastjet.PseudoJet(px, py, pz, e) for e, px, py, pz in rows]
        sequence = fastjet.ClusterSequence(particles, definition)
        total = sum(p.pt() for p in particles)
        for n in (1, 2, 3):
            axes = sequence.exclusive_jets(n)
            tau = sum(p.pt() * min(p.delta_R(axis) for axis in axes) for p in particles) / total
            assert found[jet, n - 1] == pytest.approx(tau, rel=1e-6)


def test_without_fastjet_subjettiness_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hepexp.data.representations.jet_features.find_spec", lambda name: None)
    message = r"fastjet is not installed; pip install 'hepexp\[generate\]'"
    with pytest.raises(ConfigError, match=message):
        JetFeatures(["mass", "tau21"])
    assert not set(SUBJETTINESS) & set(JetFeatures().variables)


def test_the_defaults_need_no_fastjet(monkeypatch: pytest.MonkeyPatch):
    original = builtins.__import__

    def refuse(name, *rest):
        assert not name.startswith("fastjet")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert represented(JetFeatures(), with_momenta(cone(5))).features.isfinite().all()


# ---- the representation


def test_features_are_standardised_over_the_training_jets():
    batch = represented(JetFeatures(), with_momenta(cone(200)))
    np.testing.assert_allclose(batch.features.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(batch.features.std(0, correction=0), 1, atol=1e-5)


def test_features_keep_their_units_when_asked_to_and_come_in_the_order_given():
    jets = with_momenta(cone(30))
    found = represented(JetFeatures(["multiplicity", "pt"], standardise=False), jets).features
    np.testing.assert_array_equal(found[:, 0], jets.counts)
    np.testing.assert_allclose(found[:, 1], value("pt", jets), rtol=1e-6)


def test_a_variable_that_never_changes_is_zero():
    found = represented(JetFeatures(["multiplicity", "mass"]), with_momenta(cone(30, fewest=4, most=4))).features
    assert torch.equal(found[:, 0], torch.zeros(30))


@pytest.mark.parametrize(
    ("variables", "message"),
    [(["masss"], "dataset.features.variables: unknown 'masss'.*mass"), ([], "must name one or more of pt, mass")],
)
def test_variables_that_are_none_are_refused(variables: list, message: str):
    with pytest.raises(ConfigError, match=message):
        JetFeatures(variables)

"""Tracks and towers by hand: what a tower has more than its tracks is neutral."""

import math

import numpy as np
import pytest
import torch

from hepexp import memory
from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers import flow_elements as flow
from hepexp.models.layers.flow_elements import FEATURES, divided
from hepexp.models.particle_flow_baseline import (
    ELECTRON_REGIONS,
    ELECTRON_TRACK,
    ParticleFlowBaseline,
    _ecal_width,
    _hcal_width,
)


def element(**of: float) -> list[float]:
    phi, phi_out = of.pop("phi", 0.0), of.pop("phi_out", 0.0)
    of |= {"sin_phi": math.sin(phi), "cos_phi": math.cos(phi)}
    if of.get("is_track"):
        of |= {"sin_phi_out": math.sin(phi_out), "cos_phi_out": math.cos(phi_out)}
    return [of.get(name, 0.0) for name in FEATURES]


def track(p: float, eta: float, phi: float, phi_out: float, charge: float = 1.0) -> list[float]:
    return element(
        is_track=1, pt=p / math.cosh(eta), eta=eta, phi=phi, energy=p, eta_out=eta, phi_out=phi_out, charge=charge
    )


def tower(energy: float, eta: float, phi: float, em: bool) -> list[float]:
    of = {"em": energy} if em else {"had": energy}
    return element(is_tower=1, pt=energy / math.cosh(eta), eta=eta, phi=phi, energy=energy, **of)


EVENT = [
    track(50, 0.5, 0.2, 0.1),  # a hadron, with a neutral one in the same cell
    tower(100, 0.52, 0.08, em=False),
    track(50, -0.5, 0.2, 0.1),  # a hadron alone
    tower(55, -0.52, 0.08, em=False),
    track(30, 0.0, 3.0, 3.1, charge=-1),  # an electron, beyond the end of the circle
    tower(31, 0.003, -3.1815, em=True),
    track(80, 1.0, 1.0, 1.0),  # a muon
    tower(20, -1.0, 2.0, em=True),  # a photon
    tower(15, -1.0, 2.5, em=False),  # a neutral hadron
    track(5, 2.0, 2.0, 2.3),  # a hadron that no tower says anything of
]


def batch(rows: list[list[float]]) -> JetBatch:
    scalars = torch.tensor([rows], dtype=torch.float64)
    n = len(rows)
    return JetBatch(
        label=torch.zeros(1, dtype=torch.long),
        index=torch.zeros(1, dtype=torch.long),
        extras=torch.zeros(1, 0),
        p4=torch.zeros(1, n, 4),
        scalars=scalars,
        mask=torch.ones(1, n, dtype=torch.bool),
    )


def test_towers_have_what_their_tracks_leave():
    logits, charge, momentum = divided(ParticleFlowBaseline(scalar_names=FEATURES)(batch(EVENT))[0])
    expected = [
        *(flow.CHARGED_HADRON, flow.NEUTRAL_HADRON, flow.CHARGED_HADRON, flow.NONE),
        *(flow.ELECTRON, flow.NONE, flow.MUON, flow.PHOTON, flow.NEUTRAL_HADRON, flow.CHARGED_HADRON),
    ]
    assert logits.argmax(-1).tolist() == expected
    assert charge.tolist() == [1, 0, 1, 0, -1, 0, 1, 0, 0, 1]
    energy = momentum[:, -1]
    torch.testing.assert_close(energy[[0, 1, 7, 8]], torch.tensor([50.0, 50.0, 20.0, 15.0]))
    torch.testing.assert_close(momentum[:, 0] * momentum[:, 1].cosh(), energy)


def test_commutes_with_permutations_and_ignores_padding():
    model, order = ParticleFlowBaseline(scalar_names=FEATURES), torch.randperm(len(EVENT))
    before = model(batch(EVENT))
    moved = batch([EVENT[i] for i in order])
    torch.testing.assert_close(model(moved), before[:, order])
    padded = batch([*EVENT, [0.0] * len(FEATURES)])
    padded.mask[:, -1] = False
    torch.testing.assert_close(model(padded)[:, :-1], before)


def found(*rows: list[float]) -> tuple[list[int], list[float]]:
    """Classes and energies of the elements of an event."""
    logits, _, momentum = divided(ParticleFlowBaseline(scalar_names=FEATURES)(batch(list(rows)))[0])
    return logits.argmax(-1).tolist(), momentum[:, -1].tolist()


def test_the_track_of_an_electron_is_less_precise_than_its_tower():
    """At eta = 2 and p = 40 GeV the track is smeared by 15 %, and the ECAL by 4 %."""
    assert found(track(40, 2.0, 0.5, 0.5, charge=-1), tower(48, 2.001, 0.5, em=True)) == (
        [flow.ELECTRON, flow.NONE],
        [40.0, 48.0],
    )


def test_an_electron_is_within_two_standard_deviations_and_what_is_beyond_is_a_photon():
    p = 40.0
    width = math.hypot(
        2.16 * math.sqrt((0.008 * p) ** 2 + 0.11**2 * p + 0.4**2), p * math.hypot(0.15, 3.1e-3 * p / math.cosh(2.0))
    )
    for sign in (-1, 1):
        for share, kinds in ((1.99, [flow.ELECTRON, flow.NONE]), (2.01, [flow.CHARGED_HADRON, flow.PHOTON])):
            assert found(track(p, 2.0, 0.5, 0.5), tower(p + sign * share * width, 2.001, 0.5, em=True))[0] == kinds


def test_a_photon_beside_an_electron_stands_out_of_the_width_of_the_track():
    """At eta = 0 and p = 50 GeV, pT is smeared by 7.2 % and E by 1.0 GeV: two widths of the excess are 7.4 GeV."""
    electron, pion = track(50, 0.0, 0.5, 0.5), track(8, 0.0, 0.5, 0.5)
    assert found(electron, tower(56, 0.001, 0.5, em=True)) == ([flow.ELECTRON, flow.NONE], [50.0, 56.0])
    assert found(pion, tower(15, 0.001, 0.5, em=True)) == ([flow.CHARGED_HADRON, flow.PHOTON], [8.0, 15.0])


@pytest.mark.parametrize(
    ("center", "half"),
    [(1.6095, 0.0435), (1.6965, 0.0435), (1.785, 0.045), (2.575, 0.075), (2.759, 0.109), (2.909, 0.041)],
)
def test_tracks_enter_the_cells_of_their_ring(center: float, half: float):
    """A track that points to no tower is taken for a muon, and the tower for a neutral hadron alone."""
    for sign in (-1, 1):
        for inside in (True, False):
            eta = sign * (center + half + (0.0 if inside else 0.001))
            kinds, energy = found(track(50, eta, 0.5, 0.5), tower(100, sign * center, 0.5, em=False))
            assert kinds == [flow.CHARGED_HADRON if inside else flow.MUON, flow.NEUTRAL_HADRON]
            assert energy[1] == pytest.approx(50.0 if inside else 100.0)


def test_there_may_be_no_tower_no_track_and_no_element():
    assert found(track(50, 0.5, 0.2, 0.1), track(3, 2.0, 0.2, 0.1)) == ([flow.MUON, flow.CHARGED_HADRON], [50.0, 3.0])
    towers = [tower(20, -1.0, 2.0, em=True), tower(15, 2.9, 2.5, em=False)]
    assert found(*towers) == ([flow.PHOTON, flow.NEUTRAL_HADRON], [20.0, 15.0])
    empty = batch([[0.0] * len(FEATURES)] * 3)
    empty.mask[:] = False
    assert ParticleFlowBaseline(scalar_names=FEATURES)(empty).isfinite().all()


def test_a_muon_below_the_spread_of_the_calorimeter_is_a_hadron():
    assert [found(track(p, 0.0, 0.0, 0.0))[0] for p in (20.5, 21.0)] == [[flow.CHARGED_HADRON], [flow.MUON]]


def test_widths_and_cells_are_those_of_the_simulation():
    from hepexp.simulation.cms_card import CMS
    from hepexp.simulation.particles import ELECTRON
    from hepexp.simulation.tracker import _ETA_EDGES

    assert CMS.tracker.resolution[ELECTRON] == ELECTRON_TRACK
    assert _ETA_EDGES == ELECTRON_REGIONS
    energy, eta = (one.flatten() for one in np.meshgrid(np.geomspace(0.5, 500, 20), np.linspace(-2.95, 2.95, 60)))
    ecal, hcal = CMS.calorimeters
    for own, of in (
        (_ecal_width(torch.tensor(energy), torch.tensor(eta)), ecal),
        (_hcal_width(torch.tensor(energy)), hcal),
    ):
        np.testing.assert_allclose(own, of.layers[0].resolution(energy, eta), rtol=1e-12)
    model = ParticleFlowBaseline(scalar_names=FEATURES)
    for calorimeter, halves in ((ecal, lambda eta: model.ecal), (hcal, lambda eta: model._half_of_hcal(eta))):
        edges = calorimeter.eta_edges
        half_eta, half_phi = halves(torch.tensor((edges[1:] + edges[:-1]) / 2))
        np.testing.assert_allclose(half_eta * np.ones(len(edges) - 1), np.diff(edges) / 2, rtol=1e-9)
        np.testing.assert_allclose(half_phi * np.ones(len(edges) - 1), np.pi / calorimeter.phi_cells, rtol=1e-5)


def test_the_memory_of_pairs_is_saved_by_smaller_batches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "total", lambda: 1000)
    with pytest.raises(ConfigError, match=r"100 pairs, needs .*: choose a smaller dataset.batch_size$"):
        found(*EVENT)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"hcal_ring_phi": 0.0}, r"model.hcal_ring_phi must be > 0 and < 1, got 0.0"),
        ({"hcal_rings": (1.6, 1.5)}, r"model.hcal_rings must be two or more numbers > 0 that rise, got \[1.6, 1.5\]"),
        ({"hcal_rings": (1.6,)}, r"model.hcal_rings must be two or more numbers > 0 that rise, got \[1.6\]"),
        ({"excess": 0.0}, r"model.excess must be > 0, got 0.0"),
        ({"hcal": (0.1, 0.0)}, r"model.hcal must be two numbers > 0 and < 1, got \[0.1, 0.0\]"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        ParticleFlowBaseline(**keys, scalar_names=FEATURES)

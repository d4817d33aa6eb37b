"""Simulated jets of the top-tagging set: in the window, of massless towers, and tops weigh what a top weighs."""

import numpy as np
import pytest

from hepexp.data.datasets.top.info import INFO
from hepexp.data.datasets.top.info import LAYOUT as TOP_LAYOUT
from hepexp.data.loading.split_store import open_sample
from hepexp.data.store.ragged import Ragged

pytest.importorskip("pythia8mc")
pytest.importorskip("fastjet")

from hepexp.data.datasets.top import generate as top

N, SEED = 40, 3


@pytest.fixture(scope="module", params=top.CLASSES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def blocks() -> dict[str, Ragged]:
    return {kind: top.make_block(kind, SEED, 0, N) for kind in top.CLASSES}


def momenta(jets: Ragged) -> np.ndarray:
    """Four-momenta (n, 4) of the jets."""
    columns = [np.add.reduceat(jets[name].astype(np.float64), jets.offsets[:-1]) for name in TOP_LAYOUT.elements]
    return np.stack(columns, 1)


def masses(jets: Ragged) -> np.ndarray:
    e, px, py, pz = momenta(jets).T
    return np.sqrt(e**2 - px**2 - py**2 - pz**2)


def test_jets_lie_in_the_window(blocks: dict[str, Ragged], kind: str):
    _, px, py, pz = momenta(blocks[kind]).T
    pt = np.hypot(px, py)
    assert ((pt > 549.5) & (pt < 650.5)).all()
    assert (abs(np.arcsinh(pz / pt)) < 2.001).all()


def test_constituents_are_massless_and_fall_in_pt(blocks: dict[str, Ragged], kind: str):
    jets = blocks[kind]
    e, px, py, pz = (jets[name].astype(np.float64) for name in TOP_LAYOUT.elements)
    np.testing.assert_allclose(e, np.sqrt(px**2 + py**2 + pz**2), rtol=2e-7)
    steps = np.diff(np.hypot(px, py))
    assert (np.delete(steps, jets.offsets[1:-1] - 1) < 2e-4 * np.hypot(px, py).max()).all()
    assert jets.counts.max() <= 200


def test_tops_have_the_mass_of_a_top_and_qcd_jets_a_broad_lower_one(blocks: dict[str, Ragged]):
    tops, qcd = masses(blocks["top"]), masses(blocks["qcd"])
    assert 165 < np.median(tops) < 190
    assert ((tops > 130) & (tops < 220)).mean() > 0.8
    assert np.median(qcd) < 110


def test_tracks_that_curl_up_in_the_barrel_are_rare_and_softest_ones_just_above_are_not(blocks: dict[str, Ragged]):
    """In 25,000 published jets 0.24 constituents lie below 0.345 GeV of energy, 0.60 between there and 0.5 GeV."""
    energy = np.concatenate([jets["E"] for jets in blocks.values()])
    below, above = (energy < 0.345).sum() / (2 * N), ((energy > 0.345) & (energy < 0.5)).sum() / (2 * N)
    assert below < 0.5
    assert 0.3 < above < 0.9


@pytest.mark.parametrize(("label", "mass", "constituents"), [(0, 95.5, 43.4), (1, 175.9, 54.8)])
def test_the_shipped_sample_has_the_published_means(label: int, mass: float, constituents: float):
    store = open_sample(INFO)
    jets = store.take(np.arange(len(store)))
    jets = jets.take(np.flatnonzero(jets.label == label))
    assert masses(jets).mean() == pytest.approx(mass, rel=0.02)
    assert jets.counts.mean() == pytest.approx(constituents, rel=0.02)


def test_a_block_is_what_its_arguments_say(blocks: dict[str, Ragged], kind: str):
    whole, again, other = blocks[kind], top.make_block(kind, SEED, 0, 7), top.make_block(kind, SEED, 1, 2)
    assert len(whole) == N
    assert (whole.label == top.CLASSES.index(kind)).all()
    for name, column in whole.take(slice(7)).elements.items():
        assert column.dtype == TOP_LAYOUT.elements[name]
        np.testing.assert_array_equal(again[name], column)
    assert again["E"][0] != other["E"][0]


def test_every_new_jet_is_reported():
    reports = []
    assert len(top.make_block("qcd", SEED, 2, 5, reports.append)) == sum(reports) == 5
